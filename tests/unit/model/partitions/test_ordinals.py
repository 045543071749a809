"""Sets of ordinals behave as sets of integers."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from weft.errors import PartitionError
from weft.model.partitions.ordinals import OrdinalSet, read_number, write_number

ordinals = st.integers(0, 300) | st.integers(0, 2**40)
runs = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 40)).map(lambda r: (r[0], r[0] + r[1])), max_size=12)
members = st.sets(ordinals, max_size=40) | runs.map(lambda rs: {i for a, b in rs for i in range(a, b)})


@given(members, members)
def test_algebra_is_that_of_sets(a: set[int], b: set[int]) -> None:
    x, y = OrdinalSet.of(a), OrdinalSet.of(b)
    assert set(x | y) == a | b
    assert set(x & y) == a & b
    assert set(x - y) == a - b
    assert set(x ^ y) == a ^ b
    assert (x <= y) == (a <= b)
    assert (x == y) == (a == b)
    assert x.isdisjoint(y) == a.isdisjoint(b)
    assert len(x) == len(a)
    assert bool(x) == bool(a)
    if x == y:
        assert hash(x) == hash(y)


@given(members)
def test_places_and_runs_agree_with_the_sorted_list(a: set[int]) -> None:
    x, listed = OrdinalSet.of(a), sorted(a)
    assert list(x) == listed
    assert [x.nth(i) for i in range(len(listed))] == listed
    assert [x.rank(each) for each in listed] == list(range(len(listed)))
    found = list(x.runs())
    assert len(found) == x.run_count()
    assert {i for start, stop in found for i in (start, stop - 1)} <= a
    assert sum(stop - start for start, stop in found) == len(a)
    assert all(stop < after for (_, stop), (after, _) in zip(found, found[1:]))
    assert OrdinalSet.from_runs(found) == x
    assert x.is_one_run == (len(found) <= 1)
    if a:
        assert (x.first, x.last) == (listed[0], listed[-1])
    assert -1 not in x
    assert "x" not in x


@given(members, st.integers(-400, 2**30), st.integers(0, 400), st.integers(0, 400))
def test_moving_and_clipping(a: set[int], distance: int, low: int, high: int) -> None:
    x = OrdinalSet.of(a)
    assert set(x.shift(distance)) == {i + distance for i in a if i + distance >= 0}
    assert set(x.clip(low, high)) == {i for i in a if low <= i < high}


@given(st.sets(st.integers(0, 60)), st.integers(0, 30), st.integers(0, 80))
def test_copies_are_a_distance_apart(a: set[int], count: int, distance: int) -> None:
    assert set(OrdinalSet.of(a).repeat(count, distance)) == {i + k * distance for i in a for k in range(count)}


@given(members)
def test_bytes_give_the_set_back(a: set[int]) -> None:
    x = OrdinalSet.of(a)
    assert OrdinalSet.from_bytes(x.to_bytes()) == x


def test_whole_spaces_and_scattered_ones_take_few_bytes() -> None:
    """Promise a3."""
    assert len(OrdinalSet.span(0, 10**7).to_bytes()) < 10
    every_other = OrdinalSet.of(range(0, 10**6, 2))
    assert len(every_other.to_bytes()) < 10**6 / 8 * 1.1
    assert OrdinalSet.from_bytes(every_other.to_bytes()) == every_other
    assert repr(OrdinalSet.of([1, 2, 3, 9])) == "<4 ordinals: 1-3, 9>"


@pytest.mark.parametrize("data", [b"", b"\x07", b"\x00\x80", b"\x00\x01", b"\x01garbage", b"\x00" + b"\xff" * 12])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PartitionError) as caught:
        OrdinalSet.from_bytes(data)
    assert caught.value.code == "WEFT-P020"


@given(st.integers(0, 2**63))
def test_numbers_are_read_back(number: int) -> None:
    data = bytearray(b"x")
    write_number(data, number)
    assert read_number(bytes(data), 1) == (number, len(data))
