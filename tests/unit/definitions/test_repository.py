"""Resolving definitions: arguments find their assets, steps their names, and every problem is told in one pass."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.definitions.asset_checks import asset_check
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.assets import AssetsDefinition, asset, multi_asset
from weft.definitions.graph import graph
from weft.definitions.hooks import success_hook
from weft.definitions.inputs_outputs import AssetIn, AssetOut, DynamicOut
from weft.definitions.job import define_asset_job, job
from weft.definitions.op import op
from weft.definitions.repository import Repository
from weft.definitions.results import MaterializeResult
from weft.errors import DefinitionError, Problem
from weft.model.assets import AssetNode
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.partitions.definitions import DailyPartitionsDefinition


def fn() -> None: ...


def made(name: str, *upstream: str, **settings: Any) -> AssetsDefinition[Any, Any]:
    """An asset that loads others by parameters of their names."""
    names: dict[str, Any] = {}
    exec(f"def {name}({', '.join(upstream)}): ...", names)
    return asset(**settings)(names[name])


def problems(*assets: Any, **parts: Any) -> list[Problem]:
    with pytest.raises(DefinitionError) as caught:
        Repository(assets, **parts)
    assert all(problem.fix for problem in caught.value.problems)
    return list(caught.value.problems)


def upstream(repository: Repository, key: str) -> list[str]:
    return [dep.to_user_string() for dep in repository.graph.upstream(AssetKey.of(key))]


# --- arguments -------------------------------------------------------------------------------------------------------


def test_an_argument_is_the_asset_of_its_name() -> None:
    repository = Repository([made("total", "orders"), made("orders")])
    assert upstream(repository, "total") == ["orders"]


def test_an_argument_may_mean_an_asset_of_the_same_prefix_or_else_group() -> None:
    repository = Repository(
        [
            made("orders", key_prefix="shop"),
            made("total", "orders", key_prefix="shop"),
            made("report", "orders", group_name="default"),
            made("users", key_prefix=["x", "y"], group_name="people"),
            made("emails", "users", group_name="people"),
        ]
    )
    assert upstream(repository, "shop/total") == ["shop/orders"]
    assert upstream(repository, "emails") == ["x/y/users"]
    definition = repository.asset(AssetKey("emails"))
    assert definition is not None
    assert definition.inputs["users"].key == AssetKey(["x", "y", "users"])
    assert definition.describe_unit().steps[0].inputs[0].asset_key == AssetKey(["x", "y", "users"])


def test_an_exact_name_wins_over_one_with_a_prefix() -> None:
    repository = Repository(
        [made("orders"), made("orders", key_prefix="shop"), made("total", "orders", key_prefix="shop")]
    )
    assert upstream(repository, "shop/total") == ["orders"]


def test_of_several_assets_of_that_name_none_is_guessed() -> None:
    [problem] = problems(
        made("orders", key_prefix="a", group_name="g"),
        made("orders", key_prefix="b", group_name="g"),
        made("total", "orders", group_name="g"),
    )
    assert problem.code == "WEFT-D014"


def test_a_key_that_is_written_out_is_not_guessed() -> None:
    total = asset(ins={"orders": AssetIn("orders")}, key_prefix="shop")(made("total", "orders").op.fn)
    [problem] = problems(made("orders", key_prefix="shop"), total)
    assert problem.code == "WEFT-D014"


def test_an_unknown_upstream_is_told_with_its_place_and_the_nearest_name() -> None:
    with refused(
        "WEFT-D014",
        'Asset "total" depends on "ordres", which is not defined',
        "test_repository.py",
        'did you mean "orders"',
        'AssetSpec("ordres")',
    ):

        @asset
        def total(ordres: int) -> None: ...

        Repository([made("orders"), total])


def test_likely_reasons_of_an_unknown_upstream_are_told() -> None:
    def with_default(limit: int = 10) -> None: ...

    def method(self: Any) -> None: ...

    with refused("WEFT-D014", "from a Config class"):
        Repository([asset(with_default)])
    with refused("WEFT-D014", "outside the class"):
        Repository([asset(method)])


def test_an_unknown_name_in_deps_becomes_an_external_stub() -> None:
    repository = Repository([asset(deps=["elsewhere"])(fn)])
    node = repository.graph.get(AssetKey("elsewhere"))
    assert node is not None
    assert node.is_stub
    assert repository.asset(node.key) is repository.spec(node.key) is None


def test_a_thousand_unknown_names_are_told_quickly() -> None:
    assets = [made(f"asset_{number}", f"missing_{number}") for number in range(1000)]
    start = time.process_time()
    found = problems(*assets)
    assert len(found) == 1000
    assert time.process_time() - start < 20  # a minute where each is compared with every known name


# --- one of each -----------------------------------------------------------------------------------------------------


def test_an_asset_is_defined_once() -> None:
    with refused("WEFT-D039", '"orders" is defined twice', "test_repository.py") as caught:

        @asset(name="orders")
        def one() -> None: ...

        @asset(name="orders")
        def other() -> None: ...

        Repository([one, other])
    assert len(str(caught.value.facts["declared in"]).splitlines()) == 2


def test_a_spec_and_a_function_do_not_share_a_key() -> None:
    [problem] = problems(made("orders"), AssetSpec("orders"))
    assert problem.code == "WEFT-D039"
    assert str(problem.facts["declared in"]).count("test_repository.py") == 1


def test_the_same_object_may_be_given_twice() -> None:
    orders, fine = made("orders"), asset_check(asset="orders", name="fine")(lambda: True)
    repository = Repository([orders, [orders, (orders,)]], [fine, fine])
    assert len(repository.definitions) == 2


def test_steps_of_functions_made_in_a_loop_are_told_apart() -> None:
    def source(region: str) -> AssetsDefinition[Any, Any]:
        @multi_asset(specs=[AssetSpec(f"{region}_orders"), AssetSpec(f"{region}_users")])
        def load() -> None: ...

        return load

    repository = Repository([source("eu"), source("us"), source("asia")])
    assert [unit.name for unit in repository.units()] == ["load", "load__us_orders", "load__asia_orders"]
    assert repository.graph[AssetKey("us_users")].op_name == "load__us_orders"
    found = repository.asset(AssetKey("us_users"))
    assert found is repository.definition_of_step("load__us_orders")
    assert repository.body("load__us_orders").node_path == ("load__us_orders",)
    assert repository.node_names() == {"load", "load__us_orders", "load__asia_orders"}


def test_assets_and_checks_with_one_identifier_are_told_apart() -> None:
    always = lambda: True  # noqa: E731  # its name is given
    repository = Repository(
        [made("orders"), made("orders_daily"), asset(key="a__b")(fn), asset(key="a/b")(fn)],
        [
            asset_check(asset="orders", name="daily_fine")(always),
            asset_check(asset="orders_daily", name="fine")(always),
        ],
    )
    names = [unit.name for unit in repository.units()]
    assert len(set(names)) == len(names) == 6
    assert names[-1] == "orders_daily_fine__orders_daily"


def test_a_free_name_goes_around_those_that_are_taken() -> None:
    def twin(key: str) -> AssetsDefinition[Any, Any]:
        @multi_asset(specs=[AssetSpec(key), AssetSpec(f"{key}_2")])
        def load() -> None: ...

        return load

    names = [unit.name for unit in Repository([twin("a"), twin("b"), made("load__b")]).units()]
    assert names == ["load", "load__b__2", "load__b"]


def test_a_check_of_an_asset_is_defined_once() -> None:
    always = lambda: True  # noqa: E731  # its name is given
    first, second = (asset_check(asset="orders", name="fine")(always) for _ in range(2))
    [problem] = problems(made("orders"), first, second)
    assert problem.code == "WEFT-D033"
    assert str(problem.facts["declared in"]).count("test_repository.py") == 2


def test_a_check_is_about_an_asset_that_is_there() -> None:
    always = lambda: True  # noqa: E731  # its name is given
    [problem] = problems(made("orders"), asset_check(asset="ordres", name="fine")(always))
    assert (problem.code, problem.facts["known assets"]) == ("WEFT-D032", "orders")
    assert problem.fix is not None
    assert 'did you mean "orders"' in problem.fix
    [problem] = problems(made("orders"), asset_check(asset="ordres", name="fine")(lambda value: True))
    assert problem.code == "WEFT-D014"  # it loads the value as well: told once
    assert 'Check "ordres:fine"' in problem.what


def test_a_job_is_defined_once() -> None:
    @job
    def nightly() -> None: ...

    [problem] = problems(jobs=[nightly, define_asset_job("nightly")])
    assert problem.code == "WEFT-D035"
    assert str(problem.facts["declared in"]).count("test_repository.py") == 2


def test_what_does_not_belong_is_told_with_where_it_belongs() -> None:
    @op
    def one() -> None: ...

    @job
    def nightly() -> None: ...

    @graph
    def part() -> None: ...

    found = problems(fn, one, nightly, 3, jobs=[part, fn, made("orders")])
    assert [problem.code for problem in found] == ["WEFT-D038"] * 4 + ["WEFT-D036"] * 3
    assert [problem.fix for problem in found[:3]] == [
        "decorate the function with @asset or @asset_check, or make it an AssetSpec",
        "ops are called in a @job; to make an asset of it, use @asset",
        "give it as a job: Definitions(jobs=[...])",
    ]


# --- cycles ----------------------------------------------------------------------------------------------------------


def test_a_cycle_is_shown_as_a_path_with_places() -> None:
    [problem] = problems(made("a", "c"), made("b", "a"), made("c", "b"), made("d", "c"))
    assert problem.code == "WEFT-D031"
    assert problem.facts["path"] == "a -> b -> c -> a"
    assert len(str(problem.facts["declared in"]).splitlines()) == 3


def test_a_long_cycle_is_cut() -> None:
    ring = [made(f"a{number}", f"a{(number - 1) % 50}") for number in range(50)]
    [problem] = problems(*ring)
    assert str(problem.facts["path"]).endswith("... -> a0")
    assert len(str(problem).splitlines()) < 20


def test_only_an_asset_with_partitions_reads_itself() -> None:
    with refused("WEFT-D031", '"balance" depends on itself', "balance -> balance", "earlier partitions"):
        Repository([made("balance", "balance")])
    days = DailyPartitionsDefinition(start_date="2024-01-01")
    repository = Repository([made("balance", "balance", partitions_def=days)])
    assert upstream(repository, "balance") == ["balance"]


def test_a_cycle_does_not_hide_other_problems() -> None:
    found = problems(made("a", "b"), made("b", "a"), made("c", "missing"))
    assert {problem.code for problem in found} == {"WEFT-D014", "WEFT-D031"}


# --- resources -------------------------------------------------------------------------------------------------------


def test_resources_are_found_wherever_they_are_needed() -> None:
    @success_hook(required_resource_keys={"slack"})
    def tell(context: Any) -> None: ...

    @op(required_resource_keys={"op_db"})
    def one() -> None: ...

    @job(hooks={tell})
    def nightly() -> None:
        one()

    found = problems(
        asset(required_resource_keys={"db"}, hooks={tell})(fn),
        asset(name="files", io_manager_key="parquet", ins={"x": AssetIn("fn", input_manager_key="loader")})(
            lambda x: 1
        ),
        multi_asset(outs={"a": AssetOut(io_manager_key="csv"), "b": AssetOut()})(made("both").op.fn),
        jobs=[
            nightly,
            define_asset_job("assets", hooks={success_hook(name="h", required_resource_keys={"mail"})(tell.fn)}),
        ],
        resource_defs={"slak": object()},
    )
    assert {problem.code for problem in found} == {"WEFT-D034"}
    needed = {problem.what.split('"')[1]: str(problem.facts["needed by"]) for problem in found}
    assert needed == {
        "db": "fn",
        "slack": "fn, nightly",
        "parquet": "files",
        "loader": "files",
        "csv": "both",
        "op_db": "nightly",
        "mail": "assets",
    }
    [slack] = [problem for problem in found if '"slack"' in problem.what]
    assert slack.fix is not None
    assert 'did you mean "slak"' in slack.fix


def test_resources_of_the_asset_the_job_and_the_project_count() -> None:
    needs = asset(required_resource_keys={"db"}, resource_defs={"db": object()})(fn)

    @op(required_resource_keys={"db"})
    def one() -> None: ...

    def body() -> None:
        one()

    Repository([needs], jobs=[job(name="own", resource_defs={"db": object()})(body)])
    Repository(
        [asset(required_resource_keys={"db"})(fn)], jobs=[job(name="shared")(body)], resource_defs={"db": object()}
    )


# --- problems of parts -----------------------------------------------------------------------------------------------


def test_metadata_that_does_not_fit_is_one_problem_among_others() -> None:
    found = problems(
        asset(metadata={"rows": object()})(fn), AssetSpec("x", metadata={"y": 1j}), made("total", "missing")
    )
    assert [problem.code for problem in found] == ["WEFT-D014", "WEFT-D040", "WEFT-D040"]
    assert [problem.facts["asset"] for problem in found[1:]] == ["fn", "x"]


def test_a_job_that_cannot_be_planned_is_one_problem_among_others() -> None:
    @op(out=DynamicOut())
    def spread() -> Any: ...

    @op
    def add(a: Any, b: Any) -> Any: ...

    @job
    def nightly() -> None:
        first, second = spread(), spread()
        first.map(lambda x: second.map(lambda y: add(x, y)))

    assert {problem.code for problem in problems(made("a", "b"), jobs=[nightly])} == {"WEFT-D014", "WEFT-D065"}


# --- reading ---------------------------------------------------------------------------------------------------------


def test_units_of_a_run_are_those_that_make_what_is_asked_for() -> None:
    fine = asset_check(asset="b", name="fine")(lambda: True)
    repository = Repository([made("a"), made("b"), made("c")], [fine])
    units = repository.units_for({AssetKey("c"), AssetKey("a")}, {AssetCheckKey("b", "fine")})
    assert [unit.name for unit in units] == ["a", "c", "b_fine"]
    assert repository.units_for(set(), set()) == []


def test_bodies_are_found_by_step_key_and_made_once() -> None:
    @op
    def double() -> int: ...  # type: ignore[empty-body]

    @graph
    def computed() -> Any:
        return double()

    definition = AssetsDefinition(computed, specs_by_output={"result": AssetSpec("x")})
    repository = Repository([definition, made("orders")])
    assert repository.body("computed.double").op is double
    assert repository.body("computed.double") is repository.body("computed.double")
    assert repository.body("orders").op.name == "orders"
    assert repository.definition_of_step("computed.double") is definition
    assert repository.definition_of_step("nothing") is None


def test_a_part_of_a_multi_asset_has_the_body_of_the_whole() -> None:
    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")], can_subset=True)
    def both() -> None: ...

    repository = Repository([both])
    assert repository.body("both_2").op is both.op
    assert repository.definition_of_step("both_2") is both


def test_external_assets_are_known_without_being_computed() -> None:
    repository = Repository([AssetSpec("raw", group_name="g"), made("total", "raw")])
    node = repository.graph[AssetKey("raw")]
    assert isinstance(node, AssetNode)
    assert (node.is_external, node.is_stub, node.group_name) == (True, False, "g")
    spec = repository.spec(AssetKey("raw"))
    assert spec is not None
    assert repository.asset(AssetKey("raw")) is None


def test_checks_of_the_same_step_belong_to_its_definition() -> None:
    def orders() -> MaterializeResult[Any]: ...  # type: ignore[empty-body]

    definition = asset(check_specs=[AssetCheckSpec("fine", asset="orders")])(orders)
    repository = Repository([definition])
    assert repository.graph.checks[AssetCheckKey("orders", "fine")].op_name == "orders"
