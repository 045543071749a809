"""Cancelling at random moments: whatever the run was about, nothing of it lives on. ``WEFT_CANCELS`` says how often (``make chaos``: 100)."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

from tests.acceptance.chaos.trials import trial
from tests.acceptance.chaos.world import World

CANCELS = int(os.environ.get("WEFT_CANCELS", "20"))


def test_no_process_survives_a_cancel(tmp_path: Path) -> None:
    seed = int(os.environ.get("WEFT_CHAOS_SEED") or random.randrange(1 << 32))
    print(f"WEFT_CHAOS_SEED={seed}")
    dice = random.Random(f"{seed}/cancels")
    world = World(tmp_path, None, None, 0)
    endings: Counter[str] = Counter()
    try:
        for _ in range(CANCELS):
            endings[trial(world, "cancel", dice)] += 1
    finally:
        world.close()
    print(dict(endings))
    assert endings["CANCELED"] > CANCELS // 4, "the moments were not random enough to hit runs that go on"
