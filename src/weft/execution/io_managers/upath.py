"""Values in files, on any file system that fsspec knows: the base for own I/O managers, by file format.

Where a value goes::

    <base>/<key parts...><extension>               an asset
    <base>/<key parts...>/<partition><extension>   one partition of an asset
    <base>/<run id>/<step>/<output>[/<mapping key>]<extension>   an output of an op
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from weft.definitions.io_manager import IOManager
from weft.errors import IOManagerError, WeftError
from weft.execution.io_contexts import InputContext, IOContext, OutputContext
from weft.execution.io_managers import partitioned
from weft.execution.io_managers.paths import file_names
from weft.model.metadata import MetadataValue

if TYPE_CHECKING:
    from upath import UPath

AnyPath: TypeAlias = "Path | UPath"


class UPathIOManager(IOManager):
    """Base of I/O managers that store each value as one file.

    A subclass sets `extension` and writes `dump_to_path` and `load_from_path`; partitions, keys and folders are taken care of.

    >>> class CsvIOManager(UPathIOManager):
    ...     extension = ".csv"
    ...     def dump_to_path(self, context, obj, path):
    ...         obj.to_csv(path)
    ...     def load_from_path(self, context, path):
    ...         return pandas.read_csv(path)

    Args:
        base_path: a folder, as a path or an fsspec URL such as ``s3://bucket/prefix``.
        storage_options: for the file system of a URL.
    """

    extension: str = ""

    def __init__(self, base_path: str | os.PathLike[str], **storage_options: Any) -> None:
        self.base_path: AnyPath = _as_path(base_path, storage_options)
        self._made: set[str] = set()

    @abstractmethod
    def dump_to_path(self, context: OutputContext, obj: Any, path: Any) -> None:
        """Write `obj` to `path`, whose folder exists."""

    @abstractmethod
    def load_from_path(self, context: InputContext, path: Any) -> Any:
        """The value at `path`, which exists."""

    def get_path(self, context: IOContext, partition: str | None = None) -> AnyPath:
        """Where a value belongs."""
        parts = file_names(_identifier(context, partition))
        return self.base_path.joinpath(*parts[:-1], parts[-1] + self.extension)

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """See `IOManager.handle_output`."""
        paths: list[AnyPath] = []

        def write(partition: str | None, value: Any) -> None:
            path = self.get_path(context, partition)
            self._make_folder(path)
            self.dump_to_path(context, value, path)
            paths.append(path)

        partitioned.store(context, obj, write)
        shown = paths[0] if len(paths) == 1 else paths[0].parent
        context.add_output_metadata({"path": MetadataValue.path(str(shown))})

    def load_input(self, context: InputContext) -> Any:
        """See `IOManager.load_input`."""

        def read(partition: str | None) -> Any:
            path = self.get_path(context, partition)
            try:
                return self.load_from_path(context, path)
            except FileNotFoundError:
                raise partitioned.NotStored(str(path)) from None
            except WeftError:
                raise
            except Exception as error:
                raise IOManagerError(
                    f'what is stored for input "{context.name}" of step "{context.step_key}" cannot be read.',
                    code="WEFT-X033",
                    facts={"path": str(path), "reason": f"{type(error).__name__}: {error}"},
                    fix="make it again; it may have been written by another version of your code",
                ) from error

        return partitioned.load(context, read)

    def _make_folder(self, path: AnyPath) -> None:
        folder = path.parent
        name = str(folder)
        if name not in self._made:
            folder.mkdir(parents=True, exist_ok=True)
            self._made.add(name)


def _identifier(context: IOContext, partition: str | None) -> Sequence[str]:
    if context.has_asset_key:
        return [*context.asset_key.parts, partition] if partition is not None else context.asset_key.parts
    source = context.upstream_output if isinstance(context, InputContext) else context
    assert isinstance(source, OutputContext), "an input of no asset comes from an output"
    return source.get_identifier()


def _as_path(base: Any, storage_options: dict[str, Any]) -> AnyPath:
    if isinstance(base, str) and ("://" in base or storage_options):
        from upath import UPath  # fsspec is slow to load; local folders do without

        remote: UPath = UPath(base, **storage_options)
        return remote
    if isinstance(base, str) or not hasattr(base, "joinpath"):
        return Path(base)
    given: AnyPath = base
    return given
