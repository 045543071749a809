"""Times, durations and sizes as text."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from hypothesis import given, strategies as st

from weft.cli.quantities import bytes_text, count_text, duration_text, utc_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.0, "0 ms"),
        (-0.1, "0 ms"),
        (0.0124, "12 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1 s"),
        (1.234, "1.23 s"),
        (9.996, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125.4, "2 min 05 s"),
        (3599.6, "1 h 00 min"),
        (3720.0, "1 h 02 min"),
        (90_000.0, "25 h 00 min"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text


@given(st.floats(0, 1e7))
def test_a_duration_never_shows_a_full_unit_of_the_next(seconds: float) -> None:
    text = duration_text(seconds)
    numbers = {unit: float(number) for number, unit in re.findall(r"([\d.]+) (ms|s|min)", text)}
    assert numbers.get("ms", 0) < 1000
    assert numbers.get("s", 0) < 60
    assert numbers.get("min", 0) < 60


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (73_400_320, "70.0 MiB"), (2**50, "1024.0 TiB")],
)
def test_sizes(count: int, text: str) -> None:
    assert bytes_text(count) == text


def test_counts() -> None:
    assert count_text(1, "row") == "1 row"
    assert count_text(1234, "row") == "1,234 rows"
    assert count_text(0, "child", "children") == "0 children"


@given(st.integers(0, 4_000_000_000_000_000))
def test_utc_text_is_read_back_as_the_same_instant(microseconds: int) -> None:
    text = utc_text(microseconds / 1e6)
    assert text is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)
    read = datetime.fromisoformat(text.replace("Z", "+00:00"))
    assert read.tzinfo == timezone.utc
    assert abs(read.timestamp() - microseconds / 1e6) < 1e-5
