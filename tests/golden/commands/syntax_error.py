"""The project does not compile."""

if __name__ == "__main__":
    from pathlib import Path

    from tests.golden.playback import weft

    Path("broken.py").write_text("from weft import asset\n\n@asset\ndef orders()\n    return 1\n")
    weft("check", "-f", "broken.py")
