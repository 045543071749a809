"""The database was written by a newer program."""

if __name__ == "__main__":
    import sqlite3

    from tests.golden.playback import weft

    weft("instance", "migrate", show=False)
    with sqlite3.connect("home/weft.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    weft("run", "list")
