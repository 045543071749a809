"""A script that defines one asset and calls ``materialize()``: wall time of the whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import measure

SCRIPT = """
from weft import asset, materialize

@asset
def orders():
    return [1, 2, 3]

assert materialize([orders]).success
"""
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def run_script(path: Path) -> float:
    """Milliseconds of one run of the script."""
    started = time.perf_counter()
    subprocess.run([sys.executable, path], check=True, env=ENVIRONMENT)
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "one_asset.py"
        script.write_text(SCRIPT)
        measure("materialize_script", lambda: run_script(script), unit="ms", repeats=11, budget=250)
