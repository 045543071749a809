"""Values as pickles below a local folder: the default of a persistent instance.

The file of an asset is written under another name and then renamed, so that a reader sees the old value or the new one, never a part, and a killed
writer leaves the old value. An output of a run is new and read only after its step succeeded: it is written in place. Values go to the file as they are pickled, so storing takes little memory beside the value itself. Only the user's own code,
in the user's own workers, ever unpickles.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from weft.errors import IOManagerError
from weft.execution.io_contexts import InputContext, OutputContext
from weft.execution.io_managers.places import place_of
from weft.execution.io_managers.upath import UPathIOManager

_PROTOCOL = 5

_MOST_DEPTH = 8
"""How far into a value to look for what cannot be pickled."""

_MOST_PARTS = 200
"""How many parts of each container to look at."""


class FilesystemIOManager(UPathIOManager):
    """Stores each value as a pickle.

    Args:
        base_dir: the folder, or an `EnvVar` that holds it; made where it is missing.
    """

    extension = ".pickle"

    def __init__(self, base_dir: str | os.PathLike[str]) -> None:
        super().__init__(base_dir)

    @property
    def base_dir(self) -> str:
        """The folder."""
        return str(self.base_path)

    def make_directory(self, path: Path) -> None:
        """Nothing yet: the first file that finds no folder makes it, all others save the question."""

    def dump_to_path(self, context: OutputContext, obj: Any, path: Path) -> None:
        """See `UPathIOManager.dump_to_path`.

        Raises:
            IOManagerError: (WEFT-X031) the value cannot be pickled.
            OSError: the disk is full, or may not be written to.
        """
        if not context.has_asset_key:
            # Nobody reads an output of a run before its step has succeeded, so there is no old value to protect and no reader to surprise.
            self._write(context, obj, path)
            return
        # A leading dot: no value has such a name. Writers of the same value, in several threads or processes, do not meet.
        unfinished = path.with_name(f".{os.urandom(8).hex()}.part")
        self._write(context, obj, unfinished)
        try:
            os.replace(unfinished, path)  # noqa: PTH105  # on the path of every output
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def _write(self, context: OutputContext, obj: Any, path: Path) -> None:
        try:
            with self._create(path) as file:
                try:
                    pickle.dump(obj, file, _PROTOCOL)
                except (OSError, MemoryError):
                    raise
                except Exception as error:
                    raise _cannot_be_pickled(context, obj, error) from error
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _create(self, path: Path) -> BinaryIO:
        try:
            return open(path, "wb")  # noqa: PTH123  # on the path of every output
        except FileNotFoundError:
            super().make_directory(path.parent)
            return path.open("wb")

    def load_from_path(self, context: InputContext, path: Path) -> Any:
        """See `UPathIOManager.load_from_path`."""
        with open(path, "rb") as file:  # noqa: PTH123  # on the path of every input
            return pickle.load(file)  # noqa: S301  # the user's own value, in the user's own worker


def _cannot_be_pickled(context: OutputContext, obj: Any, error: Exception) -> IOManagerError:
    facts: dict[str, object] = {
        "made by": f'output "{context.name}" of step "{context.step_key}"',
        "type": type(obj).__qualname__,
        "reason": f"{type(error).__name__}: {error}",
    }
    found = find_unpicklable(obj)
    if found is not None:
        where, part = found
        facts["because of"] = f"{where}, a {type(part).__module__}.{type(part).__qualname__}"
    return IOManagerError(
        f"{place_of(context)} cannot be pickled, so it cannot be stored.",
        code="WEFT-X031",
        facts=facts,
        fix="return plain data, or use an I/O manager that can store it: @asset(io_manager_key=...). "
        "Connections and clients belong in resources.",
    )


def find_unpicklable(value: Any) -> tuple[str, Any] | None:
    """The innermost part of `value` that cannot be pickled, with the way to it (``value["a"].lock``).

    None where every part that was looked at can be pickled, or nothing below the value itself is to blame.
    """
    way, found = "value", value
    for _ in range(_MOST_DEPTH):
        for step, part in islice(_parts(found), _MOST_PARTS):
            if not _can_be_pickled(part):
                way, found = way + step, part
                break
        else:
            break
    return None if found is value else (way, found)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"[{_short(key)}]", item
            yield f" key {_short(key)}", key
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield f"[{index}]", item
    elif isinstance(value, (set, frozenset)):
        for item in value:
            yield f" member {_short(item)}", item
    for name, item in getattr(value, "__dict__", {}).items():
        yield f".{name}", item


def _can_be_pickled(value: Any) -> bool:
    try:
        pickle.dump(value, _Nowhere(), _PROTOCOL)
    except Exception:  # noqa: BLE001  # whatever a class raises: it is what is being looked for
        return False
    return True


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: Any) -> int:
        return len(data)


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # a user's __repr__ may raise anything; this is for a message only
        return type(value).__qualname__
    return text if len(text) <= 40 else f"{text[:37]}..."
