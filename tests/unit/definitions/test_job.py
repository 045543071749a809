"""Jobs of ops and of assets: what they are called, what they need, how they describe themselves."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft.definitions.asset_selection import AssetSelection
from weft.definitions.assets import asset
from weft.definitions.definitions import Definitions
from weft.definitions.graph import graph
from weft.definitions.hooks import failure_hook, success_hook
from weft.definitions.inputs_outputs import In, Out
from weft.definitions.job import AssetJobDefinition, define_asset_job, job
from weft.definitions.op import op
from weft.model.codec import encode
from weft.model.partitions.definitions import DailyPartitionsDefinition, StaticPartitionsDefinition
from weft.model.plan import FromValue
from weft.model.retry import RetryPolicy


@op
def one() -> int:
    return 1


@op
def add(left: int, right: int = 0) -> int:
    return left + right


@success_hook
def tell(context: Any) -> None: ...


@failure_hook(required_resource_keys={"slack"})
def cry(context: Any) -> None: ...


DAYS = DailyPartitionsDefinition(start_date="2024-01-01")


def test_a_job_is_a_graph_with_settings() -> None:
    @job(
        description="each night",
        tags={"a": "b", "cpu": 2},
        run_tags={"c": "d"},
        metadata={"rows": 3},
        hooks={tell},
        op_retry_policy=RetryPolicy(max_retries=2),
        partitions_def=DAYS,
        owners=["team:data"],
        config={"ops": {}},
        resource_defs={"db": object()},
    )
    def nightly() -> None:
        """Not this."""
        add(one())

    assert (nightly.name, nightly.description, nightly.owners) == ("nightly", "each night", ("team:data",))
    assert nightly.tags == {"a": "b", "cpu": "2"}
    assert nightly.run_tags == {"a": "b", "cpu": "2", "c": "d"}
    assert [step.retry_policy for step in nightly.flat.steps] == [RetryPolicy(max_retries=2)] * 2
    assert nightly.flat.bodies["add"].hooks == (tell,)
    assert nightly.flat is nightly.flat
    described = nightly.describe()
    assert described.plan is not None
    assert [step.key for step in described.plan.steps] == ["one", "add"]
    assert described.tags == nightly.run_tags
    assert described.partitions == DAYS.to_spec()
    assert encode(described)


def test_a_job_without_settings_has_the_docstring() -> None:
    @job
    def nightly() -> None:
        """Each night."""
        one()

    assert (nightly.description, nightly.config, nightly.hooks) == ("Each night.", None, frozenset())
    assert repr(nightly) == "JobDefinition('nightly')"


def test_values_of_inputs_are_given_or_defaults() -> None:
    @graph
    def g(x: Any, y: Any = 2) -> Any:
        return add(x, y)

    made = g.to_job(input_values={"x": 1})
    assert made.input_values == {"y": 2, "x": 1}
    assert {given.name: given.source for given in made.flat.steps[0].inputs} == {
        "left": FromValue("x"),
        "right": FromValue("y"),
    }
    assert made.flat_with({"x"}).steps == made.flat.steps
    with refused("WEFT-D093", '"z"', "x, y"):
        g.to_job(input_values={"z": 1})


def test_copies_leave_the_job_as_it_is() -> None:
    @job(resource_defs={"db": "mine"})
    def nightly() -> None:
        one()

    more = nightly.with_hooks({tell}).with_top_level_resources({"db": "theirs", "slack": "s"})
    assert more.hooks == {tell}
    assert more.resource_defs == {"db": "mine", "slack": "s"}
    assert more.flat.bodies["one"].hooks == (tell,)
    assert (nightly.hooks, nightly.resource_defs) == (frozenset(), {"db": "mine"})
    with refused("WEFT-D071", "hooks of job"):
        nightly.with_hooks([one])  # type: ignore[list-item]  # the point of the test


def test_a_job_names_every_resource_that_it_needs() -> None:
    @op(ins={"x": In(input_manager_key="loader")}, out=Out(io_manager_key="files"), required_resource_keys={"db"})
    def load(x: int) -> int:
        return x

    @job(hooks={cry})
    def nightly() -> None:
        load()

    assert nightly.needed_resource_keys() == {"loader", "files", "db", "slack"}


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"name": "a b"}, "WEFT-D003"),
    ({"name": "__ASSET_JOB"}, "WEFT-D003"),
    ({"tags": "x"}, "WEFT-D072"),
    ({"metadata": {"a": object()}}, "WEFT-D040"),
    ({"metadata": "x"}, "WEFT-D072"),
    ({"hooks": {1}}, "WEFT-D071"),
    ({"hooks": tell}, "WEFT-D070"),
    ({"op_retry_policy": 3}, "WEFT-D071"),
    ({"partitions_def": DailyPartitionsDefinition}, "WEFT-D086"),
    ({"partitions_def": "daily"}, "WEFT-D086"),
    ({"owners": ["sales"]}, "WEFT-D006"),
    ({"owners": "team:data"}, "WEFT-D070"),
]


@pytest.mark.parametrize(("settings", "code"), SETTINGS)
def test_settings_are_checked_where_they_are_given(settings: dict[str, Any], code: str) -> None:
    def nightly() -> None:
        one()

    with refused(code):
        job(**settings)(nightly)
    with refused(code):
        define_asset_job(**{"name": "nightly", **settings})


def test_an_asset_job_is_a_selection_with_settings() -> None:
    nightly = define_asset_job(
        "nightly", "+orders", tags={"cpu": 2}, run_tags={"c": "d"}, partitions_def=StaticPartitionsDefinition(["a"])
    )
    assert nightly.selection == AssetSelection.from_string("+orders")
    assert nightly.run_tags == {"cpu": "2", "c": "d"}
    assert nightly.declared_at is not None
    assert "test_job.py" in nightly.declared_at
    described = nightly.describe()
    assert described.selection == nightly.selection.expression
    assert described.plan is None
    assert encode(described)
    assert repr(nightly) == "AssetJobDefinition('nightly')"
    assert define_asset_job("all").selection == AssetSelection.all()


def test_an_asset_job_runs_only_once_it_knows_its_assets() -> None:
    @asset
    def orders() -> int:
        return 1

    nightly = define_asset_job("nightly", [orders])
    with refused("WEFT-I004", 'defs.get_job_def("nightly")'):
        nightly.execute_in_process()
    bound = Definitions(assets=[orders], jobs=[nightly]).get_job_def("nightly")
    assert isinstance(bound, AssetJobDefinition)
    assert bound.execute_in_process().success
    with refused("WEFT-I004"):  # the one that was declared stays as it was
        nightly.execute_in_process()
