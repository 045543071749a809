"""A resource is configured with a key that it does not have."""

from weft import resource


@resource(config_schema={"host": str})
def database(context): ...


database.configured({"hots": "db"})
