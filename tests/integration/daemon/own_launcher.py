"""A launcher of a user's own: it starts nothing, and says so."""

from __future__ import annotations

from pathlib import Path

from weft.model.live import WorkerPlace
from weft.model.run import Run
from weft.runs.launchers.port import Report, WorkerNotStarted, WorkerState


class RecordingLauncher:
    """Notes what it was asked for."""

    def __init__(self, *, name: str, home: Path, report: Report, mark: str) -> None:
        self.name = name
        self.launched: list[tuple[str, int, str]] = []
        self._report = report
        self._mark = mark

    def launch(self, run: Run, token: int) -> None:
        """See `RunLauncher`."""
        self.launched.append((run.id, token, self._mark))
        self._report(WorkerNotStarted(run_id=run.id, token=token, why="out of machines", is_final=True))

    def look(self, place: WorkerPlace) -> WorkerState:
        """See `RunLauncher`."""
        return WorkerState.UNKNOWN

    def terminate(self, place: WorkerPlace) -> bool:
        """See `RunLauncher`."""
        return False

    def kill(self, place: WorkerPlace) -> bool:
        """See `RunLauncher`."""
        return False

    def close(self) -> None:
        """See `RunLauncher`."""
