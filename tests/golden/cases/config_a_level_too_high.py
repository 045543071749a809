"""A setting stands beside config instead of in it."""

from weft import job, op


@op(config_schema={"rows": int})
def load(context): ...


@job
def nightly():
    load()


nightly.execute_in_process({"ops": {"load": {"rows": 3}}})
