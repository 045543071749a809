"""The schema as a whole: the statements that make it, and whether a program can use the one that it finds.

A new database is made from the metadata and stamped with the newest revision; revisions (`weft.storage.migrations`) bring an older one there. Tests hold
the two together.
"""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlalchemy.schema import CreateIndex, CreateTable

from weft._version import __version__
from weft.errors import StorageError
from weft.storage.migrations import REVISIONS
from weft.storage.sql.dialects import Dialect
from weft.storage.sql.tables import metadata, version_table


def creation_statements(dialect: Dialect, *more: MetaData) -> list[str]:
    """The statements that create the newest schema, Alembic's own table first: it is the sign of a database of weft.

    Args:
        dialect: whose text is wanted.
        more: tables beside those of `weft.storage.sql.tables`.
    """
    compiler = dialect.compiler
    statements = []
    for table in (version_table, *metadata.sorted_tables, *(table for one in more for table in one.sorted_tables)):
        statements.append(str(CreateTable(table).compile(dialect=compiler)))
        statements += [
            str(CreateIndex(index).compile(dialect=compiler))
            for index in sorted(table.indexes, key=lambda index: index.name or "")
        ]
    return statements


def version_problem(revision: str | None, *, place: str, revisions: tuple[str, ...] = REVISIONS) -> StorageError | None:
    """Why a database of this revision cannot be used by a program that knows `revisions`, oldest first; None where it can.

    ``""`` is a database that was begun and not finished; None one that is no database of weft.
    """
    head = revisions[-1]
    if revision == head:
        return None
    facts = {
        "database": place,
        "its schema version": revision or "(none)",
        "this program's": f"{head} (weft {__version__})",
    }
    if revision is None:
        return StorageError(
            "the database belongs to another program.",
            code="WEFT-T009",
            facts=facts,
            fix="use another folder or another database, or move the file away",
        )
    if is_older(revision, revisions):
        return StorageError(
            "the database was made by an older version of weft.",
            code="WEFT-T003",
            facts=facts,
            fix="make a backup of it, then run: weft instance migrate",
        )
    return StorageError(
        "the database was made by a newer version of weft.",
        code="WEFT-T004",
        facts=facts,
        fix="upgrade weft here to the version that made it",
    )


def is_older(revision: str | None, revisions: tuple[str, ...] = REVISIONS) -> bool:
    """Whether a database of this revision can be migrated to the newest."""
    return revision == "" or revision in revisions[:-1]
