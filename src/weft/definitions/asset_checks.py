"""Checks of assets: functions that say whether what was made is as it should be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from weft.definitions.asset_spec import AssetCheckSpec
from weft.definitions.assets import (
    PLAIN_IN,
    AssetInput,
    AssetsDefinition,
    asset_inputs,
    checks_by_output,
    op_ins,
    resource_aware_signature,
)
from weft.definitions.decorated import check_called, check_decorated, decorated_description, decorated_name
from weft.definitions.inputs_outputs import NO_DEFAULT, AssetIn, Out, asset_key_of
from weft.definitions.names import check_kind, check_mapping
from weft.definitions.op import OpDefinition
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.signature import FunctionSignature
from weft.definitions.source import called_at, declared_at
from weft.definitions.value_type import Nothing
from weft.errors import DefinitionError
from weft.model.retry import RetryPolicy

if TYPE_CHECKING:
    from weft.model.partitions.definitions import PartitionsDefinition

P = ParamSpec("P")
R = TypeVar("R")


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
    description: str | None = None,
    blocking: bool = False,
    additional_ins: Mapping[str, AssetIn] | None = None,
    additional_deps: Iterable[Any] | None = None,
    required_resource_keys: Collection[str] = (),
    resource_defs: Mapping[str, Any] | None = None,
    config_schema: Any = None,
    op_tags: Mapping[str, str] | None = None,
    retry_policy: RetryPolicy | None = None,
    metadata: Mapping[str, Any] | None = None,
    pool: str | None = None,
    partitions_def: PartitionsDefinition | None = None,
    timeout_seconds: float | None = None,
) -> Callable[[Callable[P, R]], AssetChecksDefinition[P, R]]:
    """Make a function a check of an asset. It returns a bool or an `AssetCheckResult`.

    The check runs after the asset when both are in a run. A parameter that is not context, configuration, resource or one of `additional_ins`
    takes the value of the asset.

    Args:
        asset: the asset: its definition, spec, key or name.
        name: the name; the function's own by default.
        description: what it checks; the docstring by default.
        blocking: whether what is downstream of the asset waits for it in the same run, and is skipped when it fails with severity ERROR.
        additional_ins: parameters that load other assets.
        additional_deps: other assets that it waits for.
        required_resource_keys, resource_defs, config_schema, op_tags, retry_policy, pool, timeout_seconds: see `asset`.
        metadata: facts for the reader.
        partitions_def: how the check is divided.

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
        spec = AssetCheckSpec(
            decorated_name(fn, name, "a check"),
            asset=about,
            description=decorated_description(fn, description),
            additional_deps=tuple(additional_deps or ()),
            blocking=blocking,
            metadata=metadata,
            partitions_def=partitions_def,
        )
        where = f'check "{spec.name}"'
        resources = check_mapping(resource_defs, "resource_defs", where)
        signature = resource_aware_signature(fn, required_resource_keys, resources, config_schema, where)
        inputs = _check_inputs(spec, signature, additional_ins, declared_at(fn))
        op = OpDefinition(
            fn,
            what="check",
            name=spec.get_python_identifier(),
            description=spec.description,
            ins=op_ins(inputs),
            outs={DEFAULT_OUTPUT: Out(Nothing)},
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            tags=op_tags,
            retry_policy=retry_policy,
            pool=pool,
            timeout_seconds=timeout_seconds,
            signature=signature,
        )
        return AssetChecksDefinition(
            op,
            specs_by_output={},
            check_specs_by_output={DEFAULT_OUTPUT: spec},
            inputs=inputs,
            resource_defs=resources,
            retry_policy=retry_policy,
        )

    return make


def multi_asset_check(
    fn: None = None,
    /,
    *,
    specs: Sequence[AssetCheckSpec] = (),
    name: str | None = None,
    description: str | None = None,
    can_subset: bool = False,
    ins: Mapping[str, AssetIn] | None = None,
    required_resource_keys: Collection[str] = (),
    resource_defs: Mapping[str, Any] | None = None,
    config_schema: Any = None,
    op_tags: Mapping[str, str] | None = None,
    retry_policy: RetryPolicy | None = None,
    pool: str | None = None,
    timeout_seconds: float | None = None,
) -> Callable[[Callable[P, R]], AssetChecksDefinition[P, R]]:
    """Make a function that evaluates several checks, yielding an `AssetCheckResult` for each.

    Args:
        specs: the checks.
        name: the name of the step; the function's own by default.
        description: what it checks.
        can_subset: whether a run may ask for some only; they are in ``context.selected_asset_check_keys``.
        ins: parameters that load assets.
        required_resource_keys, resource_defs, config_schema, op_tags, retry_policy, pool, timeout_seconds: see `asset`.
    """

    check_called(fn, "multi_asset_check")

    def make(fn: Callable[P, R]) -> AssetChecksDefinition[P, R]:
        check_decorated(fn, "multi_asset_check")
        step_name = decorated_name(fn, name, "a multi-asset check")
        where = f'multi-asset check "{step_name}"'
        outs: dict[str, Out] = {}
        by_output = checks_by_output(specs, outs, where)
        if not by_output:
            raise DefinitionError(
                f"{where} declares no checks.",
                code="WEFT-D088",
                facts={"declared in": declared_at(fn) or "?"},
                fix='declare them: specs=[AssetCheckSpec("not_empty", asset="orders")]',
            )
        resources = check_mapping(resource_defs, "resource_defs", where)
        signature = resource_aware_signature(fn, required_resource_keys, resources, config_schema, where)
        inputs = asset_inputs(where, signature, ins, fn)
        op = OpDefinition(
            fn,
            what="multi-asset check",
            name=step_name,
            description=description,
            ins=op_ins(inputs),
            outs=outs,
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            tags=op_tags,
            retry_policy=retry_policy,
            pool=pool,
            timeout_seconds=timeout_seconds,
            signature=signature,
        )
        return AssetChecksDefinition(
            op,
            specs_by_output={},
            check_specs_by_output=by_output,
            inputs=inputs,
            can_subset=can_subset,
            resource_defs=resources,
            retry_policy=retry_policy,
        )

    return make


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
