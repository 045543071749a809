from weft import asset


@asset(tags={"who made this": "me"})
def orders() -> None: ...
