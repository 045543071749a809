"""A function takes two configurations."""

from weft import Config, op


class Limits(Config):
    rows: int = 10


class Paths(Config):
    folder: str = "data"


@op
def load(limits: Limits, paths: Paths) -> None: ...
