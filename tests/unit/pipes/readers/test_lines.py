"""Pieces of a stream become lines."""

from __future__ import annotations

from hypothesis import given, strategies as st

from weft.pipes.readers.lines import LineBuffer


@given(st.lists(st.binary(max_size=8) | st.just(b"\n")))
def test_nothing_is_lost_and_only_the_last_line_is_held_back(pieces: list[bytes]) -> None:
    lines = LineBuffer()

    whole = b"".join(map(lines.feed, pieces))

    assert whole + lines.rest == b"".join(pieces)
    assert b"\n" not in lines.rest
    assert not whole or whole.endswith(b"\n")
    assert lines.take_rest() + lines.take_rest() == b"".join(pieces)[len(whole) :]
