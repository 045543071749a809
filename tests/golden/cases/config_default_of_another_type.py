"""The default of a config field is not of its type."""

from weft import Field, resource


@resource(config_schema={"port": Field(int, default_value="5432")})
def database(context): ...
