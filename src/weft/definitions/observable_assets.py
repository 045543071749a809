"""Assets that something else makes and that are looked at here: functions that say which version of their content there is.

A function of this kind returns a `DataVersion`, a `DataVersionsByPartition` or an `ObserveResult`, or yields an `ObserveResult` for each asset.
A run that observes records these; it makes nothing. What depends on the asset becomes stale when the version changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from weft.definitions.asset_settings import SplitSettings
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.assets import (
    AssetsDefinition,
    SharedSettings,
    asset_inputs,
    beside_inputs,
    checks_by_output,
    decorated_key,
    from_specs,
    io_manager_of,
    op_ins,
    step_op,
    step_signature,
)
from weft.definitions.decorated import check_called, check_decorated, decorated_name
from weft.definitions.inputs_outputs import AssetDep, AssetIn, Out
from weft.definitions.names import check_each, check_mapping
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.source import declared_at
from weft.definitions.value_type import Nothing
from weft.errors import DefinitionError
from weft.model.keys import CoercibleToAssetKey

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from weft.definitions.asset_settings import AssetDecoratorSettings

P = ParamSpec("P")
R = TypeVar("R")


@overload
def observable_source_asset(fn: Callable[P, R], /) -> AssetsDefinition[P, R]: ...
@overload
def observable_source_asset(
    *,
    name: str | None = None,
    key: CoercibleToAssetKey | None = None,
    key_prefix: str | Sequence[str] | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    io_manager_def: Any = None,
    io_manager_key: str | None = None,
    check_specs: Sequence[AssetCheckSpec] = (),
    **settings: Unpack[AssetDecoratorSettings],
) -> Callable[[Callable[P, R]], AssetsDefinition[P, R]]: ...
def observable_source_asset(
    fn: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    key: CoercibleToAssetKey | None = None,
    key_prefix: str | Sequence[str] | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    io_manager_def: Any = None,
    io_manager_key: str | None = None,
    check_specs: Sequence[AssetCheckSpec] = (),
    **settings: Unpack[AssetDecoratorSettings],
) -> AssetsDefinition[P, R] | Callable[[Callable[P, R]], AssetsDefinition[P, R]]:
    """Make a function that looks at an asset which something else makes: it returns the version of the content that is there.

    Args:
        fn: the function, where the decorator is used without arguments.
        name, key, key_prefix, ins, deps: see `asset`.
        io_manager_def, io_manager_key: what loads the value for assets that take it as an argument.
        check_specs: checks that the same function evaluates.
        settings: what is said of the asset (`AssetSettings`) and of its step (`StepSettings`).

    >>> @observable_source_asset
    ... def price_list() -> DataVersion:
    ...     return DataVersion(file_digest("prices.csv"))
    """

    def make(function: Callable[P, R]) -> AssetsDefinition[P, R]:
        check_decorated(function, "observable_source_asset")
        asset_key = decorated_key(function, name, key, key_prefix)
        where = f'observable asset "{asset_key.to_user_string()}"'
        given = SplitSettings(settings, where, deps=deps)
        resources = check_mapping(given.step.get("resource_defs"), "resource_defs", where)
        manager_key = io_manager_of(asset_key, io_manager_def, io_manager_key, resources)
        signature = step_signature(function, given.step, resources, where)
        inputs = asset_inputs(where, signature, ins, function)
        outs = {DEFAULT_OUTPUT: Out(Nothing, is_required=False, io_manager_key=manager_key)}
        checks = checks_by_output(check_specs, outs, where)
        op = step_op(
            function,
            what="observable asset",
            name=asset_key.to_python_identifier(),
            given=given,
            ins=op_ins(inputs),
            outs=outs,
            signature=signature,
        )
        given.asset["description"] = op.description
        spec = AssetSpec(
            asset_key,
            deps=beside_inputs(AssetDep.each(given.deps, where), inputs, where),
            declared_at=op.declared_at,
            **given.asset,
        )
        return AssetsDefinition(
            op,
            specs_by_output={DEFAULT_OUTPUT: spec},
            check_specs_by_output=checks,
            inputs=inputs,
            resource_defs=resources,
            hooks=given.step.get("hooks") or (),
            retry_policy=op.retry_policy,
            is_observable=True,
        )

    return make if fn is None else make(fn)


def multi_observable_source_asset(
    fn: None = None,
    /,
    *,
    specs: Sequence[AssetSpec] = (),
    name: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    can_subset: bool = False,
    check_specs: Sequence[AssetCheckSpec] = (),
    **settings: Unpack[AssetDecoratorSettings],
) -> Callable[[Callable[P, R]], AssetsDefinition[P, R]]:
    """Make a function that looks at several assets which something else makes. It yields an `ObserveResult` for each.

    Args:
        specs: the assets.
        name: the name of the step; the function's own by default.
        ins, deps: see `asset`.
        can_subset: whether a run may ask for some only; they are in ``context.selected_asset_keys``.
        check_specs: checks that the same function evaluates.
        settings: what is said of the step (`StepSettings`), and of those assets that say nothing themselves (`AssetSettings`).
    """
    check_called(fn, "multi_observable_source_asset")

    def make(function: Callable[P, R]) -> AssetsDefinition[P, R]:
        check_decorated(function, "multi_observable_source_asset")
        step_name = decorated_name(function, name, "a multi-asset")
        where = f'observable multi-asset "{step_name}"'
        given = SplitSettings(settings, where, deps=deps)
        own_specs = check_each(specs, AssetSpec, "specs", where)
        if not own_specs:
            raise DefinitionError(
                f"{where} declares no assets.",
                code="WEFT-D410",
                facts={"declared in": declared_at(function) or "?"},
                fix='declare them: specs=[AssetSpec("prices"), ...]',
            )
        resources = check_mapping(given.step.get("resource_defs"), "resource_defs", where)
        signature = step_signature(function, given.step, resources, where)
        inputs = asset_inputs(where, signature, ins, function)
        shared = SharedSettings(given.asset, where, declared_at(function))
        common = beside_inputs(AssetDep.each(given.deps, where), inputs, where)
        by_output, declared = from_specs(own_specs, shared, common, where)
        outs = {output: Out(Nothing, is_required=False) for output in declared}
        checks = checks_by_output(check_specs, outs, where)
        op = step_op(
            function,
            what="observable multi-asset",
            name=step_name,
            given=given,
            ins=op_ins(inputs),
            outs=outs,
            signature=signature,
        )
        return AssetsDefinition(
            op,
            specs_by_output=by_output,
            check_specs_by_output=checks,
            inputs=inputs,
            can_subset=can_subset,
            resource_defs=resources,
            hooks=given.step.get("hooks") or (),
            retry_policy=op.retry_policy,
            is_observable=True,
        )

    return make
