"""Metadata as it is sent: each value with its type, ``__infer__`` where the program says none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from weft_pipes.errors import PipesError

METADATA_TYPES = frozenset(
    {
        "__infer__",
        "text",
        "url",
        "path",
        "notebook",
        "json",
        "md",
        "float",
        "int",
        "bool",
        "dagster_run",
        "asset",
        "null",
        "table",
        "table_schema",
        "table_column_lineage",
        "timestamp",
    }
)


def wire_metadata(metadata: Mapping[str, Any] | None) -> Mapping[str, Mapping[str, Any]] | None:
    """Values as they are sent.

    Args:
        metadata: label to value. A value is JSON; or ``{"type": ..., "raw_value": ...}`` where the orchestrator should not infer the type.

    Raises:
        PipesError: a label is no text, a type is unknown, or a value is not JSON.
    """
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping):
        raise PipesError(f"metadata is a dict from label to value, not {type(metadata).__name__}")
    return {_label(label): _value(label, value) for label, value in metadata.items()}


def require_json(what: str, value: Any) -> None:
    """Refuse what JSON cannot carry, before it has a number.

    Raises:
        PipesError: `value` is not JSON.
    """
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise PipesError(f"{what} is not JSON: {error}") from error


def _label(label: Any) -> str:
    if not isinstance(label, str):
        raise PipesError(f"labels of metadata are texts, not {label!r}")
    return label


def _value(label: str, value: Any) -> Mapping[str, Any]:
    require_json(f'metadata "{label}"', value)
    if not isinstance(value, Mapping):
        return {"raw_value": value, "type": "__infer__"}
    if value.keys() != {"type", "raw_value"}:
        raise PipesError(
            f'metadata "{label}" is a dict: write {{"type": "json", "raw_value": {{...}}}}, with exactly these two keys'
        )
    if value["type"] not in METADATA_TYPES:
        raise PipesError(
            f'metadata "{label}" has the unknown type {value["type"]!r}; types are {", ".join(sorted(METADATA_TYPES))}'
        )
    return value
