"""What a command costs before it does anything: ``weft --help`` and ``weft --version``, wall time of the whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from harness import measure

WEFT = Path(sys.executable).parent / "weft"
# Compiled modules must be found, whatever the caller's environment says.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def milliseconds(*command: str) -> float:
    """The wall time of a process, from its start to its end."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    measure("cli_help", partial(milliseconds, str(WEFT), "--help"), unit="ms", repeats=20, budget=120)
    measure("cli_help_click_alone", partial(milliseconds, sys.executable, "-c", "import click"), unit="ms", repeats=20)
