"""What a store needs of a database: transactions, and statements that are compiled once.

Stores build their statements with SQLAlchemy Core and run them on the driver's own cursor. Core's execution layer (events, result
metadata, type processing) takes 36 microseconds for a read of one row that takes 5 without it; an append runs eight statements and may
cost 25 microseconds per event. So `Statement` keeps what Core is good at, writing SQL for a dialect, and leaves the rest out. Columns are
integers, floats, text and bytes only, for which drivers need no conversion. Every value is a bound parameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import ClauseElement, Insert, String, Table
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from weft.storage.sql.dialects import Dialect

if TYPE_CHECKING:
    from typing import TypeAlias

    from sqlalchemy import Select
    from typing_extensions import Unpack

    Query: TypeAlias = Select[Unpack[tuple[Any, ...]]]
    """A SELECT of any columns, for annotations."""

T = TypeVar("T")
Row = tuple[Any, ...]
Parameters = Sequence[object]

_MOST_IN_ONE_LIST = 512
"""Values of one IN list. SQLite before 3.32 takes 999 parameters, and other dialects have limits of their own."""

_MOST_ROWS = 64
"""Rows of one INSERT: a power of two, and with ten columns each within the parameters that SQLite takes."""


class Statement:
    """A Core statement and the order in which its parameters are given.

    In an INSERT or UPDATE, names that are columns are the values to set; all other names are bind parameters of the statement. In an UPDATE
    the two must differ.
    """

    __slots__ = ("_clause", "_compiled", "_names", "_of_several_rows", "_texts")

    def __init__(self, clause: ClauseElement, *names: str) -> None:
        self._clause = clause
        self._names = names
        self._texts: tuple[int, ...] | None = None
        self._of_several_rows: dict[tuple[str, int], str] = {}
        self._compiled: dict[str, tuple[str, Callable[[Parameters], Parameters] | None]] = {}

    def compiled(self, dialect: Dialect) -> tuple[str, Callable[[Parameters], Parameters] | None]:
        """The text for `dialect`, and how parameters are rearranged (None: they are in order)."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = self._compile(dialect)
        return found

    def of_rows(self, dialect: Dialect, count: int) -> str:
        """The text of an INSERT with its row of parameters repeated `count` times."""
        text = self._of_several_rows.get((dialect.name, count))
        if text is None:
            one, rearrange = self.compiled(dialect)
            head, values, rest = one.partition(" VALUES ")
            assert values and rearrange is None, "an INSERT of named columns in their order"
            # Placeholders have no parentheses; what follows the row says what to do where a key is there already.
            end = rest.index(")") + 1
            text = self._of_several_rows[dialect.name, count] = (
                f"{head}{values}{', '.join(_repeated(rest[:end], count, len(self._names)))}{rest[end:]}"
            )
        return text

    def text_columns(self) -> tuple[int, ...]:
        """The places of text in the rows of a SELECT."""
        if self._texts is None:
            columns = getattr(self._clause, "selected_columns", ())
            self._texts = tuple(place for place, column in enumerate(columns) if isinstance(column.type, String))
        return self._texts

    def _compile(self, dialect: Dialect) -> tuple[str, Callable[[Parameters], Parameters] | None]:
        clause, names = self._clause, self._names
        columns = [name for name in names if name in clause.table.c] if isinstance(clause, UpdateBase) else None
        if isinstance(clause, Insert):
            clause = clause.inline()  # nobody reads ids back
        compiled = clause.compile(dialect=dialect.compiler, column_keys=columns)
        assert isinstance(compiled, SQLCompiler)
        order = list(compiled.positiontup or ())
        if order == list(names):
            return str(compiled), None
        # Some statements name a parameter twice, or carry a constant of their own.
        places = [names.index(name) if name in names else None for name in order]
        constants = [None if name in names else compiled.params[name] for name in order]

        def rearrange(parameters: Parameters) -> Parameters:
            return [
                constant if place is None else parameters[place]
                for place, constant in zip(places, constants, strict=True)
            ]

        return str(compiled), rearrange


_NUMBER = re.compile(r"\$(\d+)")


def _repeated(row: str, count: int, width: int) -> list[str]:
    """A row of `width` placeholders `count` times; where they are numbered, they go on counting."""
    if "$1" not in row:
        return [row] * count
    return [_counted_from(place * width, row) for place in range(count)]


def _counted_from(start: int, row: str) -> str:
    return _NUMBER.sub(lambda found: f"${int(found[1]) + start}", row)


class Transaction:
    """Runs statements on one connection, for as long as the ``with`` block lasts. Belongs to one thread."""

    __slots__ = ("_cursor", "_dialect")

    def __init__(self, cursor: Any, dialect: Dialect) -> None:
        self._cursor = cursor
        self._dialect = dialect

    def all(self, statement: Statement, parameters: Parameters = ()) -> list[Row]:
        """Every row."""
        text, rearrange = statement.compiled(self._dialect)
        self._cursor.execute(text, parameters if rearrange is None else rearrange(parameters))
        rows: list[Row] = self._cursor.fetchall()
        if self._dialect.keys_are_bytes and rows:
            return _with_text(rows, statement.text_columns())
        return rows

    def one(self, statement: Statement, parameters: Parameters = ()) -> Row | None:
        """The first row, or None."""
        rows = self.all(statement, parameters)  # all of them: an open result would keep the read transaction open
        return rows[0] if rows else None

    def run(self, statement: Statement, parameters: Parameters = ()) -> int:
        """Run a statement that changes rows; returns how many it matched, also where they had the new values before.

        So a compare-and-set is ``UPDATE ... WHERE ... AND state = :expected`` and whether this is 1, on every database.
        """
        text, rearrange = statement.compiled(self._dialect)
        self._cursor.execute(text, parameters if rearrange is None else rearrange(parameters))
        count: int = self._cursor.rowcount
        return count

    def run_many(self, statement: Statement, rows: Iterable[Parameters]) -> None:
        """Run a statement once for each of `rows`."""
        text, rearrange = statement.compiled(self._dialect)
        self._cursor.executemany(text, rows if rearrange is None else map(rearrange, rows))

    def insert(self, statement: Statement, rows: Sequence[Parameters]) -> None:
        """Run an INSERT for many rows, up to 64 in each statement.

        A third quicker than `run_many`: the work per statement (binding, stepping, SQLite's note of the highest id) is done once for many
        rows. The sizes are powers of two, so that the driver keeps all of them prepared.
        """
        start = 0
        while start < len(rows):
            count = min(_MOST_ROWS, 1 << ((len(rows) - start).bit_length() - 1))
            parameters = list(chain.from_iterable(rows[start : start + count]))
            self._cursor.execute(statement.of_rows(self._dialect, count), parameters)
            start += count

    @property
    def cursor(self) -> Any:
        """The driver's own cursor, for what only one dialect can say."""
        return self._cursor

    def next_id(self, table: Table) -> int:
        """The lowest id that this write transaction may give to a new row of `table`."""
        return self._dialect.next_id(self._cursor, table)

    def keep_ids(self, table: Table) -> None:
        """To be called before rows of `table` are deleted whose ids must never be given again (``sqlite_autoincrement``)."""
        self._dialect.keep_ids(self._cursor, table)

    def make_room(self, table: Table, highest: int) -> None:
        """Get ready for rows of `table` with ids up to `highest`, which another database gave."""
        self._dialect.make_room(self._cursor, table, highest)

    def note_ids(self, table: Table, highest: int) -> None:
        """Ids of `table` up to `highest` were given by another database: `next_id` is above from here on."""
        self._dialect.note_ids(self._cursor, table, highest)

    def lock(self, name: str) -> None:
        """Hold the lock `name` from here to the end of this write transaction; others that ask for it wait.

        Says in the code what a transaction must not share. Write transactions are alone today (`Database.write`), so it costs nothing and cannot
        deadlock. Whoever needs several takes them in alphabetical order, so that this stays true if that changes.
        """
        self._dialect.lock(self._cursor, name)


def _with_text(rows: Iterable[Row], places: Sequence[int]) -> list[Row]:
    """`rows`, with text where a driver gives bytes for text that is a key."""
    if not places:
        return list(rows)
    changed = []
    for row in rows:
        values = list(row)
        for place in places:
            if isinstance(values[place], bytes):
                values[place] = values[place].decode()
        changed.append(tuple(values))
    return changed


class Database(Protocol):
    """Where transactions come from. May be used from several threads."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A connection for reading; each statement sees what was committed before it began."""
        ...

    def write(self) -> AbstractContextManager[Transaction]:
        """A write transaction, alone from its first statement on: committed at the end of the block, rolled back on an exception.

        There is one writer at a time in a database, on servers as in a file (``docs/design/0009-servers-and-locks.md``): what it reads stays true until
        it commits, ids are given and committed in the same order, and nothing deadlocks. So a block is short, and waits for nobody.

        Raises:
            StorageError: another process kept the lock beyond the timeout, the disk is full, the server is away, and so on. `may_pass` says whether
                the same block can be tried again. Where the connection was lost during the commit, it may have happened.
        """
        ...


def in_lists(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """`values` in chunks for IN lists, each filled up by repeating its last value to a power of two.

    So a query over any number of values compiles to at most ten statements, which the driver keeps prepared.
    """
    for start in range(0, len(values), _MOST_IN_ONE_LIST):
        chunk = values[start : start + _MOST_IN_ONE_LIST]
        missing = (1 << (len(chunk) - 1).bit_length()) - len(chunk)
        yield chunk if missing == 0 else [*chunk, *([chunk[-1]] * missing)]


def numbered(name: str, count: int) -> tuple[str, ...]:
    """Names for the parameters of an IN list."""
    return tuple(f"{name}_{index}" for index in range(count))
