"""A folder of definitions that declares ten thousand assets in a thousand documents of ten: read, resolve, build, connect.

Each figure comes from a fresh interpreter that has imported weft and nothing else of the project.

- ``components_10k``: CPU seconds from the folder to the connected definitions.
- ``components_20k_over_10k``: CPU of twice the documents over that of once. Budget: 2.2, one linear pass.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from harness import measure

CHILD = """
import sys, time
import weft.components.tree, weft.components.steps
from weft.components.tree import ComponentTree
start = time.process_time()
defs = ComponentTree.for_project(sys.argv[1]).build_defs()
assert len(defs.get_asset_graph()) == int(sys.argv[2])
print(time.process_time() - start)
"""

TYPE = """
from weft import Component, Definitions, Model, Resolvable, ResolvedAssetSpec
class Tables(Component, Model, Resolvable):
    tables: list[ResolvedAssetSpec]
    def build_defs(self, context):
        return Definitions(assets=self.tables)
"""


def make(root: Path, documents: int) -> None:
    """A project of so many documents, ten assets in each."""
    defs = root / "bench_shop" / "defs"
    defs.mkdir(parents=True)
    (root / "pyproject.toml").write_text('[tool.weft]\ndefs = "bench_shop/defs"\n')
    (root / "bench_shop" / "__init__.py").touch()
    (root / "bench_shop" / "tables.py").write_text(TYPE)
    for number in range(documents):
        lines = ["type: bench_shop.tables.Tables", "attributes:", "  tables:"]
        for one in range(10):
            lines += [
                f"    - key: table_{number}_{one}",
                "      kinds: [sql]",
                f"      group_name: group_{number % 50}",
            ]
            if number:
                lines.append(f"      deps: [table_{number - 1}_{one}]")
        folder = defs / f"part_{number}"
        folder.mkdir()
        (folder / "defs.yaml").write_text("\n".join(lines) + "\n")


def run(documents: int) -> float:
    """CPU seconds of one fresh interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), documents)
        return float(subprocess.check_output([sys.executable, "-c", CHILD, folder, str(documents * 10)]))


def ratio() -> float:
    """Twice over once."""
    return statistics.median(run(2000) for _ in range(3)) / statistics.median(run(1000) for _ in range(3))


if __name__ == "__main__":
    measure("components_10k", partial(run, 1000), repeats=3)
    measure("components_20k_over_10k", ratio, unit="ratio", repeats=1, budget=2.2, warm_up=0)
