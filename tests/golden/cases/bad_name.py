from weft import asset


@asset(name="my orders")
def orders() -> None: ...
