"""An asset is declared on a method."""

from weft import Definitions, asset


class Shop:
    @asset
    def orders(self) -> list[int]:
        return [1]


Definitions(assets=[Shop.orders]).validate_loadable()
