"""The context in a variable of the environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from weft.pipes.context_data import PipesContextData
from weft.pipes.injector import PipesContextInjector
from weft.pipes.protocol import PipesParams


class PipesEnvContextInjector(PipesContextInjector):
    """Hands the context over in the environment of the program. The system bounds its size: about 128 KiB for one variable on Linux."""

    @contextmanager
    def inject_context(self, context_data: PipesContextData) -> Iterator[PipesParams]:
        """See `PipesContextInjector`."""
        yield {"data": context_data}

    def no_messages_debug_text(self) -> str:
        """See `PipesContextInjector`."""
        return "in a variable of its environment"
