from weft import DynamicOut, DynamicOutput, job, op


@op(out=DynamicOut())
def numbers():
    yield DynamicOutput(1, "one")


@op
def add(a: int, b: int) -> int:
    return a + b


@job
def pipeline() -> None:
    numbers().map(lambda a: numbers().map(lambda b: add(a, b)))


pipeline.execute_in_process()
