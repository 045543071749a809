"""An environment variable is not set."""

from weft import ConfigurableResource, Definitions, EnvVar, asset


class Warehouse(ConfigurableResource):
    password: str


@asset
def orders(warehouse: Warehouse) -> None: ...


defs = Definitions(assets=[orders], resources={"warehouse": Warehouse(password=EnvVar("WAREHOUSE_PASSWORD"))})


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("asset", "materialize", "-f", "shop.py", "--select", "orders")
