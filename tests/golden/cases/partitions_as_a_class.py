"""The class of partitions is given instead of an object."""

from weft import DailyPartitionsDefinition, asset


@asset(partitions_def=DailyPartitionsDefinition)
def orders() -> None: ...
