"""The context in a file that both sides see."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weft.pipes.context_data import PipesContextData
from weft.pipes.injector import PipesContextInjector
from weft.pipes.protocol import PipesParams, json_text


class PipesFileContextInjector(PipesContextInjector):
    """Writes the context to a file, readable by its owner alone, and removes it in the end.

    Args:
        path: the file. Its folder must exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    @contextmanager
    def inject_context(self, context_data: PipesContextData) -> Iterator[PipesParams]:
        """See `PipesContextInjector`."""
        _write(self._path, context_data)
        try:
            yield {"path": str(self._path)}
        finally:
            self._path.unlink(missing_ok=True)

    def no_messages_debug_text(self) -> str:
        """See `PipesContextInjector`."""
        return f"in the file {self._path}"


class PipesTempFileContextInjector(PipesContextInjector):
    """Writes the context to a file in a temporary folder of its own."""

    @contextmanager
    def inject_context(self, context_data: PipesContextData) -> Iterator[PipesParams]:
        """See `PipesContextInjector`."""
        with tempfile.TemporaryDirectory(prefix="weft-pipes-") as folder:
            path = Path(folder) / "context.json"
            _write(path, context_data)
            yield {"path": str(path)}

    def no_messages_debug_text(self) -> str:
        """See `PipesContextInjector`."""
        return "in a temporary file"


def _write(path: Path, context_data: PipesContextData) -> None:
    text = json_text(context_data)
    # Extras may be anybody's business but that of other users of the machine.
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123  # of a descriptor
        file.write(text)
