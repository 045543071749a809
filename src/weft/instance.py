"""The composition root: which storage, logs, journals and defaults an instance consists of. It wires; it has no verbs.

`Instance` is the public handle. Where one lives on disk::

    <home>/weft.yaml        its settings, where it has any (`weft.config.instance_file`)
    <home>/weft.db          the database (SQLite, unless the settings name another)
    <home>/journals/        journals of runs that are going on
    <home>/logs/<run id>/   captured stdout and stderr
    <home>/storage/         values stored by the default I/O manager

The home is ``$WEFT_HOME`` where it is set, else ``$DAGSTER_HOME``, else the folder ``.weft`` of the project: the nearest folder upwards that has one, or a
``pyproject.toml``; else of the working directory. So three rules say which instance there is: settings in a home, a home without settings, and, where a
function is called without an instance (`materialize`), one in memory.

A home that weft makes is for its owner alone (mode 0700), and so are the database, journals, captured output and the folder of stored values in any
home, whatever the umask: what runs say of themselves is often confidential though nobody thinks of it, and most machines have a umask of 022. Folders
that exist keep their modes. Values in folders that the user names get the modes of the umask, as all files of user code. To share an instance, open
folders and database to a group by hand; SQLite gives the files beside the database the mode of the database.

``$WEFT_SQLITE_SYNCHRONOUS`` set to ``FULL`` (or the setting ``storage.synchronous``) makes every batch of events survive a power cut, too
(``docs/design/durability.md``); the default, ``NORMAL``, survives the death of any process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from weft.clock import SYSTEM_CLOCK, Clock
from weft.config.instance_settings import (
    HOME_VARIABLE,
    PROJECT_HOME,
    InstanceSettings,
    LogSettings,
    StorageSettings,
    named_home,
    settings_files,
)
from weft.errors import ConfigError, StorageError
from weft.execution.io_managers.defaults import default_io_manager
from weft.logs.store import ComputeLogStore, LocalComputeLogStore, NullComputeLogStore
from weft.runs.environment import RunEnvironment
from weft.runs.instance_queries import InstanceQueries
from weft.runs.recover import recover_lost_runs
from weft.storage.ports import Storage

SYNCHRONOUS_VARIABLE = "WEFT_SQLITE_SYNCHRONOUS"

_open: dict[Path, Instance] = {}
_lock = threading.Lock()


class Instance(InstanceQueries):
    """Where runs, events, assets and logs are recorded: a bag of ports (see `RunEnvironment`), and what user code may ask of it."""

    home: Path | None = None

    @staticmethod
    def get(home: str | os.PathLike[str] | None = None) -> Instance:
        """The instance of this project and user, opened once for each home and process.

        Runs whose process died without a word are finished as failed on the way, with everything that they had reported.

        Args:
            home: the folder of the instance; found as the module says where it is None.

        Raises:
            StorageError: the folder cannot be written, or the database is locked, corrupt, or of another version.
            ConfigError: (WEFT-C150 to C161) the settings are wrong.
        """
        folder = Path(home).expanduser().resolve() if home is not None else find_home()
        with _lock:
            found = _open.get(folder)
            if found is None:
                found = _open[folder] = Instance.at(folder)
        recover_lost_runs(found)
        return found

    @classmethod
    def at(
        cls,
        home: Path,
        *,
        clock: Clock = SYSTEM_CLOCK,
        synchronous: Literal["NORMAL", "FULL"] | None = None,
        settings: InstanceSettings | None = None,
        shares_connections: bool = False,
    ) -> Instance:
        """A new handle of the instance in the folder `home`, which is made where it is missing.

        Args:
            home: the folder.
            clock: where time comes from.
            synchronous: ``NORMAL`` survives the death of any process; ``FULL`` also a power cut, at the price of a disk flush for every batch. As
                the environment or the settings say by default.
            settings: the settings; by default those of the file in the folder.
            shares_connections: use a database on a server through the daemons of the instance, as long as there are any; for workers, of which there
                are many.

        Raises:
            StorageError, ConfigError: as `get`.
        """
        if settings is None:
            settings = settings_of(home)
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            (home / "storage").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"the folder {home} cannot be made.",
                code="WEFT-T007",
                facts={"reason": error.strerror or str(error)},
                fix=f"choose another folder: export {HOME_VARIABLE}=...",
            ) from error
        logs = _logs(home, settings.logs)  # first: it may fail, and has nothing open then
        instance = cls(
            storage=_storage(home, settings.storage, synchronous, shares_connections),
            logs=logs,
            journal_folder=home / "journals",
            default_resources={"io_manager": default_io_manager(str(home / "storage"))},
            clock=clock,
            settings=settings,
        )
        instance.home = home
        return instance

    @classmethod
    def ephemeral(cls) -> Instance:
        """An instance in memory: nothing is left on disk, and everything is gone with the object."""
        environment = RunEnvironment.in_memory()
        return cls(
            storage=environment.storage,
            logs=environment.logs,
            journal_folder=None,
            default_resources=environment.default_resources,
        )

    @classmethod
    def local_temp(cls, tempdir: str | os.PathLike[str] | None = None) -> Instance:
        """An instance in a folder (a new temporary one by default), as `at` makes it. The folder stays; the caller removes it."""
        import tempfile

        return cls.at(Path(tempdir) if tempdir is not None else Path(tempfile.mkdtemp(prefix="weft-")))

    def describe(self) -> Mapping[str, str]:
        """Facts about the instance, without secrets: kind, place, versions."""
        place = {"home": str(self.home)} if self.home is not None else {}
        return {**place, **self.storage.describe()}

    def close(self) -> None:
        """Let go of files and connections."""
        with _lock:
            for folder, instance in list(_open.items()):
                if instance is self:
                    del _open[folder]
        super().close()

    def __enter__(self) -> Instance:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def settings_of(home: Path) -> InstanceSettings:
    """The settings of the instance in a folder, which need not exist.

    Raises:
        ConfigError: (WEFT-C150 to C161) they are wrong.
    """
    if not settings_files(home):
        return InstanceSettings()
    from weft.config.instance_file import find_settings  # loads YAML

    return find_settings(home).settings


def _storage(
    home: Path,
    settings: StorageSettings,
    synchronous: Literal["NORMAL", "FULL"] | None,
    shares_connections: bool,
) -> Storage:
    from weft.storage.opening import as_storage, is_on_server, open_storage

    if settings.custom is not None:
        return as_storage(_made(settings.custom, settings.config, "storage.custom"), named=settings.custom)

    def opened() -> Storage:
        return open_storage(
            home if settings.url is None else settings.url,
            lock_timeout_seconds=settings.lock_timeout_seconds,
            synchronous=synchronous or _synchronous() or settings.synchronous,
            base=home,
        )

    if shares_connections and settings.url is not None and is_on_server(settings.url):
        from weft.storage.gateway.client import GatewayStorage
        from weft.storage.gateway.server import gateway_folder

        return GatewayStorage(gateway_folder(home), opened)
    return opened()


def _logs(home: Path, settings: LogSettings) -> ComputeLogStore:
    if not settings.capture:
        return NullComputeLogStore()
    if settings.custom is not None:
        return cast("ComputeLogStore", _made(settings.custom, settings.config, "logs.custom"))
    return LocalComputeLogStore(home / "logs" if settings.folder is None else home / Path(settings.folder).expanduser())


def _made(target: str, arguments: Mapping[str, Any], setting: str) -> object:
    """An object of a class of the user's own, which a setting names ``module:Class``."""
    from importlib import import_module

    module, _, name = target.partition(":")
    try:
        return getattr(import_module(module), name)(**arguments)
    except Exception as error:  # whatever the code of the user raises
        raise ConfigError(
            f'The class of the setting "{setting}" cannot be used.',
            code="WEFT-C158",
            facts={"class": target, "why": f"{type(error).__name__}: {error}"},
            fix="write module:Class; see that the module can be imported here, and that the arguments fit",
        ) from error


def _synchronous() -> Literal["NORMAL", "FULL"] | None:
    """What the environment says; None where it says nothing."""
    given = os.environ.get(SYNCHRONOUS_VARIABLE, "").upper()
    if not given:
        return None
    if given == "NORMAL":
        return "NORMAL"
    if given == "FULL":
        return "FULL"
    raise StorageError(
        f"{SYNCHRONOUS_VARIABLE} has a value that means nothing.",
        code="WEFT-T040",
        facts={"found": given, "allowed": "NORMAL, FULL"},
        fix=f"export {SYNCHRONOUS_VARIABLE}=FULL to survive power cuts, or unset it",
    )


def find_home() -> Path:
    """The folder of the instance for the working directory, as the module says. It need not exist."""
    given = named_home()
    if given is not None:
        return Path(given).expanduser().resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / PROJECT_HOME).is_dir() or (folder / "pyproject.toml").is_file():
            return folder / PROJECT_HOME
    return here / PROJECT_HOME
