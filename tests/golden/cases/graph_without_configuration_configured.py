"""A graph is configured that takes no configuration."""

from weft import graph, op


@op
def load(): ...


@graph
def prepare():
    load()


prepare.configured({"rows": 1})
