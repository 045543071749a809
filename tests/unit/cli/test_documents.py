"""The shapes of --json."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from weft.cli.documents import (
    asset_document,
    event_document,
    json_text,
    metadata_document,
    problem_document,
    run_details_document,
    run_document,
)
from weft.errors import Problem
from weft.model.assets import AssetCheckNode, AssetDependency, AssetGraph, AssetNode
from weft.model.events import (
    AssetCheckEvaluated,
    AssetMaterialized,
    Event,
    EventBody,
    LogMessage,
    StepFailed,
    StepStarted,
    StepSucceeded,
    StoredEvent,
)
from weft.model.failure import ErrorInfo, Frame
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import (
    MetadataValue,
    TableColumnDep,
    TableColumnLineage,
    TableSchema,
    TextMetadataValue,
    metadata_values,
)
from weft.model.run import FailureReason, Run, RunStatus, RunTag
from weft.model.step import Step, StepStatus

ERROR = ErrorInfo(message="no rows", class_name="ValueError", frames=(Frame("/shop/a.py", 3, "a", "raise"),))


def test_a_run_has_the_same_fields_whatever_is_known_of_it() -> None:
    fresh = run_document(Run(id="r", job_name="nightly", status=RunStatus.QUEUED, created_at=0.0))
    ended = run_document(
        Run(
            id="r",
            job_name="__ASSET_JOB",
            status=RunStatus.FAILURE,
            created_at=0.0,
            started_at=1.0,
            ended_at=2.5,
            run_config={"ops": {}},
            tags={RunTag.PARTITION: "2024", "team": "sales"},
            asset_selection=(AssetKey("shop/orders"), AssetKey(["shop", "orders"])),
            check_selection=(AssetCheckKey("orders", "is_full"),),
            parent_run_id="p",
            root_run_id="q",
            failure_reason=FailureReason.STEP_FAILED,
            error=ERROR,
        )
    )
    assert fresh.keys() == ended.keys()
    assert (fresh["created_at"], fresh["duration_seconds"], fresh["assets"]) == (
        "1970-01-01T00:00:00.000000Z",
        None,
        None,
    )
    assert (ended["partition"], ended["duration_seconds"], ended["failure_reason"]) == ("2024", 1.5, "step_failed")
    assert ended["assets"] == ["shop\\/orders", "shop/orders"]
    assert ended["checks"] == ["orders:is_full"]
    assert ended["error"]["at"] == {"file": "/shop/a.py", "line": 3, "function": "a"}
    json.loads(json_text(ended))


def test_a_run_with_details_has_its_steps_and_what_it_made() -> None:
    document = run_details_document(
        Run(id="r", job_name="nightly", status=RunStatus.SUCCESS, created_at=0.0),
        [Step(run_id="r", key="a", status=StepStatus.FAILED, started_at=1.0, ended_at=3.0, error=ERROR)],
        [AssetMaterialized(asset_key=AssetKey("a"), metadata=metadata_values({"rows": 3}))],
        [AssetCheckEvaluated(check_key=AssetCheckKey("a", "is_full"), passed=True)],
        "/logs/r",
    )
    assert document["steps"][0]["duration_seconds"] == 2.0
    assert document["steps"][0]["error"]["class"] == "ValueError"
    assert document["materializations"][0]["metadata"] == {"rows": {"type": "int", "value": 3}}
    assert document["check_results"][0]["severity"] == "ERROR"
    assert document["logs"] == "/logs/r"


@pytest.mark.parametrize(
    ("value", "kind", "data"),
    [
        ("text", "text", "text"),
        (3, "int", 3),
        (2.5, "float", 2.5),
        (math.nan, "float", None),
        (True, "bool", True),
        (None, "null", None),
        ({"a": [1, {"type": "x"}]}, "json", {"a": [1, {"type": "x"}]}),
        (AssetKey(["shop", "orders"]), "asset", "shop/orders"),
        (MetadataValue.md("# x"), "md", "# x"),
        (MetadataValue.job("nightly"), "job", {"job_name": "nightly", "location_name": ""}),
        (
            TableSchema.from_name_type_dict({"a": "int"}),
            "table_schema",
            {"columns": [{"name": "a", "type": "int", "description": None}]},
        ),
        (
            MetadataValue.table([{"a": 1}]),
            "table",
            {"columns": [{"name": "a", "type": "int", "description": None}], "records": [{"a": 1}]},
        ),
        (
            TableColumnLineage({"a": (TableColumnDep(AssetKey("up"), "b"),)}),
            "column_lineage",
            {"a": [{"asset": "up", "column": "b"}]},
        ),
    ],
)
def test_metadata_is_its_kind_and_its_value(value: Any, kind: str, data: Any) -> None:
    document = metadata_document(metadata_values({"label": value}))
    assert json.loads(json_text(document)) == {"label": {"type": kind, "value": data}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (StepStarted(), {}),
        (StepSucceeded(cpu_seconds=0.5), {"cpu_seconds": 0.5}),
        (LogMessage(message="m", level=20, fields={"a": 1}), {"message": "m", "level": 20, "fields": {"a": 1}}),
        (
            AssetMaterialized(asset_key=AssetKey(["a", "b"]), metadata={"t": TextMetadataValue("x")}),
            {"asset_key": "a/b", "metadata": {"t": {"type": "text", "value": "x"}}},
        ),
        (
            AssetCheckEvaluated(check_key=AssetCheckKey("a", "is_full"), passed=False),
            {"check_key": "a:is_full", "passed": False},
        ),
    ],
)
def test_an_event_is_its_envelope_and_what_is_particular_to_it(body: EventBody, expected: dict[str, Any]) -> None:
    stored = StoredEvent(id=7, event=Event(run_id="r", seq=3, time=0.0, step_key="a", body=body))
    document = json.loads(json_text(event_document(stored), indent=False))
    assert document == {
        "id": 7,
        "run_id": "r",
        "source": 1,
        "seq": 3,
        "time": "1970-01-01T00:00:00.000000Z",
        "type": body.type,
        "step": "a",
        "body": expected,
    }


def test_the_error_of_an_event_has_the_shape_of_all_errors() -> None:
    stored = StoredEvent(id=1, event=Event(run_id="r", seq=1, time=0.0, body=StepFailed(error=ERROR)))
    assert event_document(stored)["body"]["error"]["class"] == "ValueError"


def test_an_asset_names_its_neighbours() -> None:
    graph = AssetGraph(
        [
            AssetNode(key=AssetKey("a"), op_name="a", deps=(AssetDependency(AssetKey("up")),)),
            AssetNode(key=AssetKey("b"), op_name="b", deps=(AssetDependency(AssetKey("a")),)),
        ],
        [AssetCheckNode(key=AssetCheckKey("a", "is_full"))],
    )
    document = asset_document(graph[AssetKey("a")], graph, "daily")
    assert (document["deps"], document["downstream"], document["checks"]) == (["up"], ["b"], ["is_full"])
    assert document["partitions"] == "daily"
    assert asset_document(graph[AssetKey("up")], graph, None)["is_external"]


def test_a_problem_keeps_its_facts() -> None:
    problem = Problem("WEFT-D002", "wrong", facts={"names": ("a", "b"), "at": 3, "key": AssetKey("a")}, fix="do")
    assert problem_document(problem) == {
        "code": "WEFT-D002",
        "what": "wrong",
        "facts": {"names": ["a", "b"], "at": 3, "key": "AssetKey(['a'])"},
        "fix": "do",
    }


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(documents, st.booleans())
def test_every_document_is_valid_json(document: Any, indent: bool) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    json.loads(json_text(document, indent=indent), parse_constant=refuse)
