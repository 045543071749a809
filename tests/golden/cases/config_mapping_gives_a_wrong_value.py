"""What a config mapping gives does not fit the op."""

from weft import ConfigMapping, graph, job, op


@op(config_schema={"rows": int})
def load(context): ...


def simple(given):
    return {"load": {"config": {"rows": str(given)}}}


@graph(config=ConfigMapping(simple, int))
def prepare():
    load()


@job
def nightly():
    prepare()


nightly.execute_in_process({"ops": {"prepare": {"config": 1}}})
