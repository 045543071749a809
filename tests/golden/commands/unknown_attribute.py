"""The attribute is misspelt."""

from weft import Definitions

defs = Definitions()


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("check", "-f", "shop.py", "-a", "def")
