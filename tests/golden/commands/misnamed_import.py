"""A name is imported from weft that it does not have."""

if __name__ == "__main__":
    from pathlib import Path

    from tests.golden.playback import weft

    Path("broken.py").write_text("from weft import asset, Definition\n")
    weft("check", "-f", "broken.py")
