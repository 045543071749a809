"""Metadata as the other side of Pipes writes it, as metadata here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weft.model.keys import AssetKey
from weft.model.metadata import (
    AnyMetadataValue,
    MetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableConstraints,
    TableSchema,
    metadata_value,
)


class UnknownMetadataType(Exception):  # becomes a line of the log
    """A value has a type that is not of the protocol; the text is its name."""


def metadata_of(given: Any) -> AnyMetadataValue:
    """One value: ``{"type": ..., "raw_value": ...}``.

    Raises:
        UnknownMetadataType: its type is not of the protocol.
        WeftError, TypeError, ValueError, KeyError: the raw value does not fit its type.
    """
    if not isinstance(given, Mapping) or "raw_value" not in given:
        raise ValueError('a value of metadata is written {"type": ..., "raw_value": ...}')
    kind, raw = given.get("type", INFER), given["raw_value"]
    make = KINDS.get(kind) if isinstance(kind, str) else None
    if make is None:
        raise UnknownMetadataType(str(kind))
    return make(raw)


def _schema(raw: Any) -> TableSchema:
    columns, constraints = (raw.get("columns", ()), raw.get("constraints")) if isinstance(raw, Mapping) else (raw, None)
    return TableSchema(
        tuple(map(_column, columns)),
        TableConstraints(_texts(constraints.get("other", ())))
        if isinstance(constraints, Mapping)
        else TableConstraints(),
    )


def _column(raw: Any) -> TableColumn:
    if isinstance(raw, str):
        return TableColumn(raw)
    limits = raw.get("constraints") or {}
    return TableColumn(
        name=str(raw["name"]),
        type=str(raw.get("type") or "string"),
        description=raw.get("description"),
        constraints=TableColumnConstraints(
            nullable=bool(limits.get("nullable", True)),
            unique=bool(limits.get("unique", False)),
            other=_texts(limits.get("other") or ()),
        ),
        tags={str(key): str(value) for key, value in (raw.get("tags") or {}).items()},
    )


def _texts(raw: Sequence[Any]) -> tuple[str, ...]:
    return tuple(map(str, raw))


def _table(raw: Any) -> AnyMetadataValue:
    rows = [
        row["data"] if row.keys() == {"data"} and isinstance(row["data"], Mapping) else row for row in raw["records"]
    ]
    schema = raw.get("schema")
    return MetadataValue.table(rows, None if schema is None else _schema(schema))


def _lineage(raw: Any) -> AnyMetadataValue:
    by_column = raw["deps_by_column"]
    return MetadataValue.column_lineage(
        TableColumnLineage(
            {
                str(column): [
                    TableColumnDep(AssetKey.of(dep["asset_key"]), str(dep["column_name"])) for dep in dependencies
                ]
                for column, dependencies in by_column.items()
            }
        )
    )


def _null(raw: Any) -> AnyMetadataValue:
    return MetadataValue.null()


INFER = "__infer__"

KINDS: Mapping[str, Callable[[Any], AnyMetadataValue]] = {
    INFER: metadata_value,
    "text": MetadataValue.text,
    "url": MetadataValue.url,
    "path": MetadataValue.path,
    "notebook": MetadataValue.notebook,
    "json": MetadataValue.json,
    "md": MetadataValue.md,
    "float": MetadataValue.float,
    "int": MetadataValue.int,
    "bool": MetadataValue.bool,
    "timestamp": MetadataValue.timestamp,
    "dagster_run": MetadataValue.run,
    "asset": MetadataValue.asset,
    "null": _null,
    "table": _table,
    "table_schema": lambda raw: MetadataValue.table_schema(_schema(raw)),
    "table_column_lineage": _lineage,
}
"""The types of the protocol, with what makes a value of each."""
