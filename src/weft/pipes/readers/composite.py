"""Messages of several programs, or of several parts of one, in one session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from weft.errors import InvocationError
from weft.pipes.messages import PipesMessageHandler
from weft.pipes.protocol import COMPOSITE_WRITERS, PipesLaunchedData, PipesOpenedData, PipesParams
from weft.pipes.reader import PipesMessageReader

if TYPE_CHECKING:
    from weft.pipes.readers.stdio import PipesStdioMessageReader


class PipesCompositeMessageReader(PipesMessageReader):
    """Reads from several readers at once; the channel is closed when all their writers have closed it.

    `PipesSession.get_per_writer_bootstrap_env_vars` has what each program is started with.

    Args:
        readers: one for each program.
    """

    def __init__(self, readers: Sequence[PipesMessageReader]) -> None:
        self._readers = list(readers)
        if not self._readers:
            raise InvocationError(
                "a composite reader was given no readers.",
                code="WEFT-I202",
                fix="give it one for each program that writes messages",
            )

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """See `PipesMessageReader`."""
        handler.expected_writers = len(self._readers)
        with ExitStack() as stack:
            yield {COMPOSITE_WRITERS: [stack.enter_context(reader.read_messages(handler)) for reader in self._readers]}

    def no_messages_debug_text(self) -> str:
        """See `PipesMessageReader`."""
        return "\n".join(reader.no_messages_debug_text() for reader in self._readers)

    def on_opened(self, opened_payload: PipesOpenedData) -> None:
        """See `PipesMessageReader`. Which of the writers it was is not known here, so every reader hears of it."""
        for reader in self._readers:
            reader.on_opened(opened_payload)

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:
        """See `PipesMessageReader`."""
        for reader in self._readers:
            reader.on_launched(launched_payload)

    def stdio_readers(self) -> Iterator[PipesStdioMessageReader]:
        """See `PipesMessageReader`."""
        for reader in self._readers:
            yield from reader.stdio_readers()
