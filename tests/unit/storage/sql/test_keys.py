"""Asset keys as bytes that sort like their parts."""

from __future__ import annotations

from hypothesis import given, strategies as st

from weft.storage.sql.keys import prefix_range, sort_key

# Few characters, so that keys are often prefixes of each other and meet the escapes.
characters = st.sampled_from("\x00\x01\x02\x03a/é\uffff😀")
parts = st.lists(st.text(characters, min_size=1, max_size=3), max_size=3).map(tuple)


@given(parts, parts)
def test_bytes_sort_like_parts(a: tuple[str, ...], b: tuple[str, ...]) -> None:
    assert (sort_key(a) < sort_key(b)) == (a < b)
    assert (sort_key(a) == sort_key(b)) == (a == b)


@given(parts, parts)
def test_a_prefix_is_one_range(key: tuple[str, ...], prefix: tuple[str, ...]) -> None:
    low, high = prefix_range(prefix)
    assert (low <= sort_key(key) < high) == (key[: len(prefix)] == prefix)
