"""The database is not one."""

if __name__ == "__main__":
    from pathlib import Path

    from tests.golden.playback import weft

    Path("home").mkdir()
    Path("home/weft.db").write_bytes(b"not a database, but bytes" * 100)
    weft("run", "list")
