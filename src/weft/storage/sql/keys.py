"""Asset keys as bytes that sort like their parts.

Each part is followed by the byte 01, which no part contains: inside parts, the characters 00, 01 and 02 become 02 followed by 01, 02
and 03. Comparing the bytes then compares the keys part by part and code point by code point (UTF-8 keeps the order of code points), and
the keys below a prefix are one range. A JSON list would sort ``["a", "b"]`` before ``["a"]``.
"""

from __future__ import annotations

from collections.abc import Sequence

_ESCAPES = str.maketrans({"\x00": "\x02\x01", "\x01": "\x02\x02", "\x02": "\x02\x03"})


def sort_key(parts: Sequence[str]) -> bytes:
    """`parts` as bytes; no parts give no bytes."""
    return "".join(f"{part.translate(_ESCAPES)}\x01" for part in parts).encode()


def prefix_range(parts: Sequence[str]) -> tuple[bytes, bytes]:
    """The first bytes of keys with that prefix (the prefix itself included), and the first bytes after all of them."""
    low = sort_key(parts)
    return low, (low[:-1] + b"\x02" if low else b"\xff")
