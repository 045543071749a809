from weft import asset


@asset(owners=["data"])
def orders() -> None: ...
