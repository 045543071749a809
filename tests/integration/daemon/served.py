"""An instance with a daemon in this process, and code that it runs: what the tests of the life of a queued run share."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from weft import Instance
from weft.codeserver.loader import load_target
from weft.codeserver.target import FileTarget, origin_of
from weft.config.instance_settings import InstanceSettings
from weft.daemon.daemon import Daemon
from weft.model.live import RequestKey
from weft.model.run import Run, RunStatus
from weft.runs.prepare import RunSettings, prepare_job
from weft.runs.submit import submit_run

LONGEST_SECONDS = 30.0
"""No run of these tests takes longer, whatever happens to it."""


def until(holds: Callable[[], Any], what: str = "it", seconds: float = LONGEST_SECONDS) -> Any:
    """Wait until `holds` gives something true; give that."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} seconds"
        time.sleep(0.005)
    return found


class Served:
    """A home, a file of code in it, and an instance. `daemon` starts one."""

    def __init__(
        self,
        folder: Path,
        code: str,
        settings: InstanceSettings | None = None,
        *,
        instance: Instance | None = None,
    ) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.file = folder / "code.py"
        self.write(code)
        self.instance = Instance.at(self.home) if instance is None else instance
        if settings is not None:
            self.instance.settings = settings
        self.marks = folder / "marks"
        self.marks.mkdir(exist_ok=True)

    def write(self, code: str) -> None:
        """Put other code into the file."""
        self.file.write_text(
            "import os, time, signal, subprocess, sys\n"
            "from pathlib import Path\n"
            "from weft import *\n"
            f"MARKS = Path({str(self.folder / 'marks')!r})\n"
            "def mark(name, text=''):\n"
            "    path = MARKS / (name + '.part')\n"
            "    path.write_text(str(text or os.getpid()))\n"
            "    path.rename(MARKS / name)\n" + textwrap.dedent(code)
        )
        # Two writes within the resolution of the clock of the file system must not look alike.
        stamp = time.time_ns()
        os.utime(self.file, ns=(stamp, stamp))

    def daemon(self) -> Daemon:
        """A daemon that serves the instance, to be used as a context manager."""
        return Daemon(self.instance, self.home)

    def submit(
        self,
        job: str,
        *,
        tags: Mapping[str, str] | None = None,
        run_config: Any = None,
        key: str | None = None,
    ) -> str:
        """Put a run of a job into the queue; gives its id."""
        target = FileTarget(file=self.file)
        loaded = load_target(target)
        prepared = prepare_job(
            loaded.definitions.get_job_def(job),
            RunSettings(tags=tags, run_config=run_config),
            clock=self.instance.clock,
            default_resources=self.instance.default_resources,
        )
        request = None if key is None else RequestKey(scope="test", key=key)
        submitted = submit_run(
            prepared.run, prepared.plan, self.instance, origin=origin_of(target), request_key=request
        )
        return submitted.run_id

    def run(self, run_id: str) -> Run:
        """The run as storage has it."""
        found = self.instance.runs.get(run_id)
        assert found is not None
        return found

    def finished(self, run_id: str) -> Run:
        """The run, once it is over."""
        until(lambda: self.run(run_id).is_finished, f"the end of run {run_id}")
        return self.run(run_id)

    def in_status(self, run_id: str, status: RunStatus) -> None:
        """Wait for a state."""
        until(lambda: self.run(run_id).status is status, f"{status.value} of run {run_id}")

    def marked(self, name: str) -> str:
        """What user code left under a name, once it has."""
        path = self.marks / name
        until(path.exists, f"the mark {name}")
        return path.read_text()

    def types(self, run_id: str) -> list[str]:
        """The types of all its events."""
        return [one.event.type for one in self.instance.events.read(run_id)]
