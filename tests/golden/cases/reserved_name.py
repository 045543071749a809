from weft import op


@op(name="input")
def read() -> None: ...
