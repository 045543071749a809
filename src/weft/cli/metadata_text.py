"""Metadata as text for people: numbers as they are, tables as tables, everything else in the shortest form that loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

from weft.cli.columns import aligned, display_width
from weft.cli.quantities import local_time_text
from weft.cli.terminal import Terminal
from weft.model.metadata import (
    AnyMetadataValue,
    AssetMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    JobMetadataValue,
    JsonMetadataValue,
    Metadata,
    NullMetadataValue,
    PythonArtifactMetadataValue,
    TableColumnLineageMetadataValue,
    TableMetadataValue,
    TableSchema,
    TableSchemaMetadataValue,
    TimestampMetadataValue,
)

_WIDEST_LABEL = 30


def metadata_lines(metadata: Metadata, terminal: Terminal, *, indent: str = "") -> Iterator[str]:
    """Each label with its value; what takes several lines stands below its label."""
    width = min(_WIDEST_LABEL, max(map(display_width, metadata), default=0))
    for label, value in metadata.items():
        first, *rest = list(value_lines(value, terminal)) or [""]
        if rest or isinstance(value, (TableMetadataValue, TableSchemaMetadataValue)):
            yield f"{indent}{label}"
            yield from (f"{indent}  {line}".rstrip() for line in (first, *rest))
        else:
            yield f"{indent}{label:<{width}}  {first}".rstrip()


def value_lines(value: AnyMetadataValue, terminal: Terminal) -> Iterator[str]:
    """One value as lines."""
    if isinstance(value, TableMetadataValue):
        names = [column.name for column in value.schema.columns]
        rows = [[_cell(record.data.get(name)) for name in names] for record in value.records]
        yield from aligned(rows, header=names, terminal=terminal) if names else ()
    elif isinstance(value, TableSchemaMetadataValue):
        yield from _schema_lines(value.schema, terminal)
    elif isinstance(value, TableColumnLineageMetadataValue):
        for column, deps in value.lineage.deps_by_column.items():
            sources = ", ".join(f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps)
            yield f"{column} <- {sources or '(nothing)'}"
    elif isinstance(value, JsonMetadataValue):
        yield from json.dumps(value.data, indent=2, ensure_ascii=False).splitlines()
    elif isinstance(value, IntMetadataValue):
        yield f"{value.number:,}"
    elif isinstance(value, FloatMetadataValue):
        yield repr(value.number)
    elif isinstance(value, TimestampMetadataValue):
        yield local_time_text(value.seconds)
    elif isinstance(value, AssetMetadataValue):
        yield value.asset_key.to_user_string()
    elif isinstance(value, JobMetadataValue):
        yield value.job_name
    elif isinstance(value, PythonArtifactMetadataValue):
        yield f"{value.module}.{value.name}"
    elif isinstance(value, NullMetadataValue):
        yield "null"
    else:
        yield from str(value.value).splitlines()


def _schema_lines(schema: TableSchema, terminal: Terminal) -> Iterator[str]:
    rows = [[column.name, column.type, column.description or ""] for column in schema.columns]
    yield from aligned(rows, terminal=terminal)


def _cell(value: object) -> str:
    return "" if value is None else str(value)
