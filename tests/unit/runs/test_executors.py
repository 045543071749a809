"""Which executor carries a run out, what its configuration means, and what is refused before anything runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from weft import (
    ComputeResources,
    ConfigError,
    Definitions,
    ExecutorDefinition,
    InMemoryIOManager,
    Instance,
    JobDefinition,
    asset,
    executor,
    job,
    materialize,
    multi_or_in_process_executor,
    multiprocess_executor,
    op,
)
from weft.errors import ExecutionError
from weft.planning.step_limits import TagLimit
from weft.runs.environment import RunEnvironment
from weft.runs.executors import ExecutorChoice, choose_executor, chosen_executor, processors, ready_executor
from weft.runs.prepare import PreparedRun, RunSettings, prepare_job


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with Instance.at(tmp_path) as opened:
        yield opened


@op
def one() -> int:
    return 1


@op
def add_one(x: int) -> int:
    return x + 1


def pipeline(definition: ExecutorDefinition | None = None, **settings: Any) -> JobDefinition:
    @job(executor_def=definition, **settings)
    def pipeline() -> None:
        add_one(one())

    return pipeline


def prepared(
    target: JobDefinition, environment: RunEnvironment, config: Mapping[str, Any] | None = None
) -> PreparedRun:
    return prepare_job(
        target,
        RunSettings(run_config={"execution": config} if config is not None else None),
        clock=environment.clock,
        default_resources=environment.default_resources,
    )


def choice(
    target: JobDefinition, environment: RunEnvironment, config: Mapping[str, Any] | None = None, **more: Any
) -> ExecutorChoice:
    return choose_executor(prepared(target, environment, config), environment, **more)


@pytest.mark.parametrize(
    ("definition", "config", "expected"),
    [
        (None, None, "in_process"),
        (None, {"config": {"multiprocess": {"max_concurrent": 3}}}, "multiprocess"),
        (None, {"multiprocess": {"config": {"max_concurrent": 3}}}, "multiprocess"),
        (None, {"multiprocess": {"max_concurrent": 3}}, "multiprocess"),
        (None, {"config": {"in_process": {}}}, "in_process"),
        (multi_or_in_process_executor, None, "multiprocess"),
        (multi_or_in_process_executor, {"config": {"in_process": {}}}, "in_process"),
        (multiprocess_executor, None, "multiprocess"),
        (multiprocess_executor, {"config": {"max_concurrent": 3}}, "multiprocess"),
        (multiprocess_executor, {"multiprocess": {"config": {"max_concurrent": 3}}}, "multiprocess"),
        (multiprocess_executor.configured({"max_concurrent": 3}), None, "multiprocess"),
        (multiprocess_executor.configured({"max_concurrent": 3}, "three"), None, "multiprocess"),
        (multiprocess_executor.configured(lambda n: {"max_concurrent": n}, "n", int), {"config": 3}, "multiprocess"),
        (multi_or_in_process_executor.configured({"in_process": {}}, "own"), None, "in_process"),
    ],
)
def test_the_job_and_its_configuration_choose(
    instance: Instance, definition: ExecutorDefinition | None, config: Mapping[str, Any] | None, expected: str
) -> None:
    name, settings = chosen_executor(prepared(pipeline(definition), instance, config))
    assert name == expected
    if "3" in repr(config):
        assert settings["max_concurrent"] == 3


def test_the_executor_of_the_definitions_is_for_jobs_that_say_nothing(instance: Instance) -> None:
    defs = Definitions(jobs=[pipeline()], executor=multiprocess_executor).resolve()
    target = defs.jobs["pipeline"]
    assert isinstance(target, JobDefinition)
    assert chosen_executor(prepared(target, instance))[0] == "multiprocess"


def test_a_step_that_declares_limits_gets_a_process_where_nothing_is_said(instance: Instance) -> None:
    @op(resources=ComputeResources(memory="1GiB"))
    def hungry() -> None: ...

    @job
    def limited() -> None:
        hungry()

    assert chosen_executor(prepared(limited, instance))[0] == "multiprocess"
    assert choice(limited, RunEnvironment.in_memory()).settings is None


def test_a_caller_that_wants_values_gets_them_from_its_own_process(instance: Instance) -> None:
    assert choice(pipeline(multiprocess_executor), instance, in_process=True).settings is None
    result = pipeline(multiprocess_executor).execute_in_process()
    assert result.output_for_node("add_one") == 2


def test_materialize_stays_in_process_whatever_the_steps_declare() -> None:
    @asset(resources=ComputeResources(memory="1GiB"))
    def table() -> int:
        return 3

    assert materialize([table]).asset_value("table") == 3


@pytest.mark.parametrize(
    ("config", "variable", "expected"),
    [
        ({"max_concurrent": 3}, None, 3),
        ({"max_concurrent": 0}, None, processors()),
        ({}, None, processors()),
        ({}, "5", 5),
        ({"max_concurrent": 2}, "5", 2),
        ({}, "many", processors()),
    ],
)
def test_how_many_processes_at_once(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], variable: str | None, expected: int
) -> None:
    if variable is not None:
        monkeypatch.setenv("DAGSTER_MULTIPROCESS_EXECUTOR_MAX_CONCURRENT", variable)
    made = choice(pipeline(multiprocess_executor), instance, {"config": config})
    assert made.settings is not None
    assert made.settings.max_concurrent == expected


def test_retries_can_be_left_to_others(instance: Instance) -> None:
    target = pipeline(multiprocess_executor)
    assert choice(target, instance).retries_enabled
    assert not choice(target, instance, {"config": {"retries": {"disabled": {}}}}).retries_enabled
    assert not choice(target, instance, {"config": {"retries": {"deferred": {}}}}).retries_enabled


def test_limits_by_tag_are_read(instance: Instance) -> None:
    limits = [
        {"key": "database", "limit": 2},
        {"key": "database", "value": "big", "limit": 1},
        {"key": "team", "value": {"applyLimitPerUniqueValue": True}, "limit": 3},
    ]
    made = choice(pipeline(multiprocess_executor), instance, {"config": {"tag_concurrency_limits": limits}})
    assert made.tag_limits == (
        TagLimit(key="database", limit=2),
        TagLimit(key="database", limit=1, value="big"),
        TagLimit(key="team", limit=3, per_value=True),
    )


@pytest.mark.parametrize(
    "config",
    [
        {"max_concurrent": -1},
        {"tag_concurrency_limits": [{"key": "a", "limit": 0}]},
        {"tag_concurrency_limits": [{"key": "a", "limit": 1, "value": 3}]},
        {"tag_concurrency_limits": [{"key": "a", "limit": 1, "value": {"perValue": True}}]},
    ],
)
def test_configuration_that_means_nothing_is_refused(instance: Instance, config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as raised:
        choice(pipeline(multiprocess_executor), instance, {"config": config})
    assert raised.value.code == "WEFT-C095"


def test_an_instance_in_memory_is_refused() -> None:
    with pytest.raises(ExecutionError) as raised:
        choice(pipeline(multiprocess_executor), RunEnvironment.in_memory())
    assert raised.value.code == "WEFT-X308"


def test_outputs_that_stay_in_memory_are_refused_where_others_read_them(instance: Instance) -> None:
    target = pipeline(multiprocess_executor, resource_defs={"io_manager": InMemoryIOManager()})
    with pytest.raises(ExecutionError) as raised:
        choice(target, instance)
    assert raised.value.code == "WEFT-X309"
    assert raised.value.facts["outputs"] == "one.result"


def test_outputs_that_nobody_reads_may_stay_in_memory(instance: Instance) -> None:
    @job(executor_def=multiprocess_executor, resource_defs={"io_manager": InMemoryIOManager()})
    def alone() -> None:
        one()

    assert choice(alone, instance).settings is not None


def test_an_executor_of_the_users_own_is_told_that_it_is_not_used(instance: Instance) -> None:
    @executor
    def mine(context: Any) -> None: ...

    with pytest.raises(ExecutionError) as raised:
        choice(pipeline(mine), instance)
    assert raised.value.code == "WEFT-X307"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_code_that_no_other_process_can_load_is_refused_where_this_one_cannot_be_forked(
    instance: Instance, method: str
) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="mine")
    thread.start()
    try:
        with pytest.raises(ExecutionError) as raised:
            config = {"config": {"start_method": {method: {}}}}
            ready_executor(prepared(pipeline(multiprocess_executor), instance, config), instance)
    finally:
        done.set()
        thread.join()
    assert raised.value.code == "WEFT-X310"
    assert "mine" in str(raised.value.facts["threads"])
