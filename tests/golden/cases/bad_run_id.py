from weft import asset, materialize


@asset
def orders() -> int:
    return 1


materialize([orders], run_id="../../etc/passwd")
