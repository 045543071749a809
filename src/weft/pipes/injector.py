"""How the context gets to an external process: the contract that every injector keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from weft.pipes.context_data import PipesContextData
from weft.pipes.protocol import PipesParams


class PipesContextInjector(ABC):
    """Puts the context where an external process finds it. Subclass it for a transport of your own.

    What it put there is gone when `inject_context` has closed.
    """

    @abstractmethod
    def inject_context(self, context_data: PipesContextData) -> AbstractContextManager[PipesParams]:
        """While open, the context can be read; gives what the program has to know of where."""

    @abstractmethod
    def no_messages_debug_text(self) -> str:
        """Where the context was put, for the reader of the log when the program said nothing."""
