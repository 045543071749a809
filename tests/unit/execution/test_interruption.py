"""Signals and time limits as orderly ends."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from weft.execution.interruption import ExecutionInterrupted, Interruption, StepTimedOut


def for_ever() -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        time.sleep(10)


def test_a_limit_of_time_ends_what_waits_in_user_code() -> None:
    interruption = Interruption()
    with (
        interruption.on_signals(),
        pytest.raises(StepTimedOut, match="too long"),
        interruption.time_limit(0.05, "too long"),
        interruption.user_code(),
    ):
        for_ever()
    assert not interruption.requested


def test_what_is_in_time_is_left_alone_and_the_next_attempt_begins_anew() -> None:
    interruption = Interruption()
    with interruption.on_signals():
        with interruption.time_limit(60, "too long"), interruption.user_code():
            pass
        with pytest.raises(StepTimedOut), interruption.time_limit(0.01, "too long"), interruption.user_code():
            for_ever()
        with interruption.user_code():
            pass


def test_outside_of_user_code_the_limit_is_noticed_on_the_way_in() -> None:
    interruption = Interruption()
    with interruption.on_signals(), interruption.time_limit(0.01, "too long"):
        time.sleep(0.1)
        with pytest.raises(StepTimedOut):
            interruption.enter_user_code()


def test_in_another_thread_the_limit_is_noticed_once_user_code_comes_back() -> None:
    found: list[BaseException] = []

    def work() -> None:
        interruption = Interruption()
        with interruption.time_limit(0.01, "too long"):
            with interruption.user_code():
                time.sleep(0.1)
            try:
                interruption.check()
            except StepTimedOut as error:
                found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(found) == 1


def test_a_signal_after_a_limit_ends_the_run_as_ever() -> None:
    interruption = Interruption()
    with interruption.on_signals():
        with pytest.raises(StepTimedOut), interruption.time_limit(0.01, "too long"), interruption.user_code():
            for_ever()
        with pytest.raises(ExecutionInterrupted), interruption.user_code():
            os.kill(os.getpid(), signal.SIGTERM)
            for_ever()
    assert interruption.requested


def test_a_limit_of_the_step_around_a_run_ends_that_run_and_then_the_step() -> None:
    outer, inner = Interruption(), Interruption()
    with outer.on_signals(), outer.time_limit(0.05, "too long"):
        with pytest.raises(ExecutionInterrupted), inner.on_signals(), inner.user_code():
            for_ever()
        assert not outer.requested
        with pytest.raises(StepTimedOut):
            outer.check()


def test_what_must_not_be_torn_is_interrupted_behind_its_end() -> None:
    interruption = Interruption()
    done = []
    with interruption.on_signals(), pytest.raises(ExecutionInterrupted), interruption.user_code():
        was = interruption.hold_back()
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("whole")
        interruption.let_go(was)
        done.append("never")
    assert done == ["whole"]


def test_who_waits_for_something_else_is_woken() -> None:
    interruption = Interruption()
    woken: list[str] = []
    interruption.waker = lambda: woken.append("x")
    interruption.request("enough")
    assert woken == ["x"]
