from weft import StaticPartitionsDefinition, asset, materialize


@asset(partitions_def=StaticPartitionsDefinition(["eu", "us"]))
def orders() -> None: ...


materialize([orders])
