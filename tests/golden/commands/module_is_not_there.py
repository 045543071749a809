"""The module of the project does not exist."""

if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("check", "-m", "shop.definitions")
