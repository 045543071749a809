"""The folder of the instance is a file."""

if __name__ == "__main__":
    from pathlib import Path

    from tests.golden.playback import weft

    Path("home").write_text("")
    weft("run", "list")
