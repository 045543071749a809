"""An argument of a decorator is wrong, somewhere in the file."""

from weft import Definitions, asset

if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("check", "-f", "shop.py")
    raise SystemExit


def raw_asset(name: str):
    def load() -> list[int]:
        return [1]

    return asset(name=name, group_name="raw data")(load)


defs = Definitions(assets=[raw_asset("orders"), raw_asset("users")])
