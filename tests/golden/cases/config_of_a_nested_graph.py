"""The key of an op inside a graph is misspelt."""

from weft import graph, job, op


@op(config_schema={"rows": int})
def load(context): ...


@graph
def prepare():
    load()


@job
def nightly():
    prepare()


nightly.execute_in_process({"ops": {"prepare": {"ops": {"load": {"config": {"row": 3}}}}}})
