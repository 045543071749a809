"""An asset takes itself as its input."""

from weft import Definitions, asset


@asset
def balance(balance: int) -> int:
    return balance + 1


Definitions(assets=[balance]).validate_loadable()
