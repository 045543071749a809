"""The folder of the instance cannot be written."""

if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("run", "list", "--home", "/proc/weft")
