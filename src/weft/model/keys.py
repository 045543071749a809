"""Names of assets and checks.

An asset key is a path of non-empty strings. Three text forms, all of which round-trip:

- user string ``a/b``: parts joined by ``/``, with ``\\`` and ``/`` inside parts escaped as ``\\\\`` and ``\\/``;
- JSON list ``["a", "b"]``: the form in databases;
- Python identifier ``a__b``: the name of the op that computes it (not reversible).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from weft.errors import DefinitionError

_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


class AssetKey:
    """The name of an asset: a path of one or more non-empty strings. Immutable, hashable, ordered by its parts.

    >>> AssetKey("orders").path
    ['orders']
    >>> AssetKey(["shop", "orders"]).to_user_string()
    'shop/orders'
    """

    __slots__ = ("_hash", "_user_string", "parts")

    parts: tuple[str, ...]
    _hash: int
    _user_string: str | None

    def __init__(self, path: str | Iterable[str]) -> None:
        parts = _parts(path)
        if not parts:
            raise DefinitionError(
                f"{path!r} is not an asset key.",
                code="WEFT-D002",
                facts={"expected": "a non-empty string, or a list of non-empty strings"},
                fix='write AssetKey("orders") or AssetKey(["shop", "orders"])',
            )
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "_hash", hash(parts))
        object.__setattr__(self, "_user_string", None)

    @property
    def path(self) -> list[str]:
        """The parts as a new list."""
        return list(self.parts)

    def to_user_string(self) -> str:
        """The parts joined by ``/``, with slashes and backslashes inside a part escaped."""
        text = self._user_string
        if text is None:
            parts = self.parts
            text = _escape(parts[0]) if len(parts) == 1 else "/".join([_escape(part) for part in parts])
            object.__setattr__(self, "_user_string", text)
        return text

    to_escaped_user_string = to_user_string

    @staticmethod
    def from_user_string(text: str) -> AssetKey:
        """The key that `to_user_string` writes as `text`."""
        if "\\" not in text:
            return AssetKey(text.split("/"))
        parts, current, escaped = [], [], False
        for char in text:
            if escaped:
                current.append(char)
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == "/":
                parts.append("".join(current))
                current = []
            else:
                current.append(char)
        parts.append("".join(current))
        return AssetKey(parts)

    from_escaped_user_string = from_user_string

    def to_string(self) -> str:
        """The JSON list form, as stored in databases."""
        import json

        return json.dumps(list(self.parts), ensure_ascii=False)

    def to_python_identifier(self, suffix: str | None = None) -> str:
        """The parts joined by ``__``, every other character than letters, digits and ``_`` replaced by ``_``."""
        name = _UNSAFE.sub("_", "__".join(self.parts))
        return f"{name}__{suffix}" if suffix else name

    def with_prefix(self, prefix: str | Sequence[str]) -> AssetKey:
        """This key below `prefix`."""
        head = (prefix,) if isinstance(prefix, str) else tuple(prefix)
        return AssetKey((*head, *self.parts))

    def has_prefix(self, prefix: Sequence[str]) -> bool:
        """Whether the key starts with the parts of `prefix`."""
        return self.parts[: len(prefix)] == tuple(prefix)

    @staticmethod
    def of(value: CoercibleToAssetKey) -> AssetKey:
        """`value` as a key: a key, a user string (``a/b``), or a sequence of parts.

        Raises:
            DefinitionError: (WEFT-D002) it is none of these.
        """
        if isinstance(value, AssetKey):
            return value
        if isinstance(value, str):
            return AssetKey.from_user_string(value)
        return AssetKey(value)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, AssetKey) and self.parts == other.parts)

    def __lt__(self, other: object) -> bool:
        return self.parts < other.parts if isinstance(other, AssetKey) else NotImplemented

    def __hash__(self) -> int:
        return self._hash

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"AssetKey is immutable: cannot set {name!r}")

    def __reduce__(self) -> tuple[type[AssetKey], tuple[tuple[str, ...]]]:
        return (AssetKey, (self.parts,))

    def __repr__(self) -> str:
        return f"AssetKey({self.path})"


CoercibleToAssetKey: TypeAlias = AssetKey | str | Sequence[str]
"""What is accepted where an asset key is expected."""


class AssetCheckKey:
    """The name of a check: the asset it checks, and a name that is unique among that asset's checks."""

    __slots__ = ("_hash", "asset_key", "name")

    asset_key: AssetKey
    name: str
    _hash: int

    def __init__(self, asset_key: CoercibleToAssetKey, name: str) -> None:
        key = AssetKey.of(asset_key)
        object.__setattr__(self, "asset_key", key)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "_hash", hash((key, name)))

    def to_user_string(self) -> str:
        """``asset/key:check_name``."""
        return f"{self.asset_key.to_user_string()}:{self.name}"

    def to_python_identifier(self) -> str:
        """``asset__key_check_name``, the name of the op of a stand-alone check."""
        return f"{self.asset_key.to_python_identifier()}_{self.name}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetCheckKey) and (self.asset_key, self.name) == (other.asset_key, other.name)

    def __lt__(self, other: AssetCheckKey) -> bool:
        return (self.asset_key.parts, self.name) < (other.asset_key.parts, other.name)

    def __hash__(self) -> int:
        return self._hash

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"AssetCheckKey is immutable: cannot set {name!r}")

    def __reduce__(self) -> tuple[type[AssetCheckKey], tuple[Any, ...]]:
        return (AssetCheckKey, (self.asset_key, self.name))

    def __repr__(self) -> str:
        return f"AssetCheckKey({self.asset_key!r}, {self.name!r})"


AssetOrCheckKey: TypeAlias = AssetKey | AssetCheckKey
"""The name of an asset or of a check."""


class AssetJobKey(Struct, frozen=True, gc=False):
    """The name of a job of assets, where a job stands beside assets and checks as something that can be requested."""

    job_name: str


def _parts(path: Any) -> tuple[str, ...]:
    """The parts of `path`; none where it is no path."""
    if isinstance(path, str):
        return (path,) if path else ()
    try:
        parts = tuple(path)
    except TypeError:
        return ()
    for part in parts:
        if not isinstance(part, str) or not part:
            return ()
    return parts


def _escape(part: str) -> str:
    if "\\" in part or "/" in part:
        return part.replace("\\", "\\\\").replace("/", "\\/")
    return part
