"""The file declares nothing."""


def orders() -> None: ...


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("check", "-f", "shop.py")
