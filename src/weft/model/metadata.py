"""Metadata values: what users attach to assets, materialisations, checks and outputs.

Each kind is a small frozen struct with a stable tag, so that a stored value is read back as the same kind. Plain Python values
are coerced by `metadata_value`. Numeric kinds are plotted over time, so NaN and infinities are kept as they are (but JSON has no word for
them: in JSON metadata they become null).

Whatever `metadata_value` returns can be stored and read back: subclasses of the plain types (numpy's scalars, enums) are reduced to them, text
that UTF-8 cannot carry (undecodable file names) is escaped, and what does not fit is refused while the user's line is still on the stack.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from weft.errors import DefinitionError
from weft.model.codec import Decoder, encode
from weft.model.keys import AssetKey, CoercibleToAssetKey


def _keep_as_tuple(struct: Struct, field: str) -> None:
    """Whatever sequence the user gave, the value is frozen, and equal to the one that is read back."""
    value = getattr(struct, field)
    if isinstance(value, Sequence) and not isinstance(value, (str, tuple)):
        msgspec.structs.force_setattr(struct, field, tuple(value))


class TableColumnConstraints(Struct, frozen=True):
    """Constraints of one column; `other` in words."""

    nullable: bool = True
    unique: bool = False
    other: Sequence[str] = ()

    def __post_init__(self) -> None:
        _keep_as_tuple(self, "other")


class TableConstraints(Struct, frozen=True):
    """Constraints of a whole table, in words."""

    other: Sequence[str] = ()

    def __post_init__(self) -> None:
        _keep_as_tuple(self, "other")


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

    def __post_init__(self) -> None:
        _keep_as_tuple(self, "columns")

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

    def __post_init__(self) -> None:
        if isinstance(self.deps_by_column, Mapping):  # what else it may be is found where it becomes metadata
            fixed = {column: tuple(deps) for column, deps in self.deps_by_column.items()}
            msgspec.structs.force_setattr(self, "deps_by_column", fixed)


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
        return TextMetadataValue(_text(text))

    @staticmethod
    def url(url: str) -> UrlMetadataValue:
        """A link."""
        return UrlMetadataValue(_text(url))

    @staticmethod
    def path(path: str | os.PathLike[str]) -> PathMetadataValue:
        """A path in a file system."""
        return PathMetadataValue(_path(path))

    @staticmethod
    def notebook(path: str | os.PathLike[str]) -> NotebookMetadataValue:
        """The path of a notebook."""
        return NotebookMetadataValue(_path(path))

    @staticmethod
    def json(data: Mapping[str, Any] | Sequence[Any] | None) -> JsonMetadataValue:
        """Anything that JSON can carry."""
        return JsonMetadataValue(_json_checked(data))

    @staticmethod
    def md(md_str: str) -> MarkdownMetadataValue:
        """Markdown."""
        return MarkdownMetadataValue(_text(md_str))

    @staticmethod
    def python_artifact(python_artifact: object) -> PythonArtifactMetadataValue:
        """A Python object by its module and name; the object itself is not kept."""
        module = getattr(python_artifact, "__module__", "")
        return PythonArtifactMetadataValue(module, getattr(python_artifact, "__name__", repr(python_artifact)))

    @staticmethod
    def float(value: builtins.float) -> FloatMetadataValue:
        """A number; plotted over time."""
        number = _plain(value)
        if isinstance(number, builtins.bool) or not isinstance(number, (builtins.float, builtins.int)):
            raise _unfit(value, "a number")
        return FloatMetadataValue(builtins.float(number))

    @staticmethod
    def int(value: builtins.int) -> IntMetadataValue:
        """A whole number of at most 64 bits; plotted over time."""
        number = _plain(value)
        if isinstance(number, builtins.bool) or not isinstance(number, builtins.int):
            raise _unfit(value, "a whole number")
        if not -(2**63) <= number < 2**64:
            raise _unfit(value, "a whole number of at most 64 bits")
        return IntMetadataValue(builtins.int(number))

    @staticmethod
    def bool(value: builtins.bool) -> BoolMetadataValue:
        """True or false."""
        truth = _plain(value)
        if not isinstance(truth, builtins.bool):
            raise _unfit(value, "a bool")
        return BoolMetadataValue(truth)

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
        return TimestampMetadataValue(MetadataValue.float(value).number)

    @staticmethod
    def run(run_id: str) -> RunMetadataValue:
        """A link to a run."""
        return RunMetadataValue(_text(run_id))

    @staticmethod
    def asset(asset_key: CoercibleToAssetKey) -> AssetMetadataValue:
        """A link to an asset."""
        return AssetMetadataValue(AssetKey.of(asset_key))

    @staticmethod
    def job(job_name: str, location_name: str = "") -> JobMetadataValue:
        """A link to a job."""
        return JobMetadataValue(_text(job_name), _text(location_name))

    @staticmethod
    def table(
        records: Sequence[TableRecord | Mapping[str, Any]], schema: TableSchema | None = None
    ) -> TableMetadataValue:
        """A preview of rows. Without a schema it is inferred from the first record. Cells that are no scalars are shown as text."""
        raw = [row.data if isinstance(row, TableRecord) else row for row in records]
        if not all(isinstance(row, Mapping) for row in raw):
            raise _unfit(records, "a sequence of mappings from column name to scalar")
        if schema is None:
            first = raw[0] if raw else {}
            schema = TableSchema(tuple(TableColumn(str(name), type(value).__name__) for name, value in first.items()))
        rows = tuple(TableRecord({str(name): _cell(value) for name, value in row.items()}) for row in raw)
        return _readable(TableMetadataValue(rows, schema))

    @staticmethod
    def table_schema(schema: TableSchema) -> TableSchemaMetadataValue:
        """The columns of a table."""
        return _readable(TableSchemaMetadataValue(schema))

    @staticmethod
    def column_lineage(lineage: TableColumnLineage) -> TableColumnLineageMetadataValue:
        """Which columns each column is made from."""
        return _readable(TableColumnLineageMetadataValue(lineage))

    @staticmethod
    def null() -> NullMetadataValue:
        """Nothing."""
        return NullMetadataValue()

    @staticmethod
    def pool(pool: str) -> PoolMetadataValue:
        """A link to a pool."""
        return PoolMetadataValue(_text(pool))


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
        return _checked_kind(value)
    if isinstance(value, str):
        return TextMetadataValue(_text(value))
    if isinstance(value, bool):
        return BoolMetadataValue(value)
    if isinstance(value, int):
        return MetadataValue.int(value)
    if isinstance(value, float):
        return FloatMetadataValue(builtins.float(value))
    if value is None:
        return NullMetadataValue()
    if isinstance(value, os.PathLike):
        return MetadataValue.path(value)
    if isinstance(value, AssetKey):
        return AssetMetadataValue(value)
    if isinstance(value, TableSchema):
        return MetadataValue.table_schema(value)
    if isinstance(value, TableColumnLineage):
        return MetadataValue.column_lineage(value)
    if isinstance(value, (Mapping, list, tuple)):
        return JsonMetadataValue(_json_checked(value))
    if isinstance(value, datetime):
        return MetadataValue.timestamp(value)
    plain = _plain(value)
    if plain is not value:
        return metadata_value(plain)
    raise _unfit(value, "a string, number, bool, path, list or dict of these, or one of MetadataValue.*")


def metadata_values(raw: RawMetadata | None) -> dict[str, AnyMetadataValue]:
    """Each value of `raw` as metadata; the label is added to the facts when one does not fit.

    Raises:
        DefinitionError: (WEFT-D040) `raw` is no mapping, or a value is of no kind; (WEFT-D041, WEFT-D042) a value cannot be stored.
    """
    if not raw:
        return {}
    given: Any = raw
    if not isinstance(given, Mapping):
        raise _unfit(given, "a mapping from label to value")
    result = {}
    for label, value in given.items():
        try:
            result[_text(str(label))] = metadata_value(value)
        except DefinitionError as error:
            error.facts.setdefault("label", label)
            raise
    return result


# --- what fits -------------------------------------------------------------------------------------------------------


def _unfit(value: Any, expected: str) -> DefinitionError:
    return DefinitionError(
        f"a value of type {type(value).__name__} cannot be metadata.",
        code="WEFT-D040",
        facts={"value": _short(value)},
        fix=f"use {expected}",
    )


def _plain(value: Any) -> Any:
    """The Python value in a scalar or zero-dimensional array of numpy; anything else as it is."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) == () else value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _unfit(value, "a string")
    text = value if type(value) is str else str.__str__(value)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates, such as those of undecodable file names
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _path(path: Any) -> str:
    try:
        return _text(os.fsdecode(path))
    except TypeError:
        raise _unfit(path, "a path") from None


def _cell(value: Any) -> str | int | float | bool | None:
    plain = _plain(value)
    if plain is None or isinstance(plain, bool):
        return plain
    if isinstance(plain, float):
        return builtins.float(plain)
    if isinstance(plain, int) and -(2**63) <= plain < 2**64:
        return builtins.int(plain)
    return _text(plain if isinstance(plain, str) else str(plain))


K = TypeVar("K", bound=MetadataValue)


def _readable(value: K) -> K:
    """`value` where it can be stored and read back: kinds with structure are made from what the user put together."""
    try:
        _KINDS.decode(encode(value))
    except (TypeError, ValueError, OverflowError, NotImplementedError) as error:
        raise DefinitionError(
            f"a {type(value).__name__} holds something that does not belong there.",
            code="WEFT-D097",
            facts={"reason": str(error), "value": _short(value)},
            fix="give each field a value of the type that it is declared with",
        ) from error
    return value


def _checked_kind(value: MetadataValue) -> AnyMetadataValue:
    """`value` with its field in the plain type: kinds may also be made directly, from anything."""
    make = _SCALAR_KINDS.get(type(value))
    if make is not None:
        kind, build = make
        return value if type(value.value) is kind else build(value.value)  # type: ignore[return-value]  # the kinds are closed
    return _readable(value)  # type: ignore[return-value]  # the kinds are closed


_KINDS: Decoder[AnyMetadataValue] = Decoder(AnyMetadataValue)
_SCALAR_KINDS: Mapping[type, tuple[type, Callable[[Any], AnyMetadataValue]]] = {
    FloatMetadataValue: (float, MetadataValue.float),
    IntMetadataValue: (int, MetadataValue.int),
    BoolMetadataValue: (bool, MetadataValue.bool),
    TimestampMetadataValue: (float, MetadataValue.timestamp),
}


def _json_checked(data: Any) -> Any:
    try:
        plain = msgspec.json.decode(msgspec.json.encode(data, enc_hook=_json_hook))
        msgspec.msgpack.encode(plain)
    except (TypeError, ValueError, RecursionError, OverflowError, NotImplementedError) as error:
        raise DefinitionError(
            "a value that JSON cannot carry cannot be JSON metadata.",
            code="WEFT-D042",
            facts={"value": _short(data), "reason": str(error)},
            fix="use only strings, numbers of at most 64 bits, bools, None, lists and dicts with string keys",
        ) from error
    return plain


def _json_hook(value: Any) -> Any:
    if isinstance(value, AssetKey):
        return value.to_user_string()
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    plain = _plain(value)
    if plain is value:
        plain = _of_plain_type(value)
    return plain


def _of_plain_type(value: Any) -> Any:
    """msgspec takes the plain types themselves, but not all of their subclasses."""
    kinds: tuple[Any, ...] = (str, float, int, dict, list, tuple)
    for kind in kinds:
        if isinstance(value, kind):
            return kind(value)
    raise NotImplementedError(f"{type(value).__name__} has no form in JSON")


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001  # a user's __repr__ may raise anything
        return f"({type(error).__name__} in its repr)"
    return text if len(text) <= 120 else text[:117] + "..."
