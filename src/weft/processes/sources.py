"""The files that the loaded code came from: whether one has changed since, and a version that says the same across processes.

Counted are the files of all loaded modules outside of Python's own library, of installed packages and of weft. To look costs one ``stat`` for each.
"""

from __future__ import annotations

import hashlib
import os
import site
import sys
import sysconfig
import time
from collections.abc import Iterable

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  # pathlib is slow to load


class SourceFiles:
    """Made once the code is loaded. `extra` are files that are no modules."""

    def __init__(self, extra: Iterable[str] = (), *, began_at: float | None = None) -> None:
        """Note the present state. Files that changed after `began_at` (seconds since the epoch), while they were being loaded, count as
        changed: which state was loaded cannot be told.
        """
        now = time.time_ns()
        self._seen: dict[str, tuple[int, int, int] | None] = {}
        digest = hashlib.sha256()
        for file in sorted({*module_files(), *extra}):
            seen = _look(file)
            if seen is not None and began_at is not None and began_at * 1e9 < seen[0] <= now:
                seen = None
            self._seen[file] = seen
            digest.update(f"{file}\0".encode("utf-8", "surrogateescape") + _content(file) + b"\0")
        self.version = digest.hexdigest()[:32]

    @property
    def files(self) -> tuple[str, ...]:
        """The files, sorted."""
        return tuple(self._seen)

    def changed(self) -> str | None:
        """One file that is not as it was, or None."""
        for file, seen in self._seen.items():
            if seen is None or _look(file) != seen:
                return file
        return None


def module_files() -> set[str]:
    """The files of the loaded modules that are the user's own."""
    outside = _installed()
    found: set[str] = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and not file.startswith(outside):
            found.add(os.path.abspath(file))  # noqa: PTH100  # as above
    return found


def _installed() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib") if name in paths}
    folders.update(getattr(site, "getsitepackages", list)())
    folders.add(site.getusersitepackages() if site.ENABLE_USER_SITE else sys.prefix + os.sep + "lib")
    return tuple(folder.rstrip(os.sep) + os.sep for folder in (*folders, _OWN))


def _look(file: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116  # as above
    except OSError:
        return (0, -1, 0)  # a state like any other: it may have been generated and deleted
    return status.st_mtime_ns, status.st_size, status.st_ino


def _content(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:  # noqa: PTH123  # as above
            return hashlib.sha256(opened.read()).digest()
    except OSError:
        return b""
