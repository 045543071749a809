from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given, settings, strategies as st

from weft.errors import DefinitionError, SelectionError
from weft.model.assets import AssetCheckNode, AssetDependency, AssetGraph, AssetNode
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.plan import (
    BlockedBy,
    ComputeUnit,
    FromAsset,
    FromCollected,
    FromConfig,
    FromDefault,
    FromMany,
    FromOutput,
    InputSource,
    OrderOnly,
    OutputRef,
    RunPlan,
    StepInput,
    StepOutputPlan,
    StepPlan,
    upstream_refs,
)
from weft.planning.run_machine import RunMachine
from weft.planning.run_plan import plan_assets, select_ops


def key(name: str) -> AssetKey:
    return AssetKey(name)


def check_key(text: str) -> AssetCheckKey:
    asset, _, name = text.partition(":")
    return AssetCheckKey(asset, name)


class World:
    """Assets and checks with their units. ``loads`` are read as values, ``deps`` only order."""

    def __init__(self) -> None:
        self.units: list[ComputeUnit] = []
        self.nodes: list[AssetNode] = []
        self.checks: list[AssetCheckNode] = []

    def unit(
        self,
        name: str,
        makes: Mapping[str, Iterable[str]] | None = None,
        *,
        checks: Sequence[str] = (),
        blocking: Sequence[str] = (),
        loads: Sequence[str] = (),
        can_subset: bool = False,
        additional_deps: Sequence[str] = (),
    ) -> World:
        """One step that makes assets, each with the assets it depends on, and evaluates checks (``asset:name``)."""
        assets = {key(one): tuple(map(key, above)) for one, above in (makes or {name: loads}).items()}
        if checks or blocking:
            assets = assets if makes is not None else {}
        check_keys = [check_key(one) for one in (*checks, *blocking)]
        loaded = [key(one) for one in loads]
        named = [
            *(one for above in assets.values() for one in above),
            *(one.asset_key for one in check_keys),
            *map(key, additional_deps),
        ]
        ordered = [one for one in dict.fromkeys(named) if one not in loaded and one not in assets]
        self.nodes += [
            AssetNode(key=one, deps=tuple(map(AssetDependency, dict.fromkeys((*above, *loaded)))), op_name=name)
            if not can_subset
            else AssetNode(key=one, deps=tuple(map(AssetDependency, above)), op_name=name)
            for one, above in assets.items()
        ]
        self.checks += [
            AssetCheckNode(
                key=one, blocking=one.to_user_string() in blocking, additional_deps=tuple(map(key, additional_deps))
            )
            for one in check_keys
        ]
        step = StepPlan(
            key=name,
            op_name=name,
            inputs=(
                *(StepInput(name=one.parts[0], source=FromAsset(one), asset_key=one) for one in loaded),
                *(StepInput(name=f"dep {one.parts[0]}", source=OrderOnly(()), asset_key=one) for one in ordered),
            ),
            outputs=(
                *(StepOutputPlan(name=one.parts[0], asset_key=one, is_required=not can_subset) for one in assets),
                *(StepOutputPlan(name=one.to_python_identifier(), check_key=one) for one in check_keys),
            ),
        )
        self.units.append(
            ComputeUnit(
                name=name,
                steps=(step,),
                asset_keys=tuple(assets),
                check_keys=tuple(check_keys),
                can_subset=can_subset,
            )
        )
        return self

    @property
    def graph(self) -> AssetGraph:
        return AssetGraph(self.nodes, self.checks)

    def plan(self, assets: Iterable[str] | None = None, checks: Iterable[str] | None = None) -> RunPlan:
        graph = self.graph
        return plan_assets(
            self.units,
            graph,
            assets=frozenset(map(key, assets)) if assets is not None else frozenset(graph.materializable_keys),
            checks=frozenset(map(check_key, checks)) if checks is not None else frozenset(graph.checks),
            job_name="job",
        )


def keys_of(plan: RunPlan) -> list[str]:
    return [step.key for step in plan.steps]


def step_of(plan: RunPlan, name: str) -> StepPlan:
    return next(step for step in plan.steps if step.key == name)


def sources(step: StepPlan) -> dict[str, InputSource]:
    return {item.name: item.source for item in step.inputs}


def outputs(step: StepPlan) -> list[str]:
    return [output.name for output in step.outputs]


def made(step: str, output: str | None = None) -> FromOutput:
    return FromOutput(OutputRef(step, output or step))


# --- wiring ----------------------------------------------------------------------------------------------------------


def test_an_asset_made_in_the_same_run_is_read_from_its_step() -> None:
    plan = World().unit("a").unit("b", loads=["a"]).plan()
    assert keys_of(plan) == ["a", "b"]
    assert sources(step_of(plan, "b")) == {"a": made("a")}
    assert step_of(plan, "b").inputs[0].asset_key == key("a")


def test_an_asset_that_the_run_does_not_make_is_loaded_from_storage() -> None:
    plan = World().unit("a").unit("b", loads=["a"]).plan(["b"])
    assert keys_of(plan) == ["b"]
    assert sources(step_of(plan, "b")) == {"a": FromAsset(key("a"))}


def test_an_external_asset_is_loaded_from_storage() -> None:
    plan = World().unit("b", loads=["outside"]).plan()
    assert sources(step_of(plan, "b")) == {"outside": FromAsset(key("outside"))}


def test_an_order_only_dependency_waits_for_the_step() -> None:
    world = World().unit("a").unit("b", {"b": ["a"]})
    assert sources(step_of(world.plan(), "b")) == {"dep a": OrderOnly((OutputRef("a", "a"),))}
    assert sources(step_of(world.plan(["b"]), "b")) == {"dep a": OrderOnly(())}


def test_assets_inside_a_fan_in_list_are_connected_too() -> None:
    world = World().unit("a").unit("b").unit("c", loads=["a", "b"])
    unit = world.units[2]
    source = FromMany((FromAsset(key("a")), FromAsset(key("b")), FromAsset(key("outside"))))
    step = StepPlan(key="c", op_name="c", inputs=(StepInput(name="xs", source=source),), outputs=unit.steps[0].outputs)
    world.units[2] = ComputeUnit(name="c", steps=(step,), asset_keys=unit.asset_keys)
    expected = FromMany((made("a"), made("b"), FromAsset(key("outside"))))
    assert sources(step_of(world.plan(), "c")) == {"xs": expected}


def test_an_asset_that_reads_its_own_earlier_state_loads_it_from_storage() -> None:
    plan = World().unit("a", loads=["a"]).plan()
    assert sources(step_of(plan, "a")) == {"a": FromAsset(key("a"))}


def test_units_are_ordered_topologically_and_otherwise_as_declared() -> None:
    world = World().unit("z", loads=["y"]).unit("m").unit("y").unit("b")
    assert keys_of(world.plan()) == ["m", "y", "z", "b"]


def test_an_asset_made_inside_a_graph_is_read_from_the_inner_step() -> None:
    world = World().unit("b", loads=["a"])
    inner = (
        StepPlan(key="a.fetch", op_name="fetch", outputs=(StepOutputPlan(name="result"),)),
        StepPlan(
            key="a.clean",
            op_name="clean",
            inputs=(StepInput(name="raw", source=made("a.fetch", "result")),),
            outputs=(StepOutputPlan(name="result", asset_key=key("a")),),
        ),
    )
    world.units.append(ComputeUnit(name="a", steps=inner, asset_keys=(key("a"),)))
    world.nodes.append(AssetNode(key=key("a"), op_name="a"))
    plan = world.plan()
    assert keys_of(plan) == ["a.fetch", "a.clean", "b"]
    assert sources(step_of(plan, "b")) == {"a": made("a.clean", "result")}


# --- selecting -------------------------------------------------------------------------------------------------------


def test_part_of_a_unit_that_runs_as_a_whole_cannot_be_selected() -> None:
    world = World().unit("multi", {"a": [], "b": [], "c": []})
    with pytest.raises(SelectionError) as caught:
        world.plan(["a"])
    assert str(caught.value) == (
        'WEFT-S010  "multi" makes its assets together, and only some of them are selected.\n'
        "  selected      a\n"
        "  missing       b, c\n"
        "  fix           select b, c too, or declare the step with can_subset=True"
    )


def test_only_the_selected_outputs_of_a_unit_that_can_be_subset_are_planned() -> None:
    world = World().unit("multi", {"a": [], "b": ["up"]}, checks=["a:ok"], can_subset=True)
    plan = world.plan(["a"], [])
    assert outputs(step_of(plan, "multi")) == ["a"]
    assert sources(step_of(plan, "multi")) == {}
    plan = world.plan(["b"], ["a:ok"])
    assert outputs(step_of(plan, "multi")) == ["b", "a_ok"]
    assert list(sources(step_of(plan, "multi"))) == ["dep up"]


def test_a_parameter_that_the_selected_outputs_do_not_depend_on_gets_its_default() -> None:
    world = World().unit("multi", {"a": [], "b": ["up"]}, loads=["up"], can_subset=True)
    assert sources(step_of(world.plan(["a"]), "multi")) == {"up": FromDefault()}
    assert sources(step_of(world.plan(["b"]), "multi")) == {"up": FromAsset(key("up"))}


def test_checks_of_the_same_step_come_along_where_it_runs_as_a_whole() -> None:
    world = World().unit("a", {"a": []}, checks=["a:ok"])
    assert outputs(step_of(world.plan(["a"], []), "a")) == ["a", "a_ok"]
    with pytest.raises(SelectionError) as caught:
        world.plan([], ["a:ok"])
    assert caught.value.code == "WEFT-S010"
    assert caught.value.what == '"a" evaluates its checks together with its assets, and only checks are selected.'


def test_checks_run_without_their_asset_when_they_have_a_step_of_their_own() -> None:
    world = World().unit("a").unit("check", checks=["a:ok"], loads=["a"])
    plan = world.plan([], ["a:ok"])
    assert keys_of(plan) == ["check"]
    assert sources(step_of(plan, "check")) == {"a": FromAsset(key("a"))}


def test_a_selection_of_nothing_that_runs_is_an_error() -> None:
    with pytest.raises(SelectionError) as caught:
        World().unit("b", loads=["outside"]).plan(["outside"])
    assert caught.value.code == "WEFT-S011"
    assert caught.value.facts == {"selected": "outside"}


def test_of_a_graph_only_the_steps_that_lead_to_selected_outputs_run() -> None:
    steps = (
        StepPlan(key="g.base", op_name="base", outputs=(StepOutputPlan(name="result", asset_key=key("base")),)),
        StepPlan(
            key="g.left",
            op_name="left",
            inputs=(StepInput(name="x", source=made("g.base", "result")),),
            outputs=(StepOutputPlan(name="result", asset_key=key("left")),),
        ),
        StepPlan(
            key="g.right",
            op_name="right",
            inputs=(StepInput(name="x", source=made("g.base", "result")),),
            outputs=(StepOutputPlan(name="result", asset_key=key("right")),),
        ),
    )
    world = World()
    names = ("base", "left", "right")
    world.units.append(ComputeUnit(name="g", steps=steps, asset_keys=tuple(map(key, names)), can_subset=True))
    world.nodes += [AssetNode(key=key(name), op_name="g") for name in names]
    plan = world.plan(["left"])
    assert keys_of(plan) == ["g.base", "g.left"]
    assert step_of(plan, "g.base").outputs[0].asset_key is None
    assert step_of(plan, "g.left").outputs[0].asset_key == key("left")
    assert plan != world.plan()


# --- blocking checks -------------------------------------------------------------------------------------------------


def test_a_step_waits_for_the_blocking_checks_of_what_it_reads() -> None:
    world = (
        World()
        .unit("b", loads=["a"])
        .unit("guard", blocking=["a:ok"], loads=["a"])
        .unit("note", checks=["a:fine"])
        .unit("a")
    )
    plan = world.plan()
    assert keys_of(plan) == ["a", "guard", "b", "note"]
    assert step_of(plan, "b").blocked_by == (BlockedBy("guard", check_key("a:ok")),)
    assert step_of(plan, "guard").blocked_by == ()
    assert step_of(plan, "note").blocked_by == ()


def test_a_blocking_check_that_does_not_run_blocks_nothing() -> None:
    world = World().unit("a").unit("guard", blocking=["a:ok"]).unit("b", loads=["a"])
    assert step_of(world.plan(checks=[]), "b").blocked_by == ()


def test_a_blocking_check_of_an_asset_that_this_run_does_not_make_blocks_too() -> None:
    world = World().unit("a").unit("guard", blocking=["a:ok"]).unit("b", loads=["a"])
    plan = world.plan(["b"])
    assert step_of(plan, "b").blocked_by == (BlockedBy("guard", check_key("a:ok")),)


def test_a_blocking_check_in_the_step_of_its_asset_blocks_what_is_downstream() -> None:
    world = World().unit("a", {"a": []}, blocking=["a:ok"]).unit("b", loads=["a"])
    plan = world.plan()
    assert step_of(plan, "b").blocked_by == (BlockedBy("a", check_key("a:ok")),)
    assert step_of(plan, "a").blocked_by == ()


# --- units that must run before and after another ----------------------------------------------------------------------


def test_a_unit_that_must_run_before_and_after_another_runs_in_two_steps() -> None:
    world = (
        World()
        .unit("multi", {"first": [], "last": ["middle"], "other": ["first"]}, can_subset=True)
        .unit("middle", loads=["first"])
    )
    plan = world.plan()
    assert keys_of(plan) == ["multi", "middle", "multi_2"]
    assert outputs(step_of(plan, "multi")) == ["first", "other"]
    assert outputs(step_of(plan, "multi_2")) == ["last"]
    assert step_of(plan, "multi_2").op_name == "multi"
    assert sources(step_of(plan, "middle")) == {"first": made("multi", "first")}
    assert sources(step_of(plan, "multi_2")) == {"dep middle": OrderOnly((OutputRef("middle", "middle"),))}


def test_a_later_part_of_a_unit_waits_for_the_outputs_of_an_earlier_part_that_it_needs() -> None:
    world = (
        World()
        .unit("multi", {"first": [], "last": ["middle", "first"]}, loads=["middle"], can_subset=True)
        .unit("middle", loads=["first"])
    )
    plan = world.plan()
    assert sources(step_of(plan, "multi")) == {"middle": FromDefault()}
    assert sources(step_of(plan, "multi_2")) == {
        "middle": made("middle"),
        "dep first": OrderOnly((OutputRef("multi", "first"),)),
    }


def test_a_unit_is_split_as_often_as_needed_and_its_names_stay_free_of_clashes() -> None:
    world = (
        World()
        .unit("m", {"a": [], "c": ["b"], "e": ["d"]}, can_subset=True)
        .unit("b", loads=["a"])
        .unit("d", loads=["c"])
        .unit("m_2")
    )
    assert keys_of(world.plan()) == ["m_2", "m", "b", "m_3", "d", "m_4"]
    assert keys_of(world.plan(["a", "b", "c"])) == ["m", "b", "m_3"]  # nor with what this run does not make


def test_a_unit_is_not_split_without_need() -> None:
    world = World().unit("m", {"a": [], "b": ["x"]}, can_subset=True).unit("x").unit("y", loads=["a"])
    assert keys_of(world.plan()) == ["x", "m", "y"]
    world = World().unit("m", {"first": [], "last": ["middle"]}, can_subset=True).unit("middle", loads=["first"])
    assert keys_of(world.plan(["first", "last"])) == ["m"]


def test_units_that_cannot_be_split_form_a_cycle() -> None:
    world = World().unit("multi", {"first": [], "last": ["middle"]}).unit("middle", loads=["first"])
    with pytest.raises(DefinitionError) as caught:
        world.plan()
    assert str(caught.value) == (
        "WEFT-D300  steps of one run would each have to run before the other.\n"
        "  path          multi -> middle -> multi\n"
        "  fix           declare the multi-asset with can_subset=True so that it can run in parts, split it, or run the assets in several runs"
    )


def test_a_blocking_check_that_depends_on_what_it_blocks_is_a_cycle() -> None:
    world = World().unit("a").unit("guard", blocking=["a:ok"], additional_deps=["b"]).unit("b", loads=["a"])
    with pytest.raises(DefinitionError) as caught:
        world.plan()
    assert caught.value.code == "WEFT-D300"
    assert caught.value.facts["path"] in ("guard -> b -> guard", "b -> guard -> b")


# --- ops -------------------------------------------------------------------------------------------------------------


def op_step(name: str, *sources: str | InputSource, **more: object) -> StepPlan:
    return StepPlan(
        key=name,
        op_name=name,
        inputs=tuple(
            StepInput(name=f"in{n}", source=made(source, "result") if isinstance(source, str) else source)
            for n, source in enumerate(sources)
        ),
        outputs=(StepOutputPlan(name="result"),),
        **more,  # type: ignore[arg-type]
    )


# a -> prepare.clean -> prepare.join -> c -> d
JOB = RunPlan(
    job_name="job",
    steps=(
        op_step("a"),
        op_step("prepare.clean", "a"),
        op_step("prepare.join", "prepare.clean"),
        op_step("c", "prepare.join"),
        op_step("d", "c"),
    ),
)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (["a"], "a"),
        (["*c"], "a prepare.clean prepare.join c"),
        (["++c"], "prepare.clean prepare.join c"),
        (["a+"], "a prepare.clean"),
        (["prepare.join*"], "prepare.join c d"),
        (["prepare"], "prepare.clean prepare.join"),
        (["+prepare+"], "a prepare.clean prepare.join c"),
        (["d", "a"], "a d"),
        (["d, a"], "a d"),
        (["*"], "a prepare.clean prepare.join c d"),
    ],
)
def test_ops_are_selected_by_the_old_syntax(selection: list[str], expected: str) -> None:
    plan = select_ops(JOB, selection)
    assert keys_of(plan) == expected.split()
    RunMachine(plan)


def test_an_input_from_an_op_that_is_not_selected_comes_from_the_configuration() -> None:
    plan = select_ops(JOB, ["prepare.join+"])
    assert sources(step_of(plan, "prepare.join")) == {
        "in0": FromConfig(("ops", "prepare", "ops", "join", "inputs", "in0"))
    }
    assert step_of(plan, "c") == JOB.steps[3]


def test_lists_order_and_blocking_checks_keep_what_is_selected() -> None:
    plan = RunPlan(
        job_name="job",
        steps=(
            op_step("a"),
            op_step("b"),
            op_step(
                "c",
                FromMany((made("a", "result"), made("b", "result"))),
                FromMany((made("a", "result"),)),
                OrderOnly((OutputRef("a", "result"), OutputRef("b", "result"))),
                FromCollected(OutputRef("a", "result")),
                FromOutput(OutputRef("a", "result", run_id="parent")),
                blocked_by=(BlockedBy("a", check_key("x:ok")), BlockedBy("b", check_key("x:ok"))),
            ),
        ),
    )
    step = step_of(select_ops(plan, ["b", "c"]), "c")
    assert list(sources(step).values()) == [
        FromMany((made("b", "result"),)),
        FromConfig(("ops", "c", "inputs", "in1")),
        OrderOnly((OutputRef("b", "result"),)),
        FromConfig(("ops", "c", "inputs", "in3")),
        FromOutput(OutputRef("a", "result", run_id="parent")),
    ]
    assert step.blocked_by == (BlockedBy("b", check_key("x:ok")),)


def test_an_asset_from_a_step_that_is_not_selected_is_loaded_from_storage() -> None:
    plan = World().unit("a").unit("b", loads=["a"]).plan()
    assert sources(step_of(select_ops(plan, ["b"]), "b")) == {"a": FromAsset(key("a"))}


def test_an_unknown_op_names_the_nearest() -> None:
    with pytest.raises(SelectionError) as caught:
        select_ops(JOB, ["prepare.jion"])
    assert str(caught.value) == (
        'WEFT-S013  there is no step "prepare.jion".\n'
        "  known steps   a, prepare.clean, prepare.join, c, d\n"
        '  fix           did you mean "prepare.join"? Otherwise use one of the known steps'
    )
    with pytest.raises(SelectionError) as caught:
        select_ops(JOB, [])
    assert caught.value.what == "no steps are selected."


def test_a_mapped_op_cannot_run_without_the_one_that_it_is_mapped_over() -> None:
    dynamic = OutputRef("src", "out")
    plan = RunPlan(
        job_name="job",
        steps=(
            StepPlan(key="src", op_name="src", outputs=(StepOutputPlan(name="out", is_dynamic=True),)),
            op_step("m", FromOutput(dynamic), fan_out=(dynamic,)),
            op_step("c", FromCollected(OutputRef("m", "result"))),
        ),
    )
    with pytest.raises(SelectionError) as caught:
        select_ops(plan, ["m", "c"])
    assert (caught.value.code, caught.value.fix) == ("WEFT-S014", 'select "src" too')
    assert keys_of(select_ops(plan, ["c"])) == ["c"]
    assert keys_of(select_ops(plan, ["src+"])) == ["src", "m"]


# --- laws ------------------------------------------------------------------------------------------------------------


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Random assets in random units; some units may run in part; some checks block."""
    count = draw(st.integers(1, 12))
    names = [f"a{n}" for n in range(count)]
    above = {
        name: draw(st.lists(st.sampled_from(names[:place]), max_size=3, unique=True)) if place else []
        for place, name in enumerate(names)
    }
    owner = {name: draw(st.integers(0, max(0, count // 2))) for name in names}
    world = World()
    for number in draw(st.permutations(sorted(set(owner.values())))):
        makes = {name: above[name] for name in names if owner[name] == number}
        can_subset = draw(st.booleans())
        inside = [f"{name}:in" for name in makes if draw(st.integers(0, 3)) == 0]
        if can_subset:
            loads = draw(
                st.lists(
                    st.sampled_from(
                        sorted({one for some in makes.values() for one in some} - set(makes)) or ["outside"]
                    ),
                    max_size=2,
                    unique=True,
                )
            )
            loads = [one for one in loads if one != "outside"]
        else:
            loads = []
        world.unit(f"u{number}", makes, loads=loads, can_subset=can_subset, blocking=inside)
    for name in names:
        if draw(st.integers(0, 4)) == 0:
            blocking = draw(st.booleans())
            world.unit(
                f"check_{name}",
                blocking=[f"{name}:out"] if blocking else [],
                checks=[] if blocking else [f"{name}:out"],
            )
    return world


def unit_edges(world: World) -> dict[str, set[str]]:
    """Which unit waits for which, as a whole."""
    graph = world.graph
    maker = {one: unit.name for unit in world.units for one in unit.asset_keys}
    checker = {one: unit.name for unit in world.units for one in unit.check_keys}
    edges: dict[str, set[str]] = {unit.name: set() for unit in world.units}
    for unit in world.units:
        for one in unit.asset_keys:
            for up in graph.upstream(one):
                edges[unit.name].add(maker[up])
                edges[unit.name] |= {checker[check] for check in graph.checks_of(up) if graph.checks[check].blocking}
        edges[unit.name] |= {maker[check.asset_key] for check in unit.check_keys}
        edges[unit.name].discard(unit.name)
    return edges


def has_cycle(edges: Mapping[str, set[str]]) -> bool:
    left = dict(edges)
    while left:
        free = [name for name, above in left.items() if not above & left.keys()]
        if not free:
            return True
        for name in free:
            del left[name]
    return False


@settings(max_examples=300, deadline=None)
@given(world=worlds())
def test_every_plan_makes_each_asset_once_from_steps_in_order(world: World) -> None:
    graph = world.graph
    cyclic = has_cycle(unit_edges(world))
    try:
        plan = world.plan()
    except DefinitionError as error:
        assert cyclic
        assert error.code == "WEFT-D300"
        path = error.facts["path"].split(" -> ")  # type: ignore[attr-defined]
        edges = unit_edges(world)
        assert path[0] == path[-1]
        assert all(earlier in edges[later] for earlier, later in zip(path, path[1:]))
        return
    RunMachine(plan)  # refuses a plan that is not in order
    by_unit = [step.op_name for step in plan.steps]
    if not cyclic:
        assert sorted(keys_of(plan)) == sorted(unit.name for unit in world.units)
    assert set(by_unit) == {unit.name for unit in world.units}
    makers = {out.asset_key: step.key for step in plan.steps for out in step.outputs if out.asset_key is not None}
    assert sum(out.asset_key is not None for step in plan.steps for out in step.outputs) == len(makers)
    assert set(makers) == set(graph.keys)
    checkers = {out.check_key: step.key for step in plan.steps for out in step.outputs if out.check_key is not None}
    assert set(checkers) == set(graph.checks)
    place = {step.key: number for number, step in enumerate(plan.steps)}
    for step in plan.steps:
        waits = {ref.step_key for item in step.inputs for ref in upstream_refs(item.source)}
        blocked = {one.check_key for one in step.blocked_by}
        for out in step.outputs:
            if out.asset_key is None:
                continue
            for up in graph.upstream(out.asset_key):
                assert makers[up] == step.key or makers[up] in waits
                for check in graph.checks_of(up):
                    if graph.checks[check].blocking and checkers[check] != step.key:
                        assert check in blocked or place[checkers[check]] > place[step.key]


@settings(max_examples=200, deadline=None)
@given(world=worlds(), data=st.data())
def test_a_plan_of_a_selection_makes_what_is_selected_and_no_other_asset(world: World, data: st.DataObject) -> None:
    graph = world.graph
    chosen = frozenset(data.draw(st.sets(st.sampled_from(list(graph.keys)), min_size=1)))
    try:
        plan = plan_assets(world.units, graph, assets=chosen, checks=frozenset(), job_name="job")
    except (SelectionError, DefinitionError) as error:
        partial = any(
            not unit.can_subset and 0 < len(chosen & set(unit.asset_keys)) < len(unit.asset_keys)
            for unit in world.units
        )
        assert error.code == ("WEFT-S010" if partial else "WEFT-D300")
        return
    RunMachine(plan)
    assert {out.asset_key for step in plan.steps for out in step.outputs if out.asset_key is not None} == chosen


def test_the_path_of_a_cycle_is_found_in_a_larger_graph() -> None:
    world = World().unit("start").unit("m", {"x": ["start"], "y": ["q"]}).unit("p", loads=["x"]).unit("q", loads=["p"])
    world.unit("end", loads=["y"])
    with pytest.raises(DefinitionError) as caught:
        world.plan()
    path = str(caught.value.facts["path"]).split(" -> ")
    assert path[0] == path[-1]
    assert set(path) == {"m", "p", "q"}
