"""The job of the trials: three steps, each of which says what it does in a file that outlives everything; the second holds the only slot of a pool, and starts
a process of its own."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from weft import Definitions, OpExecutionContext, job, op

EFFECTS = Path(os.environ["WEFT_CHAOS_EFFECTS"])
STEP_SECONDS = 0.06


def say(context: OpExecutionContext, what: str, pid: int) -> None:
    """One line in one write: whole or not at all."""
    line = f"{context.op.name} {what} {pid}\n".encode()
    fd = os.open(EFFECTS / context.run_id, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(fd, line)
    finally:
        os.close(fd)


def work(context: OpExecutionContext) -> None:
    say(context, "begins", os.getpid())
    time.sleep(STEP_SECONDS)
    say(context, "ends", os.getpid())


@op
def first(context: OpExecutionContext) -> int:
    work(context)
    return 1


@op(pool="narrow")
def second(context: OpExecutionContext, value: int) -> int:
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    say(context, "starts", child.pid)
    try:
        work(context)
    finally:
        child.kill()
        child.wait()
    return value + 1


@op
def third(context: OpExecutionContext, value: int) -> int:
    work(context)
    return value + 1


@job
def chain() -> None:
    third(second(first()))


defs = Definitions(jobs=[chain])
