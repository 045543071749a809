"""A parameter is declared as Nothing."""

from weft import In, Nothing, op


@op(ins={"after": In(Nothing)})
def load(after: int) -> None: ...
