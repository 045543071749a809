"""The laws of a clock, for the machine's and for the virtual one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from weft.clock import SYSTEM_CLOCK, Clock, SystemClock
from weft.testing.clock import VirtualClock

CLOCKS: list[Callable[[], Clock]] = [SystemClock, VirtualClock]


@pytest.mark.parametrize("make", CLOCKS)
def test_monotonic_time_never_goes_back(make: Callable[[], Clock]) -> None:
    clock = make()
    times = [clock.monotonic() for _ in range(1000)]
    assert times == sorted(times)


@pytest.mark.parametrize("make", CLOCKS)
def test_a_wait_for_a_set_event_returns_at_once(make: Callable[[], Clock]) -> None:
    clock, event = make(), threading.Event()
    event.set()
    before = clock.monotonic()
    assert clock.wait(event, 3600.0)
    assert clock.monotonic() - before < 60.0


@pytest.mark.parametrize("make", CLOCKS)
def test_a_wait_ends_when_its_time_has_passed(make: Callable[[], Clock]) -> None:
    clock = make()
    before = clock.monotonic()
    assert not clock.wait(threading.Event(), 0.001)
    assert clock.monotonic() - before >= 0.001


def test_a_wait_ends_when_the_event_is_set_meanwhile() -> None:
    event = threading.Event()
    thread = threading.Thread(target=event.set)
    thread.start()
    assert SYSTEM_CLOCK.wait(event, 60.0)
    thread.join()


def test_the_wall_clock_of_the_system_is_that_of_the_machine() -> None:
    before = time.time()
    assert before <= SYSTEM_CLOCK.wall() <= time.time()


@given(st.lists(st.floats(0.001, 1e6), max_size=20))
def test_virtual_time_passes_by_what_is_waited_for(waits: list[float]) -> None:
    clock = VirtualClock(start=100.0)
    for seconds in waits:
        assert not clock.wait(threading.Event(), seconds)
    assert clock.waits == waits
    assert clock.monotonic() == pytest.approx(sum(waits))
    assert clock.wall() == pytest.approx(100.0 + sum(waits))


def test_setting_the_wall_clock_leaves_durations_alone() -> None:
    clock = VirtualClock()
    clock.advance(5.0)
    clock.set_wall(0.0)
    assert clock.wall() == 0.0
    assert clock.monotonic() == 5.0
