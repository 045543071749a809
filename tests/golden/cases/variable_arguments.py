"""An op takes *args."""

from weft import op


@op
def total(*values: int) -> int:
    return sum(values)
