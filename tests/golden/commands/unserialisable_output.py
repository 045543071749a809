"""A value cannot be stored."""

import threading

from weft import Definitions, asset


@asset
def orders():
    return {"lock": threading.Lock()}


defs = Definitions(assets=[orders])


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("asset", "materialize", "-f", "shop.py", "--select", "*")
