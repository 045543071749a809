"""Formats of the keys of time windows."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from weft.model.partitions.key_format import key_format, offset_text, offset_value
from weft.model.partitions.zones import EPOCH, wall_of

FORMATS = [
    "%Y-%m-%d",
    "%Y-%m-%d-%H:%M",
    "%Y%m%d%H%M%S",
    "%d/%m/%Y %H.%M",
    "%Y-%j",
    "%Y-%m-%dT%H:%M:%S%z",
    "100%% %Y %m %d",
    "%b %d, %Y",
    "%A %d %B %Y %I %p",
    "%y%m%d",
    "week %Y-W%W-%w",
]


@given(st.sampled_from(FORMATS), st.datetimes(datetime(1971, 1, 1), datetime(2060, 1, 1)), st.integers(-50, 50))
def test_keys_are_what_strftime_writes(fmt: str, moment: datetime, quarters: int) -> None:
    moment = moment.replace(microsecond=0)
    offset = quarters * 900
    zoned = moment.replace(tzinfo=timezone(timedelta(seconds=offset)))
    assert key_format(fmt).format(wall_of(moment), offset) == zoned.strftime(fmt)


@given(st.sampled_from(FORMATS), st.datetimes(datetime(1971, 1, 1), datetime(2060, 1, 1)))
def test_what_is_read_back_has_the_same_key(fmt: str, moment: datetime) -> None:
    form = key_format(fmt)
    key = form.format(wall_of(moment), 3600)
    parsed = form.parse(key)
    assert parsed is not None
    wall, offset = parsed
    assert form.format(wall, 3600) == key
    assert offset == (3600 if "%z" in fmt else None)
    assert datetime.strptime(key, fmt).replace(tzinfo=None) == EPOCH + timedelta(seconds=wall)


@pytest.mark.parametrize(
    "key",
    [
        "2024-13-01",
        "2024-02-30",
        "2024-2-3",
        "2024-02-03 ",
        "",
        "24-02-03",
        "２０２４-02-03",
        "2024-02-03\n",
        "2024/02/03",
    ],
)
def test_what_does_not_fit_is_none(key: str) -> None:
    assert key_format("%Y-%m-%d").parse(key) is None


@given(st.integers(-86_399, 86_399))
def test_offsets_are_read_back(seconds: int) -> None:
    assert offset_value(offset_text(seconds)) == seconds


def test_early_years_have_four_digits() -> None:
    assert key_format("%Y-%m-%d").format(wall_of(datetime(7, 1, 2)), 0) == "0007-01-02"
