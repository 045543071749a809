"""Metadata: which kind a plain value becomes, and that whatever is accepted can be stored and read back."""

from __future__ import annotations

import enum
import math
import os
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from weft.errors import DefinitionError
from weft.model.codec import Decoder, encode
from weft.model.keys import AssetKey
from weft.model.metadata import (
    AnyMetadataValue,
    AssetMetadataValue,
    BoolMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    JsonMetadataValue,
    MetadataValue,
    NullMetadataValue,
    PathMetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableConstraints,
    TableRecord,
    TableSchema,
    TableSchemaMetadataValue,
    TextMetadataValue,
    TimestampMetadataValue,
    metadata_value,
    metadata_values,
)

DECODER: Decoder[AnyMetadataValue] = Decoder(AnyMetadataValue)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
# Anything that users may put under a label, much of it unfit.
ANYTHING = st.one_of(
    JSON,
    st.integers(),
    st.floats(),
    st.text(st.characters()),  # lone surrogates too
    st.binary(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(timezone.utc)),
    st.timedeltas(),
    st.decimals(),
    st.complex_numbers(),
    st.dictionaries(st.text() | st.integers() | st.none(), st.floats() | st.dates() | st.integers(), max_size=3),
    st.sets(st.integers()),
    st.builds(object),
)


class Colour(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


@given(ANYTHING)
def test_what_is_accepted_is_stored_and_read_back_and_all_else_is_refused(value: Any) -> None:
    try:
        made = metadata_value(value)
    except DefinitionError:
        return
    again = DECODER.decode(encode(made))
    if not (isinstance(value, float) and math.isnan(value)):
        assert again == made
    assert metadata_value(made) is made


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", TextMetadataValue("text")),
        (3, IntMetadataValue(3)),
        (3.5, FloatMetadataValue(3.5)),
        (True, BoolMetadataValue(True)),
        (None, NullMetadataValue()),
        (Path("a") / "b", PathMetadataValue(str(Path("a", "b")))),
        (AssetKey("orders"), AssetMetadataValue(AssetKey("orders"))),
        ({"a": [1, None]}, JsonMetadataValue({"a": [1, None]})),
        ([1, 2], JsonMetadataValue([1, 2])),
        ((1, 2), JsonMetadataValue([1, 2])),
        (datetime(2024, 1, 1, tzinfo=timezone.utc), TimestampMetadataValue(1704067200.0)),
        (TableSchema([TableColumn("id")]), TableSchemaMetadataValue(TableSchema([TableColumn("id")]))),
        (Colour.RED, TextMetadataValue("red")),
        (Level.HIGH, IntMetadataValue(3)),
    ],
)
def test_a_plain_value_becomes_the_kind_that_fits(value: Any, expected: AnyMetadataValue) -> None:
    made = metadata_value(value)
    assert made == expected
    assert type(made) is type(expected)
    assert type(made.value) is type(expected.value)


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        1 + 2j,
        Decimal(1),
        date(2024, 1, 1),
        timedelta(1),
        object(),
        {1, 2},
        2**64,
        -(2**63) - 1,
        Unprintable(),
    ],
)
def test_a_value_of_no_kind_is_refused_with_its_label(value: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        metadata_values({"rows": 3, "odd one": value})
    assert caught.value.code == "WEFT-D040"
    assert caught.value.facts["label"] == "odd one"
    assert caught.value.fix


def test_metadata_is_a_mapping() -> None:
    with pytest.raises(DefinitionError, match="cannot be metadata"):
        metadata_values(["rows"])  # type: ignore[arg-type]  # the point of the test
    assert metadata_values(None) == metadata_values({}) == {}
    assert metadata_values({1: "a"}) == {"1": TextMetadataValue("a")}  # type: ignore[dict-item]  # labels become text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_kept(value: float) -> None:
    again = DECODER.decode(encode(metadata_value(value)))
    assert isinstance(again, FloatMetadataValue)
    assert math.isnan(again.number) if math.isnan(value) else again.number == value


def test_json_has_no_word_for_nan() -> None:
    assert metadata_value({"mean": float("nan")}) == JsonMetadataValue({"mean": None})


@pytest.mark.parametrize("data", [{"a": object()}, {(1, 2): 3}, [2**70], {"a": b"\xff\xfe", "b": 1j}])
def test_what_json_cannot_carry_is_refused(data: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        MetadataValue.json(data)
    assert caught.value.code == "WEFT-D042"
    assert caught.value.facts["reason"]


def test_json_that_contains_itself_is_refused() -> None:
    data: list[Any] = []
    data.append(data)
    with pytest.raises(DefinitionError, match="JSON cannot carry"):
        metadata_value(data)


def test_text_that_utf8_cannot_carry_is_escaped() -> None:
    name = os.fsdecode(b"caf\xe9.csv")
    assert metadata_value(name).value == "caf\\udce9.csv"
    assert metadata_value(Path(name)).value == "caf\\udce9.csv"


def test_a_datetime_needs_a_time_zone() -> None:
    with pytest.raises(DefinitionError) as caught:
        metadata_value(datetime(2024, 1, 1))
    assert caught.value.code == "WEFT-D041"
    assert MetadataValue.timestamp(12).value == 12.0


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (MetadataValue.text, 3),
        (MetadataValue.url, None),
        (MetadataValue.path, 3),
        (MetadataValue.md, b"#"),
        (MetadataValue.int, 1.5),
        (MetadataValue.int, True),
        (MetadataValue.int, "1"),
        (MetadataValue.float, "1"),
        (MetadataValue.float, None),
        (MetadataValue.bool, 1),
        (MetadataValue.timestamp, "now"),
        (MetadataValue.run, 3),
        (MetadataValue.job, 3),
        (MetadataValue.pool, 3),
        (MetadataValue.table, ["row"]),
    ],
)
def test_a_kind_made_of_something_else_is_refused(make: Any, value: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        make(value)
    assert caught.value.code == "WEFT-D040"


@pytest.mark.parametrize(
    "make",
    [
        lambda: MetadataValue.table_schema("columns"),  # type: ignore[arg-type]  # the point of the test
        lambda: metadata_value(TableSchema(["id"])),  # type: ignore[list-item]
        lambda: metadata_value(TableColumnLineage({"id": ["orders"]})),  # type: ignore[list-item]
        lambda: metadata_value(TextMetadataValue(5)),  # type: ignore[arg-type]
    ],
)
def test_a_structure_that_could_not_be_read_back_is_refused(make: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        make()
    assert caught.value.code == "WEFT-D097"


def test_a_table_infers_its_schema_and_shows_odd_cells_as_text() -> None:
    table = MetadataValue.table([{"id": 1, "when": date(2024, 1, 1), "tags": ["a"]}, TableRecord({"id": None})])
    assert [row.data for row in table.records] == [{"id": 1, "when": "2024-01-01", "tags": "['a']"}, {"id": None}]
    assert [(column.name, column.type) for column in table.schema.columns] == [
        ("id", "int"),
        ("when", "date"),
        ("tags", "list"),
    ]
    assert MetadataValue.table([]).schema == TableSchema(())


def test_structures_are_frozen_whatever_sequence_they_were_made_from() -> None:
    column = TableColumn("id", constraints=TableColumnConstraints(other=["positive"]))
    schema = TableSchema([column], TableConstraints(["sorted"]))
    lineage = TableColumnLineage({"id": [TableColumnDep(AssetKey("orders"), "id")]})
    for value in (MetadataValue.table_schema(schema), MetadataValue.column_lineage(lineage)):
        assert DECODER.decode(encode(value)) == value
    assert isinstance(schema.columns, tuple)
    assert TableSchema.from_name_type_dict({"id": "int"}).columns == (TableColumn("id", "int"),)


def test_an_artifact_is_known_by_its_name() -> None:
    made = MetadataValue.python_artifact(metadata_value)
    assert (made.module, made.name) == ("weft.model.metadata", "metadata_value")


numpy = pytest.importorskip("numpy")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (numpy.float64(1.5), 1.5),
        (numpy.float32(1.5), 1.5),
        (numpy.int64(3), 3),
        (numpy.uint8(3), 3),
        (numpy.bool_(True), True),
        (numpy.str_("text"), "text"),
        (numpy.array(3), 3),
        ({"a": numpy.int64(3), "b": [numpy.float64(0.5)]}, {"a": 3, "b": [0.5]}),
    ],
)
def test_scalars_of_numpy_become_the_plain_value(value: Any, expected: Any) -> None:
    made = metadata_value(value)
    assert made.value == expected
    assert type(made.value) is type(expected)
    assert DECODER.decode(encode(made)) == made


def test_kinds_made_directly_from_numpy_are_plain_too() -> None:
    for made in (
        MetadataValue.int(numpy.int64(3)),
        MetadataValue.float(numpy.float32(3)),
        MetadataValue.bool(numpy.bool_(False)),
        metadata_value(IntMetadataValue(numpy.int64(3))),
        metadata_value(FloatMetadataValue(3)),
        MetadataValue.table([{"rows": numpy.int64(3), "mean": numpy.float64(0.5)}]),
    ):
        assert DECODER.decode(encode(made)) == made


def test_an_array_is_no_single_value() -> None:
    with pytest.raises(DefinitionError, match="ndarray cannot be metadata"):
        metadata_value(numpy.array([1, 2]))
