"""Selections over 10,000 assets: the time of one evaluation, for each kind of selection that people write."""

from __future__ import annotations

import time

from harness import measure

from weft.model.assets import AssetDependency, AssetGraph, AssetNode
from weft.model.keys import AssetKey
from weft.planning.selection import Selector

ASSETS = 10_000
LAYERS = 20
SELECTIONS = {
    "all": "*",
    "upstream": '+key:"asset_9999"',
    "downstream": 'key:"asset_0"+',
    "both_ways": '2+key:"asset_5000"+2',
    "glob": 'key:"asset_12*"',
    "group_and_kind": "group:group_7 and kind:duckdb",
    "tag_or_owner": "tag:tier=gold or owner:team:t3",
    "sinks_of_group": "sinks(group:group_7)",
    "roots_of_all": "roots(*)",
    "not_group": "not group:group_7",
    "legacy": "*asset_9999",
}


def build_graph() -> AssetGraph:
    """Twenty layers of assets, each with three dependencies in the layer above."""
    width = ASSETS // LAYERS
    nodes = []
    for number in range(ASSETS):
        above = number - width
        deps = (
            ()
            if above < 0
            else tuple(
                AssetDependency(AssetKey(f"asset_{(above + shift) % width + above // width * width}"))
                for shift in (0, 1, 7)
            )
        )
        nodes.append(
            AssetNode(
                key=AssetKey(f"asset_{number}"),
                deps=deps,
                group_name=f"group_{number % 50}",
                kinds=("duckdb",) if number % 3 else ("python",),
                tags={"tier": "gold" if number % 10 == 0 else "silver"},
                owners=(f"team:t{number % 7}",),
                op_name=f"asset_{number}",
            )
        )
    return AssetGraph(nodes)


def evaluate(graph: AssetGraph, text: str) -> float:
    """Milliseconds of one evaluation, with nothing remembered from earlier ones."""
    started = time.perf_counter()
    Selector(graph).resolve(text)
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    assets = build_graph()
    for name, selection in SELECTIONS.items():
        measure(f"selection_{name}", lambda text=selection: evaluate(assets, text), unit="ms", budget=30)
