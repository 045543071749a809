from weft import StaticPartitionsDefinition, asset, materialize


@asset(partitions_def=StaticPartitionsDefinition(["europe", "america"]))
def orders() -> None: ...


materialize([orders], partition_key="europa")
