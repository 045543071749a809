from weft import job, op


@op
def load() -> None: ...


@job
def nightly() -> None:
    load()


nightly.execute_in_process(op_selection=["lod"])
