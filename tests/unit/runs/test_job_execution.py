"""Jobs are run from Python on an instance, again where they failed, and found by other processes."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from weft import (
    ConfigError,
    Definitions,
    Field,
    Instance,
    InvocationError,
    JobDefinition,
    OpExecutionContext,
    ReexecutionOptions,
    RunInterruptedError,
    asset,
    build_reconstructable_job,
    define_asset_job,
    execute_job,
    job,
    op,
    raise_execution_interrupts,
    reconstructable,
    validate_run_config,
)

_fails = [True]


@op(config_schema={"rows": Field(int, default_value=1)})
def load(context: OpExecutionContext) -> Any:
    return context.op_config["rows"]


@op
def flaky(rows: int) -> int:
    if _fails[0]:
        raise ValueError("not yet")
    return rows


@job
def nightly() -> None:
    flaky(load())


def make(name: str) -> JobDefinition:
    @job(name=name)
    def made() -> None:
        load()

    return made


def test_a_failed_run_is_repeated_from_its_failure() -> None:
    instance = Instance.ephemeral()
    _fails[0] = True
    first = execute_job(nightly, instance, {"ops": {"load": {"config": {"rows": 5}}}})
    assert not first.success
    with pytest.raises(ValueError, match="not yet"):
        execute_job(nightly, instance, raise_on_error=True)
    _fails[0] = False
    options = ReexecutionOptions.from_failure(first.run_id, instance)
    with execute_job(reconstructable(nightly), instance, reexecution_options=options) as again:
        assert again.success
        assert again.output_for_node("flaky") == 5
        assert not again.events_for_node("load")
    whole = execute_job(nightly, instance, reexecution_options=ReexecutionOptions(first.run_id))
    assert whole.events_for_node("load")
    one = execute_job(nightly, instance, reexecution_options=ReexecutionOptions(first.run_id, ["load"]))
    assert not one.events_for_node("flaky")


def test_an_asset_job_takes_a_selection() -> None:
    @asset
    def orders() -> int:
        return 1

    @asset
    def total(orders: int) -> int:
        return orders

    found = Definitions([orders, total], jobs=[define_asset_job("all_assets")]).get_job_def("all_assets")
    result = execute_job(found, Instance.ephemeral(), asset_selection=["orders"])
    assert [event.step_key for event in result.get_step_success_events()] == ["orders"]


def test_places_of_jobs() -> None:
    assert reconstructable(nightly).get_definition() is nightly
    built = build_reconstructable_job(__name__, "make", ["fresh"])
    assert built.get_definition().name == "fresh"
    for wrong in (make("inner"), lambda: nightly):
        with pytest.raises(InvocationError) as refused:
            reconstructable(wrong)
        assert refused.value.code == "WEFT-I070"
    with pytest.raises(InvocationError):
        build_reconstructable_job(__name__, "nothing").get_definition()


def test_configuration_is_checked_without_a_run() -> None:
    assert validate_run_config(nightly, {})["ops"]["load"]["config"] == {"rows": 1}
    with pytest.raises(ConfigError) as refused:
        validate_run_config(nightly, {"ops": {"laod": {}, "load": {"config": {"rows": "x"}}}, "resources": {"db": {}}})
    assert len(refused.value.problems) == 3


def test_interrupts_are_raised_outside_runs() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with (
        pytest.raises(RunInterruptedError, match="SIGTERM"),
        raise_execution_interrupts(),
        raise_execution_interrupts(),
    ):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
