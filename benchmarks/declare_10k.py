"""Ten thousand assets: declare, resolve, describe as a snapshot.

Each figure comes from a fresh interpreter that runs a compiled module of decorated functions, each with two upstream arguments, a group, a tag, a
kind, a docstring and annotations. What is measured starts where that module runs (weft is imported, the module is loaded) and ends with
the bytes of the snapshot.

- ``declare_10k``: CPU seconds. Budget: 1 s. ``declare_10k_postponed``: the same with postponed annotations.
- ``declare_10k_rich``: the same with partitions, a check and an automation condition on every asset. Budget: 1 s.
- ``declare_10k_memory``: resident memory over the import, with the definitions and their snapshot alive. Budget: 60 MiB.
- ``declare_10k_snapshot``: the size of the snapshot. Budget: 3 MiB.
- ``declare_20k_over_10k``: CPU of twice the assets over that of once. Budget: 2.2.
"""

from __future__ import annotations

import json
import marshal
import statistics
import subprocess
import sys
import tempfile
from functools import cache, partial
from pathlib import Path

from harness import measure

CHILD = """
import gc, json, marshal, os, sys, time
import weft.definitions.repository
from weft import Definitions, asset

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

code = marshal.load(open(sys.argv[1], "rb"))
names = {"__name__": "project", "__builtins__": __builtins__}
gc.collect()
memory, start = resident(), time.process_time()
exec(code, names)
declared = time.process_time()
names["defs"].resolve()
resolved = time.process_time()
snapshot = names["defs"].describe()
blob = snapshot.to_blob()
end = time.process_time()
print(json.dumps({
    "declare": declared - start, "resolve": resolved - declared, "describe": end - resolved, "cpu": end - start,
    "memory": resident() - memory, "snapshot": len(blob),
}))
"""


RICH = (
    "from weft import AssetCheckSpec, AutomationCondition, DailyPartitionsDefinition",
    'DAYS = DailyPartitionsDefinition(start_date="2024-01-01")',
    "EAGER = AutomationCondition.eager()",
)


def source(assets: int, *, postponed: bool, rich: bool) -> str:
    """A module of `assets` decorated functions and their definitions."""
    lines = ["from __future__ import annotations"] if postponed else []
    lines.append("from weft import Definitions, asset")
    lines += RICH if rich else ()
    for number in range(assets):
        above = [number - 1, number - 7] if number >= 7 else []
        parameters = ", ".join(f"asset_{one}: int" for one in above)
        lines += [
            f'@asset(group_name="group_{number % 50}", tags={{"team": "team_{number % 7}"}}, kinds={{"python"}}'
            + (
                f', partitions_def=DAYS, automation_condition=EAGER, check_specs=[AssetCheckSpec("ok", asset="asset_{number}")])'
                if rich
                else ")"
            ),
            f"def asset_{number}({parameters}) -> int:",
            f'    "What asset {number} is."',
            f"    return {number}",
        ]
    lines.append(f"defs = Definitions(assets=[{', '.join(f'asset_{number}' for number in range(assets))}])")
    return "\n".join(lines)


@cache
def compiled(assets: int, postponed: bool, rich: bool) -> bytes:
    """The module as a marshalled code object."""
    return marshal.dumps(compile(source(assets, postponed=postponed, rich=rich), "project.py", "exec"))


def run(assets: int, *, postponed: bool = False, rich: bool = False) -> dict[str, float]:
    """The figures of one fresh interpreter."""
    with tempfile.NamedTemporaryFile(suffix=".code") as file:
        Path(file.name).write_bytes(compiled(assets, postponed, rich))
        return dict(json.loads(subprocess.check_output([sys.executable, "-c", CHILD, file.name])))


def cpu(assets: int, *, postponed: bool = False, rich: bool = False) -> float:
    """CPU seconds."""
    return run(assets, postponed=postponed, rich=rich)["cpu"]


def growth() -> float:
    """The CPU of 20,000 assets over that of 10,000, measured in turn so that a busy machine hits both."""
    pairs = [(cpu(20_000), cpu(10_000)) for _ in range(3)]
    return statistics.median(twice / once for twice, once in pairs)


if __name__ == "__main__":
    measure("declare_10k", partial(cpu, 10_000), unit="s CPU", budget=1.0)
    measure("declare_10k_postponed", partial(cpu, 10_000, postponed=True), unit="s CPU", budget=1.0)
    measure("declare_10k_rich", partial(cpu, 10_000, rich=True), unit="s CPU", budget=1.0)
    measure("declare_10k_memory", lambda: run(10_000)["memory"] / 1024**2, unit="MiB", repeats=3, budget=60.0)
    measure("declare_10k_snapshot", lambda: run(10_000)["snapshot"] / 1024**2, unit="MiB", repeats=1, budget=3.0)
    measure("declare_20k_over_10k", growth, unit="x", repeats=3, warm_up=0, budget=2.2)
