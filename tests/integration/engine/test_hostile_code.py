"""User code that misbehaves: whatever it raises, wherever, the run is recorded to its end and the rest is torn down."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from weft import (
    AssetExecutionContext,
    HookContext,
    Instance,
    OpExecutionContext,
    Output,
    RunStatus,
    asset,
    asset_check,
    failure_hook,
    job,
    materialize,
    op,
    resource,
    success_hook,
)
from weft.model.events import LogMessage


class _Stop(BaseException):
    """What frameworks derive from BaseException to leave everything at once."""


def statuses(instance: Instance, run_id: str) -> dict[str, str]:
    return {step.key: step.status.value for step in instance.runs.steps(run_id)}


def status(instance: Instance, run_id: str) -> RunStatus:
    run = instance.runs.get(run_id)
    assert run is not None
    return run.status


@pytest.mark.parametrize("raised", [_Stop(), asyncio.CancelledError(), SystemExit(1), GeneratorExit()])
def test_a_step_that_raises_no_exception_of_the_usual_kind_fails(raised: BaseException, tmp_path: Path) -> None:
    @asset
    def source() -> int:
        raise raised

    @asset
    def after(source: int) -> int:
        return source

    with Instance.at(tmp_path) as instance:
        result = materialize([source, after], instance=instance, run_id="r1", raise_on_error=False)
        assert not result.success
        assert status(instance, "r1") is RunStatus.FAILURE
        assert statuses(instance, "r1") == {"source": "FAILED", "after": "SKIPPED"}


@pytest.mark.parametrize("raised", [SystemExit(1), _Stop()])
def test_a_hook_that_leaves_the_process_changes_nothing_of_the_run(raised: BaseException, tmp_path: Path) -> None:
    @success_hook
    def leave(context: HookContext) -> None:
        raise raised

    @failure_hook
    def leave_too(context: HookContext) -> None:
        raise raised

    @op
    def good() -> int:
        return 1

    @op
    def bad(value: int) -> None:
        raise ValueError

    @job(hooks={leave, leave_too})
    def both() -> None:
        bad(good())

    with Instance.at(tmp_path) as instance:
        result = both.execute_in_process(instance=instance, run_id="r1", raise_on_error=False)
        assert statuses(instance, "r1") == {"good": "SUCCEEDED", "bad": "FAILED"}
        assert status(instance, "r1") is RunStatus.FAILURE
        assert [event.type for event in result.all_events].count("HOOK_ERRORED") == 2


def test_a_signal_in_a_hook_cancels_what_has_not_started(tmp_path: Path) -> None:
    @success_hook
    def interrupted(context: HookContext) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    @op
    def first() -> int:
        return 1

    @op
    def second(value: int) -> int:
        return value

    @job(hooks={interrupted})
    def both() -> None:
        second(first())

    with Instance.at(tmp_path) as instance:
        both.execute_in_process(instance=instance, run_id="r1", raise_on_error=False)
        assert status(instance, "r1") is RunStatus.CANCELED
        assert statuses(instance, "r1") == {"first": "SUCCEEDED", "second": "CANCELED"}


@pytest.mark.parametrize("raised", [SystemExit(1), KeyboardInterrupt(), _Stop()])
def test_other_resources_are_torn_down_whatever_a_teardown_raises(raised: BaseException, tmp_path: Path) -> None:
    torn_down = []

    @resource
    def lower(context: Any) -> Iterator[int]:
        yield 1
        torn_down.append("lower")

    @resource(required_resource_keys={"lower"})
    def upper(context: Any) -> Iterator[int]:
        yield 2
        raise raised

    @op(required_resource_keys={"upper"})
    def uses(context: OpExecutionContext) -> int:
        return 1

    @job(resource_defs={"lower": lower, "upper": upper})
    def one() -> None:
        uses()

    with Instance.at(tmp_path) as instance:
        try:
            one.execute_in_process(instance=instance, run_id="r1", raise_on_error=False)
        except KeyboardInterrupt:
            assert isinstance(raised, KeyboardInterrupt)
        else:
            assert not isinstance(raised, KeyboardInterrupt)
        assert torn_down == ["lower"]
        assert status(instance, "r1") is RunStatus.SUCCESS
    assert list((tmp_path / "journals").iterdir()) == []


@pytest.mark.parametrize("raised", [SystemExit(1), _Stop()])
def test_a_resource_that_cannot_be_set_up_fails_the_run(raised: BaseException, tmp_path: Path) -> None:
    @resource
    def broken(context: Any) -> int:
        raise raised

    @op(required_resource_keys={"broken"})
    def uses(context: OpExecutionContext) -> int:
        return 1

    @job(resource_defs={"broken": broken})
    def one() -> None:
        uses()

    with Instance.at(tmp_path) as instance:
        result = one.execute_in_process(instance=instance, run_id="r1", raise_on_error=False)
        assert not result.success
        assert status(instance, "r1") is RunStatus.FAILURE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_a_run_inside_a_run_ends_both(number: signal.Signals, tmp_path: Path) -> None:
    with Instance.at(tmp_path) as instance:

        @asset
        def inner() -> int:
            os.kill(os.getpid(), number)
            return 1

        @asset
        def outer() -> int:
            materialize([inner], instance=instance, run_id="inner", raise_on_error=False)
            return 2

        @asset
        def after(outer: int) -> int:
            return outer

        materialize([outer, after], instance=instance, run_id="outer", raise_on_error=False)
        assert status(instance, "inner") is RunStatus.CANCELED
        assert status(instance, "outer") is RunStatus.CANCELED
        assert statuses(instance, "outer") == {"outer": "CANCELED", "after": "CANCELED"}
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_children_of_a_step_can_be_ended_by_signals() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    found = []

    @asset
    def inner() -> None:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            same = (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
            os.write(writing, b"same" if same else b"ours")
            os._exit(0)
        os.waitpid(child, 0)
        found.append(os.read(reading, 4))
        os.close(reading)
        os.close(writing)

    @asset
    def outer() -> None:
        materialize([inner])

    materialize([outer])
    assert found == [b"same"]


def test_a_handler_that_a_step_sets_is_kept_in_its_children() -> None:
    found = []

    @asset
    def sets() -> None:
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = os.fork()
        if child == 0:
            os._exit(0 if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN else 1)
        found.append(os.waitpid(child, 0)[1])
        signal.signal(signal.SIGTERM, before)

    materialize([sets])
    assert found == [0]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="a warning about forks with threads")
def test_a_step_may_use_a_pool_of_forked_processes(tmp_path: Path) -> None:
    @asset
    def pooled() -> int:
        with multiprocessing.get_context("fork").Pool(2) as pool:
            return sum(pool.map(abs, range(10)))

    with Instance.at(tmp_path) as instance:
        assert materialize([pooled], instance=instance).asset_value("pooled") == 45


def test_a_log_line_that_cannot_be_made_does_not_fail_its_step() -> None:
    class Mute:
        def __repr__(self) -> str:
            raise ValueError

    @asset
    def logs(context: AssetExecutionContext) -> int:
        context.log.info("%d of %d", 1)  # noqa: PLE1206  # that is the point
        context.log.info(Mute())
        context.log.info("said", extra={"by": Mute()})
        return 1

    result = materialize([logs])
    said = [event.body.message for event in result.all_events if isinstance(event.body, LogMessage)]
    assert said[0] == "'%d of %d' with (1,) (this line could not be formatted: TypeError)"
    assert said[1].startswith("<Mute whose repr raises ValueError>")
    assert said[2] == "said"


def test_a_check_may_answer_with_a_bool_of_numpy() -> None:
    numpy = pytest.importorskip("numpy")

    @asset
    def data() -> int:
        return 1

    @asset_check(asset=data)
    def is_fine() -> bool:
        return numpy.bool_(True)  # type: ignore[no-any-return]

    assert [found.passed for found in materialize([data, is_fine]).get_asset_check_evaluations()] == [True]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_generator_whose_output_is_refused_cleans_up_before_its_step_fails(is_async: bool) -> None:
    seen = []

    @failure_hook
    def note(context: HookContext) -> None:
        seen.append("failed")

    @op
    def plain() -> Iterator[Output[int]]:
        try:
            yield Output(1, "no_such_output")
        finally:
            seen.append("cleaned up")

    @op
    async def asynchronous() -> AsyncIterator[Output[int]]:
        try:
            yield Output(1, "no_such_output")
        finally:
            seen.append("cleaned up")

    @job(hooks={note})
    def one() -> None:
        asynchronous() if is_async else plain()

    assert not one.execute_in_process(raise_on_error=False).success
    assert seen == ["cleaned up", "failed"]
