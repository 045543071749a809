from weft import ConfigurableResource, asset, materialize


class Database(ConfigurableResource):
    host: str


@asset
def orders(database: Database) -> None: ...


materialize([orders], resources={"database": Database})
