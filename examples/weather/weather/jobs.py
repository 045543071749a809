"""Jobs: two over assets, one of ops."""

from __future__ import annotations

import json
from typing import Any

from vega_datasets import local_data

from weather.raw import MONTHS
from weather.resources import OutputFolder
from weft import AssetSelection, HookContext, OpExecutionContext, define_asset_job, graph, job, op, success_hook


@success_hook
def note_success(context: HookContext) -> None:
    """A line in the log after each step."""
    context.log.info("%s is done", context.step_key)


monthly_weather = define_asset_job(
    "monthly_weather",
    selection=AssetSelection.assets(["raw", "weather_days"], ["cleaned", "weather"]),
    partitions_def=MONTHS,
    tags={"team": "climate"},
    description="One month of weather, raw and cleaned, with its checks.",
)

everything_else = define_asset_job(
    "everything_else",
    selection=AssetSelection.all() - AssetSelection.assets(["raw", "weather_days"], ["cleaned", "weather"]),
    hooks={note_success},
    description="All assets that are not partitioned.",
)


@op
def airports_of(context: OpExecutionContext, state: str) -> dict[str, Any]:
    """The northernmost airport of a state, and how many there are."""
    frame = local_data.airports()
    of_state = frame[frame["state"] == state]
    north = of_state.loc[of_state["latitude"].idxmax()]
    context.log.info("%s has %d airports", state, len(of_state))
    return {"state": state, "airports": len(of_state), "northernmost": str(north["name"])}


@op
def washington() -> str:
    """A state."""
    return "WA"


@op
def alaska() -> str:
    """Another state."""
    return "AK"


@op
def write_fact_sheet(facts: list[dict[str, Any]], output: OutputFolder) -> str:
    """The facts of all states as a JSON file."""
    path = output.file("airports.json")
    path.write_text(json.dumps(facts, indent=2))
    return str(path)


@graph
def airport_facts() -> Any:
    """One fact for each state, then all of them together."""
    return write_fact_sheet(
        [airports_of.alias("in_washington")(washington()), airports_of.alias("in_alaska")(alaska())]
    )


@job(description="A job of ops: two branches that join.", hooks={note_success})
def airport_fact_sheet() -> None:
    """Facts about the airports of two states."""
    airport_facts()
