"""A command is misspelt."""

if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("assets", "list")
