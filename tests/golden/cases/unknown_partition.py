from weft import DailyPartitionsDefinition, asset, materialize


@asset(partitions_def=DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-02-01"))
def orders() -> None: ...


materialize([orders], partition_key="2024-02-30")
