"""From what an asset was made, as a step asks for it, and expectations that a step tells."""

from __future__ import annotations

from typing import Any

import pytest

from weft import (
    AssetExecutionContext,
    AssetKey,
    DataVersion,
    ExpectationResult,
    MaterializeResult,
    Output,
    asset,
    job,
    materialize,
    op,
)
from weft.definitions.deprecations import DeprecatedNameWarning
from weft.model.events import EngineEvent


def test_provenance_tells_code_inputs_and_whether_the_version_was_given() -> None:
    seen: list[Any] = []

    @asset
    def feed() -> MaterializeResult[None]:
        return MaterializeResult(data_version=DataVersion("v1"))

    @asset(deps=[feed], code_version="7")
    def orders() -> int:
        return 1

    @asset(deps=[orders])
    def report(context: AssetExecutionContext) -> None:
        seen.extend(context.get_asset_provenance(key) for key in ("feed", "orders", "unknown"))

    assert materialize([feed, orders, report]).success
    of_feed, of_orders, of_unknown = seen
    assert of_feed.is_user_provided
    assert of_feed.input_data_versions == {}
    assert not of_orders.is_user_provided
    assert of_orders.code_version == "7"
    assert of_orders.input_data_versions == {AssetKey("feed"): DataVersion("v1")}
    assert of_unknown is None


def test_an_expectation_is_recorded_and_fails_nothing() -> None:
    @op
    def check_rows() -> Any:
        with pytest.warns(DeprecatedNameWarning, match="AssetCheckResult"):
            expectation = ExpectationResult(False, label="rows", description="there are none", metadata={"rows": 0})
        yield expectation
        yield Output(1)

    @job
    def checks() -> None:
        check_rows()

    result = checks.execute_in_process()
    said = [event.body for event in result.all_events if isinstance(event.body, EngineEvent)]
    assert result.success
    assert [body.message for body in said if "rows" in body.metadata] == [
        "Expectation did not pass: rows: there are none"
    ]
