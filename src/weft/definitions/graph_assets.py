"""Assets that a graph of ops makes: several steps, of which the last gives what is stored.

The body of the function is run once, when it is declared, and says how the ops are wired; its parameters are upstream assets. Ops inside may
fan out (`DynamicOut`) as in any graph. What the ops decide for themselves (configuration, resources, I/O managers of their outputs) is not a
setting of the asset.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from weft.definitions.asset_settings import GRAPH_SETTINGS, SplitSettings
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.assets import (
    AssetsDefinition,
    SharedSettings,
    asset_inputs,
    beside_inputs,
    checks_by_output,
    decorated_key,
    from_asset_outs,
    internal_deps,
)
from weft.definitions.decorated import check_called, check_decorated, decorated_name
from weft.definitions.graph import GraphDefinition
from weft.definitions.inputs_outputs import DEFAULT_IO_MANAGER_KEY, AssetDep, AssetIn, AssetOut, Out
from weft.definitions.names import check_mapping
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.signature import parse_signature
from weft.definitions.source import declared_at
from weft.errors import DefinitionError, some_of
from weft.model.keys import CoercibleToAssetKey

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from weft.definitions.asset_settings import GraphDecoratorSettings


@overload
def graph_asset(fn: Callable[..., Any], /) -> AssetsDefinition[..., Any]: ...
@overload
def graph_asset(
    *,
    name: str | None = None,
    key: CoercibleToAssetKey | None = None,
    key_prefix: str | Sequence[str] | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    config: Any = None,
    check_specs: Sequence[AssetCheckSpec] = (),
    **settings: Unpack[GraphDecoratorSettings],
) -> Callable[[Callable[..., Any]], AssetsDefinition[..., Any]]: ...
def graph_asset(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    key: CoercibleToAssetKey | None = None,
    key_prefix: str | Sequence[str] | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    config: Any = None,
    check_specs: Sequence[AssetCheckSpec] = (),
    **settings: Unpack[GraphDecoratorSettings],
) -> AssetsDefinition[..., Any] | Callable[[Callable[..., Any]], AssetsDefinition[..., Any]]:
    """Make a function that calls ops an asset: each op becomes a step, and what the function returns is the asset.

    Args:
        fn: the function, where the decorator is used without arguments.
        name, key, key_prefix, ins, deps: see `asset`.
        config: configuration of its ops by name.
        check_specs: checks that its ops answer. The function then returns a dict: ``{"result": ..., "<asset>_<check>": ...}``.
        settings: what is said of the asset (`AssetSettings`), and what holds for its steps (`GraphSettings`).

    >>> @graph_asset
    ... def report(orders):
    ...     return render(summarise(orders))
    """

    def make(function: Callable[..., Any]) -> AssetsDefinition[..., Any]:
        check_decorated(function, "graph_asset")
        asset_key = decorated_key(function, name, key, key_prefix)
        where = f'graph asset "{asset_key.to_user_string()}"'
        given = SplitSettings(settings, where, step=GRAPH_SETTINGS, deps=deps)
        outs: dict[str, Out] = {DEFAULT_OUTPUT: Out()}
        checks = checks_by_output(check_specs, outs, where)
        graph = GraphDefinition(
            function,
            name=asset_key.to_python_identifier(),
            description=given.asset.get("description"),
            config=config,
            what="graph asset",
        )
        _check_outputs(graph, outs, where)
        inputs = asset_inputs(where, parse_signature(function), ins, function)
        given.asset["description"] = graph.description
        spec = AssetSpec(
            asset_key,
            deps=beside_inputs(AssetDep.each(given.deps, where), inputs, where),
            declared_at=graph.declared_at,
            **given.asset,
        )
        return AssetsDefinition(
            graph,
            specs_by_output={DEFAULT_OUTPUT: spec},
            check_specs_by_output=checks,
            inputs=inputs,
            **_of_steps(given, where),
        )

    return make if fn is None else make(fn)


def graph_multi_asset(
    fn: None = None,
    /,
    *,
    outs: Mapping[str, AssetOut],
    name: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    config: Any = None,
    internal_asset_deps: Mapping[str, Collection[Any]] | None = None,
    can_subset: bool = False,
    check_specs: Sequence[AssetCheckSpec] = (),
    **settings: Unpack[GraphDecoratorSettings],
) -> Callable[[Callable[..., Any]], AssetsDefinition[..., Any]]:
    """Make a function that calls ops several assets. It returns a dict with one of their outputs for each name in `outs`.

    Args:
        outs: output name to `AssetOut`; the key is the output's name unless the `AssetOut` says otherwise.
        name: the name of the graph; the function's own by default.
        ins, deps: see `asset`.
        config: configuration of its ops by name.
        internal_asset_deps: output name to the keys it depends on.
        can_subset: whether a run may ask for some only: ops that none of these needs are left out.
        check_specs: checks that its ops answer, each an output of the name ``<asset>_<check>``.
        settings: what holds for the steps (`GraphSettings`), and is said of those assets that say nothing themselves (`AssetSettings`).
    """
    check_called(fn, "graph_multi_asset")

    def make(function: Callable[..., Any]) -> AssetsDefinition[..., Any]:
        check_decorated(function, "graph_multi_asset")
        own_name = decorated_name(function, name, "a graph multi-asset")
        where = f'graph multi-asset "{own_name}"'
        given = SplitSettings(settings, where, step=GRAPH_SETTINGS, deps=deps)
        graph = GraphDefinition(
            function,
            name=own_name,
            description=given.asset.get("description"),
            config=config,
            what="graph multi-asset",
        )
        inputs = asset_inputs(where, parse_signature(function), ins, function)
        shared = SharedSettings(given.asset, where, declared_at(function))
        by_output, wanted = from_asset_outs(
            outs, shared, beside_inputs(AssetDep.each(given.deps, where), inputs, where), where
        )
        checks = checks_by_output(check_specs, wanted, where)
        _check_outputs(graph, wanted, where)
        return AssetsDefinition(
            graph.with_io_managers(
                {
                    output: out.io_manager_key
                    for output, out in wanted.items()
                    if out.io_manager_key != DEFAULT_IO_MANAGER_KEY
                }
            ),
            specs_by_output=by_output,
            check_specs_by_output=checks,
            inputs=inputs,
            internal_deps=internal_deps(where, internal_asset_deps, by_output, inputs)
            if internal_asset_deps is not None
            else None,
            can_subset=can_subset,
            **_of_steps(given, where),
        )

    return make


def _of_steps(given: SplitSettings, where: str) -> dict[str, Any]:
    """The settings of all steps of a graph, as `AssetsDefinition` takes them."""
    step = dict(given.step)
    return {
        "resource_defs": check_mapping(step.pop("resource_defs", None), "resource_defs", where),
        "hooks": step.pop("hooks", None) or (),
        **step,
    }


def _check_outputs(graph: GraphDefinition, wanted: Mapping[str, Out], where: str) -> None:
    if graph.outs.keys() == wanted.keys():
        return
    raise DefinitionError(
        f"{where} does not give the outputs that it declares.",
        code="WEFT-D409",
        facts={
            "returns": some_of(graph.outs),
            "declares": some_of(wanted),
            "declared in": graph.declared_at or "?",
        },
        fix="return the output of an op"
        if len(wanted) == 1
        else "return a dict with the output of an op for each of them",
    )
