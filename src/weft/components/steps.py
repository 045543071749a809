"""Components whose assets are made by one step: a function, a script in a process of its own.

A step says what it made by returning or yielding results. What it says nothing of is materialised when the step ends without an error, with the
metadata that the component gives.
"""

from __future__ import annotations

import inspect
import os
import shutil
import signal
import subprocess
import sys
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from weft.components.asset_attributes import ResolvedAssetCheckSpec, ResolvedAssetSpec
from weft.components.component import Component, ComponentLoadContext
from weft.components.resolution import Model, ResolutionContext, Resolvable, Resolver
from weft.definitions.asset_checks import AssetChecksDefinition, multi_asset_check
from weft.definitions.assets import AssetsDefinition, multi_asset
from weft.definitions.definitions import Definitions
from weft.definitions.results import Failure, MaterializeResult
from weft.definitions.source import plain_function
from weft.errors import DefinitionError

if TYPE_CHECKING:
    from weft.execution.contexts import AssetExecutionContext

_LAST_LINES = 20
_SECONDS_TO_END = 10.0


class StepComponent(Component, Model, Resolvable):
    """One step that makes assets and evaluates checks. Derive from it and say what the step does."""

    assets: list[ResolvedAssetSpec] = []
    checks: list[ResolvedAssetCheckSpec] = []
    name: str | None = Field(default=None, description="The name of the step; made of the first asset by default.")
    description: str | None = None
    op_tags: dict[str, Any] = {}
    pool: str | None = None
    timeout_seconds: float | None = Field(default=None, gt=0)

    @abstractmethod
    def execute(self, context: AssetExecutionContext, folder: Path) -> Any:
        """Make the assets. Returns metadata for what it does not report itself, or results, or an iterable of results.

        Args:
            context: the context of the step.
            folder: the folder of the declaration, which relative paths are relative to.
        """

    def resource_keys(self) -> set[str]:
        """The resources that `execute` reads from the context."""
        return set()

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The step as a multi-asset; as a check where it has checks only."""
        if not self.assets and not self.checks:
            raise DefinitionError(
                f"{type(self).__name__} has neither assets nor checks.",
                code="WEFT-D584",
                facts={"at": context.declared_at or str(context.path)},
                fix="add: assets: [{key: ...}]",
            )
        folder = context.folder

        def run(context: Any) -> Iterator[Any]:
            yield from self._results(context, folder)

        settings: dict[str, Any] = {
            "name": self.step_name(),
            "description": self.description,
            "op_tags": self.op_tags or None,
            "pool": self.pool,
            "timeout_seconds": self.timeout_seconds,
            "required_resource_keys": self.resource_keys(),
        }
        given = {name: value for name, value in settings.items() if value}
        run.__module__ = type(self).__module__
        made: AssetsDefinition[..., Any] | AssetChecksDefinition[..., Any]
        if self.assets:
            made = multi_asset(specs=self.assets, check_specs=self.checks, **given)(run)
            return Definitions(assets=[made])
        made = multi_asset_check(specs=self.checks, **given)(run)
        return Definitions(asset_checks=[made])

    def step_name(self) -> str:
        """The name of the step."""
        if self.name is not None:
            return self.name
        return (self.assets[0].key if self.assets else self.checks[0].key).to_python_identifier()

    def _results(self, context: AssetExecutionContext, folder: Path) -> Iterator[Any]:
        given = self.execute(context, folder)
        metadata: Mapping[str, Any] = {}
        results: Iterable[Any] = ()
        if isinstance(given, Mapping):
            metadata = given
        elif isinstance(given, (Iterator, list, tuple)):
            results = given
        elif given is not None:
            results = (given,)
        said: set[Any] = set()
        for result in results:
            if isinstance(result, MaterializeResult):
                said.add(result.asset_key if result.asset_key is not None else self.assets[0].key)
            yield result
        for spec in self.assets:
            if spec.key not in said:
                yield MaterializeResult(asset_key=spec.key, metadata=dict(metadata))


# --- a function ------------------------------------------------------------------------------------------------------


def _function_of(context: ResolutionContext, written: Any) -> Any:
    """The function that ``package.module.function`` names, or that a template gave."""
    if callable(written):
        return written
    import importlib  # only where a name is given

    module_name, _, name = written.rpartition(".")
    found = getattr(importlib.import_module(module_name), name, None) if module_name else None
    if callable(found):
        return found
    raise DefinitionError(
        f'"{written}" is not the name of a function.',
        code="WEFT-D585",
        fix="write package.module.function, or give the function by a template: {{ my_function }}",
    )


class FunctionComponent(StepComponent):
    """Makes its assets by a Python function, which takes the context of the step, or nothing."""

    execution: Annotated[
        Callable[..., Any],
        Resolver(_function_of, model_field_type=Any, description="package.module.function, or a template"),
    ]

    def step_name(self) -> str:
        """The name of the function, unless another is given."""
        return self.name or getattr(plain_function(self.execution), "__name__", None) or super().step_name()

    def execute(self, context: AssetExecutionContext, folder: Path) -> Any:
        """Call the function."""
        return self.execution(context) if inspect.signature(self.execution).parameters else self.execution()


# --- scripts ---------------------------------------------------------------------------------------------------------


class ScriptExecution(Model):
    """A script and how it is started."""

    path: str = Field(description="The script, from the folder of the declaration.")
    args: list[str] = []
    env: dict[str, str] = Field(default={}, description="Environment variables beside those of the run.")
    working_directory: str | None = Field(default=None, description="The folder of the declaration by default.")


class PythonScriptComponent(StepComponent):
    """Makes its assets by a Python script, in a process of its own. What it prints is captured; another exit code than 0 fails the step."""

    execution: ScriptExecution

    def step_name(self) -> str:
        """The name of the script, unless another is given."""
        stem = "".join(sign if sign.isalnum() else "_" for sign in Path(self.execution.path).stem)
        return self.name or stem

    def command(self, script: Path) -> list[str]:
        """What is executed."""
        return [sys.executable, "-u", str(script), *self.execution.args]

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The step; the script has to be there when definitions are loaded.

        Raises:
            DefinitionError: (WEFT-D586) there is no such script.
        """
        script = context.folder / self.execution.path
        if not script.is_file():
            raise DefinitionError(
                f"there is no script {self.execution.path}.",
                code="WEFT-D586",
                facts={"at": context.declared_at or str(context.path), "looked for": str(script)},
                fix="name a file from the folder of the declaration",
            )
        return super().build_defs(context)

    def execute(self, context: AssetExecutionContext, folder: Path) -> Mapping[str, Any]:
        """Run the script to its end. Its exit code and duration are metadata of the assets."""
        script = folder / self.execution.path
        directory = folder / self.execution.working_directory if self.execution.working_directory else folder
        environment = {**os.environ, **run_variables(context), **self.execution.env}
        start = time.monotonic()
        code, last = run_process(self.command(script), directory, environment)
        if code:
            ended = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
            raise Failure(
                f"{script.name} ended {ended}.",
                metadata={"exit_code": code, "last_lines": "\n".join(last) or "(no output)"},
            )
        return {"exit_code": code, "duration_seconds": round(time.monotonic() - start, 3)}


class UvRunComponent(PythonScriptComponent):
    """As `PythonScriptComponent`, by ``uv run``, which makes the environment that the script's own header asks for."""

    uv_args: list[str] = Field(default=[], description="Arguments of uv run before the script.")

    def command(self, script: Path) -> list[str]:
        """What is executed.

        Raises:
            Failure: uv is not installed.
        """
        uv = shutil.which("uv")
        if uv is None:
            raise Failure(
                "uv is not installed, or not on the PATH: install it, or use PythonScriptComponent.",
                allow_retries=False,
            )
        return [uv, "run", *self.uv_args, str(script), *self.execution.args]


def run_variables(context: AssetExecutionContext) -> dict[str, str]:
    """What a script can read of the run it is part of."""
    keys = sorted(key.to_user_string() for key in context.selected_asset_keys)
    found = {"WEFT_RUN_ID": context.run_id, "WEFT_ASSET_KEYS": ",".join(keys)}
    if context.has_partition_key:
        found["WEFT_PARTITION_KEY"] = context.partition_key
    return found


def run_process(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run a command to its end, printing what it prints as it comes. Its exit code (negative: a signal) and its last lines.

    When the caller is interrupted the process gets SIGTERM, and SIGKILL ten seconds later.
    """
    last: deque[str] = deque(maxlen=_LAST_LINES)
    process = subprocess.Popen(  # noqa: S603  # the user's own command, without a shell
        command,
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
    )
    try:
        for line in process.stdout or ():
            last.append(line.rstrip("\n"))
            sys.stdout.write(line)
            sys.stdout.flush()
        return process.wait(), list(last)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()
