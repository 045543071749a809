from weft import asset


@asset(key=["shop", "orders"], name="orders")
def orders() -> None: ...
