"""The definitions of a project as users hold them: made of lists, merged, asked for what is in them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.definitions.asset_checks import asset_check
from weft.definitions.asset_spec import AssetSpec
from weft.definitions.assets import asset
from weft.definitions.definitions import Definitions
from weft.definitions.job import JobDefinition, define_asset_job, job
from weft.definitions.op import op
from weft.errors import DefinitionError
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import IntMetadataValue
from weft.model.snapshot import DefinitionsSnapshot


@asset
def orders() -> int:
    return 1


@asset(group_name="sales")
def total(orders: int) -> int:
    return orders


@asset_check(asset=total)
def positive(total: int) -> bool:
    return total > 0


@op
def one() -> int:
    return 1


@job
def nightly() -> None:
    one()


def test_definitions_hold_everything_of_a_project() -> None:
    defs = Definitions(
        assets=[orders, [total, (AssetSpec("external"),)]],
        asset_checks=[positive],
        jobs=[nightly, define_asset_job("assets")],
        resources={"db": object()},
        metadata={"rows": 3},
    )
    defs.validate_loadable()
    assert defs.resolve() is defs.resolve()
    graph = defs.get_asset_graph()
    assert {key.to_user_string() for key in graph.keys} == {"orders", "total", "external"}
    assert list(graph.checks) == [AssetCheckKey("total", "positive")]
    assert defs.get_assets_def("total").keys == {AssetKey("total")}
    assert {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()} == {"orders", "total", "external"}
    assert isinstance(defs.get_job_def("nightly"), JobDefinition)
    assert defs.declared_at is not None
    assert "test_definitions.py" in defs.declared_at
    assert repr(defs) == "Definitions(assets=2, jobs=2, resources=['db'])"


def test_an_empty_project_is_one() -> None:
    assert Definitions().get_asset_graph().keys == ()


def test_a_generator_of_assets_is_a_list() -> None:
    assert len(Definitions(assets=(one for one in [orders])).get_asset_graph()) == 1


@pytest.mark.parametrize(
    "settings", [{"assets": orders}, {"jobs": nightly}, {"asset_checks": positive}, {"assets": "orders"}]
)
def test_lists_are_lists(settings: dict[str, Any]) -> None:
    with refused("WEFT-D070", "of Definitions is not a list", "=[...]"):
        Definitions(**settings)


def test_resources_are_a_mapping() -> None:
    with refused("WEFT-D072", "resources of Definitions"):
        Definitions(resources=[object()])  # type: ignore[arg-type]  # the point of the test


def test_what_is_not_there_is_told_with_the_nearest_name() -> None:
    defs = Definitions(assets=[orders, total], jobs=[nightly])
    with refused("WEFT-I005", '"ordesr"', 'did you mean "orders"', "orders, total"):
        defs.get_assets_def("ordesr")
    with refused("WEFT-I006", '"nightli"', 'did you mean "nightly"'):
        defs.get_job_def("nightli")
    with refused("WEFT-I005"):
        Definitions(assets=[AssetSpec("external")]).get_assets_def("external")


def test_merged_definitions_hold_all_of_their_parts() -> None:
    shared = object()
    merged = Definitions.merge(
        Definitions(assets=[orders], resources={"db": shared}, metadata={"a": 1}),
        Definitions(assets=[orders, total], jobs=[nightly], resources={"db": shared, "x": 1}, metadata={"b": 2}),
        Definitions(asset_checks=[positive], resources={"x": 1}),
    )
    assert [key.to_user_string() for key in merged.get_asset_graph().keys] == ["orders", "total"]
    assert list(merged.resources) == ["db", "x"]
    assert merged.metadata == {"a": 1, "b": 2}
    assert merged.get_job_def("nightly").name == "nightly"


class Odd:
    """Compares element by element, as arrays do."""

    def __eq__(self, other: object) -> Any:
        return [True]

    __hash__ = None  # type: ignore[assignment]  # as arrays have none


def test_merged_definitions_share_equal_resources_only() -> None:
    with refused("WEFT-D044", '"db"'):
        Definitions.merge(Definitions(resources={"db": 1}), Definitions(resources={"db": 2}))
    with refused("WEFT-D044", '"db"'):
        Definitions.merge(Definitions(resources={"db": Odd()}), Definitions(resources={"db": Odd()}))
    with refused("WEFT-D071", "a part of Definitions.merge"):
        Definitions.merge(Definitions(), [orders])  # type: ignore[arg-type]  # the point of the test


def test_every_problem_is_told_at_once() -> None:
    @asset
    def lost(ordres: int) -> None: ...

    defs = Definitions(assets=[orders, lost, orders.op.fn], jobs=[3, nightly, nightly.graph.to_job()])
    with pytest.raises(DefinitionError) as caught:
        defs.resolve()
    assert {problem.code for problem in caught.value.problems} == {"WEFT-D038", "WEFT-D014", "WEFT-D036", "WEFT-D035"}
    with pytest.raises(DefinitionError):  # and again: nothing half-resolved is kept
        defs.resolve()


def test_a_description_is_a_value_that_can_be_stored() -> None:
    def defs() -> Definitions:
        return Definitions(
            assets=[orders, total],
            asset_checks=[positive],
            jobs=[nightly, define_asset_job("assets", "*")],
            metadata={"rows": 3},
        )

    snapshot = defs().describe()
    blob = snapshot.to_blob()
    assert DefinitionsSnapshot.from_blob(blob) == snapshot
    assert defs().describe().to_blob() == blob
    assert [unit.name for unit in snapshot.units] == ["orders", "total", "total_positive"]
    assert [job.name for job in snapshot.jobs] == ["nightly", "assets"]
    assert [op.name for op in snapshot.ops] == ["one"]
    assert snapshot.metadata == {"rows": IntMetadataValue(3)}


def test_definitions_answer_under_the_names_of_existing_code() -> None:
    @asset
    def orders() -> int:
        return 1

    nightly = define_asset_job("nightly", [orders])
    defs = Definitions([orders, AssetSpec("external")], jobs=[nightly])
    assert defs.get_repository_def() is defs.resolve()
    assert defs.resolve_asset_graph() is defs.get_asset_graph()
    assert defs.resolve_assets_def("orders") is orders
    assert defs.resolve_all_asset_keys() == [AssetKey("external"), AssetKey("orders")]
    assert [job.name for job in defs.get_all_job_defs()] == ["nightly", "__ASSET_JOB"]
    assert Definitions().get_all_job_defs() == []


def test_the_job_of_all_assets_runs_without_being_declared() -> None:
    @asset
    def orders() -> int:
        return 1

    @asset
    def total(orders: int) -> int:
        return orders + 1

    all_assets = Definitions([orders, total]).resolve_implicit_global_asset_job_def()
    result = all_assets.execute_in_process()
    assert result.asset_value("total") == 2
    assert result.job_name == all_assets.name == "__ASSET_JOB"


def test_definitions_are_validated_by_the_class_as_well() -> None:
    Definitions.validate_loadable(Definitions())
    with pytest.raises(DefinitionError):
        Definitions.validate_loadable(Definitions([3]))
