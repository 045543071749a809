"""@configured gets a class of resources."""

from weft import ConfigurableResource, configured


class Database(ConfigurableResource):
    host: str


@configured(Database)
def test_database(config):
    return {"host": "test"}
