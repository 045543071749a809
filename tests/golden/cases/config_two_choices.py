"""Two choices of a selector are given."""

from weft import Selector, job, op


@op(config_schema={"store": Selector({"local": {"path": str}, "s3": {"bucket": str}})})
def load(context): ...


@job
def nightly():
    load()


nightly.execute_in_process({"ops": {"load": {"config": {"store": {"local": {"path": "/tmp"}, "s3": {"bucket": "b"}}}}}})
