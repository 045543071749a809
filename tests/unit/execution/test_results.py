"""What the result of a run in this process says of graphs, plans and failures."""

from __future__ import annotations

from typing import Any

import pytest

from weft import (
    DynamicOut,
    DynamicOutput,
    Failure,
    GraphOut,
    InvocationError,
    Out,
    Output,
    asset,
    graph,
    graph_asset,
    job,
    materialize,
    op,
)


@op
def one() -> int:
    return 1


@op
def add_one(value: int) -> int:
    return value + 1


@graph
def two() -> Any:
    return add_one(one())


@graph
def three() -> Any:
    return add_one(two())


def test_a_graph_has_the_value_of_its_output() -> None:
    @job
    def nightly() -> None:
        add_one(three())

    result = nightly.execute_in_process()
    assert result.output_for_node("three") == 3
    assert result.output_for_node("three.two") == 2
    assert result.output_for_node("three.two.one") == 1
    assert result.job_def is nightly
    with pytest.raises(InvocationError, match='node "three" has no value for its output "other"'):
        result.output_for_node("three", "other")
    with pytest.raises(InvocationError, match='node "three.four" has no value'):
        result.output_for_node("three.four")


def test_a_graph_asset_has_the_value_of_its_output() -> None:
    @graph_asset
    def ga() -> Any:
        return three()

    result = materialize([ga])
    assert result.output_for_node("ga") == 3
    assert result.output_for_node("ga.three.two") == 2
    assert result.asset_value("ga") == 3
    assert result.job_def is not None
    assert result.job_def.name == "__ASSET_JOB"


def test_a_graph_of_collected_values_gives_them_as_a_list() -> None:
    @op(out=DynamicOut())
    def several() -> Any:
        yield DynamicOutput(1, "a")
        yield DynamicOutput(2, "b")

    @graph(out={"first": GraphOut(), "all": GraphOut()})
    def spread() -> Any:
        return {"first": one(), "all": several().map(add_one).collect()}

    @job
    def nightly() -> None:
        spread()

    result = nightly.execute_in_process()
    assert result.output_for_node("spread", "first") == 1
    assert sorted(result.output_for_node("spread", "all")) == [2, 3]


def test_steps_that_were_skipped_are_listed() -> None:
    @op(out={"some": Out(is_required=False), "none": Out(is_required=False)})
    def choose() -> Any:
        yield Output(1, "some")

    @job
    def nightly() -> None:
        chosen, other = choose()
        add_one.alias("taken")(chosen)
        add_one.alias("left")(other)

    result = nightly.execute_in_process()
    assert [event.step_key for event in result.get_step_skipped_events()] == ["left"]


def test_what_was_planned_is_listed_whether_or_not_it_was_made() -> None:
    @asset
    def orders() -> None:
        raise Failure("no rows", metadata={"file": "a.csv"})

    @asset(deps=[orders])
    def total() -> None: ...

    result = materialize([orders, total], raise_on_error=False)
    planned = result.get_asset_materialization_planned_events()
    assert [event.asset_key.to_user_string() for event in planned] == ["orders", "total"]
    assert {event.event_type_value for event in planned} == {"ASSET_MATERIALIZATION_PLANNED"}
    assert {event.run_id for event in planned} == {result.run_id}
    assert result.get_asset_materialization_events() == []


def test_a_failure_keeps_what_the_user_said() -> None:
    @asset
    def orders() -> None:
        raise Failure("no rows", metadata={"file": "a.csv"})

    @asset
    def broken() -> None:
        raise ValueError("no")

    result = materialize([orders, broken], raise_on_error=False)
    failed = result.failure_data_for_node("orders")
    assert failed is not None
    said = failed.user_failure_data
    assert said is not None
    assert (said.description, said.metadata["file"].value) == ("no rows", "a.csv")
    other = result.failure_data_for_node("broken")
    assert other is not None
    assert other.user_failure_data is None
    assert {event.type for event in result.all_events if event.is_failure} == {"STEP_FAILURE", "RUN_FAILURE"}
