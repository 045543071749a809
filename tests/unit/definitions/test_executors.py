"""Jobs choose an executor, and run configuration is checked against it, in both shapes."""

from __future__ import annotations

from typing import Any

import pytest

from weft import (
    ConfigError,
    DefinitionError,
    Definitions,
    ExecutorDefinition,
    InitExecutorContext,
    asset,
    define_asset_job,
    executor,
    in_process_executor,
    job,
    local_executor,
    multiprocess_executor,
    op,
)


@op
def one() -> int:
    return 1


@job(executor_def=multiprocess_executor)
def parallel() -> None:
    one()


@job
def plain() -> None:
    one()


@asset
def orders() -> int:
    return 1


@pytest.mark.parametrize(
    "execution",
    [
        {"config": {"max_concurrent": 4}},
        {"multiprocess": {"max_concurrent": 4}},
        {"multiprocess": {"config": {"max_concurrent": 4}}},
        {"config": {"tag_concurrency_limits": [{"key": "db", "value": "big", "limit": 1}]}},
        {"config": {"start_method": {"forkserver": {}}, "retries": {"disabled": {}}}},
    ],
)
def test_a_job_with_an_executor_takes_its_configuration(execution: dict[str, Any]) -> None:
    assert parallel.execute_in_process({"execution": execution}).success


@pytest.mark.parametrize(
    "execution",
    [
        {"config": {"multiprocess": {"max_concurrent": 4}}},
        {"multiprocess": {"max_concurrent": 4}},
        {"multiprocess": {"config": {"max_concurrent": 4}}},
        {"config": {"in_process": {}}},
    ],
)
def test_a_job_without_executor_chooses_in_its_configuration(execution: dict[str, Any]) -> None:
    assert plain.execute_in_process({"execution": execution, "storage": {"filesystem": None}}).success


def test_what_the_executor_does_not_know_is_told() -> None:
    with pytest.raises(ConfigError, match="max_concurrent"):
        parallel.execute_in_process({"execution": {"config": {"max_concurent": 4}}})
    with pytest.raises(ConfigError):
        parallel.execute_in_process({"execution": {"config": {"max_concurrent": "four"}}})


def test_the_executor_of_the_definitions_serves_jobs_without_one() -> None:
    defs = Definitions([orders], jobs=[plain, parallel, define_asset_job("made")], executor=in_process_executor)
    assert defs.get_job_def("plain").executor_def is in_process_executor
    assert defs.get_job_def("parallel").executor_def is multiprocess_executor
    assert defs.get_job_def("made").executor_def is in_process_executor
    assert local_executor is in_process_executor


def test_a_configured_executor_needs_no_configuration() -> None:
    made = multiprocess_executor.configured({"max_concurrent": 2})

    @job(executor_def=made)
    def some() -> None:
        one()

    assert some.execute_in_process().success
    with pytest.raises(ConfigError):
        multiprocess_executor.configured({"max_concurrent": "two"})


def test_the_configuration_of_an_executor_may_be_computed() -> None:
    made = multiprocess_executor.configured(lambda size: {"max_concurrent": size}, "sized", int)
    assert made.name == "sized"

    @job(executor_def=made)
    def some() -> None:
        one()

    assert some.execute_in_process({"execution": {"config": 2}}).success
    with pytest.raises(ConfigError) as refused:
        some.execute_in_process({"execution": {"config": "two"}})
    assert refused.value.facts["path"] == "execution.config"


def test_a_function_becomes_an_executor() -> None:
    @executor(name="farm", config_schema={"size": int})
    def make(context: InitExecutorContext) -> object:
        return context.executor_config

    assert isinstance(make, ExecutorDefinition)
    assert make.name == "farm"


def test_something_else_is_no_executor() -> None:
    with pytest.raises(DefinitionError) as refused:
        job(executor_def="multiprocess")(lambda_like)  # type: ignore[call-overload]
    assert refused.value.code == "WEFT-D071"


def lambda_like() -> None: ...
