"""The class of a resource is given instead of an object."""

from weft import ConfigurableResource, asset, materialize


class Database(ConfigurableResource):
    host: str


@asset
def orders(database: Database): ...


materialize([orders], resources={"database": Database})
