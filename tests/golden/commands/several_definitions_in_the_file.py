"""The file has two definitions."""

from weft import Definitions

raw = Definitions()
marts = Definitions()


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("check", "-f", "shop.py")
