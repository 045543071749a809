"""Values kept in memory, for tests and scripts. They are gone with the process, and no other process sees them."""

from __future__ import annotations

from typing import Any

from weft.definitions.io_manager import IOManager
from weft.execution.io_contexts import InputContext, IOContext, OutputContext
from weft.execution.io_managers import partitioned


class InMemoryIOManager(IOManager):
    """Keeps each value itself, not a copy."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, ...], Any] = {}

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """See `IOManager.handle_output`."""

        def keep(partition: str | None, value: Any) -> None:
            self.values[_place(context, partition)] = value

        partitioned.store(context, obj, keep)

    def load_input(self, context: InputContext) -> Any:
        """See `IOManager.load_input`."""

        def load(partition: str | None) -> Any:
            place = _place(context, partition)
            if place not in self.values:
                raise partitioned.NotStored("the memory of this process")
            return self.values[place]

        return partitioned.load(context, load)


def _place(context: IOContext, partition: str | None) -> tuple[str, ...]:
    if context.has_asset_key:
        parts = ("asset", *context.asset_key.parts)
        return parts if partition is None else (*parts, "partition", partition)
    source = context.upstream_output if isinstance(context, InputContext) else context
    assert isinstance(source, OutputContext), "an input of no asset comes from an output"
    return tuple(source.get_identifier())
