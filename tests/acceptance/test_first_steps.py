"""From nothing to an asset that is partitioned, scheduled and tested: few lines, few names, few commands. And examples need few names."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WEFT = Path(sys.executable).parent / "weft"

PROJECT = """\
from weft import DailyPartitionsDefinition, Definitions, asset, build_schedule_from_partitioned_job, define_asset_job, materialize

days = DailyPartitionsDefinition(start_date="2024-01-01")

@asset(partitions_def=days)
def orders(context) -> str:
    return f"orders of {context.partition_key}"

nightly = build_schedule_from_partitioned_job(define_asset_job("nightly", partitions_def=days))
defs = Definitions([orders], schedules=[nightly])

def test_orders():
    assert materialize([orders], partition_key="2024-01-02").asset_value("orders") == "orders of 2024-01-02"
"""

COMMANDS = (
    [WEFT, "check", "-f", "test_shop.py"],
    [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shop.py"],
    [WEFT, "asset", "materialize", "-f", "test_shop.py", "--select", "orders", "--partition", "2024-01-02"],
)

MOST_LINES = 15
MOST_NAMES = 6
MOST_COMMANDS = 3
MOST_NAMES_OF_EXAMPLES = 12
SHARE_OF_USES = 0.8
MOST_USED_EXAMPLES = 5


def names_of_weft(tree: ast.AST) -> set[str]:
    """The public names that a file imports."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ("weft", "dagster")
        for alias in node.names
    }


def test_a_scheduled_partitioned_tested_asset_takes_few_lines_names_and_commands(tmp_path: Path) -> None:
    assert len([line for line in PROJECT.splitlines() if line.strip()]) <= MOST_LINES
    assert len(names_of_weft(ast.parse(PROJECT))) <= MOST_NAMES
    assert len(COMMANDS) <= MOST_COMMANDS
    (tmp_path / "test_shop.py").write_text(PROJECT)
    for command in COMMANDS:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_five_examples_say_most_of_it_with_a_dozen_names() -> None:
    shares = {folder.name: share_of_a_dozen(folder) for folder in EXAMPLES.iterdir() if folder.is_dir()}
    assert len([name for name, share in shares.items() if share >= SHARE_OF_USES]) >= MOST_USED_EXAMPLES, shares


def share_of_a_dozen(folder: Path) -> float:
    """How much of what a project uses of weft is said with its twelve most used names."""
    uses: Counter[str] = Counter()
    for file in folder.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        known = names_of_weft(tree)
        uses.update(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in known)
    most_used = sum(count for _, count in uses.most_common(MOST_NAMES_OF_EXAMPLES))
    return most_used / max(1, uses.total())


def test_nothing_in_the_examples_is_mocked() -> None:
    for file in EXAMPLES.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        imported = {
            name
            for node in ast.walk(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        }
        assert not [name for name in imported if "mock" in name], file
