from weft import Out, Output, job, op


@op(out={"left": Out(), "right": Out()})
def split():
    yield Output(1, "left")


@job
def pipeline() -> None:
    split()


pipeline.execute_in_process()
