"""A resource cannot be set up."""

from weft import ConfigurableResource, Definitions, asset


class Warehouse(ConfigurableResource):
    host: str

    def setup_for_execution(self, context) -> None:
        raise ConnectionError(f"no route to {self.host}")


@asset
def orders(warehouse: Warehouse) -> None: ...


defs = Definitions(assets=[orders], resources={"warehouse": Warehouse(host="db.example.org")})


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("asset", "materialize", "-f", "shop.py", "--select", "*")
