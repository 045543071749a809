from weft import asset, materialize


@asset
def orders() -> None: ...


@asset
def customers() -> None: ...


materialize([orders, customers], selection="+ordes")
