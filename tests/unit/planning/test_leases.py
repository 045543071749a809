"""Who is alive, from leases alone."""

from __future__ import annotations

from hypothesis import given, strategies as st

from weft.model.live import Lease
from weft.planning.leases import LeaseWatch


def lease(beats: int, *, token: int = 1, holder: str | None = "a", beat_at: float = 0.0) -> Lease:
    return Lease(name="daemon/a", holder=holder, token=token, beats=beats, acquired_at=0.0, beat_at=beat_at)


def test_a_holder_that_beats_lives() -> None:
    watch = LeaseWatch(10.0)
    for beats in range(20):
        watch.look([lease(beats)], now=9.0 * beats)
        assert watch.lives("daemon/a", 9.0 * beats + 9.0)


def test_a_holder_that_is_silent_for_a_lease_is_dead() -> None:
    watch = LeaseWatch(10.0)
    watch.look([lease(3)], now=0.0)
    watch.look([lease(3)], now=9.0)
    assert watch.lives("daemon/a", 9.9)
    assert not watch.lives("daemon/a", 10.0)
    assert watch.expired(10.0) == [lease(3)]


def test_another_holder_is_alive_however_few_beats_it_has() -> None:
    watch = LeaseWatch(10.0)
    watch.look([lease(30)], now=0.0)
    watch.look([lease(0, token=2)], now=9.0)
    assert watch.lives("daemon/a", 18.0)


def test_who_let_go_is_dead_a_lease_later() -> None:
    watch = LeaseWatch(10.0)
    watch.look([lease(3)], now=0.0)
    watch.look([lease(3, holder=None, token=2)], now=5.0)
    assert watch.lives("daemon/a", 14.9)
    assert not watch.lives("daemon/a", 15.0)
    assert watch.expired(100.0) == []


def test_an_unknown_lease_has_a_dead_holder_once_it_was_looked_for_long_enough() -> None:
    watch = LeaseWatch(10.0)
    assert watch.lives("daemon/b", 0.0)
    watch.look([], now=0.0)
    assert watch.lives("daemon/b", 9.9)
    watch.look([], now=10.0)
    assert not watch.lives("daemon/b", 10.0)


def test_what_was_forgotten_is_looked_at_afresh() -> None:
    watch = LeaseWatch(10.0)
    watch.look([lease(3)], now=0.0)
    watch.forget()
    assert watch.lives("daemon/a", 99.0)
    watch.look([lease(3)], now=100.0)
    assert watch.lives("daemon/a", 109.0)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_the_clock_of_the_holder_does_not_matter(times: list[float]) -> None:
    watch = LeaseWatch(10.0)
    for beats, beat_at in enumerate(times):
        watch.look([lease(beats, beat_at=beat_at)], now=float(beats))
        assert watch.lives("daemon/a", float(beats) + 9.0)
