"""The function of a config mapping reads a key that is not there."""

from weft import ConfigMapping, graph, job, op


@op(config_schema={"rows": int})
def load(context): ...


def simple(given):
    return {"load": {"config": {"rows": given["n"]}}}


@graph(config=ConfigMapping(simple, {"rows": int}))
def prepare():
    load()


@job
def nightly():
    prepare()


nightly.execute_in_process({"ops": {"prepare": {"config": {"rows": 1}}}})
