"""How messages come back: the contract that every reader keeps.

Laws: while `read_messages` is open, every message that the program writes is handed to the handler, in the order of its writer; when it closes,
all that was written before the program ended has been handed over, also where the program was killed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from weft.pipes.protocol import PipesLaunchedData, PipesOpenedData, PipesParams

if TYPE_CHECKING:
    from weft.pipes.messages import PipesMessageHandler
    from weft.pipes.readers.stdio import PipesStdioMessageReader


class PipesMessageReader(ABC):
    """Reads the messages of an external process. Subclass it for a transport of your own.

    >>> class QueueReader(PipesMessageReader):
    ...     @contextmanager
    ...     def read_messages(self, handler):
    ...         with subscribed(self.queue, lambda text: handler.handle_message(json.loads(text))):
    ...             yield {"queue": self.queue}
    ...
    ...     def no_messages_debug_text(self):
    ...         return f"messages were expected in the queue {self.queue}"
    """

    @abstractmethod
    def read_messages(self, handler: PipesMessageHandler) -> AbstractContextManager[PipesParams]:
        """While open, hand messages to `handler`; gives what the program has to know of where to write."""

    @abstractmethod
    def no_messages_debug_text(self) -> str:
        """Where messages were expected, for the reader of the log when none came."""

    def on_opened(self, opened_payload: PipesOpenedData) -> None:  # noqa: B027  # most readers need not know
        """The program opened the channel. Nothing has to be done; some readers learn from it where the program's log is."""

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:  # noqa: B027  # as above
        """The program was started. Nothing has to be done, as above."""

    def stdio_readers(self) -> Iterator[PipesStdioMessageReader]:
        """The readers, in this one, of a stream that the client that starts the program has to hand them."""
        return iter(())
