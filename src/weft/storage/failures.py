"""The errors that several storages raise in the same words. `place` is the file or the database, `reason` the text of the driver."""

from __future__ import annotations

from weft.errors import RunNotFoundError, StorageError


def run_not_found(run_id: str) -> RunNotFoundError:
    """WEFT-T010: no run has that id."""
    return RunNotFoundError(
        f"there is no run {run_id!r}.", facts={"run": run_id}, fix="list the runs with: weft run list"
    )


def run_exists(run_id: str) -> StorageError:
    """WEFT-T011: a run with that id is there already."""
    return StorageError(
        f"a run {run_id!r} exists already.",
        code="WEFT-T011",
        facts={"run": run_id},
        fix="make a fresh id with weft.ids.new_run_id(), or delete the old run",
    )


def storage_closed(place: str) -> StorageError:
    """WEFT-T013: the storage was closed."""
    error = StorageError(
        "the storage is used after it was closed.",
        code="WEFT-T013",
        facts={"storage": place},
        fix="keep the instance open as long as it is used",
    )
    error.may_pass = False
    return error


def both_have_history(old: str, new: str) -> StorageError:
    """What to raise where an asset would be renamed to one that has a history of its own."""
    error = StorageError(
        f'asset "{old}" cannot be renamed to "{new}": both have a history.',
        code="WEFT-T041",
        facts={"old": old, "new": new},
        fix=f'remove renamed_from="{old}", or wipe what is stored of one of the two',
    )
    error.may_pass = False
    return error


def kept_locked(place: str, reason: str, waited_seconds: float, *, fix: str) -> StorageError:
    """WEFT-T006: somebody else holds a lock."""
    return StorageError(
        "another process kept the database locked for too long.",
        code="WEFT-T006",
        facts={"database": place, "reason": reason, "waited": f"{waited_seconds:g} s"},
        fix=fix,
    )


def disk_full(place: str, reason: str, *, whose: str, fix: str) -> StorageError:
    """WEFT-T008: there is no space left on the disk; `whose` says which one it is."""
    return StorageError(
        f"{whose} is full: nothing of the last write was stored.",
        code="WEFT-T008",
        facts={"database": place, "reason": reason},
        fix=fix,
    )


def cannot_write(place: str, reason: str, *, fix: str) -> StorageError:
    """WEFT-T007: rights, or something that only reads."""
    return StorageError(
        "the database cannot be opened or written.",
        code="WEFT-T007",
        facts={"database": place, "reason": reason},
        fix=fix,
    )


def refused(place: str, reason: str, *, fix: str) -> StorageError:
    """WEFT-T001: anything else."""
    return StorageError("the database refused a statement.", facts={"database": place, "reason": reason}, fix=fix)
