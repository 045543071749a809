"""What ``from weft import asset, Definitions`` costs over a bare interpreter: wall time and memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from functools import partial

from harness import measure

IMPORT = "from weft import asset, Definitions"
MEMORY = "import os; print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE'))"
# Compiled modules must be found, whatever the caller's environment says.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def seconds(code: str) -> float:
    """The wall time of an interpreter that runs `code`."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)
    return time.perf_counter() - started


def over_bare(code: str) -> float:
    """Milliseconds that `code` adds to a bare interpreter; both are measured in turn, so that a busy machine hits both."""
    pairs = [(seconds(code), seconds("pass")) for _ in range(10)]
    return 1000 * (statistics.median(one for one, _ in pairs) - statistics.median(other for _, other in pairs))


def memory_over_bare(code: str) -> float:
    """MiB of resident memory that `code` adds."""
    with_code, bare = (
        int(subprocess.check_output([sys.executable, "-c", f"{text}; {MEMORY}"], env=ENVIRONMENT))
        for text in (code, "pass")
    )
    return (with_code - bare) / 1024**2


if __name__ == "__main__":
    measure("import_time", partial(over_bare, IMPORT), unit="ms", repeats=5, budget=60)
    measure("import_time_msgspec_alone", partial(over_bare, "import msgspec"), unit="ms", repeats=3)
    measure("import_memory", partial(memory_over_bare, IMPORT), unit="MiB", repeats=3, budget=20)
