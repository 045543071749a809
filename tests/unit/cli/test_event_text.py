"""Events in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from weft.cli.event_text import event_text
from weft.model import events
from weft.model.events import EventBody
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import IntMetadataValue
from weft.model.run import FailureReason

ERROR = ErrorInfo(message="no", class_name="ValueError")
# One of each type, with the fields that have no default.
BODIES: dict[type, dict[str, Any]] = {
    events.RunFailed: {"reason": FailureReason.LOST},
    events.InputLoaded: {"input_name": "rows", "manager_key": "io_manager"},
    events.StepInputChecked: {"input_name": "rows", "type_name": "list", "passed": False},
    events.StepOutput: {"output_name": "result", "mapping_key": "eu"},
    events.OutputHandled: {"output_name": "result", "manager_key": "io_manager"},
    events.StepFailed: {"error": ERROR},
    events.StepRestarted: {"attempt": 2},
    events.OutputSkipped: {"output_name": "result", "reason": "no rows"},
    events.StepSkipped: {"reason": 'step "a" failed'},
    events.ResourceInitStarted: {"resource_keys": ("db", "io_manager")},
    events.ResourceInitSucceeded: {"seconds": {"db": 0.5}},
    events.ResourceInitFailed: {"resource_key": "db", "error": ERROR},
    events.HookCompleted: {"hook_name": "tell"},
    events.HookErrored: {"hook_name": "tell", "error": ERROR},
    events.HookSkipped: {"hook_name": "tell"},
    events.LogMessage: {"message": "reading", "level": 30},
    events.EngineEvent: {"message": "shipping again"},
    events.LogsCaptured: {"file_key": "run"},
    events.AssetMaterialized: {
        "asset_key": AssetKey("orders"),
        "partition": "2024",
        "metadata": {"weft/row_count": IntMetadataValue(3)},
    },
    events.AssetObserved: {"asset_key": AssetKey("orders")},
    events.AssetFailedToMaterialize: {"asset_key": AssetKey("orders"), "reason": "upstream_failed"},
    events.AssetCheckEvaluated: {"check_key": AssetCheckKey("orders", "is_full"), "passed": False},
}
TEXTS = {
    "RUN_START": "",
    "RUN_FAILURE": "lost",
    "LOADED_INPUT": "rows by io_manager",
    "STEP_INPUT": "rows: list (does not fit)",
    "STEP_OUTPUT": "result[eu]",
    "HANDLED_OUTPUT": "result by io_manager",
    "STEP_SUCCESS": "CPU 0 ms, peak memory 0 B",
    "STEP_UP_FOR_RETRY": "again in 0 ms",
    "STEP_RESTARTED": "attempt 2",
    "OUTPUT_SKIPPED": "result: no rows",
    "STEP_SKIPPED": 'step "a" failed',
    "RESOURCE_INIT_STARTED": "db, io_manager",
    "RESOURCE_INIT_SUCCESS": "db in 500 ms",
    "RESOURCE_INIT_FAILURE": "db",
    "HOOK_COMPLETED": "tell",
    "HOOK_ERRORED": "tell",
    "HOOK_SKIPPED": "tell",
    "LOG_MESSAGE": "WARNING reading",
    "ENGINE_EVENT": "shipping again",
    "LOGS_CAPTURED": "run",
    "ASSET_MATERIALIZATION": "orders [2024]  3 rows",
    "ASSET_OBSERVATION": "orders",
    "ASSET_FAILED_TO_MATERIALIZE": "orders  upstream_failed",
    "ASSET_CHECK_EVALUATION": "orders:is_full  did not pass (ERROR)",
}


@pytest.mark.parametrize("kind", EventBody.__args__, ids=lambda kind: kind.__name__)
def test_every_type_of_event_has_a_text(kind: type) -> None:
    body = kind(**BODIES.get(kind, {}))
    assert event_text(body) == TEXTS.get(body.type, "")
