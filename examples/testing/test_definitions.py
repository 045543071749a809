"""Tests of the project: functions are called, assets are made in memory, ticks are evaluated. Nothing is patched."""

from datetime import datetime, timezone
from pathlib import Path

import definitions
import pytest
from definitions import Limits, Till, defs, new_files, nightly, orders, revenue, revenue_is_positive

from weft import build_asset_context, build_schedule_context, build_sensor_context, materialize


class FakeTill(Till):
    def orders(self) -> list[float]:
        return [20.0, 1.0]


def test_an_asset_is_a_function() -> None:
    assert orders(build_asset_context(), till=FakeTill(url="")) == [20.0, 1.0]
    assert revenue(Limits(smallest=5), orders=[20.0, 1.0]) == 20.0
    assert revenue_is_positive(revenue=1.0).passed


def test_all_of_it_together() -> None:
    result = materialize([orders, revenue, revenue_is_positive], resources={"till": FakeTill(url="")})
    assert result.asset_value("revenue") == 21.0
    assert all(check.passed for check in result.get_asset_check_evaluations())


def test_a_tick_of_the_schedule() -> None:
    when = datetime(2024, 5, 1, 2, tzinfo=timezone.utc)
    tick = nightly.evaluate_tick(build_schedule_context(scheduled_execution_time=when))
    assert tick.run_requests[0].tags == {"day": "2024-05-01"}


def test_the_sensor_asks_once_for_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "INBOX", tmp_path)
    (tmp_path / "a.csv").touch()
    first = new_files.evaluate_tick(build_sensor_context())
    assert [request.run_key for request in first.run_requests] == ["a.csv"]
    second = new_files.evaluate_tick(build_sensor_context(cursor=first.cursor))
    assert second.skip_message == "no new file"


def test_the_definitions_hold_together() -> None:
    defs.validate_loadable()
