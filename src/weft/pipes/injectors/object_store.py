"""The context in an object store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from weft.pipes.context_data import PipesContextData
from weft.pipes.injector import PipesContextInjector
from weft.pipes.object_store import ObjectPath, params_of
from weft.pipes.protocol import PipesParams, json_text
from weft.pipes.readers.blob import random_key


class PipesObjectStoreContextInjector(PipesContextInjector):
    """Writes the context to any store that fsspec knows (``s3://bucket/prefix``), and removes it in the end.

    Args:
        path: below it every session has an object of its own.
        storage_options: for the file system of fsspec: credentials, endpoint.
    """

    def __init__(self, path: str, storage_options: Mapping[str, Any] | None = None) -> None:
        self._base = ObjectPath(path, storage_options)

    @contextmanager
    def inject_context(self, context_data: PipesContextData) -> Iterator[PipesParams]:
        """See `PipesContextInjector`."""
        folder = self._base.below(random_key())
        folder.make_folder()
        place = folder.below("context.json")
        try:
            place.write(json_text(context_data))
            yield params_of(place, "key")
        finally:
            folder.remove()

    def no_messages_debug_text(self) -> str:
        """See `PipesContextInjector`."""
        return f"as an object below {self._base}"
