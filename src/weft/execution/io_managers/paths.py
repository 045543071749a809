"""File names for names that users choose: no two names share a path, and none leaves the folder it belongs to.

Each part of a key becomes one file name. What file systems treat specially is escaped as ``%XX`` (RFC 3986's form), so the name can be read back;
a name that is too long for a file system is cut and made unique by a digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPECIAL = re.compile(r'[\x00-\x1f\x7f/\\%:*?"<>|]')
_MOST_BYTES = 200
"""Linux and macOS allow 255 bytes for one name; suffixes of ours come on top."""


def file_name(part: str) -> str:
    """The file name of one part of a key. Different parts give different names."""
    name = _SPECIAL.sub(_escaped, part)
    if name.startswith("."):  # hidden files, and the names of this and the parent folder
        name = f"%2E{name[1:]}"
    if not name:
        return "%"
    if name.endswith((" ", ".")):  # dropped by Windows
        name = name[:-1] + _escape(name[-1])
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) <= _MOST_BYTES:
        return name
    import hashlib

    digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{encoded[: _MOST_BYTES - 66].decode('utf-8', 'ignore')}%~{digest}"


def file_names(parts: Iterable[str]) -> list[str]:
    """The file names of the parts of a key, outermost first."""
    return [file_name(part) for part in parts]


def _escaped(match: re.Match[str]) -> str:
    return _escape(match[0])


def _escape(char: str) -> str:
    return f"%{ord(char):02X}"
