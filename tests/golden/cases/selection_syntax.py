from weft import asset, materialize


@asset
def orders() -> None: ...


materialize([orders], selection='key:"orders" and (group:a')
