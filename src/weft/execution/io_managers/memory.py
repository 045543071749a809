"""Values kept in memory, for tests and scripts. They are gone with the process, and no other process sees them."""

from __future__ import annotations

from typing import Any

from weft.execution.io_contexts import InputContext, OutputContext
from weft.execution.io_managers.frames import FrameKind, as_frame, wanted_frame
from weft.execution.io_managers.places import NotStored, Place, PlacedIOManager


class InMemoryIOManager(PlacedIOManager):
    """Keeps each value itself, not a copy: a step that changes what it loaded changes it for all later ones.

    A table is given as the kind that the annotation of the input names, as by the I/O manager of files.
    """

    def __init__(self) -> None:
        self.values: dict[Place, Any] = {}

    def store_at(self, context: OutputContext, place: Place, obj: Any) -> None:
        """See `PlacedIOManager.store_at`."""
        self.values[place] = obj

    def is_at(self, place: Place) -> bool:
        """See `PlacedIOManager.is_at`."""
        return place in self.values

    def load_from(self, context: InputContext, place: Place) -> Any:
        """See `PlacedIOManager.load_from`."""
        if place not in self.values:
            raise NotStored(place, "the memory of this process")
        value = self.values[place]
        return value if context.value_type is None else as_frame(value, _wanted(context))


def _wanted(context: InputContext) -> FrameKind | None:
    return wanted_frame(getattr(context.value_type, "annotation", None))
