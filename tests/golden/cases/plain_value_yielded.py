from weft import job, op


@op
def numbers():
    yield 1


@job
def pipeline() -> None:
    numbers()


pipeline.execute_in_process()
