"""Checks of assets: functions that say whether what was made is as it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from weft.definitions.asset_settings import CHECK_SETTINGS, SplitSettings
from weft.definitions.asset_spec import AssetCheckSpec
from weft.definitions.assets import (
    PLAIN_IN,
    AssetInput,
    AssetsDefinition,
    asset_inputs,
    checks_by_output,
    op_ins,
    step_op,
    step_signature,
)
from weft.definitions.decorated import check_called, check_decorated, decorated_description, decorated_name
from weft.definitions.deprecations import warn_deprecated
from weft.definitions.inputs_outputs import NO_DEFAULT, AssetIn, Out, asset_key_of
from weft.definitions.names import check_each, check_kind, check_mapping
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.signature import FunctionSignature
from weft.definitions.source import called_at, declared_at
from weft.definitions.value_type import Nothing
from weft.errors import DefinitionError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from weft.definitions.asset_settings import CheckDecoratorSettings

P = ParamSpec("P")
R = TypeVar("R")

KIND_TAG_PREFIX = "weft/kind/"
"""Before the kind in the tag of a step."""


class AssetChecksDefinition(AssetsDefinition[P, R]):
    """Checks with the function that evaluates them, apart from what makes the asset."""

    def __repr__(self) -> str:
        return f"AssetChecksDefinition({', '.join(key.to_user_string() for key in self.check_keys)})"


def asset_check(
    fn: None = None,
    /,
    *,
    asset: Any = NO_DEFAULT,
    name: str | None = None,
    blocking: bool = False,
    additional_ins: Mapping[str, AssetIn] | None = None,
    additional_deps: Iterable[Any] | None = None,
    **settings: Unpack[CheckDecoratorSettings],
) -> Callable[[Callable[P, R]], AssetChecksDefinition[P, R]]:
    """Make a function a check of an asset. It returns a bool or an `AssetCheckResult`.

    The check runs after the asset when both are in a run. A parameter that is not context, configuration, resource or one of `additional_ins`
    takes the value of the asset.

    Args:
        asset: the asset: its definition, spec, key or name.
        name: the name; the function's own by default.
        blocking: whether what is downstream of the asset waits for it in the same run, and is skipped when it fails with severity ERROR.
        additional_ins: parameters that load other assets.
        additional_deps: other assets that it waits for.
        settings: what is said of the check (`CheckSettings`) and of its step (`StepSettings`).

    >>> @asset_check(asset="orders", blocking=True)
    ... def orders_are_not_empty(orders) -> bool:
    ...     return len(orders) > 0
    """

    check_called(fn, "asset_check")
    if asset is NO_DEFAULT:
        raise DefinitionError(
            "@asset_check does not say which asset it checks.",
            code="WEFT-D087",
            facts={"called at": called_at() or "?"},
            fix='name the asset: @asset_check(asset="orders")',
        )
    about = asset_key_of(asset)

    def make(fn: Callable[P, R]) -> AssetChecksDefinition[P, R]:
        check_decorated(fn, "asset_check")
        check_name = decorated_name(fn, name, "a check")
        where = f'check "{check_name}"'
        given = check_settings(settings, where)
        given.asset["description"] = decorated_description(fn, given.asset.get("description"))
        spec = AssetCheckSpec(
            check_name, asset=about, additional_deps=tuple(additional_deps or ()), blocking=blocking, **given.asset
        )
        resources = check_mapping(given.step.get("resource_defs"), "resource_defs", where)
        signature = step_signature(fn, given.step, resources, where)
        inputs = _check_inputs(spec, signature, additional_ins, declared_at(fn))
        op = step_op(
            fn,
            what="check",
            name=spec.get_python_identifier(),
            given=given,
            ins=op_ins(inputs),
            outs={DEFAULT_OUTPUT: Out(Nothing)},
            signature=signature,
        )
        return AssetChecksDefinition(
            op,
            specs_by_output={},
            check_specs_by_output={DEFAULT_OUTPUT: spec},
            inputs=inputs,
            resource_defs=resources,
            hooks=given.step.get("hooks", ()),
            retry_policy=op.retry_policy,
        )

    return make


def multi_asset_check(
    fn: None = None,
    /,
    *,
    specs: Sequence[AssetCheckSpec] = (),
    name: str | None = None,
    can_subset: bool = False,
    ins: Mapping[str, AssetIn] | None = None,
    **settings: Unpack[CheckDecoratorSettings],
) -> Callable[[Callable[P, R]], AssetChecksDefinition[P, R]]:
    """Make a function that evaluates several checks, yielding an `AssetCheckResult` for each.

    Args:
        specs: the checks.
        name: the name of the step; the function's own by default.
        can_subset: whether a run may ask for some only; they are in ``context.selected_asset_check_keys``.
        ins: parameters that load assets.
        settings: what is said of the step (`StepSettings`), and of those checks that say nothing themselves (`CheckSettings`): metadata is
            joined with theirs. The description is that of the step.
    """

    check_called(fn, "multi_asset_check")

    def make(fn: Callable[P, R]) -> AssetChecksDefinition[P, R]:
        check_decorated(fn, "multi_asset_check")
        step_name = decorated_name(fn, name, "a multi-asset check")
        where = f'multi-asset check "{step_name}"'
        given = check_settings(settings, where)
        outs: dict[str, Out] = {}
        own = check_each(specs, AssetCheckSpec, "specs", where)
        by_output = checks_by_output([_with_shared(spec, given.asset) for spec in own], outs, where)
        if not by_output:
            raise DefinitionError(
                f"{where} declares no checks.",
                code="WEFT-D088",
                facts={"declared in": declared_at(fn) or "?"},
                fix='declare them: specs=[AssetCheckSpec("not_empty", asset="orders")]',
            )
        resources = check_mapping(given.step.get("resource_defs"), "resource_defs", where)
        signature = step_signature(fn, given.step, resources, where)
        inputs = asset_inputs(where, signature, ins, fn)
        op = step_op(
            fn,
            what="multi-asset check",
            name=step_name,
            given=given,
            ins=op_ins(inputs),
            outs=outs,
            signature=signature,
        )
        return AssetChecksDefinition(
            op,
            specs_by_output={},
            check_specs_by_output=by_output,
            inputs=inputs,
            can_subset=can_subset,
            resource_defs=resources,
            hooks=given.step.get("hooks", ()),
            retry_policy=op.retry_policy,
        )

    return make


def check_settings(settings: Mapping[str, Any], where: str) -> SplitSettings:
    """Settings of a check and of its step. A deprecated compute_kind becomes a tag of the step.

    Raises:
        DefinitionError: (WEFT-D400) one is unknown.
    """
    kind = settings.get("compute_kind")
    rest = {name: value for name, value in settings.items() if name != "compute_kind"}
    if kind is not None:
        warn_deprecated("compute_kind", "op_tags")
        rest["op_tags"] = {f"{KIND_TAG_PREFIX}{kind}": "", **check_mapping(rest.get("op_tags"), "op_tags", where)}
    return SplitSettings(rest, where, asset=CHECK_SETTINGS)


def _with_shared(spec: AssetCheckSpec, shared: Mapping[str, Any]) -> AssetCheckSpec:
    metadata = check_mapping(shared.get("metadata"), "metadata", f'check "{spec.name}"')
    return spec.replace_attributes(
        metadata={**metadata, **spec.metadata},
        automation_condition=spec.automation_condition or shared.get("automation_condition"),
        partitions_def=spec.partitions_def or shared.get("partitions_def"),
    )


def _check_inputs(
    spec: AssetCheckSpec, signature: FunctionSignature, additional: Mapping[str, AssetIn] | None, place: str | None
) -> dict[str, AssetInput]:
    where = f'check "{spec.name}"'
    named = check_mapping(additional, "additional_ins", where)
    own = [name for name in signature.inputs if name not in named]
    if len(own) > 1:
        raise DefinitionError(
            f"{where} takes {len(own)} values, but is about one asset.",
            code="WEFT-D029",
            facts={"parameters": ", ".join(own), "declared in": place or "?"},
            fix="name the assets of the others in additional_ins={...}",
        )
    inputs = {name: AssetInput(spec.asset_key, PLAIN_IN, is_implicit=False) for name in own}
    for name, given in named.items():
        check_kind(given, AssetIn, f'the input "{name}"', where)
        inputs[name] = AssetInput(given.resolved_key(name), given, is_implicit=given.key is None)
    return inputs
