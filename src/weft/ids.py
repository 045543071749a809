"""Identifiers: how they are made, and the one grammar by which they are accepted at every edge.

A run id is a time-ordered UUID (RFC 9562, version 7), so that runs sort by creation and index pages stay hot. An id from
outside is checked with `check_run_id` before it is used in a path or a query.
"""

from __future__ import annotations

import os
import re
import time
from typing import NewType

from weft.errors import StorageError, UsageError

RunId = NewType("RunId", str)
"""The id of a run: 1 to 64 letters, digits, ``_`` or ``-``, starting with a letter or digit."""

StepKey = NewType("StepKey", str)
"""The key of a step in its run: node names joined by dots, with ``[mapping key]`` for each dynamic copy."""

FileKey = NewType("FileKey", str)
"""The key of a pair of files of captured output in its run: 1 to 100 letters, digits, ``_`` or ``-``, starting with a letter or digit."""

_FILE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\Z")
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62


def new_run_id(*, now: float | None = None) -> RunId:
    """A fresh run id; ids made later sort later (to the millisecond)."""
    milliseconds = int((time.time() if now is None else now) * 1000) & ((1 << 48) - 1)
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds << 80) | _VERSION_7 | ((random >> 62 & 0xFFF) << 64) | _VARIANT | (random & ((1 << 62) - 1))
    text = f"{value:032x}"
    return RunId(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")


def check_run_id(text: object) -> RunId:
    """`text` as a run id.

    Raises:
        UsageError: (WEFT-U010) it does not fit the grammar. Nothing that fits can leave a folder or a query.
    """
    if not isinstance(text, str) or not _RUN_ID.match(text):
        raise UsageError(
            f"{text!r} is not a run id.",
            code="WEFT-U010",
            facts={"expected": "1 to 64 letters, digits, '_' or '-', starting with a letter or digit"},
            fix="list the runs with: weft run list",
        )
    return RunId(text)


def check_file_key(text: str) -> FileKey:
    """`text` as the key of captured output.

    Raises:
        StorageError: (WEFT-T055) it does not fit the grammar. Nothing that fits can leave a folder.
    """
    if not _FILE_KEY.match(text):
        raise StorageError(
            f"{text!r} is not the key of captured output.",
            code="WEFT-T055",
            facts={"expected": "1 to 100 letters, digits, '_' or '-', starting with a letter or digit"},
            fix="take it from the LOGS_CAPTURED event of the run, or from the log range of a step",
        )
    return FileKey(text)
