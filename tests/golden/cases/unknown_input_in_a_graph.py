from weft import job, op


@op
def one() -> int:
    return 1


@op
def double(value: int) -> int:
    return 2 * value


@job
def pipeline() -> None:
    double(valu=one())
