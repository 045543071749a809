"""The shapes of ``--json``: stable, documented in ``docs/reference/cli.md``. Fields are added, never renamed or given another meaning.

Times are RFC 3339 in UTC, durations are seconds, sizes are bytes, asset keys are user strings (``shop/orders``). What is unknown is null.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from weft.cli.quantities import utc_text
from weft.errors import Problem
from weft.model.asset_state import AssetCheckState, AssetState
from weft.model.assets import AssetCheckNode, AssetGraph, AssetNode
from weft.model.events import AssetCheckEvaluated, AssetMaterialized, StoredEvent
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import (
    AnyMetadataValue,
    Metadata,
    TableColumnLineageMetadataValue,
    TableMetadataValue,
    TableSchema,
    TableSchemaMetadataValue,
)
from weft.model.run import Run
from weft.model.step import Step
from weft.planning.staleness import StaleCause, Staleness

Document = dict[str, Any]
"""Something that JSON can carry."""


def json_text(document: Any, *, indent: bool = True) -> str:
    """The document as JSON text; numbers that JSON does not have (NaN, infinities) become null."""
    data = msgspec.json.encode(_finite(document))
    return (msgspec.json.format(data, indent=2) if indent else data).decode()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


# --- runs ------------------------------------------------------------------------------------------------------------


def run_document(run: Run) -> Document:
    """A run, without what happened in it."""
    seconds = run.ended_at - run.started_at if run.started_at is not None and run.ended_at is not None else None
    return {
        "id": run.id,
        "job": run.job_name,
        "status": run.status.value,
        "created_at": utc_text(run.created_at),
        "started_at": utc_text(run.started_at),
        "ended_at": utc_text(run.ended_at),
        "duration_seconds": seconds,
        "partition": run.partition_key,
        "partition_range": list(run.partition_range) if run.partition_range is not None else None,
        "tags": dict(run.tags),
        "run_config": _plain(run.run_config),
        "assets": None if run.asset_selection is None else [key.to_user_string() for key in run.asset_selection],
        "checks": None if run.check_selection is None else [key.to_user_string() for key in run.check_selection],
        "ops": None if run.op_selection is None else list(run.op_selection),
        "parent_run_id": run.parent_run_id,
        "root_run_id": run.root_run_id,
        "failure_reason": run.failure_reason.value if run.failure_reason is not None else None,
        "error": error_document(run.error),
    }


def run_details_document(
    run: Run,
    steps: Iterable[Step],
    materializations: Iterable[AssetMaterialized],
    checks: Iterable[AssetCheckEvaluated],
    logs: str | None,
) -> Document:
    """A run with what happened in it."""
    return {
        **run_document(run),
        "steps": [step_document(step) for step in steps],
        "materializations": [materialization_document(one) for one in materializations],
        "check_results": [check_result_document(one) for one in checks],
        "logs": logs,
    }


def step_document(step: Step) -> Document:
    """The state of a step."""
    return {
        "key": step.key,
        "status": step.status.value,
        "attempt": step.attempt,
        "started_at": utc_text(step.started_at),
        "ended_at": utc_text(step.ended_at),
        "duration_seconds": step.duration_seconds,
        "cpu_seconds": step.cpu_seconds,
        "peak_memory_bytes": step.peak_memory_bytes,
        "skip_reason": step.skip_reason,
        "error": error_document(step.error),
    }


def materialization_document(made: AssetMaterialized) -> Document:
    """What was made of an asset."""
    return {
        "asset": made.asset_key.to_user_string(),
        "partition": made.partition,
        "description": made.description,
        "metadata": metadata_document(made.metadata),
        "tags": dict(made.tags),
        "data_version": made.data_version,
        "code_version": made.code_version,
    }


def check_result_document(check: AssetCheckEvaluated) -> Document:
    """What a check answered."""
    return {
        "asset": check.check_key.asset_key.to_user_string(),
        "name": check.check_key.name,
        "passed": check.passed,
        "severity": check.severity.value,
        "blocking": check.blocking,
        "partition": check.partition,
        "description": check.description,
        "metadata": metadata_document(check.metadata),
    }


def event_document(stored: StoredEvent) -> Document:
    """An event; its body is what is particular to its type."""
    event = stored.event
    body = _plain(event.body)
    body.pop("type", None)
    if "metadata" in body:
        body["metadata"] = metadata_document(getattr(event.body, "metadata", {}))
    if "error" in body:
        body["error"] = error_document(getattr(event.body, "error", None))
    return {
        "id": stored.id,
        "run_id": event.run_id,
        "source": event.source,
        "seq": event.seq,
        "time": utc_text(event.time),
        "type": event.type,
        "step": event.step_key,
        "body": body,
    }


def error_document(error: ErrorInfo | None) -> Document | None:
    """An exception with its chain. `at` is the user's line."""
    if error is None:
        return None
    frame = error.user_frame
    return {
        "class": error.class_name,
        "message": error.message,
        "code": error.code,
        "at": {"file": frame.file, "line": frame.line, "function": frame.function} if frame is not None else None,
        "traceback": error.to_string(own_frames=True),
        "cause": error_document(error.cause),
    }


def problem_document(problem: Problem) -> Document:
    """One thing that is wrong."""
    facts = {label: _fact(fact) for label, fact in problem.facts.items()}
    return {"code": problem.code, "what": problem.what, "facts": facts, "fix": problem.fix}


def _fact(fact: object) -> Any:
    if fact is None or isinstance(fact, (str, int, float)):
        return fact
    if isinstance(fact, (list, tuple, set, frozenset)):
        return [_fact(item) for item in fact]
    return str(fact)


# --- assets ----------------------------------------------------------------------------------------------------------


def asset_document(node: AssetNode, graph: AssetGraph, partitions: str | None) -> Document:
    """An asset as it is declared. `partitions` says in words which partitions there are."""
    return {
        "key": node.key.to_user_string(),
        "group": node.group_name,
        "description": node.description,
        "kinds": list(node.kinds),
        "owners": list(node.owners),
        "tags": dict(node.tags),
        "deps": [key.to_user_string() for key in graph.upstream(node.key)],
        "downstream": [key.to_user_string() for key in graph.downstream(node.key)],
        "checks": [key.name for key in graph.checks_of(node.key)],
        "partitions": partitions,
        "code_version": node.code_version,
        "metadata": metadata_document(node.metadata),
        "is_external": node.is_external,
        "declared_at": node.declared_at,
    }


class CheckAnswers(NamedTuple):
    """A check with its latest answer, or with the latest one for each partition where it is partitioned."""

    node: AssetCheckNode
    answers: tuple[AssetCheckState, ...]

    @property
    def latest(self) -> AssetCheckState | None:
        """The answer that came last."""
        return max(self.answers, key=lambda answer: answer.latest.event_id, default=None)

    @property
    def passed_count(self) -> int:
        """In how many partitions the answer was: passed."""
        return sum(answer.passed for answer in self.answers)


def asset_details_document(
    declared: Document,
    state: AssetState | None,
    latest: StoredEvent | None,
    partition_counts: Mapping[str, int] | None,
    checks: Sequence[CheckAnswers],
) -> Document:
    """An asset with what is known of it now."""
    body = latest.event.body if latest is not None else None
    return {
        **declared,
        "materialization_count": state.materialization_count if state is not None else 0,
        "latest_materialization": None
        if latest is None or not isinstance(body, AssetMaterialized)
        else {
            "time": utc_text(latest.event.time),
            "run_id": latest.event.run_id,
            "step": latest.event.step_key,
            **materialization_document(body),
        },
        "partition_counts": dict(partition_counts) if partition_counts is not None else None,
        "check_states": [_check_state_document(check) for check in checks],
    }


def _check_state_document(check: CheckAnswers) -> Document:
    node, answer = check.node, check.latest
    return {
        "name": node.key.name,
        "description": node.description,
        "blocking": node.blocking,
        "passed": answer.passed if answer is not None else None,
        "severity": answer.severity.value if answer is not None else None,
        "time": utc_text(answer.latest.time) if answer is not None else None,
        "run_id": answer.latest.run_id if answer is not None else None,
        "partition": answer.latest.partition if answer is not None else None,
        "partition_counts": None
        if node.partitions is None
        else {"passed": check.passed_count, "not_passed": len(check.answers) - check.passed_count},
    }


def metadata_document(metadata: Metadata) -> Document:
    """Label to ``{"type": ..., "value": ...}``."""
    return {label: {"type": _kind(value), "value": _metadata_data(value)} for label, value in metadata.items()}


def _kind(value: AnyMetadataValue) -> str:
    return str(type(value).__struct_config__.tag)


def _metadata_data(value: AnyMetadataValue) -> Any:
    if isinstance(value, TableMetadataValue):
        return {"columns": _columns(value.schema), "records": [dict(record.data) for record in value.records]}
    if isinstance(value, TableSchemaMetadataValue):
        return {"columns": _columns(value.schema)}
    if isinstance(value, TableColumnLineageMetadataValue):
        return {
            column: [{"asset": dep.asset_key.to_user_string(), "column": dep.column_name} for dep in deps]
            for column, deps in value.lineage.deps_by_column.items()
        }
    data = _plain(value)
    data.pop("type")
    # A kind with one field is that field; a kind with several keeps their names.
    return next(iter(data.values())) if len(data) == 1 else data or None


def _columns(schema: TableSchema) -> list[Document]:
    return [{"name": column.name, "type": column.type, "description": column.description} for column in schema.columns]


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, enc_hook=_key_text)


def _key_text(value: Any) -> str:
    if isinstance(value, (AssetKey, AssetCheckKey)):
        return value.to_user_string()
    raise NotImplementedError(f"{type(value).__name__} is not a model value")


def staleness_document(one: Staleness) -> dict[str, Any]:
    """How what is stored of an asset stands to what it would be made from now."""
    return {
        "key": one.key.to_user_string(),
        "status": one.status.value,
        "causes": [_cause_document(cause) for cause in one.causes],
        "stale_partitions": {
            partition: [_cause_document(cause) for cause in causes]
            for partition, causes in one.stale_partitions.items()
        },
        "fresh_partitions": list(one.fresh_partitions),
        "missing_count": one.missing_count,
    }


def _cause_document(cause: StaleCause) -> dict[str, Any]:
    upstream = cause.upstream.to_user_string() if cause.upstream is not None else None
    return {"kind": cause.kind.value, "upstream": upstream, "old": cause.old, "new": cause.new}
