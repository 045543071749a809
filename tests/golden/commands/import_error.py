"""A library of the project is not installed."""

if __name__ == "__main__":
    from pathlib import Path

    from tests.golden.playback import weft

    Path("broken.py").write_text("from warehouse import connect\n")
    weft("check", "-f", "broken.py")
