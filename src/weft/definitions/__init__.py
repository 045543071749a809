"""What a user declares. Each definition checks itself early, describes itself as `weft.model` values and runs nothing.

Running is done above; the façades that users call on definitions (``materialize``, ``job.execute_in_process``, calling a decorated
function) reach up by the imports that the layering contract names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weft.definitions.definitions import Definitions
    from weft.definitions.lazy_definitions import LazyDefinitions


class _CallableModule(ModuleType):
    """``weft.definitions`` is this package, and the public decorator of that name: importing one must not hide the other."""

    def __call__(self, fn: Callable[[], Definitions]) -> LazyDefinitions:
        """See `weft.definitions.lazy_definitions.definitions`."""
        from weft.definitions.lazy_definitions import definitions  # needed only where the decorator is used

        return definitions(fn)


sys.modules[__name__].__class__ = _CallableModule
