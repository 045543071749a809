from weft import asset


@asset(kinds={f"kind_{number}" for number in range(11)})
def orders() -> None: ...
