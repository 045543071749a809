from weft import ConfigurableResource, EnvVar, asset, materialize


class Database(ConfigurableResource):
    host: str
    password: str


@asset
def orders(database: Database) -> None: ...


materialize([orders], resources={"database": Database(host="localhost", password=EnvVar("GOLDEN_NOT_SET"))})
