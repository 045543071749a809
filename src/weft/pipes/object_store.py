"""Objects of any store that fsspec knows, as injectors and readers need them: put, get, remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.pipes.protocol import PipesParams

_BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl"})


class ObjectPath:
    """A place in a store: an object, or what objects have in common at the start of their keys."""

    __slots__ = ("_fs", "_path", "_protocol")

    def __init__(self, path: str, storage_options: Mapping[str, Any] | None = None) -> None:
        import fsspec  # type: ignore[import-untyped]  # loads slowly, and is needed only where a store is

        # Without its listings cache: what another program puts there must be seen.
        options = {"use_listings_cache": False, **(storage_options or {})}
        self._fs, self._path = fsspec.core.url_to_fs(path, **options)
        protocol = self._fs.protocol
        self._protocol: str = protocol if isinstance(protocol, str) else protocol[0]

    def below(self, name: str) -> ObjectPath:
        """The place `name` in this one."""
        return self._moved(f"{self._path.rstrip('/')}/{name}")

    def at(self, key: str, bucket: str | None) -> ObjectPath:
        """The place with this key in the same store."""
        return self._moved(key if bucket is None else f"{bucket}/{key}")

    def _moved(self, path: str) -> ObjectPath:
        moved = ObjectPath.__new__(ObjectPath)
        moved._fs, moved._path, moved._protocol = self._fs, path, self._protocol
        return moved

    @property
    def bucket_and_key(self) -> tuple[str, str] | None:
        """Both, where the store has buckets."""
        if self._protocol not in _BUCKETS:
            return None
        bucket, _, key = self._path.partition("/")
        return bucket, key

    @property
    def path(self) -> str:
        """The path without the name of the store."""
        return str(self._path)

    def make_folder(self) -> None:
        """Make the folder, where the store has folders."""
        if self.bucket_and_key is None:
            self._fs.makedirs(self._path, exist_ok=True)

    def read(self) -> str | None:
        """What is in the object; None where there is none."""
        try:
            data: bytes = self._fs.cat_file(self._path)
        except FileNotFoundError:
            return None
        return data.decode("utf-8", "backslashreplace")

    def write(self, text: str) -> None:
        """Put an object."""
        self._fs.pipe_file(self._path, text.encode())

    def remove(self) -> None:
        """Remove the object, or all that is below; nothing where nothing is there."""
        try:
            self._fs.rm(self._path, recursive=True)
        except FileNotFoundError:
            return

    def __str__(self) -> str:
        return str(self._fs.unstrip_protocol(self._path))


def params_of(place: ObjectPath, key_name: str) -> PipesParams:
    """What the program has to know of a place: bucket and key, or its path."""
    found = place.bucket_and_key
    return {"path": place.path} if found is None else {"bucket": found[0], key_name: found[1]}
