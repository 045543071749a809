"""The numbers that stand for names in the database never change their meaning."""

from __future__ import annotations

from weft.model.asset_state import PartitionStatus
from weft.model.events import EVENT_TYPES
from weft.model.step import StepStatus
from weft.storage.sql.codes import (
    ASSET_EVENT_TYPES,
    EVENT_CODES,
    FIRST_ROUTINE_CODE,
    PARTITION_STATUS_CODES,
    STEP_STATUS_CODES,
)
from weft.storage.sql.tables import events


def test_every_name_has_a_number_of_its_own() -> None:
    assert set(EVENT_CODES) == set(EVENT_TYPES)
    assert set(STEP_STATUS_CODES) == set(StepStatus)
    assert set(PARTITION_STATUS_CODES) == set(PartitionStatus)
    for codes in (EVENT_CODES, STEP_STATUS_CODES, PARTITION_STATUS_CODES):
        assert len(set(codes.values())) == len(codes)
        assert all(0 <= code <= 127 for code in codes.values())


# A second copy, on purpose: what databases in the world hold. Lines are added, never changed.
STORED_EVENTS = """
RUN_ENQUEUED=1 RUN_DEQUEUED=2 RUN_STARTING=3 RUN_START=4 RUN_SUCCESS=5 RUN_FAILURE=6 RUN_CANCELING=7
RUN_CANCELED=8 STEP_FAILURE=20 STEP_UP_FOR_RETRY=21 STEP_RESTARTED=22 STEP_SKIPPED=23
STEP_CANCELED=24 OUTPUT_SKIPPED=25 RESOURCE_INIT_STARTED=40 RESOURCE_INIT_SUCCESS=41 RESOURCE_INIT_FAILURE=42
HOOK_COMPLETED=43 HOOK_ERRORED=44 HOOK_SKIPPED=45 ENGINE_EVENT=46 LOGS_CAPTURED=47
ASSET_MATERIALIZATION=60 ASSET_OBSERVATION=61 ASSET_FAILED_TO_MATERIALIZE=62
ASSET_CHECK_EVALUATION=63 STEP_START=100 LOADED_INPUT=101 STEP_INPUT=102 STEP_OUTPUT=103
HANDLED_OUTPUT=104 STEP_SUCCESS=105 LOG_MESSAGE=106
"""
STORED_STEPS = """
PENDING=0 READY=1 RUNNING=2 UP_FOR_RETRY=3 SUCCEEDED=4 FAILED=5 SKIPPED=6 CANCELED=7
"""
STORED_PARTITIONS = """
MATERIALIZED=1 FAILED=2 IN_PROGRESS=3
"""


def written(text: str) -> dict[str, int]:
    return {name: int(code) for name, code in (item.split("=") for item in text.split())}


def test_the_numbers_in_stored_databases_keep_their_meaning() -> None:
    assert written(STORED_EVENTS) == EVENT_CODES
    assert written(STORED_STEPS) == {status.value: code for status, code in STEP_STATUS_CODES.items()}
    assert written(STORED_PARTITIONS) == {status.value: code for status, code in PARTITION_STATUS_CODES.items()}


def test_the_types_about_assets_are_those_whose_name_says_so() -> None:
    assert set(ASSET_EVENT_TYPES) == {name for name in EVENT_TYPES if name.startswith("ASSET_")}


def test_the_partial_index_leaves_out_the_routine_types() -> None:
    [index] = [index for index in events.indexes if index.name == "ix_events_type"]
    assert str(index.dialect_options["sqlite"]["where"]) == f"type < {FIRST_ROUTINE_CODE}"
    assert {name for name, code in EVENT_CODES.items() if code >= FIRST_ROUTINE_CODE} == {
        "STEP_START",
        "LOADED_INPUT",
        "STEP_INPUT",
        "STEP_OUTPUT",
        "HANDLED_OUTPUT",
        "STEP_SUCCESS",
        "LOG_MESSAGE",
    }
