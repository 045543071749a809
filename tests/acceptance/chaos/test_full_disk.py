"""The disk of the instance is full for a while: runs may fail, and say so; nothing that was recorded is damaged, and the next run succeeds.

Needs the right to mount a file system. ``WEFT_CHAOS_SEED`` repeats a series, ``WEFT_FULL_DISKS`` says how often (``make chaos``: 50).
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.acceptance.chaos.trials import FAILURE, SUCCESS, check_run
from tests.acceptance.chaos.world import World

TRIALS = int(os.environ.get("WEFT_FULL_DISKS", "4"))
SIZE = "16m"


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of a few megabytes at `folder`."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no command to mount a file system")
    if done.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """While open, nothing fits onto the file system of `folder`."""
    path = folder / "filler"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    try:
                        os.write(fd, b"\0" * size)
                    except OSError as error:
                        assert error.errno == errno.ENOSPC
                        raise
        yield
    finally:
        os.close(fd)
        path.unlink()


def test_a_full_disk_fails_runs_and_damages_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("WEFT_CHAOS_SEED") or random.randrange(1 << 32))
    print(f"WEFT_CHAOS_SEED={seed}")
    dice = random.Random(f"{seed}/disk")
    endings: Counter[str] = Counter()
    disk = tmp_path / "disk"
    with small_disk(disk):
        world = World(disk, None, None, 0)
        try:
            for number in range(TRIALS):
                run_id = world.submit()
                time.sleep(dice.uniform(0.0, 0.4))
                with full(world.home):
                    time.sleep(dice.uniform(0.1, 1.5))
                run = world.finished(run_id)
                world.repair()
                assert run.status in (SUCCESS, FAILURE), f"trial {number}, seed {seed}: {run.status}"
                check_run(world, run)
                endings[f"{run.status.value} {run.failure_reason}"] += 1
                after = world.finished(world.submit())
                assert after.status is SUCCESS, f"trial {number}, seed {seed}: afterwards {after.failure_reason}"
        finally:
            world.close()
    print(dict(endings))
