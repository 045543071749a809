"""A job is given among the assets."""

from weft import Definitions, job, op


@op
def load() -> None: ...


@job
def nightly() -> None:
    load()


Definitions(assets=[nightly]).validate_loadable()
