"""Values in files, on any file system that fsspec knows: the base for I/O managers of one file format each.

Where a value goes (and how unusual names are written: `weft.execution.io_managers.paths`)::

    <base>/<key parts><extension>                               an asset
    <base>/<key parts>/<partition><extension>                   one partition of an asset
    <base>/<run id>/<step>~<output>[~<mapping key>]<extension>  an output of an op
"""

from __future__ import annotations

import inspect
import os
from abc import abstractmethod
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from weft.config.env import EnvVar
from weft.errors import IOManagerError, WeftError
from weft.execution.io_contexts import InputContext, IOContext, OutputContext
from weft.execution.io_managers.paths import path_of
from weft.execution.io_managers.places import NotStored, Place, PlacedIOManager, place_of
from weft.model.metadata import MetadataValue

if TYPE_CHECKING:
    from upath import UPath

T = TypeVar("T")

AnyPath: TypeAlias = "Path | UPath"
"""Local folders need no fsspec, and have plain paths; `UPath` has the same methods."""


class UPathIOManager(PlacedIOManager):
    """Base of I/O managers that store each value as one file (or folder).

    A subclass sets `extension` and writes `dump_to_path` and `load_from_path`; partitions, keys and folders are taken care of.

    >>> class CsvIOManager(UPathIOManager):
    ...     extension = ".csv"
    ...     def dump_to_path(self, context, obj, path):
    ...         obj.to_csv(path)
    ...     def load_from_path(self, context, path):
    ...         return pandas.read_csv(path)

    `load_from_path` may be ``async``; several partitions are then loaded at the same time.

    Args:
        base_path: a folder, as a path or an fsspec URL such as ``s3://bucket/prefix``, or an `EnvVar` that holds one. By default the working
            directory.
        storage_options: for the file system of a URL.
    """

    extension: str | None = None
    """Stands behind the name of each file, with its dot. Without one, an asset cannot stand beside assets whose keys begin with its own."""

    def __init__(self, base_path: str | os.PathLike[str] | UPath | None = None, **storage_options: Any) -> None:
        self._base_path = base_path
        self._storage_options = storage_options
        self._resolved: AnyPath | None = None

    @abstractmethod
    def dump_to_path(self, context: OutputContext, obj: Any, path: Any) -> None:
        """Write `obj` to `path`, in the place of what may be there. The folder of `path` exists."""

    @abstractmethod
    def load_from_path(self, context: InputContext, path: Any) -> Any:
        """The value that was written to `path`. Any error will do where there is none."""

    def get_metadata(self, context: OutputContext, obj: Any) -> Mapping[str, Any]:
        """Facts about a value that was stored, to be shown with its output."""
        return {}

    def path_exists(self, path: Any) -> bool:
        """Whether there is something at `path`."""
        return bool(path.exists())

    def make_directory(self, path: Any) -> None:
        """Make the folder `path` and those above it, unless they are there."""
        path.mkdir(parents=True, exist_ok=True)

    @property
    def base_path(self) -> AnyPath:
        """The folder of all values."""
        if self._resolved is None:
            self._resolved = _as_path(self._base_path, self._storage_options)
        return self._resolved

    def get_path(self, context: IOContext, partition: str | None = None) -> AnyPath:
        """Where the value that a context means belongs, or one partition of it."""
        return self.path_at(place_of(context, partition))

    def path_at(self, place: Place) -> AnyPath:
        """Where a value belongs."""
        return self.base_path.joinpath(*path_of(place, self.extension or ""))

    def is_at(self, place: Place) -> bool:
        """See `PlacedIOManager.is_at`."""
        return self.path_exists(self.path_at(place))

    def store_at(self, context: OutputContext, place: Place, obj: Any) -> None:
        """See `PlacedIOManager.store_at`.

        Raises:
            IOManagerError: (WEFT-X035) there is a file where the folder of the value should be.
        """
        path = self.path_at(place)
        try:
            self.make_directory(path.parent)
            self.dump_to_path(context, obj, path)
        except (FileExistsError, NotADirectoryError) as error:
            if path.parent.is_dir():
                raise
            raise self.folder_is_a_file(place, path, error) from error
        context.add_output_metadata({"path": MetadataValue.path(str(path)), **self.get_metadata(context, obj)})

    def folder_is_a_file(self, place: Place, path: AnyPath, error: OSError) -> IOManagerError:
        """The error for a value whose folder cannot be made."""
        return IOManagerError(
            f"{place} cannot be stored: there is a file where its folder should be.",
            code="WEFT-X035",
            facts={"path": str(path), "in the way": error.filename or str(error)},
            fix="give the I/O manager an extension, or a folder that nothing else writes to",
        )

    def load_from(self, context: InputContext, place: Place) -> Any:
        """See `PlacedIOManager.load_from`.

        Raises:
            IOManagerError: (WEFT-X033) what is stored cannot be read.
        """
        path = self.path_at(place)
        try:
            value = self.load_from_path(context, path)
            return _finish(value) if inspect.iscoroutine(value) else value
        except WeftError:
            raise
        except Exception as error:
            raise self._why_not(context, place, path, error) from error

    def load_each(self, context: InputContext, places: Sequence[Place]) -> list[Any]:
        """See `PlacedIOManager.load_each`."""
        if not inspect.iscoroutinefunction(self.load_from_path):
            return super().load_each(context, places)

        import asyncio

        async def load(place: Place) -> Any:
            path = self.path_at(place)
            try:
                return await self.load_from_path(context, path)
            except WeftError:
                raise
            except Exception as error:
                problem = self._why_not(context, place, path, error)
                if not isinstance(problem, NotStored):
                    raise problem from error
                problem.__cause__ = error
                return problem

        async def load_all() -> list[Any]:
            return await asyncio.gather(*map(load, places))

        return _finish(load_all())

    def _why_not(self, context: InputContext, place: Place, path: AnyPath, error: Exception) -> Exception:
        """What `error` means. Formats say in many ways that there is no file, so look; and only now, to save a round trip otherwise."""
        try:
            is_missing = not self.path_exists(path)
        except (OSError, ValueError):
            is_missing = False
        if is_missing:
            return NotStored(place, str(path))
        return IOManagerError(
            f"what is stored for {place} cannot be read.",
            code="WEFT-X033",
            facts={
                "path": str(path),
                "reason": f"{type(error).__name__}: {error}",
                "needed by": f'input "{context.name}" of step "{context.step_key}"',
            },
            fix="see the reason: the place may be out of reach"
            if isinstance(error, OSError)
            else "make it again; it may have been written by another version of your code, or be damaged",
        )


def _as_path(base: Any, storage_options: Mapping[str, Any]) -> AnyPath:
    if isinstance(base, EnvVar):
        value = base.get_value()
        if value is None:
            raise IOManagerError(
                f"the environment variable {base.env_var_name} is not set, which names the folder of an I/O manager.",
                code="WEFT-X036",
                facts={"variable": base.env_var_name},
                fix="set it where the run is carried out",
            )
        base = value
    if base is None:
        return Path()
    if isinstance(base, str) and ("://" in base or storage_options):
        from upath import UPath  # fsspec is slow to load; local folders do without

        remote: UPath = UPath(base, **storage_options)
        return remote
    if isinstance(base, str) or not hasattr(base, "joinpath"):
        return Path(base)
    given: AnyPath = base
    return given


def _finish(loading: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine; from another thread where an event loop is running in this one, as in a notebook."""
    import asyncio  # takes longer to load than all of this package

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(loading)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(asyncio.run, loading).result()
