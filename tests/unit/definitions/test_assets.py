"""Assets: keys, upstream assets in every form, outputs, multi-assets, and the units they describe themselves as."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.config.models import Config
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.assets import AssetInput, AssetsDefinition, asset, multi_asset
from weft.definitions.graph import graph
from weft.definitions.hooks import success_hook
from weft.definitions.inputs_outputs import AssetDep, AssetIn, AssetOut, DynamicOut
from weft.definitions.op import op
from weft.definitions.results import MaterializeResult, Output
from weft.definitions.value_type import Nothing
from weft.model.assets import AssetDependency
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.partitions.mappings import LastPartitionMapping
from weft.model.plan import EdgeRule, FromAsset, FromValue, OrderOnly, StepPlan
from weft.model.retry import RetryPolicy


class Settings(Config):
    limit: int = 10


@asset
def raw() -> list[int]:
    return [1, 2]


def step(definition: AssetsDefinition[Any, Any]) -> StepPlan:
    [only] = definition.describe_unit().steps
    return only


def upstream(definition: AssetsDefinition[Any, Any], number: int = 0) -> list[tuple[str, str | None]]:
    return [(dep.asset_key.to_user_string(), dep.input_name) for dep in definition.describe_nodes()[number].deps]


# --- keys ------------------------------------------------------------------------------------------------------------


def test_the_key_is_the_name_of_the_function_or_what_is_given() -> None:
    def orders() -> None: ...

    for settings, key in (
        ({}, ["orders"]),
        ({"name": "other"}, ["other"]),
        ({"key_prefix": "shop"}, ["shop", "orders"]),
        ({"key_prefix": ["a", "b"], "name": "c"}, ["a", "b", "c"]),
        ({"key": "x/y"}, ["x", "y"]),
        ({"key": ["x", "y"]}, ["x", "y"]),
        ({"key": AssetKey(["odd name!", "z"])}, ["odd name!", "z"]),
    ):
        made = asset(**settings)(orders)  # type: ignore[arg-type]  # of all kinds
        assert made.key == AssetKey(key)
        assert made.node_def.name == AssetKey(key).to_python_identifier()


def test_a_key_is_given_whole_or_in_parts() -> None:
    def orders() -> None: ...

    with refused("WEFT-D012", 'asset "x" has a key, and a name'):
        asset(key="x", name="y")(orders)
    with refused("WEFT-D012", "a key_prefix besides"):
        asset(key="x", key_prefix="y")(orders)


@pytest.mark.parametrize("settings", [{"name": "a b"}, {"name": "type"}, {"key": "type"}, {"name": ""}])
def test_names_are_checked_as_names_of_assets(settings: dict[str, Any]) -> None:
    with refused("WEFT-D003", "the name of an asset"):
        asset(**settings)(raw.op.fn)


def test_a_definition_of_one_asset_has_one_key() -> None:
    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")])
    def both() -> None: ...

    assert raw.keys == {AssetKey("raw")}
    assert raw.get_asset_spec().key == raw.key
    with refused("WEFT-D013", "makes 2 assets", "a, b"):
        _ = both.key
    assert both.get_asset_spec("b").key == AssetKey("b")
    with pytest.raises(KeyError):
        both.get_asset_spec("c")
    assert repr(both) == "AssetsDefinition(a, b)"


# --- upstream --------------------------------------------------------------------------------------------------------


def test_parameters_are_upstream_assets_that_are_loaded() -> None:
    @asset
    def clean(context: Any, raw: list[int], settings: Settings, *, other: int) -> int: ...  # type: ignore[empty-body]

    assert upstream(clean) == [("raw", "raw"), ("other", "other")]
    assert [(given.name, given.source) for given in step(clean).inputs] == [
        ("raw", FromAsset(AssetKey("raw"))),
        ("other", FromAsset(AssetKey("other"))),
    ]
    assert clean.op.input_types["raw"].name == "list[int]"


def test_parameters_may_load_other_assets() -> None:
    mapping = LastPartitionMapping()

    @asset(
        ins={
            "a": AssetIn("x/y", input_manager_key="m", metadata={"k": 1}),
            "b": AssetIn(key_prefix="p", partition_mapping=mapping),
            "c": AssetIn(rule=EdgeRule.ALL_DONE, value_type=int),
        }
    )
    def made(a: int, b: int, c: Any, d: int) -> None: ...

    assert upstream(made) == [("x/y", "a"), ("p/b", "b"), ("c", "c"), ("d", "d")]
    assert made.describe_nodes()[0].deps[1].partition_mapping == mapping.to_spec()
    assert [given.rule for given in step(made).inputs] == [
        *[EdgeRule.ALL_SUCCEEDED] * 2,
        EdgeRule.ALL_DONE,
        EdgeRule.ALL_SUCCEEDED,
    ]
    assert (made.op.ins["a"].input_manager_key, made.op.ins["a"].metadata) == ("m", {"k": 1})
    assert made.op.input_types["c"].name == "int"
    assert [made.inputs[name].is_implicit for name in "abcd"] == [False, False, True, True]


def test_inputs_that_are_no_parameters_need_keyword_arguments_or_nothing() -> None:
    @asset(ins={"a": AssetIn("x"), "after": AssetIn("y", value_type=Nothing)})
    def made(**others: int) -> None: ...

    assert upstream(made) == [("x", "a"), ("y", None)]
    assert step(made).inputs[1].source == OrderOnly(())
    assert step(made).inputs[1].asset_key == AssetKey("y")
    with refused("WEFT-D016", 'asset "strict" declares the input "orders"', 'did you mean "order"'):

        @asset(ins={"orders": AssetIn()})
        def strict(order: int) -> None: ...

    with refused("WEFT-D071", 'the input "a" of asset "wrong"', "AssetIn"):

        @asset(ins={"a": "x"})  # type: ignore[dict-item]  # the point of the test
        def wrong(a: int) -> None: ...


def test_deps_order_without_loading_in_every_form() -> None:
    @multi_asset(specs=[AssetSpec("left"), AssetSpec("right")])
    def both() -> None: ...

    @asset(deps=[raw, "shop/orders", AssetKey("c"), AssetSpec("d"), AssetDep("e"), ["f", "g"], both, "c"])
    def made() -> None: ...

    names = ["raw", "shop/orders", "c", "d", "e", "f/g", "left", "right"]
    assert upstream(made) == [(name, None) for name in names]
    assert [(given.name, given.source) for given in step(made).inputs] == [
        (f"dep {name}", OrderOnly(())) for name in names
    ]


def test_what_is_loaded_and_named_in_deps_is_one_edge() -> None:
    @asset(deps=[raw, "other"])
    def made(raw: list[int]) -> None: ...

    assert upstream(made) == [("raw", "raw"), ("other", None)]
    assert [given.name for given in step(made).inputs] == ["raw", "dep other"]
    with refused("WEFT-D081", '"raw"', 'ins={"raw": AssetIn(partition_mapping=...)}'):

        @asset(deps=[AssetDep(raw, partition_mapping=LastPartitionMapping())])
        def mapped(raw: list[int]) -> None: ...


def test_a_string_of_deps_is_no_list() -> None:
    with refused("WEFT-D070", 'deps of asset "made"'):

        @asset(deps="raw")
        def made() -> None: ...


# --- outputs ---------------------------------------------------------------------------------------------------------


def test_the_return_annotation_says_what_is_stored() -> None:
    def plain() -> int: ...  # type: ignore[empty-body]

    def none() -> None: ...

    def result() -> MaterializeResult[int]: ...  # type: ignore[empty-body]

    def wrapped() -> Output[str]: ...  # type: ignore[empty-body]

    def generator() -> Iterator[Output[int]]: ...  # type: ignore[empty-body]

    def silent(): ...  # type: ignore[no-untyped-def]

    types = {
        fn.__name__: asset(fn).op.output_types["result"].name
        for fn in (plain, none, result, wrapped, generator, silent)
    }
    assert types == {
        "plain": "int",
        "none": "Nothing",
        "result": "int",
        "wrapped": "str",
        "generator": "Any",
        "silent": "Any",
    }
    assert [asset(fn).op.outs["result"].is_nothing for fn in (plain, none, silent)] == [False, True, False]
    assert asset(value_type=bytes)(none).op.output_types["result"].name == "bytes"


def test_a_value_is_typed_beside_checks_too() -> None:
    @asset(check_specs=[AssetCheckSpec("fine", asset="made")])
    def made() -> int: ...  # type: ignore[empty-body]

    assert made.op.output_types["result"].name == "int"


def test_the_value_is_stored_by_the_manager_that_is_named_or_given() -> None:
    def made() -> int: ...  # type: ignore[empty-body]

    manager = object()
    assert asset(made).describe_nodes()[0].io_manager_key is None
    assert asset(io_manager_key="files")(made).describe_nodes()[0].io_manager_key == "files"
    own = asset(io_manager_def=manager)(made)
    assert own.resource_defs == {"made__io_manager": manager}
    assert step(own).outputs[0].io_manager_key == "made__io_manager"
    with refused("WEFT-D027", 'asset "made"'):
        asset(io_manager_def=manager, io_manager_key="files")(made)


def test_an_optional_asset_may_be_left_out() -> None:
    @asset(output_required=False)
    def made() -> int: ...  # type: ignore[empty-body]

    assert made.get_asset_spec().skippable
    assert not step(made).outputs[0].is_required


def test_checks_of_the_same_step_are_outputs_without_value() -> None:
    @asset(check_specs=[AssetCheckSpec("a", asset="made", blocking=True), AssetCheckSpec("b", asset="made")])
    def made() -> int: ...  # type: ignore[empty-body]

    assert made.check_keys == {AssetCheckKey("made", "a"), AssetCheckKey("made", "b")}
    assert [(out.name, out.is_required, out.is_nothing) for out in step(made).outputs] == [
        ("result", True, False),
        ("made_a", False, True),
        ("made_b", False, True),
    ]
    assert [check.blocking for check in made.describe_checks()] == [True, False]
    with refused("WEFT-D025", '"other"', "which that function does not make"):
        asset(check_specs=[AssetCheckSpec("a", asset="other")])(raw.op.fn)
    with refused("WEFT-D082", '"a" of "raw" twice'):
        asset(check_specs=[AssetCheckSpec("a", asset="raw"), AssetCheckSpec("a", asset="raw")])(raw.op.fn)
    with refused("WEFT-D071", "check_specs", "AssetCheckSpec"):
        asset(check_specs=["a"])(raw.op.fn)  # type: ignore[list-item]  # the point of the test


# --- settings --------------------------------------------------------------------------------------------------------


def test_settings_reach_the_node_and_the_step() -> None:
    policy = RetryPolicy(max_retries=2)

    @success_hook
    def tell(context: Any) -> None: ...

    @asset(
        group_name="sales",
        code_version="3",
        retry_policy=policy,
        pool="db",
        op_tags={"cpu": 2},
        timeout_seconds=5,
        hooks={tell},
        required_resource_keys={"slack"},
        resource_defs={"db": object()},
        config_schema={"limit": int},
        is_virtual=True,
    )
    def made(context: Any, db: Any) -> None:
        """What is made."""

    [node] = made.describe_nodes()
    assert (node.group_name, node.code_version, node.retry_policy, node.pool) == ("sales", "3", policy, "db")
    assert (node.description, node.op_name, node.compute_unit, node.is_virtual) == ("What is made.", "made", None, True)
    assert node.declared_at is not None
    assert "test_assets.py" in node.declared_at
    plan = step(made)
    assert (plan.retry_policy, plan.tags, plan.timeout_seconds, plan.code_version) == (policy, {"cpu": "2"}, 5, "3")
    assert plan.resource_keys == ("db", "slack")
    assert made.bodies()["made"].hooks == (tell,)
    assert made.bodies()["made"].node_path == ("made",)
    assert made.needed_resource_keys() == {"db", "slack"}
    assert made.required_resource_keys == {"db", "slack"}
    assert made.group_names_by_key == {AssetKey("made"): "sales"}


def test_an_asset_is_still_a_function() -> None:
    @asset
    def total(raw: list[int]) -> int:
        return sum(raw)

    assert total(raw()) == total(raw=[1, 2]) == 3


def test_functions_of_every_kind_can_be_assets() -> None:
    async def soon() -> int:
        return 1

    def listed(limit: int, raw: list[int]) -> list[int]:
        return raw[:limit]

    def each() -> Iterator[Output[int]]:
        yield Output(1)

    class Callable_:
        def __call__(self, raw: list[int]) -> int:
            return 1

    assert asset(soon).op.output_types["result"].name == "int"
    assert asset(each).key == AssetKey("each")
    assert upstream(asset(name="top")(Callable_())) == [("raw", "raw")]
    # What a partial fixes stays a parameter with a default, so it has to be positional to disappear.
    assert upstream(asset(name="top")(functools.partial(listed, 3))) == [("raw", "raw")]


# --- several assets --------------------------------------------------------------------------------------------------


def test_specs_are_stored_by_the_function_itself() -> None:
    @multi_asset(
        specs=[AssetSpec("shop/a", skippable=True), AssetSpec("b", group_name="own")],
        group_name="shared",
        code_version="1",
        deps=[raw],
    )
    def both(other: int) -> None: ...

    assert [(out.name, out.is_required, out.is_nothing) for out in step(both).outputs] == [
        ("shop__a", False, True),
        ("b", True, True),
    ]
    assert [(spec.group_name, spec.code_version) for spec in both.specs] == [("shared", "1"), ("own", "1")]
    assert upstream(both, 0) == upstream(both, 1) == [("other", "other"), ("raw", None)]
    assert [node.compute_unit for node in both.describe_nodes()] == ["both", "both"]
    assert [given.name for given in step(both).inputs] == ["other", "dep raw"]


def test_outs_are_stored_by_managers() -> None:
    @multi_asset(
        outs={
            "a": AssetOut(key_prefix="shop", io_manager_key="files"),
            "b": AssetOut(value_type=str, is_required=False),
        }
    )
    def both() -> tuple[int, str]: ...  # type: ignore[empty-body]

    assert both.keys == {AssetKey(["shop", "a"]), AssetKey("b")}
    assert [(out.name, out.io_manager_key, out.is_required) for out in step(both).outputs] == [
        ("a", "files", True),
        ("b", "io_manager", False),
    ]
    assert [one.name for one in both.op.output_types.values()] == ["int", "str"]
    assert [node.io_manager_key for node in both.describe_nodes()] == ["files", None]


def test_a_multi_asset_has_outs_or_specs() -> None:
    def both() -> None: ...

    with refused("WEFT-D026", "neither outs nor specs", "test_assets.py"):
        multi_asset()(both)
    with refused("WEFT-D026", "both outs and specs"):
        multi_asset(outs={"a": AssetOut()}, specs=[AssetSpec("a")])(both)
    with refused("WEFT-D071", "specs of multi-asset", "AssetSpec"):
        multi_asset(specs=["a"])(both)  # type: ignore[list-item]  # the point of the test
    with refused("WEFT-D071", 'the output "a"', "AssetOut"):
        multi_asset(outs={"a": AssetSpec("a")})(both)  # type: ignore[dict-item]  # the point of the test
    with refused("WEFT-D070"):
        multi_asset(specs=AssetSpec("a"))(both)  # type: ignore[arg-type]  # the point of the test


def test_a_multi_asset_makes_each_asset_once() -> None:
    def both() -> None: ...

    with refused("WEFT-D083", '"a" twice'):
        multi_asset(specs=[AssetSpec("a"), AssetSpec("a")])(both)
    with refused("WEFT-D083", '"a" twice', "x, y"):
        multi_asset(outs={"x": AssetOut(key="a"), "y": AssetOut(key="a")})(both)


def test_keys_and_checks_with_one_identifier_stay_apart() -> None:
    @multi_asset(
        specs=[AssetSpec("a-b"), AssetSpec("a_b"), AssetSpec("a")],
        check_specs=[AssetCheckSpec("b", asset="a"), AssetCheckSpec("c", asset="a_b")],
    )
    def made() -> None: ...

    assert len(made.keys) == 3
    assert len(made.check_keys) == 2
    assert [out.name for out in step(made).outputs] == ["a_b", "a_b_2", "a", "a_b_3", "a_b_c"]


def test_specs_may_depend_on_each_other() -> None:
    @multi_asset(specs=[AssetSpec("a", deps=["x"]), AssetSpec("b", deps=["a"]), AssetSpec("c", deps=["b", "a"])])
    def made(raw: list[int]) -> None: ...

    assert [upstream(made, number) for number in range(3)] == [
        [("raw", "raw"), ("x", None)],
        [("raw", "raw"), ("a", None)],
        [("raw", "raw"), ("b", None), ("a", None)],
    ]
    assert [given.name for given in step(made).inputs] == ["raw", "dep x"]


def test_internal_dependencies_choose_among_what_is_loaded_and_made() -> None:
    @multi_asset(
        outs={"a": AssetOut(), "b": AssetOut(), "c": AssetOut()},
        internal_asset_deps={"a": {AssetKey("raw")}, "b": {"a"}, "c": []},
        can_subset=True,
    )
    def made(raw: list[int], other: int) -> Any: ...

    assert [upstream(made, number) for number in range(3)] == [[("raw", "raw")], [("a", None)], []]
    assert made.describe_unit().can_subset
    assert [node.compute_unit for node in made.describe_nodes()] == [None, None, None]


def test_internal_dependencies_name_what_is_there() -> None:
    def declare(internal: Any) -> None:
        @multi_asset(outs={"a": AssetOut(), "b": AssetOut()}, internal_asset_deps=internal)
        def made(raw: list[int]) -> Any: ...

    with refused("WEFT-D028", '"d"', "a, b"):
        declare({"d": {"raw"}})
    with refused("WEFT-D084", '"rwa"', 'did you mean "raw"'):
        declare({"a": {"rwa"}})
    with refused("WEFT-D070", 'internal_asset_deps["a"]'):
        declare({"a": "raw"})
    with refused("WEFT-D072"):
        declare([("a", "raw")])


# --- copies ----------------------------------------------------------------------------------------------------------


def test_changed_keys_change_in_edges_and_checks() -> None:
    @multi_asset(
        specs=[AssetSpec("a"), AssetSpec("b", deps=["a", "x"])], check_specs=[AssetCheckSpec("fine", asset="a")]
    )
    def made() -> None: ...

    moved = made.map_asset_specs(lambda spec: spec.replace_attributes(key=spec.key.with_prefix("eu")))
    assert [key.to_user_string() for key in moved.keys] == ["eu/a", "eu/b"]
    assert upstream(moved, 1) == [("eu/a", None), ("x", None)]
    assert moved.check_keys == {AssetCheckKey("eu/a", "fine")}
    grouped = made.map_asset_specs(lambda spec: spec.replace_attributes(group_name="g"))
    assert grouped.group_names_by_key == {AssetKey("a"): "g", AssetKey("b"): "g"}
    assert [key.to_user_string() for key in made.keys] == ["a", "b"]


def test_copies_leave_the_definition_as_it_is() -> None:
    @success_hook
    def tell(context: Any) -> None: ...

    assert raw.with_resources({"db": 1}).resource_defs == {"db": 1}
    assert raw.with_hooks([tell]).hooks == {tell}
    assert raw.named("other").node_def.name == "other"
    assert raw.named("other").describe_nodes()[0].op_name == "other"
    assert raw.named("other").keys == raw.keys
    assert (raw.resource_defs, raw.hooks, raw.node_def.name) == ({}, frozenset(), "raw")
    with refused("WEFT-D071", "hooks"):
        raw.with_hooks([raw])  # type: ignore[list-item]  # the point of the test


# --- computed by graphs ----------------------------------------------------------------------------------------------


@op
def double(x: int) -> int:
    return 2 * x


@op
def start() -> int:
    return 1


@op(out=DynamicOut(int))
def spread() -> Any: ...


def backed(
    fn: Any, *, deps: list[str] | None = None, inputs: dict[str, str] | None = None
) -> AssetsDefinition[Any, Any]:
    """An asset that a graph computes."""
    return AssetsDefinition(
        graph(fn),
        specs_by_output={"result": AssetSpec("made", deps=deps or ())},
        inputs={
            name: AssetInput(AssetKey.of(key), AssetIn(key), is_implicit=False) for name, key in (inputs or {}).items()
        },
        retry_policy=RetryPolicy(max_retries=1),
    )


def test_the_ops_of_a_graph_are_the_steps_of_the_asset() -> None:
    def made(raw: Any) -> Any:
        return double(double(raw))

    definition = backed(made, inputs={"raw": "shop/raw"})
    unit = definition.describe_unit()
    assert [one.key for one in unit.steps] == ["made.double", "made.double_2"]
    assert unit.steps[0].inputs[0].source == FromAsset(AssetKey(["shop", "raw"]))
    assert [one.outputs[0].asset_key for one in unit.steps] == [None, AssetKey("made")]
    assert [one.retry_policy for one in unit.steps] == [RetryPolicy(max_retries=1)] * 2
    assert definition.bodies().keys() == {"made.double", "made.double_2"}
    assert definition.bodies()["made.double"].node_path == ("made", "double")
    assert upstream(definition) == [("shop/raw", "raw")]
    with refused("WEFT-D024", "node_def"):
        _ = definition.op


def test_steps_that_wait_for_no_other_wait_for_the_deps() -> None:
    def made() -> Any:
        return double(start())

    first, second = backed(made, deps=["before"]).describe_unit().steps
    assert [given.name for given in first.inputs] == ["dep before"]
    assert [given.name for given in second.inputs] == ["x"]


def test_defaults_inside_a_graph_are_handed_over() -> None:
    @graph
    def inner(x: Any = 5) -> Any:
        return double(x)

    def made() -> Any:
        return inner()

    definition = backed(made)
    [only] = definition.describe_unit().steps
    assert only.inputs[0].source == FromValue("made.inner.x")
    assert definition.input_values() == {"made.inner.x": 5}
    assert raw.input_values() == {}


def test_a_dynamic_output_of_a_graph_is_the_asset() -> None:
    def made() -> Any:
        return spread().map(double).collect()

    definition = backed(made)
    steps = {one.key: one for one in definition.describe_unit().steps}
    assert steps["made.double"].outputs[0].asset_key == AssetKey("made")


def test_dependencies_on_upstream_are_values() -> None:
    assert raw.describe_nodes()[0].deps == ()

    @asset
    def made(raw: int) -> None: ...

    assert made.describe_nodes()[0].deps == (AssetDependency(AssetKey("raw"), "raw"),)
