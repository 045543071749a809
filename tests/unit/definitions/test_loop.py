from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from weft import (
    DefinitionError,
    DynamicOut,
    DynamicOutput,
    Instance,
    Out,
    Output,
    Skip,
    job,
    loop,
    op,
)
from weft.definitions.definitions import Definitions
from weft.errors import ExecutionError
from weft.runs.execute import execute_run
from weft.runs.retry import RetryRequest, prepare_retry

OUTS = {"again": Out(int, is_required=False), "result": Out(str, is_required=False)}


@op(out=OUTS)
def count_down(left: int) -> Iterator[Output[Any]]:
    if left == 0:
        yield Output("done", "result")
    elif left < 0:
        raise Skip("nothing to count")
    else:
        yield Output(left - 1, "again")


def started(result: Any) -> list[str]:
    return [event.step_key for event in result.all_events if event.type == "STEP_START"]


def test_a_step_runs_again_until_it_yields_a_result() -> None:
    @op
    def three() -> int:
        return 3

    @job
    def counting() -> None:
        loop(count_down, three(), max_iterations=6)

    result = counting.execute_in_process()

    assert started(result) == ["three", *(f"count_down_{n}" for n in (1, 2, 3, 4)), "count_down_result"]
    assert result.output_for_node("count_down_result") == "done"


def test_a_loop_that_is_not_done_within_its_bound_fails() -> None:
    @op
    def nine() -> int:
        return 9

    @job
    def counting() -> None:
        loop(count_down, nine(), max_iterations=3)

    with pytest.raises(ExecutionError, match="not done after 3 iterations") as caught:
        counting.execute_in_process()

    assert caught.value.code == "WEFT-X101"
    assert caught.value.facts["state"] == "6"


def test_a_loop_whose_step_skips_is_skipped_as_a_whole() -> None:
    @op
    def minus() -> int:
        return -1

    @job
    def counting() -> None:
        loop(count_down, minus(), max_iterations=3)

    result = counting.execute_in_process()

    assert result.success
    assert result.is_node_skipped("count_down_result")


def test_a_loop_stands_in_a_fan_out_and_its_results_are_collected() -> None:
    lengths: list[list[str]] = []

    @op(out=DynamicOut(int))
    def starts() -> Iterator[DynamicOutput[int]]:
        for number in (0, 2):
            yield DynamicOutput(number, f"from_{number}")

    @op
    def gather(ends: list[str]) -> None:
        lengths.append(ends)

    @job
    def counting() -> None:
        gather(starts().map(lambda number: loop(count_down, number, max_iterations=3)).collect())

    result = counting.execute_in_process()

    assert lengths == [["done", "done"]]
    assert "count_down_3[from_2]" in started(result)
    assert "count_down_2[from_0]" not in started(result)


def test_a_retry_goes_on_with_the_iteration_that_failed(tmp_path: Any) -> None:
    fails = [True]

    @op
    def three() -> int:
        return 3

    @op(out=OUTS)
    def shaky(left: int) -> Iterator[Output[Any]]:
        if left == 1 and fails:
            raise ValueError(fails.pop())
        yield Output("done", "result") if left == 0 else Output(left - 1, "again")

    @job
    def counting() -> None:
        loop(shaky, three(), max_iterations=5)

    with Instance.at(tmp_path) as instance:
        first = counting.execute_in_process(instance=instance, raise_on_error=False)
        repository = Definitions(jobs=[counting]).resolve()
        events: list[Any] = []
        outcome = execute_run(
            prepare_retry(first.run_id, RetryRequest(), repository, instance), instance, listeners=[events.append]
        )

    assert outcome.run.status.value == "SUCCESS"
    assert [event.step_key for event in events if event.type == "STEP_START"] == ["shaky_3", "shaky_4", "shaky_result"]


@pytest.mark.parametrize("bound", [0, -1, 1001, True, "3"])
def test_a_bound_is_a_whole_number_in_its_limits(bound: Any) -> None:
    @op
    def three() -> int:
        return 3

    with pytest.raises(DefinitionError, match="max_iterations") as caught:

        @job
        def counting() -> None:
            loop(count_down, three(), max_iterations=bound)

    assert caught.value.code == "WEFT-D510"


def test_a_step_without_the_two_outputs_cannot_be_looped() -> None:
    @op
    def plain(x: int) -> int:
        return x

    with pytest.raises(DefinitionError, match='needs an output "again"'):

        @job
        def counting() -> None:
            loop(plain, plain(), max_iterations=2)


def test_a_loop_outside_a_graph_is_an_error() -> None:
    with pytest.raises(DefinitionError, match="outside the body"):
        loop(count_down, 3, max_iterations=2)
