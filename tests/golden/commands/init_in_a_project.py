"""A starter project is made where there is one."""

if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("init", "shop", show=False)
    weft("init", "shop")
