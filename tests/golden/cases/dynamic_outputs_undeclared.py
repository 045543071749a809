"""An op yields dynamic outputs without declaring them."""

from collections.abc import Iterator

from weft import DynamicOutput, op


@op
def split() -> Iterator[DynamicOutput[int]]:
    yield DynamicOutput(1, "a")
