"""Metadata values: what users attach to assets, materialisations, checks and outputs.

Each kind is a small frozen struct with a stable tag, so that a stored value is read back as the same kind. Plain Python values
are coerced by `metadata_value`. Numeric kinds are plotted over time, so NaN and infinities are kept as they are.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from weft.errors import DefinitionError
from weft.model.keys import AssetKey, CoercibleToAssetKey


class TableColumnConstraints(Struct, frozen=True):
    """Constraints of one column; `other` in words."""

    nullable: bool = True
    unique: bool = False
    other: Sequence[str] = ()


class TableConstraints(Struct, frozen=True):
    """Constraints of a whole table, in words."""

    other: Sequence[str] = ()


class TableColumn(Struct, frozen=True):
    """One column: its name, its type as the store calls it, what it means."""

    name: str
    type: str = "string"
    description: str | None = None
    constraints: TableColumnConstraints = TableColumnConstraints()
    tags: Mapping[str, str] = {}


class TableSchema(Struct, frozen=True):
    """The columns of a table, in order."""

    columns: Sequence[TableColumn]
    constraints: TableConstraints = TableConstraints()

    @staticmethod
    def from_name_type_dict(types: Mapping[str, str]) -> TableSchema:
        """A schema from column name to type, in the order of the mapping."""
        return TableSchema(columns=tuple(TableColumn(name, kind) for name, kind in types.items()))


class TableRecord(Struct, frozen=True):
    """One row of a preview: column name to scalar."""

    data: Mapping[str, str | int | float | bool | None]


class TableColumnDep(Struct, frozen=True):
    """A column of an upstream asset that a column is made from."""

    asset_key: AssetKey
    column_name: str


class TableColumnLineage(Struct, frozen=True):
    """Column name to the upstream columns it is made from."""

    deps_by_column: Mapping[str, Sequence[TableColumnDep]]


class MetadataValue(Struct, frozen=True):
    """Base of the kinds of metadata, and the place to make them: ``MetadataValue.md("# Hello")``.

    Every kind has `value`, the plain Python value it carries.
    """

    @property
    def value(self) -> Any:
        """The plain Python value."""
        fields = self.__struct_fields__
        return getattr(self, fields[0]) if fields else None

    @staticmethod
    def text(text: str) -> TextMetadataValue:
        """Plain text."""
        return TextMetadataValue(text)

    @staticmethod
    def url(url: str) -> UrlMetadataValue:
        """A link."""
        return UrlMetadataValue(url)

    @staticmethod
    def path(path: str | os.PathLike[str]) -> PathMetadataValue:
        """A path in a file system."""
        return PathMetadataValue(os.fspath(path))

    @staticmethod
    def notebook(path: str | os.PathLike[str]) -> NotebookMetadataValue:
        """The path of a notebook."""
        return NotebookMetadataValue(os.fspath(path))

    @staticmethod
    def json(data: Mapping[str, Any] | Sequence[Any] | None) -> JsonMetadataValue:
        """Anything that JSON can carry."""
        return JsonMetadataValue(_json_checked(data))

    @staticmethod
    def md(md_str: str) -> MarkdownMetadataValue:
        """Markdown."""
        return MarkdownMetadataValue(md_str)

    @staticmethod
    def python_artifact(python_artifact: object) -> PythonArtifactMetadataValue:
        """A Python object by its module and name; the object itself is not kept."""
        module = getattr(python_artifact, "__module__", "")
        return PythonArtifactMetadataValue(module, getattr(python_artifact, "__name__", repr(python_artifact)))

    @staticmethod
    def float(value: builtins.float) -> FloatMetadataValue:
        """A number; plotted over time."""
        return FloatMetadataValue(value)

    @staticmethod
    def int(value: builtins.int) -> IntMetadataValue:
        """A whole number; plotted over time."""
        return IntMetadataValue(value)

    @staticmethod
    def bool(value: builtins.bool) -> BoolMetadataValue:
        """True or false."""
        return BoolMetadataValue(value)

    @staticmethod
    def timestamp(value: builtins.float | datetime) -> TimestampMetadataValue:
        """An instant: seconds since the epoch, or a datetime with a time zone."""
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise DefinitionError(
                    "a datetime without a time zone cannot be metadata.",
                    code="WEFT-D041",
                    facts={"value": value.isoformat()},
                    fix="give it a time zone, for example: value.replace(tzinfo=timezone.utc)",
                )
            value = value.timestamp()
        return TimestampMetadataValue(value)

    @staticmethod
    def run(run_id: str) -> RunMetadataValue:
        """A link to a run."""
        return RunMetadataValue(run_id)

    @staticmethod
    def asset(asset_key: CoercibleToAssetKey) -> AssetMetadataValue:
        """A link to an asset."""
        return AssetMetadataValue(AssetKey.of(asset_key))

    @staticmethod
    def job(job_name: str, location_name: str = "") -> JobMetadataValue:
        """A link to a job."""
        return JobMetadataValue(job_name, location_name)

    @staticmethod
    def table(
        records: Sequence[TableRecord | Mapping[str, Any]], schema: TableSchema | None = None
    ) -> TableMetadataValue:
        """A preview of rows. Without a schema it is inferred from the first record."""
        rows = tuple(row if isinstance(row, TableRecord) else TableRecord(dict(row)) for row in records)
        if schema is None:
            first = rows[0].data if rows else {}
            schema = TableSchema(tuple(TableColumn(name, type(value).__name__) for name, value in first.items()))
        return TableMetadataValue(rows, schema)

    @staticmethod
    def table_schema(schema: TableSchema) -> TableSchemaMetadataValue:
        """The columns of a table."""
        return TableSchemaMetadataValue(schema)

    @staticmethod
    def column_lineage(lineage: TableColumnLineage) -> TableColumnLineageMetadataValue:
        """Which columns each column is made from."""
        return TableColumnLineageMetadataValue(lineage)

    @staticmethod
    def null() -> NullMetadataValue:
        """Nothing."""
        return NullMetadataValue()

    @staticmethod
    def pool(pool: str) -> PoolMetadataValue:
        """A link to a pool."""
        return PoolMetadataValue(pool)


class TextMetadataValue(MetadataValue, frozen=True, tag="text"):
    """Plain text."""

    text: str  # type: ignore[assignment]  # the field hides the constructor of the base on purpose


class UrlMetadataValue(MetadataValue, frozen=True, tag="url"):
    """A link."""

    url: str  # type: ignore[assignment]  # see TextMetadataValue


class PathMetadataValue(MetadataValue, frozen=True, tag="path"):
    """A path."""

    path: str  # type: ignore[assignment]  # see TextMetadataValue


class NotebookMetadataValue(MetadataValue, frozen=True, tag="notebook"):
    """The path of a notebook."""

    notebook: str  # type: ignore[assignment]  # see TextMetadataValue


class JsonMetadataValue(MetadataValue, frozen=True, tag="json"):
    """JSON data."""

    data: Any


class MarkdownMetadataValue(MetadataValue, frozen=True, tag="md"):
    """Markdown."""

    md_str: str


class PythonArtifactMetadataValue(MetadataValue, frozen=True, tag="python_artifact"):
    """A Python object by name."""

    module: str
    name: str


class FloatMetadataValue(MetadataValue, frozen=True, tag="float"):
    """A number."""

    number: float


class IntMetadataValue(MetadataValue, frozen=True, tag="int"):
    """A whole number."""

    number: int


class BoolMetadataValue(MetadataValue, frozen=True, tag="bool"):
    """True or false."""

    truth: bool


class TimestampMetadataValue(MetadataValue, frozen=True, tag="timestamp"):
    """Seconds since the epoch."""

    seconds: float


class RunMetadataValue(MetadataValue, frozen=True, tag="run"):
    """A link to a run."""

    run_id: str


class AssetMetadataValue(MetadataValue, frozen=True, tag="asset"):
    """A link to an asset."""

    asset_key: AssetKey


class JobMetadataValue(MetadataValue, frozen=True, tag="job"):
    """A link to a job."""

    job_name: str
    location_name: str = ""


class TableMetadataValue(MetadataValue, frozen=True, tag="table"):
    """A preview of rows."""

    records: tuple[TableRecord, ...]
    schema: TableSchema


class TableSchemaMetadataValue(MetadataValue, frozen=True, tag="table_schema"):
    """The columns of a table."""

    schema: TableSchema


class TableColumnLineageMetadataValue(MetadataValue, frozen=True, tag="column_lineage"):
    """Which columns each column is made from."""

    lineage: TableColumnLineage


class NullMetadataValue(MetadataValue, frozen=True, tag="null"):
    """Nothing."""


class PoolMetadataValue(MetadataValue, frozen=True, tag="pool"):
    """A link to a pool."""

    pool: str  # type: ignore[assignment]  # see TextMetadataValue


AnyMetadataValue: TypeAlias = (
    TextMetadataValue
    | UrlMetadataValue
    | PathMetadataValue
    | NotebookMetadataValue
    | JsonMetadataValue
    | MarkdownMetadataValue
    | PythonArtifactMetadataValue
    | FloatMetadataValue
    | IntMetadataValue
    | BoolMetadataValue
    | TimestampMetadataValue
    | RunMetadataValue
    | AssetMetadataValue
    | JobMetadataValue
    | TableMetadataValue
    | TableSchemaMetadataValue
    | TableColumnLineageMetadataValue
    | NullMetadataValue
    | PoolMetadataValue
)
"""Every kind, as one tagged union for the codec."""

Metadata: TypeAlias = Mapping[str, AnyMetadataValue]
"""Label to value."""

RawMetadata: TypeAlias = Mapping[str, Any]
"""Label to a `MetadataValue` or a plain value that `metadata_value` coerces."""


def metadata_value(value: Any) -> AnyMetadataValue:
    """`value` as metadata: a kind stays itself, plain values become the kind that fits.

    Raises:
        DefinitionError: (WEFT-D040) no kind fits.
    """
    if isinstance(value, MetadataValue):
        return value  # type: ignore[return-value]  # the kinds are closed
    if isinstance(value, str):
        return TextMetadataValue(value)
    if isinstance(value, bool):
        return BoolMetadataValue(value)
    if isinstance(value, int):
        return IntMetadataValue(value)
    if isinstance(value, float):
        return FloatMetadataValue(value)
    if value is None:
        return NullMetadataValue()
    if isinstance(value, os.PathLike):
        return PathMetadataValue(os.fspath(value))
    if isinstance(value, AssetKey):
        return AssetMetadataValue(value)
    if isinstance(value, TableSchema):
        return TableSchemaMetadataValue(value)
    if isinstance(value, TableColumnLineage):
        return TableColumnLineageMetadataValue(value)
    if isinstance(value, (Mapping, list, tuple)):
        return JsonMetadataValue(_json_checked(value))
    if isinstance(value, datetime):
        return MetadataValue.timestamp(value)
    item = getattr(value, "item", None)  # numpy scalars and zero-dimensional arrays
    if callable(item) and getattr(value, "shape", None) == ():
        return metadata_value(item())
    raise DefinitionError(
        f"a value of type {type(value).__name__} cannot be metadata.",
        code="WEFT-D040",
        facts={"value": _short(value)},
        fix="use a string, number, bool, path, list or dict of these, or one of MetadataValue.*",
    )


def metadata_values(raw: RawMetadata | None) -> dict[str, AnyMetadataValue]:
    """Each value of `raw` as metadata; the label is added to the facts when one does not fit."""
    if not raw:
        return {}
    result = {}
    for label, value in raw.items():
        try:
            result[str(label)] = metadata_value(value)
        except DefinitionError as error:
            error.facts.setdefault("label", label)
            raise
    return result


def _json_checked(data: Any) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.encode(data))
    except (TypeError, ValueError, RecursionError) as error:
        raise DefinitionError(
            "a value that JSON cannot carry cannot be JSON metadata.",
            code="WEFT-D042",
            facts={"value": _short(data), "reason": str(error)},
            fix="use only strings, numbers, bools, None, lists and dicts with string keys",
        ) from error


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
