"""Steps that find nothing to do and say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from weft import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetIn,
    AssetOut,
    AssetSpec,
    DynamicOut,
    DynamicOutput,
    EdgeRule,
    ExecuteInProcessResult,
    GraphIn,
    MaterializeResult,
    Out,
    Output,
    RetryRequested,
    Skip,
    asset,
    asset_check,
    graph,
    job,
    materialize,
    multi_asset,
    op,
)


def reasons(result: ExecuteInProcessResult) -> dict[str | None, str]:
    return {event.step_key: event.body.reason for event in result.all_events if event.type == "STEP_SKIPPED"}


def left_out(result: ExecuteInProcessResult) -> dict[str, str]:
    return {event.body.output_name: event.body.reason for event in result.all_events if event.type == "OUTPUT_SKIPPED"}


def raises() -> int:
    raise Skip("nothing new")


def returns() -> Any:
    return Skip("nothing new")


def yields() -> Iterator[Any]:
    yield Skip("nothing new")
    raise AssertionError("a skip of the whole step ends it")


@pytest.mark.parametrize("fn", [raises, returns, yields])
@pytest.mark.parametrize("kind", ["op", "asset", "check"])
def test_a_step_that_skips_is_skipped_with_its_reason(fn: Callable[[], Any], kind: str) -> None:
    if kind == "op":
        the_op = op(name="it")(fn)

        @job
        def the_job() -> None:
            the_op()

        result = the_job.execute_in_process()
    elif kind == "asset":
        result = materialize([asset(name="it")(fn)])
    else:

        @asset
        def thing() -> None: ...

        result = materialize([thing, asset_check(asset=thing, name="it")(fn)])

    assert result.success
    assert reasons(result) == {"thing_it" if kind == "check" else "it": "nothing new"}
    assert result.get_asset_check_evaluations() == []
    assert [
        made.asset_key.to_user_string()
        for event in result.all_events
        if (made := event.body) and event.type == "ASSET_MATERIALIZATION"
    ] == (  # fmt: skip
        ["thing"] if kind == "check" else []
    )


def test_a_skipped_step_has_its_usage_and_state_stored() -> None:
    result = materialize([asset(name="it")(raises)])

    [event] = [event for event in result.all_events if event.type == "STEP_SKIPPED"]
    assert event.body.peak_memory_bytes > 0


def test_one_asset_of_several_is_left_out_and_the_function_goes_on() -> None:
    @multi_asset(outs={"a": AssetOut(), "b": AssetOut(), "c": AssetOut()})
    def several() -> Iterator[Any]:
        yield Skip("no a", asset_key="a")
        yield Output(2, "b")
        yield Skip("no c", output_name="c")

    @asset
    def below_a(a: int) -> None: ...

    @asset
    def below_b(b: int) -> None: ...

    result = materialize([several, below_a, below_b])

    assert result.is_node_success("several")
    assert result.is_node_success("below_b")
    assert left_out(result) == {"a": "no a", "c": "no c"}
    assert reasons(result) == {"below_a": 'step "several" left out output "a" (no a)'}


def test_a_step_that_leaves_out_everything_is_skipped() -> None:
    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")])
    def several() -> Iterator[Any]:
        yield Skip("no a", asset_key="a")
        yield Skip("no b", asset_key="b")

    result = materialize([several])

    assert reasons(result) == {"several": "no a; no b"}
    assert left_out(result) == {}


def test_what_was_given_before_a_skip_stays() -> None:
    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")])
    def several() -> Iterator[Any]:
        yield MaterializeResult(asset_key="a")
        raise Skip("no more")

    result = materialize([several])

    assert result.is_node_success("several")
    assert left_out(result) == {"b": "no more"}


def test_a_skip_in_the_place_of_a_returned_value_leaves_out_that_output() -> None:
    @multi_asset(outs={"a": AssetOut(), "b": AssetOut()})
    def several() -> Any:
        return 1, Skip("no b")

    result = materialize([several])

    assert result.asset_value("a") == 1
    assert left_out(result) == {"b": "no b"}


def test_an_asset_that_skips_needs_no_answer_of_its_own_checks() -> None:
    @asset(check_specs=[AssetCheckSpec("is_fine", asset="it")])
    def it() -> Iterator[Any]:
        yield Skip("nothing")
        yield AssetCheckResult(passed=True)

    result = materialize([it])

    assert reasons(result) == {"it": "nothing"}


def test_a_blocking_check_that_skips_holds_back_what_it_guards() -> None:
    @asset
    def thing() -> int:
        return 1

    @asset_check(asset=thing, blocking=True)
    def guard() -> bool:
        raise Skip("cannot say")

    @asset
    def below(thing: int) -> None: ...

    result = materialize([thing, guard, below])

    assert result.success
    assert "gave no answer" in reasons(result)["below"]
    assert "cannot say" in reasons(result)["below"]


def test_an_output_that_was_given_cannot_be_left_out_any_more() -> None:
    @multi_asset(outs={"a": AssetOut(), "b": AssetOut()})
    def several() -> Iterator[Any]:
        yield Output(1, "a")
        yield Skip("no a", asset_key="a")

    result = materialize([several], raise_on_error=False)

    assert "twice" in result.get_step_failure_events()[0].body.error.message


def test_a_step_may_skip_at_a_later_attempt() -> None:
    attempts: list[int] = []

    @op(out={"a": Out(int), "b": Out(int)})
    def it() -> Iterator[Any]:
        attempts.append(1)
        if len(attempts) == 1:
            yield Output(1, "a")
            raise RetryRequested
        yield Skip("given up")

    @op
    def below(x: int) -> None: ...

    @job
    def the_job() -> None:
        below(it().a)

    result = the_job.execute_in_process()

    assert reasons(result) == {"it": "given up", "below": 'step "it" was skipped (given up)'}


def test_copies_may_skip_and_the_collected_list_holds_the_others() -> None:
    got: list[list[int]] = []

    @op(out=DynamicOut(int))
    def numbers() -> Iterator[DynamicOutput[int]]:
        for number in range(4):
            yield DynamicOutput(number, str(number))

    @op
    def even(x: int) -> int:
        if x % 2:
            raise Skip(f"{x} is odd")
        return x

    @op
    def total(xs: list[int]) -> None:
        got.append(xs)

    @job
    def the_job() -> None:
        total(numbers().map(even).collect())

    result = the_job.execute_in_process()

    assert got == [[0, 2]]
    assert reasons(result) == {"even[1]": "1 is odd", "even[3]": "3 is odd"}


def test_the_rule_of_a_graphs_input_counts_for_the_ops_inside() -> None:
    @op
    def none() -> int:
        raise Skip("nothing")

    @op
    def inner(x: int) -> str:
        return f"got {x}"

    @graph(ins={"x": GraphIn(rule=EdgeRule.OPTIONAL)})
    def wrapped(x: int) -> Any:
        return inner(x)

    @graph
    def twice_wrapped(x: int) -> Any:
        return wrapped(x)

    @job
    def the_job() -> None:
        wrapped(none())
        twice_wrapped(none())

    result = the_job.execute_in_process()

    assert result.output_for_node("wrapped.inner") == "got None"
    assert result.output_for_node("twice_wrapped.wrapped.inner") == "got None"


def test_an_optional_asset_that_was_never_stored_is_missing() -> None:
    @asset
    def never() -> int:
        return 1

    @asset(ins={"never": AssetIn(rule=EdgeRule.OPTIONAL)})
    def below(never: int = 5) -> int:
        return never

    @asset
    def strict(never: int) -> None: ...

    result = materialize([never, below, strict], selection="below or strict", raise_on_error=False)

    assert result.asset_value("below") == 5
    assert result.is_node_failed("strict")
