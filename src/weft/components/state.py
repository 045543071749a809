"""Components whose definitions follow from something outside, such as the tables of a database, kept as a file between two looks at it.

Loading definitions reads the file and asks nobody; ``weft components refresh-state`` looks again. The files of a component are kept by version::

    <base>/<key>/<version>      what was written
    <base>/<key>/latest         the version to read; written last, so that a broken refresh changes nothing

A version is letters, digits, ``-`` and ``_``: whoever can write to ``latest`` cannot have another file read.

The base is ``$WEFT_DEFS_STATE`` (a folder, or any path of fsspec such as ``s3://bucket/state``), else ``defs_state`` in the folder of the instance.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct

from weft.components.component import Component, ComponentLoadContext
from weft.components.resolution import Model
from weft.config.instance_settings import named_home
from weft.definitions.definitions import Definitions
from weft.errors import LoadError

if TYPE_CHECKING:
    from upath import UPath

STATE_VARIABLE = "WEFT_DEFS_STATE"
_LATEST = "latest"
_VERSION = re.compile(r"[A-Za-z0-9_-]{1,100}")


class DefsStateConfig(Struct, frozen=True, kw_only=True):
    """How the state of a component is kept."""

    # What it is kept under; components with one key share it.
    key: str
    # Whether it is made when definitions are loaded, where there is none yet.
    refresh_if_missing: bool = False


class DefsStateConfigArgs(Model):
    """The same as an attribute in YAML: ``defs_state: {key: warehouse}``."""

    key: str | None = None
    refresh_if_missing: bool = False

    def config(self, default_key: str) -> DefsStateConfig:
        """With a key for a component that names none."""
        return DefsStateConfig(key=self.key or default_key, refresh_if_missing=self.refresh_if_missing)


class DefsStateStorage(ABC):
    """Where the states of components are kept, by key and version."""

    @abstractmethod
    def get_latest_version(self, key: str) -> str | None:
        """The version that is read; None where there is none."""

    @abstractmethod
    def download_state_to_path(self, key: str, version: str, path: Path) -> None:
        """Write a version to a local file."""

    @abstractmethod
    def upload_state_from_path(self, key: str, version: str, path: Path) -> None:
        """Keep a local file as the version that is read from now on. Either all of it is there afterwards, or nothing has changed."""


class UPathDefsStateStorage(DefsStateStorage):
    """States as files below a folder, or below any path of fsspec.

    Raises (from each method):
        LoadError: (WEFT-L178) a version is none that weft writes.
    """

    def __init__(self, base_path: str | os.PathLike[str], storage_options: Mapping[str, Any] | None = None) -> None:
        self._base = str(base_path)
        self._options = dict(storage_options or {})

    def _folder(self, key: str) -> UPath:
        from upath import UPath  # fsspec is slow to load

        base: UPath = UPath(self._base, **self._options)
        # A key of dots alone would be the base, or the folder above it.
        return base / (quote(key, safe="") if key.strip(".") else key.replace(".", "%2E"))

    def get_latest_version(self, key: str) -> str | None:
        """See `DefsStateStorage`."""
        try:
            version = (self._folder(key) / _LATEST).read_text().strip()
        except FileNotFoundError:
            return None
        return _checked(self._folder(key), version) if version else None

    def download_state_to_path(self, key: str, version: str, path: Path) -> None:
        """See `DefsStateStorage`."""
        folder = self._folder(key)
        path.write_bytes((folder / _checked(folder, version)).read_bytes())

    def upload_state_from_path(self, key: str, version: str, path: Path) -> None:
        """See `DefsStateStorage`."""
        folder = self._folder(key)
        _checked(folder, version)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / version).write_bytes(path.read_bytes())
        latest = folder / _LATEST
        if latest.protocol in ("", "file", "local"):  # readers see the old version or the new one
            fresh = Path(folder.path) / f"{_LATEST}.{os.getpid()}"
            fresh.write_text(version)
            fresh.replace(latest.path)
        else:  # stores of objects replace one as a whole
            latest.write_text(version)


def _checked(folder: UPath, version: str) -> str:
    """`version`, which is a file of `folder` and no path to another one."""
    if _VERSION.fullmatch(version) is None or version == _LATEST:
        raise LoadError(
            "the state of a component has a version that cannot be one.",
            code="WEFT-L178",
            facts={
                "folder": str(folder),
                "version": f"{version!r:.120}",
                "allowed": "1 to 100 letters, digits, - and _",
            },
            fix=f'see who else writes to that folder, then remove its file "{_LATEST}" and run: weft components refresh-state',
        )
    return version


class StateBackedComponent(Component):
    """A component that keeps what it has seen outside as a file. Loading definitions reads the file only."""

    def get_defs_state_config(self, context: ComponentLoadContext) -> DefsStateConfig:
        """How the state is kept; under the class and the place of the declaration by default."""
        arguments = getattr(self, "defs_state", None)
        place = context.path.resolve().relative_to(context.defs_module_path).as_posix()
        index = f"#{context.document.index}" if context.document is not None and context.document.index else ""
        key = f"{type(self).__name__}[{place}{index}]"
        return arguments.config(key) if isinstance(arguments, DefsStateConfigArgs) else DefsStateConfig(key=key)

    @abstractmethod
    def write_state_to_path(self, state_path: Path) -> Any:
        """Look outside and write what the definitions need to a file. May be ``async``."""

    @abstractmethod
    def build_defs_from_state(self, context: ComponentLoadContext, state_path: Path | None) -> Definitions:
        """The definitions; `state_path` is None where the state was never made. The file is gone afterwards."""

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The definitions from the state that is kept."""
        storage = state_storage(context.project_root)
        config = self.get_defs_state_config(context)
        version = storage.get_latest_version(config.key)
        if version is None and config.refresh_if_missing:
            version = self.refresh_state(context, storage)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "state"
            if version is None:
                return self.build_defs_from_state(context, None)
            storage.download_state_to_path(config.key, version, path)
            return self.build_defs_from_state(context, path)

    def refresh_state(self, context: ComponentLoadContext, storage: DefsStateStorage) -> str:
        """Look outside and keep what was seen. Its version.

        Raises:
            LoadError: (WEFT-L058) nothing was written.
        """
        config = self.get_defs_state_config(context)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "state"
            pending = self.write_state_to_path(path)
            if inspect.iscoroutine(pending):
                asyncio.run(pending)
            if not path.is_file():
                raise LoadError(
                    f"{type(self).__name__} has written no state.",
                    code="WEFT-L058",
                    facts={"at": context.declared_at or str(context.path), "key": config.key},
                    fix="write_state_to_path must write a file at the path that it gets",
                )
            version = f"{time.time_ns():020d}"
            storage.upload_state_from_path(config.key, version, path)
            return version


def state_storage(project_root: Path) -> UPathDefsStateStorage:
    """Where states are kept, by the environment and the project."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return UPathDefsStateStorage(named)
    home = named_home()
    return UPathDefsStateStorage((Path(home).expanduser() if home else project_root / ".weft") / "defs_state")
