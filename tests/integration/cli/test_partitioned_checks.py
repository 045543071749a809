"""What the commands say of a check that is evaluated for each partition."""

from __future__ import annotations

from typing import Any

DEFS = """
    from weft import AssetExecutionContext, StaticPartitionsDefinition, asset, asset_check

    DAYS = StaticPartitionsDefinition(["mon", "tue", "wed"])

    @asset(partitions_def=DAYS)
    def table(context: AssetExecutionContext) -> str:
        return context.partition_key

    @asset_check(asset=table, partitions_def=DAYS)
    def is_not_tuesday(table: str) -> bool:
        return table != "tue"
"""


def test_answers_are_counted_over_partitions_and_the_latest_is_shown(weft: Any) -> None:
    weft.write(defs=DEFS)
    for day in ("mon", "wed", "tue"):
        weft("asset", "materialize", "--select", "table", "--partition", day)

    [state] = weft("asset", "show", "table", "--json").json["check_states"]

    assert state["partition_counts"] == {"passed": 2, "not_passed": 1}
    assert (state["partition"], state["passed"]) == ("tue", False)
    assert "passed in 2 of 3 partitions" in weft("asset", "show", "table").stdout


def test_a_check_of_one_partition_runs_without_its_asset(weft: Any) -> None:
    weft.write(defs=DEFS)
    weft("asset", "materialize", "--select", "table", "--partition", "mon")

    run = weft("asset", "materialize", "--select", 'check:"table:is_not_tuesday"', "--partition", "mon", "--json").json

    assert run["materializations"] == []
    assert [(one["partition"], one["passed"]) for one in run["check_results"]] == [("mon", True)]
