"""Values of assets as tables of a database: what I/O managers of all SQL databases share.

Which table, the key of the asset says: the last part is the table, those before it the schema; metadata ``schema`` and the configuration of the I/O
manager come before the key. Partitions are rows of one table; ``partition_expr`` in the metadata says which column or expression holds the
partition of a row (for several dimensions a dict from dimension to expression). Storing deletes the rows of the partitions and inserts the new
ones in one transaction; a value without partitions takes the place of the whole table.

What comes from keys and names is never written into a statement as it is: values are bound, identifiers go through `quote_identifier`. Only what
the author of an asset wrote as SQL, which is ``partition_expr``, is SQL.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from msgspec import Struct, structs

from weft.definitions.io_manager import IOManager
from weft.errors import IOManagerError, some_of
from weft.execution.io_contexts import InputContext, IOContext, OutputContext
from weft.execution.io_managers.places import NOT_STORED
from weft.model.keys import AssetKey
from weft.model.partitions.definitions import (
    MultiPartitionsDefinition,
    PartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from weft.model.partitions.keys import TimeWindow

PARTITION_EXPR = "partition_expr"
"""The metadata key of the expression for the partition of a row."""


class TablePartitionDimension(Struct, frozen=True):
    """One dimension of partitions: the expression for it, and a window of time or the keys that are meant."""

    partition_expr: str
    partitions: TimeWindow | Sequence[str]


class TableSlice(Struct, frozen=True, kw_only=True):
    """A table, or some partitions and columns of it. Names are as they are, not quoted."""

    table: str
    schema: str
    database: str | None = None
    columns: Sequence[str] | None = None
    # A row belongs to the slice if it fits all dimensions of any of these; None: every row does.
    partitions: Sequence[Sequence[TablePartitionDimension]] | None = None

    @property
    def partition_dimensions(self) -> Sequence[TablePartitionDimension]:
        """The dimensions, where one conjunction says which rows belong to it; empty for the whole table."""
        return self.partitions[0] if self.partitions is not None and len(self.partitions) == 1 else ()


def quote_identifier(name: str) -> str:
    """`name` as an identifier of standard SQL, whatever it contains.

    Raises:
        IOManagerError: (WEFT-X170) no database takes it: it is empty, or holds a zero character.
    """
    if not name or "\0" in name:
        raise IOManagerError(
            "a name cannot be that of a table, schema or column.",
            code="WEFT-X170",
            facts={"name": repr(name)},
            fix="rename it; it must not be empty, and not hold the character 0",
        )
    return '"' + name.replace('"', '""') + '"'


def quoted_table(table_slice: TableSlice) -> str:
    """The table of a slice for a statement."""
    names = (table_slice.database, table_slice.schema, table_slice.table)
    return ".".join(quote_identifier(name) for name in names if name is not None)


def condition_of(table_slice: TableSlice) -> tuple[str, list[str]]:
    """Which rows belong to a slice: a condition with a ``?`` for each value, and the values."""
    if table_slice.partitions is None:
        return "true", []
    values: list[str] = []
    conjunctions = []
    for dimensions in table_slice.partitions:
        parts = []
        for dimension in dimensions:
            parts.append(_condition(dimension))
            values += _values(dimension)
        conjunctions.append(f"({' and '.join(parts)})")
    return " or ".join(conjunctions) or "false", values


def _condition(dimension: TablePartitionDimension) -> str:
    expression = dimension.partition_expr
    if isinstance(dimension.partitions, TimeWindow):
        moment = f"cast({expression} as timestamp)"
        return f"{moment} >= cast(? as timestamp) and {moment} < cast(? as timestamp)"
    return f"({expression}) in ({', '.join('?' * len(dimension.partitions))})" if dimension.partitions else "false"


def _values(dimension: TablePartitionDimension) -> list[str]:
    if isinstance(dimension.partitions, TimeWindow):
        # The wall clock of the partitions' own zone, as it stands in tables.
        return [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in dimension.partitions]
    return [str.__str__(key) for key in dimension.partitions]


def select_statement(table_slice: TableSlice) -> tuple[str, list[str]]:
    """The statement for the rows and columns of a slice, and its values."""
    columns = ", ".join(map(quote_identifier, table_slice.columns)) if table_slice.columns else "*"
    condition, values = condition_of(table_slice)
    return f"select {columns} from {quoted_table(table_slice)} where {condition}", values  # noqa: S608  # quoted, and bound


def delete_statement(table_slice: TableSlice) -> tuple[str, list[str]]:
    """The statement that deletes the rows of a slice, and its values."""
    condition, values = condition_of(table_slice)
    return f"delete from {quoted_table(table_slice)} where {condition}", values  # noqa: S608  # quoted, and bound


class DbTypeHandler(ABC):
    """Stores and loads values of some Python types in one kind of database.

    Both methods are called inside a transaction. Before `handle_output`, the rows of the slice (without partitions: the table) were deleted.
    """

    @property
    def supported_types(self) -> Sequence[type]:
        """The types of values. A handler whose types are not imported beforehand overrides `takes` and `gives` in its place."""
        return ()

    @abstractmethod
    def handle_output(
        self, context: OutputContext, table_slice: TableSlice, obj: Any, connection: Any
    ) -> Mapping[str, Any] | None:
        """Write the rows of `obj`; make the table where it is missing. Returns facts about what was written, or None."""

    @abstractmethod
    def load_input(self, context: InputContext, table_slice: TableSlice, connection: Any) -> Any:
        """The rows and columns of the slice, as the type that the input is annotated with."""

    def takes(self, obj: Any) -> bool:
        """Whether `obj` is one of its values."""
        return isinstance(obj, tuple(self.supported_types))

    def gives(self, annotation: Any) -> bool:
        """Whether it loads what is annotated like that."""
        return annotation in self.supported_types


class DbClient(ABC):
    """What differs from database to database."""

    name: str
    """For messages and metadata."""

    @abstractmethod
    def connect(self) -> AbstractContextManager[Any]:
        """A connection with a transaction: committed at the end, rolled back on an exception."""

    def database_of(self, connection: Any) -> str | None:
        """The database that names are completed with which say none; None: they stay as they are."""
        return None

    @abstractmethod
    def prepare(self, connection: Any, table_slice: TableSlice) -> None:
        """Make the schema where it is missing, and delete the rows of the slice; without partitions, the table."""

    @abstractmethod
    def has_table(self, connection: Any, table_slice: TableSlice) -> bool:
        """Whether the table is there."""


class SqlIOManager(IOManager):
    """Stores values as tables.

    Args:
        client: the database.
        type_handlers: which types it takes; the first that takes a value handles it, and the first of all an input without annotation.
        schema: the schema of all tables whose metadata say no other. By default the parts of the key before the last; ``public`` without any.
        database: the database of all tables, where one connection reaches several.
    """

    def __init__(
        self,
        *,
        client: DbClient,
        type_handlers: Sequence[DbTypeHandler],
        schema: str | None = None,
        database: str | None = None,
        default_load_type: Any = None,
    ) -> None:
        self._client = client
        self._handlers = tuple(type_handlers)
        self._schema = schema
        self._database = database
        self._default_load_type = default_load_type

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """See `OutputManager.handle_output`.

        Raises:
            IOManagerError: (WEFT-X171) no handler takes the value; (WEFT-X172) the metadata do not say where partitions are.
        """
        handler = next((each for each in self._handlers if each.takes(obj)), None)
        if handler is None:
            raise self._no_handler(context, f"a {type(obj).__module__}.{type(obj).__qualname__}")
        table_slice = self.slice_of(context)
        with self._client.connect() as connection:
            table_slice = self._complete(table_slice, connection)
            self._client.prepare(connection, table_slice)
            facts = handler.handle_output(context, table_slice, obj, connection)
        context.add_output_metadata({"table": f"{table_slice.schema}.{table_slice.table}", **(facts or {})})

    def load_input(self, context: InputContext) -> Any:
        """See `InputManager.load_input`: all partitions that are meant, as one table.

        Raises:
            IOManagerError: (WEFT-X032) the table is not there; (WEFT-X171) no handler gives what the input is annotated with.
        """
        annotation = getattr(context.value_type, "annotation", None)
        if annotation is None or annotation is Any:
            annotation = self._default_load_type
        handlers = (each for each in self._handlers if annotation is None or each.gives(annotation))
        handler = next(handlers, None)
        if handler is None:
            raise self._no_handler(context, str(annotation))
        table_slice = self.slice_of(context)
        with self._client.connect() as connection:
            table_slice = self._complete(table_slice, connection)
            if not self._client.has_table(connection, table_slice):
                raise _not_stored(context, table_slice, self._client.name)
            return handler.load_input(context, table_slice, connection)

    def has_value(self, context: OutputContext) -> bool:
        """Whether the table is there; which partitions it holds, a table does not say."""
        table_slice = self.slice_of(context)
        with self._client.connect() as connection:
            table_slice = self._complete(table_slice, connection)
            return self._client.has_table(connection, table_slice)

    def slice_of(self, context: IOContext) -> TableSlice:
        """The table, rows and columns that a context means."""
        said: Mapping[str, Any] = context.definition_metadata
        where = said
        source = getattr(context, "upstream_output", None)
        if source is not None:
            where = source.definition_metadata
        columns = said.get("columns")
        if isinstance(columns, str):  # one column, not its letters
            columns = [columns]
        schema = where.get("schema") or self._schema
        if not context.has_asset_key:
            output = source if source is not None else context
            return TableSlice(table=output.name, schema=schema or "public", database=self._database, columns=columns)
        *prefix, table = context.asset_key.parts
        return TableSlice(
            table=table,
            schema=schema or (AssetKey(prefix).to_user_string() if prefix else "public"),
            database=self._database,
            columns=columns,
            partitions=_partitions_of(context, where) if context.has_asset_partitions else None,
        )

    def _complete(self, table_slice: TableSlice, connection: Any) -> TableSlice:
        if table_slice.database is not None:
            return table_slice
        return structs.replace(table_slice, database=self._client.database_of(connection))

    def _no_handler(self, context: IOContext, found: str) -> IOManagerError:
        return IOManagerError(
            f'"{context.name}" cannot be a table of {self._client.name}.',
            code="WEFT-X171",
            facts={
                "type": found,
                "step": context.step_key,
                "handlers": some_of(type(each).__name__ for each in self._handlers),
            },
            fix="return (or annotate) a table of a kind that a handler takes, add a handler, or use another I/O manager",
        )


def _not_stored(context: InputContext, table_slice: TableSlice, database: str) -> IOManagerError:
    what = f'asset "{context.asset_key.to_user_string()}"' if context.has_asset_key else f'output "{table_slice.table}"'
    return IOManagerError(
        f"{what} is not stored.",
        code=NOT_STORED,
        facts={
            "looked at": f"table {table_slice.table!r} of schema {table_slice.schema!r} in {database}",
            "needed by": f'input "{context.name}" of step "{context.step_key}"',
        },
        fix="make it first, or see that both use the same I/O manager and schema",
    )


# --- partitions ------------------------------------------------------------------------------------------------------


def _partitions_of(context: IOContext, metadata: Mapping[str, Any]) -> list[list[TablePartitionDimension]]:
    definition = context.asset_partitions_def
    keys = context.asset_partition_keys
    expression = metadata.get(PARTITION_EXPR)
    if isinstance(definition, MultiPartitionsDefinition):
        by_name = {each.name: each.partitions_def for each in definition.partitions_defs}
        if not isinstance(expression, Mapping) or set(expression) != set(by_name):
            raise _no_expression(context, expression, f"a dict with an expression for each of: {', '.join(by_name)}")
        return _several_dimensions(definition, by_name, expression, keys)
    if not isinstance(expression, str) or not expression.strip():
        raise _no_expression(context, expression, "the column or expression that holds the partition of a row")
    return [[each] for each in _one_dimension(definition, expression, keys)]


def _one_dimension(
    definition: PartitionsDefinition, expression: str, keys: Sequence[str]
) -> list[TablePartitionDimension]:
    if not isinstance(definition, TimeWindowPartitionsDefinition):
        return [TablePartitionDimension(expression, tuple(keys))]
    windows: list[TimeWindow] = []
    for key in keys:
        window = definition.time_window_for_partition_key(key)
        if windows and windows[-1].end == window.start:
            windows[-1] = TimeWindow(windows[-1].start, window.end)
        else:
            windows.append(window)
    return [TablePartitionDimension(expression, window) for window in windows]


def _several_dimensions(
    definition: MultiPartitionsDefinition,
    by_name: Mapping[str, PartitionsDefinition],
    expressions: Mapping[str, str],
    keys: Sequence[str],
) -> list[list[TablePartitionDimension]]:
    points = [definition.multi_key(key).keys_by_dimension for key in keys]
    each = {name: list(dict.fromkeys(point[name] for point in points)) for name in by_name}
    count = 1
    for found in each.values():
        count *= len(found)
    groups = (
        [each]
        if count == len({tuple(point.items()) for point in points})
        else [{name: [key] for name, key in point.items()} for point in points]
    )
    result: list[list[TablePartitionDimension]] = []
    for group in groups:
        combined: list[list[TablePartitionDimension]] = [[]]
        for name, found in group.items():
            parts = _one_dimension(by_name[name], expressions[name], found)
            combined = [[*before, part] for before in combined for part in parts]
        result += combined
    return result


def _no_expression(context: IOContext, found: object, wanted: str) -> IOManagerError:
    return IOManagerError(
        f'asset "{context.asset_key.to_user_string()}" is partitioned, but its metadata do not say where its partitions are in the table.',
        code="WEFT-X172",
        facts={"wanted": wanted, "found": found},
        fix=f'add it: @asset(metadata={{"{PARTITION_EXPR}": "day"}})',
    )
