import sqlite3

from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.storage.sqlite import SQLiteStorage

storage = SQLiteStorage(here, busy_timeout_seconds=0.01)  # noqa: F821  # given by the test
holder = sqlite3.connect(here / "weft.db", isolation_level=None)  # noqa: F821  # given by the test
holder.execute("BEGIN EXCLUSIVE")
try:
    run = Run(id="r1", job_name="nightly", status=RunStatus.NOT_STARTED, created_at=0.0)
    storage.runs.create(run, RunPlan(job_name="nightly", steps=()))
finally:
    holder.close()
    storage.close()
