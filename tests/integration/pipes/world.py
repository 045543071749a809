"""A step that runs a program, and what came of it: events, lines of the log, captured output."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from weft import (
    AssetExecutionContext,
    ExecuteInProcessResult,
    Instance,
    PipesClientCompletedInvocation,
    PipesSubprocessClient,
    asset,
    materialize,
)
from weft.model.events import AssetCheckEvaluated, AssetMaterialized, EngineEvent, LogMessage, StepFailed

PACKAGE = Path(__file__).resolve().parents[3] / "packages" / "weft-pipes" / "src"

# What most programs of these tests begin with.
DAGSTER = "from dagster_pipes import open_dagster_pipes as open_pipes\n"
WEFT = "from weft_pipes import open_weft_pipes as open_pipes\n"


def program(folder: Path, text: str, head: str = "") -> list[str]:
    """The command that runs a program of Python with this text."""
    path = folder / "program.py"
    path.write_text(head + textwrap.dedent(text), "utf-8")
    return [sys.executable, str(path)]


class Told:
    """What a run recorded."""

    def __init__(self, result: ExecuteInProcessResult, instance: Instance | None) -> None:
        self.result = result
        self._instance = instance

    @property
    def logs(self) -> list[str]:
        return [event.body.message for event in self.result.all_events if isinstance(event.body, LogMessage)]

    def logs_at(self, level: int) -> list[str]:
        return [
            event.body.message
            for event in self.result.all_events
            if isinstance(event.body, LogMessage) and event.body.level == level
        ]

    @property
    def engine(self) -> list[EngineEvent]:
        return [event.body for event in self.result.all_events if isinstance(event.body, EngineEvent)]

    @property
    def materializations(self) -> dict[str, AssetMaterialized]:
        return {
            event.body.asset_key.to_user_string(): event.body
            for event in self.result.all_events
            if isinstance(event.body, AssetMaterialized)
        }

    @property
    def checks(self) -> list[AssetCheckEvaluated]:
        return [event.body for event in self.result.all_events if isinstance(event.body, AssetCheckEvaluated)]

    @property
    def failure(self) -> str:
        failed = [event.body for event in self.result.all_events if isinstance(event.body, StepFailed)]
        return "\n".join(str(body.error) for body in failed)

    def printed(self, stream: str) -> str:
        assert self._instance is not None
        run_id = self.result.run_id
        return "".join(
            self._instance.logs.read(run_id, files.file_key, stream).decode()  # type: ignore[arg-type]
            for files in self._instance.logs.files(run_id)
        )


def run(
    command: str | Sequence[str],
    client: PipesSubprocessClient | None = None,
    *,
    definition: Mapping[str, Any] | None = None,
    give: Callable[[PipesClientCompletedInvocation], Any] = lambda done: done.get_results(),
    instance: Instance | None = None,
    partition_key: str | None = None,
    env: Mapping[str, str] | None = None,
    **arguments: Any,
) -> Told:
    """Materialise an asset ``made`` that runs `command`.

    Args:
        command: the program.
        client: what runs it.
        definition: arguments of the asset.
        give: what the asset returns of the invocation.
        instance: where it is recorded; in memory by default.
        partition_key: of the run.
        env: variables of the program.
        arguments: for the client.
    """
    used = client or PipesSubprocessClient()

    @asset(name="made", **(definition or {}))
    def made(context: AssetExecutionContext) -> Any:
        path = os.pathsep.join((str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])))
        variables = {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **(env or {})}
        return give(used.run(command=command, context=context, env=variables, **arguments))

    return Told(materialize([made], instance=instance, partition_key=partition_key, raise_on_error=False), instance)
