"""Chaos: faults at random moments, on each database. The seed is printed.

``WEFT_CHAOS_SEED`` repeats a series, ``WEFT_CHAOS_TRIALS`` says how many trials there are on each database (``make chaos``: 300), ``WEFT_CHAOS_FAULTS`` names the faults.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.acceptance.chaos.trials import FAULTS, trial
from tests.acceptance.chaos.world import World
from tests.servers import SERVERS, Server, missing

TRIALS = int(os.environ.get("WEFT_CHAOS_TRIALS", str(len(FAULTS))))
RESUMES = (0, 1)


@contextmanager
def database(kind: str) -> Iterator[tuple[str | None, Server | None]]:
    """A database of one's own, with its server, so that it can be stopped."""
    if kind == "sqlite":
        yield None, None
        return
    if why := missing(kind):
        pytest.skip(why)
    with SERVERS[kind]() as server:
        yield server.new_database(), server


@pytest.mark.parametrize("max_resume_attempts", RESUMES)
@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mariadb"])
def test_whatever_happens_every_run_ends_rightly(kind: str, max_resume_attempts: int, tmp_path: Path) -> None:
    seed = int(os.environ.get("WEFT_CHAOS_SEED") or random.randrange(1 << 32))
    print(f"WEFT_CHAOS_SEED={seed}")
    dice = random.Random(f"{seed}/{kind}/{max_resume_attempts}")
    names = (os.environ.get("WEFT_CHAOS_FAULTS") or " ".join(FAULTS)).split()
    count = TRIALS // len(RESUMES)
    # Each fault as often as the others, in an order of chance.
    wanted = (
        [names[number % len(names)] for number in range(max(count, 1))]
        if count >= len(names)
        else dice.sample(names, count)
    )
    dice.shuffle(wanted)
    endings: Counter[str] = Counter()
    with database(kind) as (url, server):
        world = World(tmp_path, url, server, max_resume_attempts)
        try:
            for number, name in enumerate(wanted):
                try:
                    ending = trial(world, name, dice)
                except AssertionError as error:
                    raise AssertionError(f"trial {number} ({name}), seed {seed}: {error}") from error
                endings[f"{name}: {ending}"] += 1
        finally:
            world.close()
    for ending, often in sorted(endings.items()):
        print(f"{often:4}  {ending}")
