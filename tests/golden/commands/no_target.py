"""A command is given no project."""

if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("asset", "list")
