"""The project: everything in the folder ``defs``, and the database that its documents name."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weft import ConfigurableResource, Definitions, definitions, load_from_defs_folder


class Database(ConfigurableResource):
    """A SQLite file."""

    path: str

    @contextmanager
    def get_connection(self) -> Iterator[sqlite3.Connection]:
        """A connection, closed afterwards."""
        connection = sqlite3.connect(self.path)
        try:
            yield connection
        finally:
            connection.close()


@definitions
def defs() -> Definitions:
    folder = Path(__file__).parent
    database = Database(path=os.environ.get("SHOP_DATABASE", str(folder.parent / "shop.db")))
    return Definitions.merge(
        load_from_defs_folder(path_within_project=folder), Definitions(resources={"database": database})
    )
