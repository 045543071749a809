"""A list in a schema has two items."""

from weft import op


@op(config_schema={"names": [str, int]})
def load(context): ...


load.config_field
