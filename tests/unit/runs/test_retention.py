"""Deleting old history by the settings of the instance."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.config.instance_settings import RetentionSettings
from weft.execution.io_managers.memory import InMemoryIOManager
from weft.logs.store import LocalComputeLogStore
from weft.model.events import AssetMaterialized, Event, RunStarted, RunSucceeded
from weft.model.keys import AssetKey
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.runs.environment import RunEnvironment
from weft.runs.retention import RetentionSummary, apply_retention
from weft.storage.memory import MemoryStorage
from weft.storage.ports import Storage
from weft.storage.sqlite import SQLiteStorage

DAY = 86_400.0
NOW = 1_000 * DAY
KEY = AssetKey("orders")


@pytest.fixture(params=["memory", "sqlite"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> RunEnvironment:
    storage: Storage = MemoryStorage() if request.param == "memory" else SQLiteStorage(tmp_path)
    made = RunEnvironment(
        storage=storage,
        logs=LocalComputeLogStore(tmp_path / "logs"),
        journal_folder=None,
        default_resources={"io_manager": InMemoryIOManager()},
    )
    request.addfinalizer(made.close)
    return made


def new_run(environment: RunEnvironment, run_id: str, *, days_ago: float, ends: bool = True) -> None:
    """A run of three events with captured output."""
    at = NOW - days_ago * DAY
    environment.runs.create(
        Run(id=run_id, job_name="j", status=RunStatus.NOT_STARTED, created_at=at), RunPlan(job_name="j", steps=())
    )
    bodies = [RunStarted(), AssetMaterialized(asset_key=KEY), *([RunSucceeded()] if ends else [])]
    environment.storage.events.append(
        [Event(run_id=run_id, seq=seq, time=at, body=body) for seq, body in enumerate(bodies, start=1)]
    )
    folder = environment.logs.root / run_id  # type: ignore[attr-defined]  # the local store
    folder.mkdir(parents=True)
    (folder / "s.out").write_text("hello")
    (folder / "s.err").write_text("")


def apply(environment: RunEnvironment, settings: RetentionSettings, **options: int) -> RetentionSummary:
    return apply_retention(environment, settings, now=NOW, **options)


def test_events_and_output_of_old_runs_go_and_their_state_stays(environment: RunEnvironment) -> None:
    new_run(environment, "old", days_ago=100)
    new_run(environment, "young", days_ago=10)
    new_run(environment, "live", days_ago=100, ends=False)
    before = environment.storage.assets.get(KEY)
    assert apply(environment, RetentionSettings()) == RetentionSummary(events=3, logs=1)
    assert environment.storage.events.read("old") == ()
    assert len(environment.storage.events.read("young")) == 3
    assert len(environment.storage.events.read("live")) == 2
    assert environment.logs.files("old") == ()
    assert environment.logs.files("young") != ()
    run = environment.runs.get("old")
    assert run is not None
    assert run.status is RunStatus.SUCCESS
    assert environment.storage.assets.get(KEY) == before
    assert apply(environment, RetentionSettings()) == RetentionSummary()


def test_a_run_that_ended_later_is_found_by_a_later_call(environment: RunEnvironment) -> None:
    new_run(environment, "slow", days_ago=100, ends=False)
    new_run(environment, "old", days_ago=95)
    settings = RetentionSettings(logs_days=None)
    assert apply(environment, settings).events == 3
    environment.storage.events.append([Event(run_id="slow", seq=3, time=NOW - 92 * DAY, body=RunSucceeded())])
    assert apply(environment, settings).events == 3


def test_nothing_is_deleted_where_the_settings_keep_it(environment: RunEnvironment) -> None:
    new_run(environment, "old", days_ago=900)
    kept = RetentionSettings(events_days=None, logs_days=None)
    assert apply(environment, kept) == RetentionSummary()
    assert len(environment.storage.events.read("old")) == 3


def test_runs_go_with_all_that_belongs_to_them(environment: RunEnvironment) -> None:
    new_run(environment, "old", days_ago=40)
    new_run(environment, "young", days_ago=20)
    assert apply(environment, RetentionSettings(runs_days=30)).runs == 1
    assert environment.runs.get("old") is None
    assert environment.logs.files("old") == ()
    assert environment.runs.get("young") is not None
    assert environment.storage.assets.get(KEY) is not None


def test_a_call_does_a_bounded_amount_of_work_and_the_next_one_goes_on(environment: RunEnvironment) -> None:
    for number in range(120):
        new_run(environment, f"r{number}", days_ago=200 - number / 10)
    settings = RetentionSettings()
    first = apply(environment, settings, most_runs=50)
    assert (first.events, first.logs, first.is_complete) == (150, 50, False)
    rest = [apply(environment, settings, most_runs=50) for _ in range(3)]
    assert sum(summary.events for summary in rest) == 210
    assert rest[-1].is_complete


def test_reports_go_by_their_own_time(environment: RunEnvironment) -> None:
    for days_ago in (100, 10):
        environment.storage.events.report([AssetMaterialized(asset_key=KEY)], at=NOW - days_ago * DAY)
    assert apply(environment, RetentionSettings()) == RetentionSummary(events=1)
    assert len(environment.storage.events.of_asset(KEY)) == 1
