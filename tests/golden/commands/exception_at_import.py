"""The project raises an exception when it is imported."""

from weft import Definitions, asset

if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("check", "-f", "shop.py")
    raise SystemExit


def folder_of(settings: dict[str, str]) -> str:
    return settings["folder"]


FOLDER = folder_of({})


@asset
def orders() -> str:
    return FOLDER


defs = Definitions(assets=[orders])
