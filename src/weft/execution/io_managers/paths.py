r"""Places as paths: no two places share a path, no path is the folder of another, and none leaves its base.

::

    asset                <part>/<part><extension>
    its partition        <part>/<part>/<key><extension>        dimensions of a key are folders: <key>/<key>
    another output       <run id>/<step key>~<output name>[~<mapping key>]<extension>

What people name their assets by is written as it is. Beyond that, so that nothing is ambiguous and everything can be read back:

- Characters other than ASCII letters, digits and ``_.=+,-`` are written as in URLs, ``%`` and two digits for each byte of UTF-8. So are a dot
  at the beginning (names of temporary files) or end of a name, and the dot in the place where an extension would begin: the folder of an
  asset ``["a.csv", "b"]`` must not be the file of an asset ``a``.
- Names of assets begin with a letter or ``_``, else their first character is written as above. A partition key or run id that does not begin
  with a digit has an ``@`` in front. So asset ``["sales", "eu"]`` is ``sales/eu``, partition ``eu`` of asset ``sales`` is ``sales/@eu``,
  and partition ``2024-01-01`` is ``sales/2024-01-01``.
- A name longer than file systems allow goes on in a folder below: a ``%`` at the end says so.

All outputs of a run share one folder: making a folder for each step would cost more than storing a small value.

On file systems that ignore case, names that differ in case alone share a path. A path as a whole is not shortened: one that is too long
for the file system is an error.
"""

from __future__ import annotations

import re

from weft.execution.io_managers.places import Place

_UNSAFE = re.compile(rb"[^A-Za-z0-9_.=+,-]")
_PLAIN = re.compile(r"[A-Za-z0-9_=+,-]+\Z")
"""Names that are written as they are, whatever the extension: most of them."""
_PIECES = re.compile(r"%[0-9A-F]{2}|[^%]")
_LAST_SUFFIX = re.compile(r"\.[a-z0-9]+\Z")
_MOST_CHARACTERS = 200
"""Of a name. File systems allow 255 bytes; the rest is for extensions, and for what writers add to temporary names."""


ANY_SUFFIX = ".*"
"""In the place of an extension: any suffix of small letters and digits, which the caller adds to the last name."""


def path_of(place: Place, extension: str) -> list[str]:
    """The names of the folders below the base, then of the file, with `extension` (which may be empty, or `ANY_SUFFIX`)."""
    if place.asset is not None:
        names = [_asset_part(part, extension) for part in place.asset]
        if place.partition is not None:
            first, *others = place.partition.split("|")
            names.append(_beside_assets(first, extension))
            names.extend(_escaped(other, extension) or "@" for other in others)
    else:
        run_id, *others = place.output
        # A "~" in a name would be escaped, so the joint is unambiguous.
        inner = "" if extension == ANY_SUFFIX else extension  # nothing but files is in that folder
        names = [_beside_assets(run_id, extension), "~".join(_escaped(other, inner) for other in others)]
    segments = [segment for name in names for segment in _cut(name)]
    if extension != ANY_SUFFIX:
        segments[-1] += extension
    return segments


def _asset_part(part: str, extension: str) -> str:
    name = _escaped(part, extension)
    first = name[0]
    return name if first.isalpha() or first in "_%" else f"%{ord(first):02X}{name[1:]}"


def _beside_assets(text: str, extension: str) -> str:
    """A name that stands where the part of an asset's key could stand."""
    name = _escaped(text, extension)
    return name if name[:1].isdigit() else f"@{name}"


def _escaped(text: str, extension: str) -> str:
    if _PLAIN.match(text):
        return text
    # Lone surrogates, which UTF-8 cannot carry, are kept apart as well.
    name = _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], text.encode("utf-8", "surrogatepass")).decode("ascii")
    if extension == ANY_SUFFIX:
        found = _LAST_SUFFIX.search(name)
        if found is not None:
            name = f"{name[: found.start()]}%2E{name[found.start() + 1 :]}"
    elif extension and name.endswith(extension):
        start = len(name) - len(extension)
        name = f"{name[:start]}%{ord(extension[0]):02X}{name[start + 1 :]}"
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if name.endswith("."):
        name = f"{name[:-1]}%2E"
    return name


def _cut(name: str) -> list[str]:
    """`name` in pieces that are not too long, all but the last ending in a lone ``%``."""
    if len(name) <= _MOST_CHARACTERS:
        return [name]
    cut, current = [], ""
    for piece in _PIECES.findall(name):
        if len(current) + len(piece) > _MOST_CHARACTERS:
            cut.append(f"{current}%")
            current = "%2E" if piece == "." else piece
        else:
            current += piece
    return [*cut, current]
