"""A memoised run of a job leaves out what an earlier run has made by the same version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import weft
from weft.runs.execute import execute_run
from weft.runs.retry import RetryRequest, prepare_retry

CALLS: list[str] = []


@weft.op(code_version="1", config_schema={"rows": int})
def extract(context: weft.OpExecutionContext) -> list[int]:
    CALLS.append("extract")
    return list(range(context.op_config["rows"]))


@weft.op(code_version="1")
def clean(rows: list[int]) -> list[int]:
    CALLS.append("clean")
    return [row * 2 for row in rows]


@weft.op
def show(rows: list[int]) -> int:
    CALLS.append("show")
    return sum(rows)


@weft.job(cache=True)
def nightly() -> None:
    show(clean(extract()))


@pytest.fixture(params=["memory", "sqlite"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[weft.Instance]:
    CALLS.clear()
    with weft.Instance.ephemeral() if request.param == "memory" else weft.Instance.local_temp(tmp_path) as made:
        yield made


def run(instance: weft.Instance, rows: int = 3, job: Any = nightly, **settings: Any) -> weft.ExecuteInProcessResult:
    CALLS.clear()
    config = {"ops": {"extract": {"config": {"rows": rows}}}}
    return job.execute_in_process(run_config=config, instance=instance, **settings)


def test_only_what_has_no_version_runs_again(instance: weft.Instance) -> None:
    first = run(instance)
    assert CALLS == ["extract", "clean", "show"]
    second = run(instance)
    assert CALLS == ["show"]
    assert second.success
    assert second.output_for_node("show") == 6
    said = [event.body.message for event in second.all_events if event.type == "ENGINE_EVENT" and event.step_key]
    assert len(said) == 2
    assert all(first.run_id in text for text in said)


def test_other_configuration_or_code_runs(instance: weft.Instance) -> None:
    run(instance)
    run(instance, rows=4)
    assert CALLS == ["extract", "clean", "show"]
    run(instance, rows=3)
    assert CALLS == ["show"], "the earlier result is still known"


def test_a_result_of_a_result_is_found(instance: weft.Instance) -> None:
    run(instance)
    run(instance)
    run(instance)
    assert CALLS == ["show"]


def test_a_run_that_does_not_ask_for_it_makes_everything(instance: weft.Instance) -> None:
    plain = nightly.graph.to_job()
    run(instance, job=plain)
    run(instance, job=plain)
    assert CALLS == ["extract", "clean", "show"]
    run(instance, job=plain, tags={"dagster/is_memoized_run": "true"})
    run(instance, job=plain, tags={"dagster/is_memoized_run": "true"})
    assert CALLS == ["show"]


def test_a_result_whose_value_is_gone_is_made_again(instance: weft.Instance) -> None:
    run(instance)
    instance.default_resources["io_manager"] = weft.InMemoryIOManager()
    run(instance)
    assert CALLS == ["extract", "clean", "show"]


def test_a_step_that_failed_left_no_result(instance: weft.Instance) -> None:
    fails = [True]

    @weft.op(code_version="1")
    def shaky() -> int:
        CALLS.append("shaky")
        if fails[0]:
            raise ValueError
        return 1

    @weft.job(cache=True)
    def once() -> None:
        shaky()

    once.execute_in_process(instance=instance, raise_on_error=False)
    fails[0] = False
    assert once.execute_in_process(instance=instance).success
    assert once.execute_in_process(instance=instance).success
    assert CALLS == ["shaky", "shaky"]


def test_a_memoised_run_that_failed_can_be_repeated_from_its_failure(instance: weft.Instance) -> None:
    fails = [False]

    @weft.op(code_version="1")
    def load() -> int:
        CALLS.append("load")
        return 5

    @weft.op
    def use(value: int) -> int:
        if fails[0]:
            raise ValueError
        return value + 1

    @weft.job(cache=True)
    def pair() -> None:
        use(load())

    pair.execute_in_process(instance=instance)
    fails[0] = True
    failed = pair.execute_in_process(instance=instance, raise_on_error=False)
    fails[0] = False
    again = prepare_retry(failed.run_id, RetryRequest(), weft.Definitions(jobs=[pair]).resolve(), instance)
    assert execute_run(again, instance).run.status is weft.RunStatus.SUCCESS
    assert CALLS == ["load"]


def test_other_resources_and_other_partitions_run(instance: weft.Instance) -> None:
    ran: list[str] = []

    @weft.op(code_version="1", required_resource_keys={"where"})
    def read(context: weft.OpExecutionContext) -> str:
        ran.append(f"{context.resources.where} {context.partition_key}")
        return ran[-1]

    @weft.job(cache=True, partitions_def=weft.StaticPartitionsDefinition(["a", "b"]))
    def reading() -> None:
        read()

    for where, partition in [("here", "a"), ("here", "a"), ("there", "a"), ("here", "b")]:
        reading.execute_in_process(instance=instance, partition_key=partition, resources={"where": where})

    assert ran == ["here a", "there a", "here b"]
