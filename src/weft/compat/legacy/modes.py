"""Modes, presets and system storage: what is a job's resources, its configuration and its I/O manager now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from weft.config.run_config import run_config_document
from weft.config.yaml_limits import TooLarge, load_yaml
from weft.definitions.executors import ExecutorDefinition
from weft.definitions.inputs_outputs import DEFAULT_IO_MANAGER_KEY
from weft.definitions.loggers import LoggerDefinition
from weft.errors import ConfigError
from weft.execution.io_managers.memory import InMemoryIOManager

DEFAULT_MODE = "default"


class SystemStorageDefinition:
    """Where values between solids were kept; now an I/O manager. None keeps them where the instance does."""

    def __init__(self, name: str, io_manager: Any = None, is_persistent: bool = True) -> None:
        self.name = name
        self.io_manager = io_manager
        self.is_persistent = is_persistent


mem_system_storage = SystemStorageDefinition("in_memory", InMemoryIOManager(), is_persistent=False)
fs_system_storage = SystemStorageDefinition("filesystem")


class ModeDefinition:
    """An environment of a pipeline: resources, loggers and executors chosen at launch. Now one job for each environment."""

    def __init__(
        self,
        name: str = DEFAULT_MODE,
        resource_defs: Mapping[str, Any] | None = None,
        logger_defs: Mapping[str, LoggerDefinition] | None = None,
        executor_defs: Sequence[ExecutorDefinition] | None = None,
        description: str | None = None,
        intermediate_storage_defs: Sequence[SystemStorageDefinition] | None = None,
        system_storage_defs: Sequence[SystemStorageDefinition] | None = None,
    ) -> None:
        self.name = name
        self.description = description
        self.logger_defs = dict(logger_defs or {})
        self.executor_defs = tuple(executor_defs or ())
        storages = tuple(system_storage_defs or intermediate_storage_defs or ())
        self.resource_defs = dict(resource_defs or {})
        if storages and storages[0].io_manager is not None:
            self.resource_defs.setdefault(DEFAULT_IO_MANAGER_KEY, storages[0].io_manager)

    @property
    def executor_def(self) -> ExecutorDefinition | None:
        """The executor, where the mode has exactly one; run configuration chooses among several."""
        return self.executor_defs[0] if len(self.executor_defs) == 1 else None


class PresetDefinition:
    """Configuration of a run with a name; now ``config=`` of a job."""

    def __init__(
        self,
        name: str,
        run_config: Mapping[str, Any] | None = None,
        solid_selection: Sequence[str] | None = None,
        mode: str | None = None,
        tags: Mapping[str, Any] | None = None,
        environment_dict: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.run_config = run_config if run_config is not None else environment_dict or {}
        self.solid_selection = solid_selection
        self.mode = mode or DEFAULT_MODE
        self.tags = dict(tags or {})

    @staticmethod
    def from_files(
        name: str,
        config_files: Sequence[str] | None = None,
        solid_selection: Sequence[str] | None = None,
        mode: str | None = None,
        tags: Mapping[str, Any] | None = None,
        environment_files: Sequence[str] | None = None,
    ) -> PresetDefinition:
        """A preset of YAML files, merged in their order.

        Raises:
            ConfigError: (WEFT-C090) a file is not there or holds no mapping.
        """
        merged: dict[str, Any] = {}
        for file in config_files or environment_files or ():
            path = Path(file)
            document, found = None, "no such file"
            if path.is_file():
                found = "no mapping"
                try:
                    document = load_yaml(path.read_text("utf-8"))
                except TooLarge as error:
                    found = f"a text that {error}"
            if not isinstance(document, Mapping):
                raise ConfigError(
                    f'the preset "{name}" cannot be read.',
                    code="WEFT-C090",
                    facts={"file": str(path), "found": found},
                    fix="name YAML files that hold a mapping",
                )
            merged = _merged(merged, run_config_document(document))
        return PresetDefinition(name, merged, solid_selection, mode, tags)


def _merged(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(left)
    for key, value in right.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(before, value) if both and isinstance(before, Mapping) else value
    return result
