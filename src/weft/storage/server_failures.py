"""The errors of databases on servers, in the same words for all of them. `reason` is the server's own text."""

from __future__ import annotations

from weft.errors import StorageError
from weft.storage import failures


def server_away(place: str, reason: str) -> StorageError:
    """WEFT-T060: no connection, or it was lost."""
    return StorageError(
        "the database server does not answer, or ended the connection.",
        code="WEFT-T060",
        facts={"database": place, "reason": reason},
        fix="check that the server runs, that the address, the user and the password are right, and try again",
    )


def kept_locked(place: str, reason: str, waited_seconds: float) -> StorageError:
    """WEFT-T006: somebody else holds a lock."""
    return failures.kept_locked(
        place,
        reason,
        waited_seconds,
        fix="end the session that holds the lock (a console with an open transaction, a migration), then try again",
    )


def disk_full(place: str, reason: str) -> StorageError:
    """WEFT-T008: the server has no space left."""
    return failures.disk_full(
        place, reason, whose="the disk of the database server", fix="free some space on the server"
    )


def cannot_write(place: str, reason: str) -> StorageError:
    """WEFT-T007: rights, or a server that only reads."""
    return failures.cannot_write(
        place,
        reason,
        fix="check that the user may create and change tables, and that the server is not a read-only copy",
    )


def does_not_fit(place: str, reason: str, limits: str) -> StorageError:
    """WEFT-T063: a value that this database cannot hold. Trying again does not help."""
    error = StorageError(
        "a name or a value does not fit into the database.",
        code="WEFT-T063",
        facts={"database": place, "reason": reason, "limits": limits},
        fix="use shorter names without special characters; if it is none of this, please report it with its text",
    )
    error.may_pass = False
    return error


def refused(place: str, reason: str) -> StorageError:
    """WEFT-T001: anything else."""
    return failures.refused(
        place,
        reason,
        fix="if the database was changed by hand, restore it from a backup; otherwise please report this with its text",
    )
