"""A part of a command is misspelt."""

if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("run", "lst")
