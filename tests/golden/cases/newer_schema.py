import sqlite3
from contextlib import closing

from weft import Instance

Instance.get().close()
with closing(sqlite3.connect(here / "home" / "weft.db")) as database:  # noqa: F821  # given by the test
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
Instance.get()
