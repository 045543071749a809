"""DuckDB: a resource for connections, and I/O managers that store values of assets as tables of a database.

What tables, schemas and partitions are called: `weft.integrations.sql_io_manager`. Tables go in and out as Arrow; an index of pandas is left out. DuckDB
does not tell upper from lower case in names.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from pydantic import Field

from weft.config.schema import Field as ConfigField
from weft.definitions.configurable_io_manager import ConfigurableIOManagerFactory
from weft.definitions.configurable_resource import ConfigurableResource
from weft.definitions.io_manager import IOManager, IOManagerDefinition
from weft.definitions.resources import InitResourceContext
from weft.errors import IOManagerError, ResourceError
from weft.execution.io_contexts import InputContext, OutputContext
from weft.execution.io_managers.frames import FrameKind, as_frame, frame_kind, wanted_frame
from weft.integrations.sql_io_manager import (
    DbClient,
    DbTypeHandler,
    SqlIOManager,
    TablePartitionDimension,
    TableSlice,
    delete_statement,
    quote_identifier,
    quoted_table,
    select_statement,
)

__all__ = [
    "DbTypeHandler",
    "DuckDBFrameTypeHandler",
    "DuckDBIOManager",
    "DuckDBPandasIOManager",
    "DuckDBPandasTypeHandler",
    "DuckDBPolarsIOManager",
    "DuckDBPolarsTypeHandler",
    "DuckDBPyArrowIOManager",
    "DuckDBPyArrowTypeHandler",
    "DuckDBResource",
    "TablePartitionDimension",
    "TableSlice",
    "build_duckdb_io_manager",
]

_WAITS_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Between attempts to open a file that another process has open: DuckDB lets one process write at a time."""

_IN_USE = ("Could not set lock on file", "being used by another process")
"""What DuckDB says of such a file, here and on Windows. Its class of errors is the same for a path that does not exist."""

_VALUE = "weft value"
"""The name under which a statement sees the value that is stored."""


def connect(database: str, config: Mapping[str, Any]) -> Any:
    """A connection to a database file, or to ``:memory:``. Waits a few seconds where another process has the file open.

    Raises:
        ResourceError: (WEFT-X173) duckdb is not installed.
        duckdb.IOException: the file cannot be opened; told at once where waiting would not help.
    """
    try:
        import duckdb
    except ImportError as error:
        raise ResourceError(
            "duckdb is not installed.", code="WEFT-X173", fix='install it: pip install "weft[duckdb]"'
        ) from error
    for wait in _WAITS_SECONDS:
        try:
            return duckdb.connect(database=database, config=dict(config))
        except duckdb.IOException as error:
            if not any(text in str(error) for text in _IN_USE):
                raise
            time.sleep(wait)
    return duckdb.connect(database=database, config=dict(config))


class DuckDBResource(ConfigurableResource):
    """Connections to a DuckDB database.

    >>> @asset
    ... def orders(duckdb: DuckDBResource) -> None:
    ...     with duckdb.get_connection() as connection:
    ...         connection.execute("create or replace table orders as select * from 'orders.csv'")
    """

    database: str = Field(description="The file of the database, or :memory:.", default=":memory:")
    connection_config: dict[str, Any] = Field(description="Settings of DuckDB, by name.", default={})

    @contextmanager
    def get_connection(self) -> Iterator[Any]:
        """A connection (``duckdb.DuckDBPyConnection``), closed at the end of the block."""
        connection = connect(self.database, self.connection_config)
        try:
            yield connection
        finally:
            connection.close()


# --- I/O managers ----------------------------------------------------------------------------------------------------


class DuckDBClient(DbClient):
    """A DuckDB database, for `SqlIOManager`."""

    def __init__(self, database: str, connection_config: Mapping[str, Any]) -> None:
        self.name = f"DuckDB ({database})"
        self._database = database
        self._config = connection_config

    def connect(self) -> AbstractContextManager[Any]:
        """See `DbClient.connect`."""
        return self._transaction()

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        connection = connect(self._database, self._config)
        try:
            connection.begin()
            yield connection
            connection.commit()
        finally:
            connection.close()  # which rolls back what was not committed

    def database_of(self, connection: Any) -> str | None:
        """The name of the open file in statements. A schema of the same name would be ambiguous without it."""
        ((name,),) = connection.execute("select current_database()").fetchall()
        return str(name)

    def prepare(self, connection: Any, table_slice: TableSlice) -> None:
        """See `DbClient.prepare`."""
        database = quote_identifier(table_slice.database or str(self.database_of(connection)))
        connection.execute(f"create schema if not exists {database}.{quote_identifier(table_slice.schema)}")
        if table_slice.partitions is None:
            connection.execute(f"drop table if exists {quoted_table(table_slice)}")
        elif self.has_table(connection, table_slice):
            connection.execute(*delete_statement(table_slice))

    def has_table(self, connection: Any, table_slice: TableSlice) -> bool:
        """See `DbClient.has_table`."""
        found = connection.execute(
            "select 1 from information_schema.tables "
            "where table_catalog = ? and lower(table_schema) = lower(?) and lower(table_name) = lower(?)",
            [table_slice.database, table_slice.schema, table_slice.table],
        )
        return bool(found.fetchall())  # all: DuckDB refuses the next statement while rows are left


class DuckDBFrameTypeHandler(DbTypeHandler):
    """Tables of pandas, polars (eager and lazy) and pyarrow; an input gets the kind that it is annotated with.

    Args:
        kinds: those that it takes and gives; the first is for inputs without annotation. None: all.
    """

    kinds: Sequence[FrameKind] = ("pandas.DataFrame", "polars.DataFrame", "polars.LazyFrame", "pyarrow.Table")

    def __init__(self, kinds: Sequence[FrameKind] | None = None) -> None:
        if kinds is not None:
            self.kinds = kinds

    def takes(self, obj: Any) -> bool:
        """See `DbTypeHandler.takes`."""
        return frame_kind(obj) in self.kinds

    def gives(self, annotation: Any) -> bool:
        """See `DbTypeHandler.gives`."""
        return wanted_frame(annotation) in self.kinds

    def handle_output(
        self, context: OutputContext, table_slice: TableSlice, obj: Any, connection: Any
    ) -> Mapping[str, Any] | None:
        """See `DbTypeHandler.handle_output`.

        Raises:
            IOManagerError: (WEFT-X174) two columns have names that DuckDB cannot tell apart.
        """
        rows = _as_arrow(obj)
        _check_columns(context, rows.column_names)
        table, value = quoted_table(table_slice), quote_identifier(_VALUE)
        connection.register(_VALUE, rows)
        try:
            connection.execute(f"create table if not exists {table} as select * from {value} limit 0")  # noqa: S608  # quoted
            connection.execute(f"insert into {table} by name select * from {value}")  # noqa: S608  # quoted
        finally:
            connection.unregister(_VALUE)
        return {"row_count": rows.num_rows}

    def load_input(self, context: InputContext, table_slice: TableSlice, connection: Any) -> Any:
        """See `DbTypeHandler.load_input`."""
        statement, values = select_statement(table_slice)
        rows = connection.sql(statement, params=values).to_arrow_table()
        annotation = getattr(context.value_type, "annotation", None)
        return as_frame(rows, wanted_frame(annotation) or self.kinds[0])


class DuckDBPandasTypeHandler(DuckDBFrameTypeHandler):
    """Frames of pandas."""

    kinds = ("pandas.DataFrame",)


class DuckDBPolarsTypeHandler(DuckDBFrameTypeHandler):
    """Frames of polars, eager and lazy."""

    kinds = ("polars.DataFrame", "polars.LazyFrame")


class DuckDBPyArrowTypeHandler(DuckDBFrameTypeHandler):
    """Tables of pyarrow."""

    kinds = ("pyarrow.Table",)


def _as_arrow(obj: Any) -> Any:
    if frame_kind(obj) == "pandas.DataFrame":
        import pyarrow

        return pyarrow.Table.from_pandas(obj, preserve_index=False)
    return as_frame(obj, "pyarrow.Table")


def _check_columns(context: OutputContext, names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        quote_identifier(name)
        first = seen.setdefault(name.lower(), name)
        if first is not name:
            raise IOManagerError(
                f'the value of "{context.name}" has two columns that DuckDB cannot tell apart.',
                code="WEFT-X174",
                facts={"columns": f"{first!r}, {name!r}"},
                fix="rename one; DuckDB does not tell upper from lower case in names",
            )


class DuckDBIOManager(ConfigurableIOManagerFactory):
    """Stores tables in a DuckDB database; takes tables of pandas, polars and pyarrow, and gives those that inputs are annotated with.

    For other types derive a class and override `type_handlers`.

    >>> Definitions([orders], resources={"io_manager": DuckDBIOManager(database="shop.duckdb")})
    """

    database: str = Field(description="The file of the database.")
    connection_config: dict[str, Any] = Field(description="Settings of DuckDB, by name.", default={})
    schema_: str | None = Field(
        default=None,
        alias="schema",
        description="The schema of all tables that say no other. By default from their keys.",
    )

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler]:
        """What it stores and loads, the first first."""
        return [DuckDBFrameTypeHandler()]

    @staticmethod
    def default_load_type() -> type | None:
        """The type for inputs without annotation; None: that of the first handler."""
        return None

    def create_io_manager(self, context: InitResourceContext) -> IOManager:
        """The I/O manager, made from the fields."""
        return SqlIOManager(
            client=DuckDBClient(self.database, self.connection_config),
            type_handlers=self.type_handlers(),
            schema=self.schema_,
            default_load_type=self.default_load_type(),
        )


class DuckDBPandasIOManager(DuckDBIOManager):
    """Frames of pandas in a DuckDB database."""

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler]:
        """See `DuckDBIOManager.type_handlers`."""
        return [DuckDBPandasTypeHandler()]


class DuckDBPolarsIOManager(DuckDBIOManager):
    """Frames of polars in a DuckDB database."""

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler]:
        """See `DuckDBIOManager.type_handlers`."""
        return [DuckDBPolarsTypeHandler()]


class DuckDBPyArrowIOManager(DuckDBIOManager):
    """Tables of pyarrow in a DuckDB database."""

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler]:
        """See `DuckDBIOManager.type_handlers`."""
        return [DuckDBPyArrowTypeHandler()]


def build_duckdb_io_manager(
    type_handlers: Sequence[DbTypeHandler], default_load_type: type | None = None
) -> IOManagerDefinition:
    """An I/O manager for the types of `type_handlers`, with ``database``, ``connection_config`` and ``schema`` as its configuration.

    >>> build_duckdb_io_manager([DuckDBPandasTypeHandler()]).configured({"database": "shop.duckdb"})
    """

    def make(context: InitResourceContext) -> IOManager:
        config = context.resource_config
        return SqlIOManager(
            client=DuckDBClient(config["database"], config.get("connection_config") or {}),
            type_handlers=type_handlers,
            schema=config.get("schema"),
            default_load_type=default_load_type,
        )

    return IOManagerDefinition(
        make,
        config_schema={
            "database": ConfigField(str, description="The file of the database."),
            "connection_config": ConfigField(dict, is_required=False, description="Settings of DuckDB, by name."),
            "schema": ConfigField(str, is_required=False, description="The schema of all tables that say no other."),
        },
        description="Stores values as tables of a DuckDB database.",
    )


duckdb_pandas_io_manager = build_duckdb_io_manager([DuckDBPandasTypeHandler()])
"""Frames of pandas, configured in the run."""

duckdb_polars_io_manager = build_duckdb_io_manager([DuckDBPolarsTypeHandler()])
"""Frames of polars, configured in the run."""
