"""I/O managers by name, and the one that an instance uses where nobody defines any.

``WEFT_DEFAULT_IO_MANAGER_MODULE`` and ``WEFT_DEFAULT_IO_MANAGER_ATTRIBUTE`` name another default: an I/O manager, or a definition of one, in a module that
is imported when a run needs it, never where only the state of runs is read. The names of existing deployments, with ``DAGSTER_``, mean the same.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import UNSET

from weft.config.schema import Field
from weft.definitions.io_manager import IOManager, IOManagerDefinition, io_manager
from weft.definitions.resource_set import as_resource_definition
from weft.definitions.resources import InitResourceContext
from weft.errors import IOManagerError
from weft.execution.io_contexts import InputContext, OutputContext
from weft.execution.io_managers.filesystem import FilesystemIOManager, storage_folder
from weft.execution.io_managers.memory import InMemoryIOManager

_PREFIXES = ("WEFT", "DAGSTER")
_MODULE = "_DEFAULT_IO_MANAGER_MODULE"
_ATTRIBUTE = "_DEFAULT_IO_MANAGER_ATTRIBUTE"


@io_manager(
    config_schema={
        "base_dir": Field(str, is_required=False, description="The folder. By default that of the instance.")
    },
    description="Stores values as files, each in the form that fits it.",
)
def fs_io_manager(context: InitResourceContext) -> IOManager:
    """Stores values as files; see `FilesystemIOManager`."""
    base_dir = (context.resource_config or {}).get("base_dir")
    return FilesystemIOManager(base_dir if base_dir is not None else storage_folder(context.instance))


@io_manager(description="Keeps values in memory, for tests.")
def mem_io_manager(context: InitResourceContext) -> IOManager:
    """Keeps values in memory; see `InMemoryIOManager`."""
    return InMemoryIOManager()


class CustomPathIOManager(IOManager):
    """Stores each value as a pickle at the path that its metadata says, below a folder: ``Out(metadata={"path": "orders.pickle"})``.

    Args:
        base_dir: the folder.
    """

    def __init__(self, base_dir: str | os.PathLike[str]) -> None:
        self.base_dir = Path(base_dir)

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """See `OutputManager.handle_output`."""
        path = self._path(context)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{os.urandom(8).hex()}.part")
        try:
            with unfinished.open("wb") as file:
                pickle.dump(obj, file, 5)
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        context.add_output_metadata({"path": str(path)})

    def load_input(self, context: InputContext) -> Any:
        """See `InputManager.load_input`."""
        source = context.upstream_output
        with self._path(context if source is None else source).open("rb") as file:
            return pickle.load(file)  # noqa: S301  # the user's own value, in the user's own worker

    def _path(self, context: InputContext | OutputContext) -> Path:
        said = context.definition_metadata.get("path")
        base = self.base_dir.resolve()
        path = (base / str(said)).resolve()
        if not said or not path.is_relative_to(base) or path == base:
            raise IOManagerError(
                f'the metadata of "{context.name}" does not say where below the folder its value is stored.',
                code="WEFT-X163",
                facts={"folder": str(base), "path": said},
                fix='give it a path below the folder: metadata={"path": "orders.pickle"}',
            )
        return path


@io_manager(
    config_schema={
        "base_dir": Field(str, is_required=False, description="The folder. By default that of the instance.")
    }
)
def custom_path_fs_io_manager(context: InitResourceContext) -> IOManager:
    """Stores each value at the path in its metadata; see `CustomPathIOManager`."""
    base_dir = (context.resource_config or {}).get("base_dir")
    return CustomPathIOManager(base_dir if base_dir is not None else storage_folder(context.instance))


def default_io_manager(folder: str) -> IOManager | IOManagerDefinition:
    """What an instance stores values with that nobody else stores: files in `folder`, or what the environment names."""
    for prefix in _PREFIXES:
        module, attribute = os.environ.get(prefix + _MODULE), os.environ.get(prefix + _ATTRIBUTE)
        if module and attribute:
            return _named_in_module(prefix, module, attribute)
    return FilesystemIOManager(folder)


def _named_in_module(prefix: str, module: str, attribute: str) -> IOManagerDefinition:
    def make(context: InitResourceContext) -> Iterator[IOManager]:
        import importlib

        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise IOManagerError(
                "the default I/O manager that the environment names cannot be found.",
                code="WEFT-X162",
                facts={prefix + _MODULE: module, prefix + _ATTRIBUTE: attribute, "reason": str(error)},
                fix="correct the variables, or unset both",
            ) from error
        definition = as_resource_definition(found)
        default = definition.config_schema.effective_default
        inner = InitResourceContext(
            resource_config=None if default is UNSET else default,
            resource_key=context.resource_key,
            resource_def=definition,
            run=context.run,
            instance=context.instance,
            log=context.log,
        )
        with definition.open(inner) as manager:
            yield manager

    return IOManagerDefinition(make, description=f"{module}.{attribute}")
