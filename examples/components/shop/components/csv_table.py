"""A component type of the project's own: tables that are loaded from CSV files."""

from __future__ import annotations

import csv
from pathlib import Path

from weft import (
    AssetExecutionContext,
    AssetSpec,
    Component,
    ComponentLoadContext,
    Definitions,
    MaterializeResult,
    Model,
    Resolvable,
    multi_asset,
)


class CsvTables(Component, Model, Resolvable):
    """Loads CSV files into tables of the database, each an asset with the name of its file."""

    folder: Path
    files: list[str]

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """One asset for each file, made one by one."""
        return Definitions(assets=[self._table(name) for name in self.files])

    def _table(self, file: str) -> object:
        table = Path(file).stem
        source = self.folder / file

        @multi_asset(specs=[AssetSpec(table, kinds={"csv"})], name=table, required_resource_keys={"database"})
        def load(context: AssetExecutionContext) -> MaterializeResult:
            with source.open(newline="") as lines:
                header, *rows = csv.reader(lines)
            names, marks = ", ".join(f'"{name}"' for name in header), ", ".join("?" * len(header))
            with context.resources.database.get_connection() as connection, connection:
                connection.execute(f'drop table if exists "{table}"')
                connection.execute(f'create table "{table}" ({names})')
                connection.executemany(f'insert into "{table}" values ({marks})', rows)
            return MaterializeResult(asset_key=table, metadata={"rows": len(rows)})

        return load
