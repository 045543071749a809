"""Keys of time windows as text: strftime formats, compiled once.

The directives that keys are made of (``%Y %m %d %H %M %S %j %z %%``) are formatted and parsed here, independent of locale and platform (the C
library prints the year 7 as "7") and several times faster; any other directive goes through `datetime`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from weft.model.partitions.zones import EPOCH

_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)
_NUMBERS = {"Y": ("%04d", r"([0-9]{4})"), "j": ("%03d", r"([0-9]{3})")} | dict.fromkeys(
    "mdHMS", ("%02d", r"([0-9]{2})")
)
_SECOND = timedelta(seconds=1)


class KeyFormat:
    """One format. `format` and `parse` are inverse as far as the format tells times apart."""

    __slots__ = ("_expression", "_letters", "_template", "fmt", "has_offset")

    def __init__(self, fmt: str) -> None:
        self.fmt = fmt
        self.has_offset = "z" in _DIRECTIVE.findall(fmt)
        self._letters: list[str] = []
        template: list[str] = []
        expression: list[str] = []
        position = 0
        self._expression: re.Pattern[str] | None = None
        self._template = ""
        for match in _DIRECTIVE.finditer(fmt):
            literal, letter = fmt[position : match.start()], match[1]
            position = match.end()
            template.append(literal.replace("%", "%%"))
            expression.append(re.escape(literal))
            if letter == "%":
                template.append("%%")
                expression.append("%")
            elif letter in _NUMBERS:
                self._letters.append(letter)
                template.append(_NUMBERS[letter][0])
                expression.append(_NUMBERS[letter][1])
            elif letter == "z":
                self._letters.append(letter)
                template.append("%s")
                expression.append(r"([+-][0-9]{4}(?:[0-9]{2})?)")
            else:
                return
        if len(set(self._letters)) < len(self._letters):
            return
        self._template = "".join(template) + fmt[position:].replace("%", "%%")
        self._expression = re.compile("".join(expression) + re.escape(fmt[position:]))

    def format(self, wall: int, offset: int) -> str:
        """The key of a window that starts at `wall`, where the wall clock is `offset` seconds ahead of UTC."""
        moment = EPOCH + timedelta(seconds=wall)
        if self._expression is None:
            return moment.replace(tzinfo=timezone(timedelta(seconds=offset))).strftime(self.fmt)
        values: list[int | str] = []
        for letter in self._letters:
            if letter == "Y":
                values.append(moment.year)
            elif letter == "m":
                values.append(moment.month)
            elif letter == "d":
                values.append(moment.day)
            elif letter == "H":
                values.append(moment.hour)
            elif letter == "M":
                values.append(moment.minute)
            elif letter == "S":
                values.append(moment.second)
            elif letter == "j":
                values.append(moment.timetuple().tm_yday)
            else:
                values.append(offset_text(offset))
        return self._template % tuple(values)

    def parse(self, key: str) -> tuple[int, int | None] | None:
        """The wall time that `key` names and its offset, where it says one; None where it does not fit the format."""
        if self._expression is None:
            return self._parse_by_datetime(key)
        match = self._expression.fullmatch(key)
        if match is None:
            return None
        year, month, day, hour, minute, second, day_of_year = 1900, 1, 1, 0, 0, 0, 0
        offset: int | None = None
        for letter, text in zip(self._letters, match.groups(), strict=True):
            if letter == "Y":
                year = int(text)
            elif letter == "m":
                month = int(text)
            elif letter == "d":
                day = int(text)
            elif letter == "H":
                hour = int(text)
            elif letter == "M":
                minute = int(text)
            elif letter == "S":
                second = int(text)
            elif letter == "j":
                day_of_year = int(text)
            else:
                offset = offset_value(text)
        try:
            moment = datetime(year, month, day, hour, minute, second)
            if day_of_year:
                moment += timedelta(days=day_of_year - 1)
        except (ValueError, OverflowError):
            return None
        return (moment - EPOCH) // _SECOND, offset

    def _parse_by_datetime(self, key: str) -> tuple[int, int | None] | None:
        try:
            moment = datetime.strptime(key, self.fmt)
        except ValueError:
            return None
        offset = moment.utcoffset()
        return (moment.replace(tzinfo=None) - EPOCH) // _SECOND, None if offset is None else offset // _SECOND


@lru_cache(maxsize=256)
def key_format(fmt: str) -> KeyFormat:
    """The compiled form of `fmt`."""
    return KeyFormat(fmt)


def offset_text(offset: int) -> str:
    """An offset from UTC in seconds as ``+0130`` (with seconds where it has some)."""
    sign = "-" if offset < 0 else "+"
    minutes, seconds = divmod(abs(offset), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours:02}{minutes:02}" + (f"{seconds:02}" if seconds else "")


def offset_value(text: str) -> int:
    """The inverse of `offset_text`."""
    seconds = int(text[1:3]) * 3600 + int(text[3:5]) * 60 + int(text[5:7] or 0)
    return -seconds if text[0] == "-" else seconds
