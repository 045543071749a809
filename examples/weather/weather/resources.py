"""What the assets share: where outputs go, the DuckDB database, and how tables are stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from weft import (
    ConfigurableResource,
    InputContext,
    MetadataValue,
    OutputContext,
    TableColumn,
    TableSchema,
    UPathIOManager,
)

PREVIEW_ROWS = 5


class OutputFolder(ConfigurableResource):
    """The folder for everything that the demo makes for people to look at."""

    path: str

    def file(self, name: str) -> Path:
        """The path of a file in the folder, which is made where it is missing."""
        folder = Path(self.path)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name


class Warehouse(ConfigurableResource):
    """A DuckDB database in a file. Each use is a connection of its own."""

    path: str

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """An open connection."""
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(self.path)
        try:
            yield connection
        finally:
            connection.close()

    def replace_table(self, name: str, frame: pd.DataFrame) -> int:
        """Make the table `name` from `frame`; returns its number of rows."""
        with self.connect() as connection:
            connection.register("incoming", frame)
            identifier = '"' + name.replace('"', '""') + '"'
            connection.execute(f"CREATE OR REPLACE TABLE {identifier} AS SELECT * FROM incoming")
            counted = connection.execute(f"SELECT count(*) FROM {identifier}").fetchone()
        assert counted is not None
        return int(counted[0])


class ParquetIOManager(UPathIOManager):
    """Stores each table as a Parquet file, and says what is in it."""

    extension = ".parquet"

    def dump_to_path(self, context: OutputContext, obj: pd.DataFrame, path: Any) -> None:
        """Write the table."""
        obj.to_parquet(path, index=False)
        context.add_output_metadata(table_metadata(obj))

    def load_from_path(self, context: InputContext, path: Any) -> pd.DataFrame:
        """Read the table."""
        return pd.read_parquet(path)


def table_metadata(frame: pd.DataFrame) -> dict[str, Any]:
    """What a reader wants to know of a table: how many rows, which columns, the first few rows."""
    schema = TableSchema(columns=tuple(TableColumn(str(name), str(kind)) for name, kind in frame.dtypes.items()))
    preview = frame.head(PREVIEW_ROWS).astype(str).to_dict(orient="records")
    return {
        "weft/row_count": len(frame),
        "weft/column_schema": schema,
        "preview": MetadataValue.table(preview),
    }
