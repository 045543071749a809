"""Checking definitions without running anything."""

from __future__ import annotations

from typing import Any

import pytest

from weft import (
    Config,
    ConfigurableResource,
    DailyPartitionsDefinition,
    Definitions,
    EnvVar,
    InMemoryIOManager,
    asset,
    define_asset_job,
    job,
    op,
)
from weft.errors import Problem
from weft.runs.check import check_definitions

DEFAULTS = {"io_manager": InMemoryIOManager()}


class Limit(Config):
    rows: int


@op
def load(config: Limit) -> None: ...


def problems(definitions: Definitions) -> list[Problem]:
    return check_definitions(definitions.resolve(), DEFAULTS)


def nightly(config: Any = None) -> Any:
    @job(config=config)
    def nightly() -> None:
        load()

    return nightly


def test_definitions_that_hold_together_have_no_problems() -> None:
    @asset(partitions_def=DailyPartitionsDefinition("2024-01-01"))
    def daily(config: Limit) -> None: ...

    # Neither the partition nor the configuration of a run is known before it is asked for.
    assert problems(Definitions([daily], jobs=[nightly(), define_asset_job("days")])) == []
    assert problems(Definitions()) == []


def test_configuration_that_a_job_brings_is_validated() -> None:
    assert problems(Definitions(jobs=[nightly({"ops": {"load": {"config": {"rows": 1}}}})])) == []
    found = problems(Definitions(jobs=[nightly({"ops": {"load": {"config": {"rows": "x", "more": 1}}}})]))
    assert len(found) == 2
    assert {problem.facts["found in"] for problem in found} == {'job "nightly"'}


def test_selections_of_jobs_are_evaluated_and_all_are_reported() -> None:
    @asset
    def orders() -> None: ...

    found = problems(
        Definitions([orders], jobs=[define_asset_job("one", "ordres"), define_asset_job("two", "group:x y")])
    )
    assert [problem.facts["found in"] for problem in found] == ['job "one"', 'job "two"']


def test_environment_variables_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Database(ConfigurableResource):
        password: str

    @asset
    def orders(database: Database) -> None: ...

    monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)
    resources = {"database": Database(password=EnvVar("NO_SUCH_VARIABLE"))}
    assert problems(Definitions([orders], resources=resources)) == []


def test_one_fault_seen_from_two_jobs_is_one_problem() -> None:
    @asset
    def orders() -> None: ...

    found = problems(Definitions([orders], jobs=[define_asset_job("one", "ordres"), define_asset_job("two", "ordres")]))
    assert len(found) == 1
