from weft import DynamicOut, DynamicOutput, job, op


@op(out=DynamicOut())
def numbers():
    yield DynamicOutput(1, "one")


@op
def double(value: int) -> int:
    return 2 * value


@job
def pipeline() -> None:
    double(numbers())
