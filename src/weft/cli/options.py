"""Options that several commands share, each with one spelling and one meaning."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from weft.codeserver.target import FileTarget, ModuleTarget, TargetSpec, find_project_target, origin_of
from weft.errors import UsageError

if TYPE_CHECKING:
    from weft.codeserver.loader import LoadedTarget
    from weft.instance import Instance
    from weft.model.origin import CodeOrigin

Command = TypeVar("Command", bound=Callable[..., Any])


class TargetOptions:
    """What ``-f``, ``-m``, ``-a`` and ``-d`` say about where the definitions are."""

    def __init__(
        self, file: str | None, module: str | None, attribute: str | None, working_directory: str | None
    ) -> None:
        self._file = file
        self._module = module
        self._attribute = attribute
        self._working_directory = Path(working_directory) if working_directory is not None else None
        self._origin: CodeOrigin | None = None

    def origin(self) -> CodeOrigin:
        """Where other processes find the definitions: as `target`, with absolute paths and this interpreter.

        Paths are relative to where the command was started: code may change the working directory when it is loaded, so the first call of `target` counts.

        Raises:
            UsageError, LoadError: as `target`.
        """
        if self._origin is None:
            self.target()
        assert self._origin is not None
        return self._origin

    def target(self) -> TargetSpec:
        """Where the definitions are.

        Raises:
            UsageError: (WEFT-U004) the options contradict each other.
            LoadError: nothing is given, and no ``pyproject.toml`` says it.
        """
        found = self._find()
        if self._origin is None:
            self._origin = origin_of(found, sys.executable)
        return found

    def _find(self) -> TargetSpec:
        if self._file is not None and self._module is not None:
            raise UsageError(
                "a file and a module are named at once.",
                code="WEFT-U004",
                facts={"-f": self._file, "-m": self._module},
                fix="keep one of them",
            )
        folder = self._working_directory
        if self._file is not None:
            return FileTarget(file=Path(self._file), attribute=self._attribute, working_directory=folder)
        if self._module is not None:
            return ModuleTarget(module=self._module, attribute=self._attribute, working_directory=folder)
        found = find_project_target(Path.cwd())
        changes: dict[str, Any] = {"attribute": self._attribute} if self._attribute is not None else {}
        if folder is not None:
            changes["working_directory"] = folder
        from msgspec.structs import replace

        return replace(found, **changes)

    def as_text(self) -> str:
        """The options as they are written behind another command, after a space; empty where none was given."""
        given = (("-f", self._file), ("-m", self._module), ("-a", self._attribute), ("-d", self._working_directory))
        return "".join(f" {name} {shlex.quote(str(value))}" for name, value in given if value is not None)

    def load(self) -> LoadedTarget:
        """Import the definitions. Raises as `weft.codeserver.loader.load_target`."""
        from weft.codeserver.loader import load_target
        from weft.compat.dagster import install

        install()  # existing code imports another package's name
        return load_target(self.target())


def target_options(command: Command) -> Command:
    """``-f``, ``-m``, ``-a``, ``-d``: the command gets them as ``target: TargetOptions``."""
    options = (
        click.option("-f", "--python-file", metavar="FILE", help="Python file with the definitions."),
        click.option("-m", "--module-name", metavar="MODULE", help="Module with the definitions."),
        click.option("-a", "--attribute", metavar="NAME", help="Name of the definitions in it, where it has several."),
        click.option("-d", "--working-directory", metavar="FOLDER", help="Folder to import from."),
    )

    def gathered(**given: Any) -> Any:
        target = TargetOptions(
            given.pop("python_file"), given.pop("module_name"), given.pop("attribute"), given.pop("working_directory")
        )
        return command(target=target, **given)

    return _decorated(command, gathered, options)


def home_option(command: Command) -> Command:
    """``--home``: the command gets ``home: str | None``."""
    text = "Folder of the instance. Default: $WEFT_HOME, else .weft in the project."
    return click.option("--home", metavar="FOLDER", help=text)(command)


def json_option(command: Command) -> Command:
    """``--json``: the command gets ``as_json: bool``. See docs/reference/cli.md for the shapes."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout, and nothing else there.")(
        command
    )


def verbose_option(command: Command) -> Command:
    """``-v`` after the name of the command, too."""

    def note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        settings = ctx.obj
        settings.verbose = settings.verbose or value

    return click.option(
        "-v",
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=note,
        help="Show all frames of tracebacks, and log lines of level DEBUG.",
    )(command)


class RunOptions:
    """What is asked of a run besides what it runs: configuration, tags, partitions."""

    def __init__(
        self,
        *,
        config_files: Sequence[str],
        config_json: str | None,
        tags: Sequence[str],
        partition: str | None,
        partition_range: str | None,
    ) -> None:
        self._config_files = [Path(file) for file in config_files]
        self._config_json = config_json
        self._tags = tags
        self.partition_key = partition
        self._partition_range = partition_range

    def run_config(self) -> dict[str, Any] | None:
        """The files merged in order, then the JSON text; None where nothing is given: the job's own configuration holds."""
        from weft.cli.run_config_files import read_run_config

        return read_run_config(self._config_files, self._config_json)

    def tags(self) -> dict[str, str]:
        """The tags."""
        return parse_tags(self._tags)

    def partition_range(self) -> tuple[str, str] | None:
        """The first and last key.

        Raises:
            UsageError: (WEFT-U005) it does not have the form ``FIRST...LAST``; (WEFT-U006) a single partition is given as well.
        """
        text = self._partition_range
        if text is None:
            return None
        if self.partition_key is not None:
            raise UsageError(
                "a partition and a range of partitions are named at once.",
                code="WEFT-U006",
                facts={"--partition": self.partition_key, "--partition-range": text},
                fix="keep one of them",
            )
        first, separator, last = text.partition("...")
        if not separator or not first or not last:
            raise UsageError(
                f'"{text}" is not a range of partitions.',
                code="WEFT-U005",
                fix="write FIRST...LAST, both included: --partition-range 2024-01-01...2024-01-31",
            )
        return first, last


def run_options(command: Command) -> Command:
    """``-c``, ``--config-json``, ``--tags``, ``--partition``, ``--partition-range``: the command gets ``options: RunOptions``."""
    options = (
        click.option(
            "-c",
            "--config",
            "config_files",
            metavar="FILE",
            multiple=True,
            help="YAML run configuration; several are merged in order.",
        ),
        click.option("--config-json", metavar="JSON", help="Run configuration as JSON, merged over the files."),
        click.option("--tags", metavar="KEY=VALUE", multiple=True, help="Tag of the run; may be given several times."),
        click.option("--partition", metavar="KEY", help="Partition to make."),
        click.option(
            "--partition-range", metavar="FIRST...LAST", help="Partitions to make in one run, both ends included."
        ),
    )

    def gathered(**given: Any) -> Any:
        names = ("config_files", "config_json", "tags", "partition", "partition_range")
        return command(options=RunOptions(**{name: given.pop(name) for name in names}), **given)

    return _decorated(command, gathered, options)


def parse_tags(texts: Sequence[str]) -> dict[str, str]:
    """``key=value`` texts, or JSON objects of texts, as tags; later ones win.

    Raises:
        UsageError: (WEFT-U007) a text is neither.
    """
    tags: dict[str, str] = {}
    for text in texts:
        if text.lstrip().startswith("{"):
            tags.update(_json_tags(text))
            continue
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise _not_a_tag(text)
        tags[key.strip()] = value.strip()
    return tags


def _json_tags(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        raise _not_a_tag(text) from None
    if not isinstance(found, Mapping) or not all(isinstance(value, str) for value in found.values()):
        raise _not_a_tag(text)
    return dict(found)


def _not_a_tag(text: str) -> UsageError:
    return UsageError(
        f'"{text}" is not a tag.',
        code="WEFT-U007",
        fix='write --tags team=sales; for several, give it again or write JSON: --tags \'{"team": "sales"}\'',
    )


class LaunchOptions:
    """What happens after a run was put into the queue."""

    def __init__(self, *, wait: bool, follow: bool, request_key: str | None) -> None:
        self.wait = wait or follow
        self.follow = follow
        self.request_key = request_key


def launch_options(command: Command) -> Command:
    """``--wait``, ``--follow``, ``--request-key``: the command gets them as ``launch: LaunchOptions``."""

    def gathered(**given: Any) -> Any:
        names = ("wait", "follow", "request_key")
        return command(launch=LaunchOptions(**{name: given.pop(name) for name in names}), **given)

    options = (
        click.option("--wait", is_flag=True, help="Wait for the end of the run: exit code 0 if it succeeded, else 1."),
        click.option("--follow", is_flag=True, help="Show the run while it goes on; then as --wait."),
        click.option(
            "--request-key",
            metavar="KEY",
            help="The same request made twice makes one run; the second names the run of the first.",
        ),
    )
    return _decorated(command, gathered, options)


def home_of(home: str | None) -> Path:
    """The folder of the instance that ``--home`` names, or of that of the project. For commands that load code: it may change the working directory."""
    from weft.instance import find_home

    return Path(home).expanduser().resolve() if home is not None else find_home()


def open_instance(home: str | Path | None) -> Instance:
    """The instance that ``--home`` names, or that of the project. Raises as `Instance.get`."""
    from weft.instance import Instance

    return Instance.get(home)


def _decorated(command: Command, gathered: Callable[..., Any], options: Sequence[Callable[[Any], Any]]) -> Command:
    import functools

    wrapped: Any = functools.wraps(command)(gathered)
    for option in reversed(options):
        wrapped = option(wrapped)
    return cast("Command", wrapped)
