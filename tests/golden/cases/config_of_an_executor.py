"""The executor is configured with a word instead of a number."""

from weft import job, op


@op
def load(): ...


@job
def nightly():
    load()


nightly.execute_in_process({"execution": {"config": {"multiprocess": {"max_concurrent": "four"}}}})
