from weft import job, op


@op
def double(value: int) -> int:
    return 2 * value


@job
def pipeline() -> None:
    double(3)
