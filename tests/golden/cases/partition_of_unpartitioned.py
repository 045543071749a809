from weft import asset, materialize


@asset
def orders() -> None: ...


materialize([orders], partition_key="2024-01-01")
