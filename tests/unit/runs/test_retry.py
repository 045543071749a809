"""Repeating stored runs: what runs again, what is taken from the parent, what no longer can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weft import (
    AssetCheckResult,
    AssetKey,
    ConfigError,
    DailyPartitionsDefinition,
    Definitions,
    DynamicOut,
    DynamicOutput,
    Instance,
    RunNotFoundError,
    RunStatus,
    SelectionError,
    asset,
    asset_check,
    define_asset_job,
    job,
    op,
)
from weft.definitions.repository import Repository
from weft.errors import UsageError
from weft.model.plan import RunPlan
from weft.model.run import Run
from weft.planning.reexecution import ReexecutionStrategy
from weft.runs.execute import execute_run
from weft.runs.retry import RetryRequest, prepare_retry


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with Instance.at(tmp_path) as opened:
        yield opened


class World:
    """Assets in a row, of which `broken` fail; `calls` notes what ran."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.broken = {"b"}

    def ran(self, name: str) -> None:
        self.calls.append(name)
        if name in self.broken:
            raise ValueError(name)

    def definitions(self) -> Definitions:
        @asset
        def a() -> int:
            self.ran("a")
            return 1

        @asset
        def b(a: int) -> int:
            self.ran("b")
            return a + 1

        @asset
        def c(b: int) -> int:
            self.ran("c")
            return b + 1

        @asset_check(asset=a, blocking=True)
        def a_is_right(a: int) -> AssetCheckResult:
            self.ran("check")
            return AssetCheckResult(passed="wrong" not in self.broken)

        return Definitions(
            [a, b, c], asset_checks=[a_is_right], jobs=[define_asset_job("everything", tags={"kind": "x"})]
        )


def again(instance: Instance, parent: str, repository: Repository, **request: Any) -> Run:
    prepared = prepare_retry(parent, RetryRequest(**request), repository, instance)
    return execute_run(prepared, instance).run


def test_what_failed_and_what_follows_runs_again_with_values_of_the_parent(instance: Instance) -> None:
    world = World()
    defs = world.definitions()
    parent = defs.get_job_def("everything").execute_in_process(
        instance=instance, raise_on_error=False, tags={"team": "sales"}
    )
    assert world.calls == ["a", "check", "b"]
    world.calls.clear()
    world.broken.clear()
    run = again(instance, parent.run_id, defs.resolve(), tags={"more": "1"})
    assert run.status is RunStatus.SUCCESS
    assert world.calls == ["b", "c"]
    assert (run.job_name, run.parent_run_id, run.root_run_id) == ("everything", parent.run_id, parent.run_id)
    assert run.tags == {
        "kind": "x",
        "team": "sales",
        "more": "1",
        "weft/retry_strategy": "from_failure",
        "weft/parent_run_id": parent.run_id,
        "weft/root_run_id": parent.run_id,
    }
    assert instance.assets.get(AssetKey("c")) is not None


def test_the_root_of_a_chain_is_its_first_run(instance: Instance) -> None:
    world = World()
    defs = world.definitions()
    first = defs.get_job_def("everything").execute_in_process(instance=instance, raise_on_error=False).run_id
    second = again(instance, first, defs.resolve()).id
    world.broken.clear()
    third = again(instance, second, defs.resolve(), strategy=ReexecutionStrategy.ALL, run_id="third")
    assert (third.id, third.parent_run_id, third.root_run_id) == ("third", second, first)


def test_everything_runs_again_where_it_is_asked_for(instance: Instance) -> None:
    world = World()
    defs = world.definitions()
    parent = defs.get_job_def("everything").execute_in_process(instance=instance, raise_on_error=False).run_id
    world.calls.clear()
    world.broken.clear()
    assert again(instance, parent, defs.resolve(), strategy=ReexecutionStrategy.ALL).status is RunStatus.SUCCESS
    assert world.calls == ["a", "check", "b", "c"]


def test_selected_steps_run_again(instance: Instance) -> None:
    world = World()
    world.broken.clear()
    defs = world.definitions()
    parent = defs.get_job_def("everything").execute_in_process(instance=instance).run_id
    world.calls.clear()
    run = again(instance, parent, defs.resolve(), strategy=ReexecutionStrategy.SELECTED, steps=("b",))
    assert world.calls == ["b"]
    assert run.tags["weft/step_selection"] == "b"
    with pytest.raises(SelectionError, match="WEFT-S013"):
        again(instance, parent, defs.resolve(), strategy=ReexecutionStrategy.SELECTED, steps=("x",))


def test_a_blocking_check_that_did_not_pass_runs_again(instance: Instance) -> None:
    world = World()
    world.broken = {"wrong"}
    defs = world.definitions()
    parent = defs.get_job_def("everything").execute_in_process(instance=instance, raise_on_error=False)
    assert parent.run.status is RunStatus.FAILURE
    world.calls.clear()
    world.broken.clear()
    assert again(instance, parent.run_id, defs.resolve()).status is RunStatus.SUCCESS
    assert world.calls == ["check", "b", "c"]


def test_a_success_leaves_nothing_to_repeat(instance: Instance) -> None:
    world = World()
    world.broken.clear()
    defs = world.definitions()
    parent = defs.get_job_def("everything").execute_in_process(instance=instance).run_id
    with pytest.raises(SelectionError, match="WEFT-S016"):
        again(instance, parent, defs.resolve())


def test_configuration_and_ops_are_those_of_the_parent(instance: Instance) -> None:
    seen: list[Any] = []
    broken = [True]

    @op(config_schema={"rows": int})
    def load(context: Any) -> int:
        seen.append(context.op_config["rows"])
        if broken:
            raise ValueError
        return 1

    @op
    def other() -> None:
        seen.append("other")

    @job
    def nightly() -> None:
        load()
        other()

    defs = Definitions(jobs=[nightly])
    parent = nightly.execute_in_process(
        run_config={"ops": {"load": {"config": {"rows": 5}}}},
        op_selection=["load"],
        instance=instance,
        raise_on_error=False,
    ).run_id
    broken.clear()
    run = again(instance, parent, defs.resolve(), strategy=ReexecutionStrategy.ALL)
    assert seen == [5, 5]
    assert run.op_selection == ("load",)


def test_the_partition_is_that_of_the_parent(instance: Instance) -> None:
    seen: list[str] = []

    @asset(partitions_def=DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01"))
    def daily(context: Any) -> None:
        seen.append(context.partition_key)
        if len(seen) == 1:
            raise ValueError

    defs = Definitions([daily], jobs=[define_asset_job("days")])
    parent = defs.get_job_def("days").execute_in_process(
        instance=instance, partition_key="2024-01-05", raise_on_error=False
    )
    assert again(instance, parent.run_id, defs.resolve()).partition_key == "2024-01-05"
    assert seen == ["2024-01-05", "2024-01-05"]


def test_one_copy_of_a_fan_out_runs_again(instance: Instance) -> None:
    seen: list[int] = []
    broken = {2}

    @op(out=DynamicOut())
    def split() -> Iterator[DynamicOutput[int]]:
        for number in (1, 2, 3):
            yield DynamicOutput(number, f"n{number}")

    @op
    def double(number: int) -> int:
        seen.append(number)
        if number in broken:
            raise ValueError
        return 2 * number

    @op
    def total(numbers: list[int]) -> int:
        seen.append(sum(numbers))
        return sum(numbers)

    @job
    def nightly() -> None:
        total(split().map(double).collect())

    defs = Definitions(jobs=[nightly])
    parent = nightly.execute_in_process(instance=instance, raise_on_error=False).run_id
    seen.clear()
    broken.clear()
    assert again(instance, parent, defs.resolve()).status is RunStatus.SUCCESS
    assert seen == [2, 12]


def test_a_run_that_is_unknown_or_has_not_ended_is_refused(instance: Instance) -> None:
    repository = World().definitions().resolve()
    with pytest.raises(RunNotFoundError):
        again(instance, "none", repository)
    run = Run(id="going-on", job_name="everything", status=RunStatus.STARTED, created_at=0.0)
    instance.runs.create(run, RunPlan(job_name="everything", steps=()))
    with pytest.raises(UsageError, match="WEFT-U020"):
        again(instance, "going-on", repository)


def test_code_that_is_gone_is_named(instance: Instance) -> None:
    world = World()
    parent = (
        world.definitions().get_job_def("everything").execute_in_process(instance=instance, raise_on_error=False).run_id
    )

    @asset
    def bb() -> int:
        return 1

    without_job = Definitions([bb], jobs=[define_asset_job("everythink")])
    with pytest.raises(UsageError, match="WEFT-U021") as caught:
        again(instance, parent, without_job.resolve())
    assert 'did you mean "everythink"?' in str(caught.value)
    without_steps = Definitions([bb], jobs=[define_asset_job("everything")])
    with pytest.raises(UsageError, match="WEFT-U022") as caught:
        again(instance, parent, without_steps.resolve())
    assert "b, c" in caught.value.what
    assert 'did you mean "bb"?' in str(caught.value)


def test_code_that_asks_for_other_configuration_is_refused(instance: Instance) -> None:
    def definitions(schema: Any) -> tuple[Any, Definitions]:
        @op(config_schema=schema)
        def load() -> None:
            raise ValueError

        @job
        def nightly() -> None:
            load()

        return nightly, Definitions(jobs=[nightly])

    before, _ = definitions({"rows": int})
    parent = before.execute_in_process(
        run_config={"ops": {"load": {"config": {"rows": 5}}}}, instance=instance, raise_on_error=False
    ).run_id
    _, now = definitions({"lines": int})
    with pytest.raises(ConfigError):
        again(instance, parent, now.resolve())
