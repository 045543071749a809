"""Runs under test: each in a process of its own, so that it can be interrupted and killed, and what is left of it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tests.conformance.executors.cases import SCRATCH
from tests.conformance.executors.program import open_instance

from weft import Instance
from weft.ids import new_run_id
from weft.model.events import Event
from weft.model.run import Run
from weft.model.step import StepStatus
from weft.processes.client import Zygote
from weft.processes.specs import Exited, Started, WorkerSpec
from weft.processes.tree import ProcessId, descendants

PATIENCE = 30.0

Body = TypeVar("Body")


class ExecutorUnderTest:
    """An executor, and what can be expected of it. A new one is added to `EXECUTORS` and nowhere else.

    Args:
        name: for people.
        execution: what run configuration says to choose it, from a number of processes at once.
        is_isolated: whether each step has a process of its own.
        is_quick: whether a step costs milliseconds; cases with many steps leave others out.
    """

    def __init__(
        self, name: str, execution: Callable[[int | None], Mapping[str, Any]], *, is_isolated: bool, is_quick: bool
    ) -> None:
        self.name = name
        self.execution = execution
        self.is_isolated = is_isolated
        self.is_quick = is_quick


def multiprocess(**settings: Any) -> Callable[[int | None], Mapping[str, Any]]:
    def execution(max_concurrent: int | None) -> Mapping[str, Any]:
        return {"config": {"multiprocess": {"max_concurrent": max_concurrent or 4, **settings}}}

    return execution


EXECUTORS = {
    one.name: one
    for one in (
        ExecutorUnderTest("in_process", lambda _: {"config": {"in_process": {}}}, is_isolated=False, is_quick=True),
        ExecutorUnderTest("fork", multiprocess(), is_isolated=True, is_quick=True),
        ExecutorUnderTest("reused", multiprocess(reuse_workers=True), is_isolated=True, is_quick=True),
        ExecutorUnderTest("spawn", multiprocess(start_method={"spawn": {}}), is_isolated=True, is_quick=False),
    )
}


class Result:
    """A run that is over, as storage has it."""

    def __init__(self, instance: Instance, run: Run, exited: Exited | None) -> None:
        self.instance = instance
        self.run = run
        self.exited = exited
        self.events: list[Event] = [stored.event for stored in _all_events(instance, run.id)]

    @property
    def status(self) -> str:
        return self.run.status.value

    def step(self, key: str) -> StepStatus:
        return {step.key: step.status for step in self.instance.runs.steps(self.run.id)}[key]

    def types(self, key: str | None = None) -> list[str]:
        return [event.type for event in self.events if key is None or event.step_key == key]

    def bodies(self, kind: type[Body], key: str | None = None) -> list[Body]:
        return [event.body for event in self.events if isinstance(event.body, kind) and key in (None, event.step_key)]

    def one(self, kind: type[Body], key: str | None = None) -> Body:
        (found,) = self.bodies(kind, key)
        return found

    def output(self, key: str, stream: Any = "stdout") -> str:
        """What a step has written, by the range in its last event."""
        ends = [event.body for event in self.events if event.step_key == key and getattr(event.body, "logs", None)]
        logs = ends[-1].logs  # type: ignore[union-attr]  # asked for above
        assert logs is not None
        first, last = (
            (logs.stdout_start, logs.stdout_end) if stream == "stdout" else (logs.stderr_start, logs.stderr_end)
        )
        return self.instance.logs.read(self.run.id, logs.file_key, stream, first, last).decode()


def _all_events(instance: Instance, run_id: str) -> Iterator[Any]:
    after = 0
    while page := instance.events.read(run_id, after_id=after, limit=1000):
        after = page[-1].id
        yield from page


class RunningRun:
    """A run that goes on."""

    def __init__(self, world: World, run_id: str, process: ProcessId) -> None:
        self._world = world
        self.run_id = run_id
        self.process = process

    def interrupt(self) -> None:
        self._world.zygote.signal(self.run_id, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the coordinator alone, as whoever runs out of memory is killed."""
        self._world.zygote.signal(self.run_id, signal.SIGKILL)

    def processes(self) -> list[ProcessId]:
        """What it has started."""
        return [state.id for state in descendants(self.process.pid)]

    def result(self) -> Result:
        """Wait for its end."""
        exited = self._world.wait(Exited, self.run_id)
        run = self._world.instance.runs.get(self.run_id)
        assert run is not None
        return Result(self._world.instance, run, exited)


class World:
    """A folder for an instance, one for traces, and the executor under test."""

    def __init__(self, zygote: Zygote, executor: ExecutorUnderTest, folder: Path) -> None:
        self.zygote = zygote
        self.executor = executor
        self.home = folder / "home"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.instance = open_instance(str(self.home))
        self._seen: list[Any] = []

    def start(
        self,
        job: str,
        *,
        ops: Mapping[str, Any] | None = None,
        at_once: int | None = None,
        partition: str | None = None,
        retry_of: str | None = None,
        has_thread: bool = False,
        **settings: Any,
    ) -> RunningRun:
        """Start a run; `settings` are of the executor."""
        run_id = new_run_id(now=time.time())
        execution = json.loads(json.dumps(self.executor.execution(at_once)))
        if settings and "multiprocess" in execution["config"]:
            execution["config"]["multiprocess"].update(settings)
        elif settings:
            execution["config"]["in_process"].update({k: v for k, v in settings.items() if k == "retries"})
        order = {"home": str(self.home), "run_id": run_id, "job": job}
        order["config"] = {"execution": execution, **({"ops": ops} if ops else {})}  # type: ignore[assignment]
        if partition is not None:
            order["partition"] = partition
        if retry_of is not None:
            order["retry_of"] = retry_of
        if has_thread:
            order["thread"] = "yes"
        self.zygote.start(
            WorkerSpec(
                id=run_id,
                role="coordinator",
                payload=json.dumps(order).encode(),
                environment={SCRATCH: str(self.scratch)},
            )
        )
        started = self.wait(Started, run_id)
        return RunningRun(self, run_id, ProcessId(started.pid, started.started_at_ticks))

    def run(self, job: str, **settings: Any) -> Result:
        return self.start(job, **settings).result()

    def lines(self, name: str) -> list[str]:
        file = self.scratch / name
        return file.read_text().splitlines() if file.exists() else []

    def wait_for(self, name: str, lines: int = 1) -> list[str]:
        return until(lambda: found if len(found := self.lines(name)) >= lines else None)

    def go_on(self) -> None:
        (self.scratch / "go on").write_text("x\n")

    def wait(self, kind: type[Body], id: str) -> Body:
        end = time.monotonic() + PATIENCE
        while True:
            for place, notice in enumerate(self._seen):
                if isinstance(notice, kind) and getattr(notice, "id", None) == id:
                    del self._seen[place]
                    return notice
            assert time.monotonic() < end, f"no {kind.__name__} of {id}: {self._seen}"
            self._seen += self.zygote.notices(1.0)


def until(look: Callable[[], Body | None], seconds: float = PATIENCE) -> Body:
    """What `look` gives, once it gives something."""
    end = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
    return found
