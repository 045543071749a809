"""A file of the wrong kind is given as the project."""

if __name__ == "__main__":
    from pathlib import Path

    from tests.golden.playback import weft

    Path("shop.ipynb").write_text("{}")
    weft("check", "-f", "shop.ipynb")
