from weft import MaterializeResult, asset, materialize


@asset
def orders() -> MaterializeResult:
    return MaterializeResult(metadata={"connection": object})


materialize([orders])
