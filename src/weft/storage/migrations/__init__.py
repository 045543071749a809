"""The history of the schema: one Alembic revision per change, and which revisions there are.

Nothing here imports Alembic, which takes 150 ms: opening a database compares one string with `HEAD`. Only `upgrade` runs it.
Revisions are numbered, so that a person can tell which is newer.
"""

from __future__ import annotations

REVISIONS: tuple[str, ...] = ("0001", "0002")
"""Every revision, oldest first. A test compares it with the files in ``versions``."""

HEAD = REVISIONS[-1]
"""The revision that this program reads and writes."""
