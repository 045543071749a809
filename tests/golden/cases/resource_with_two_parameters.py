"""The function of a resource takes two parameters."""

from weft import resource


@resource
def database(context, host): ...
