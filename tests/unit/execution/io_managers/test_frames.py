from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any, Union

import pandas
import polars
import pyarrow
import pytest

from weft.execution.io_managers.frames import (
    Unfit,
    as_frame,
    asks_for_one_lazy_frame,
    frame_kind,
    read_parquet,
    wanted_frame,
    write_parquet,
)

ROWS = {"number": [1, 2], 'odd; "name"\n🌍': ["x", "y"]}
FRAMES: dict[str, Any] = {
    "pandas.DataFrame": pandas.DataFrame(ROWS),
    "polars.DataFrame": polars.DataFrame(ROWS),
    "polars.LazyFrame": polars.LazyFrame(ROWS),
    "pyarrow.Table": pyarrow.table(ROWS),
}
ANNOTATIONS: dict[str, Any] = {
    "pandas.DataFrame": pandas.DataFrame,
    "polars.DataFrame": polars.DataFrame,
    "polars.LazyFrame": polars.LazyFrame,
    "pyarrow.Table": pyarrow.Table,
}


def rows(frame: Any) -> dict[str, list[Any]]:
    table: pyarrow.Table = as_frame(frame, "pyarrow.Table")
    return {name: table.column(name).to_pylist() for name in table.column_names}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("wanted", FRAMES)
def test_each_kind_of_table_can_be_had_as_each_other(kind: str, wanted: Any, tmp_path: Path) -> None:
    assert frame_kind(as_frame(FRAMES[kind], wanted)) == wanted
    assert rows(as_frame(FRAMES[kind], wanted)) == ROWS
    path = tmp_path / "x.parquet"
    with path.open("wb") as file:
        write_parquet(FRAMES[kind], file)
    assert frame_kind(read_parquet(path, wanted)) == wanted
    assert rows(read_parquet(path, wanted)) == ROWS


@pytest.mark.parametrize("kind", FRAMES)
def test_without_a_wish_a_table_comes_back_as_it_was_stored(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    with path.open("wb") as file:
        write_parquet(FRAMES[kind], file)
    loaded = read_parquet(path, None)
    assert frame_kind(loaded) == kind
    if kind == "pyarrow.Table":
        assert loaded.schema.equals(FRAMES[kind].schema, check_metadata=True)


@pytest.mark.parametrize(
    "frame",
    [
        pandas.DataFrame({"a": [1, 2]}, index=pandas.Index(["x", "y"], name="key")),
        pandas.DataFrame({1: [1.5, None], 2: ["a", None]}),
        pandas.DataFrame({"a": pandas.to_datetime(["2024-01-01T00:00:00.123456789Z"])}),
        pandas.DataFrame({"a": pandas.Categorical(["x", "y", "x"])}),
        pandas.DataFrame({"a": pandas.array([1, None], dtype="Int64")}),
        pandas.DataFrame({"a": [datetime.date(2024, 1, 1), None]}),
        pandas.DataFrame({"a": []}),
        pandas.DataFrame(),
    ],
    ids=lambda frame: str(dict(frame.dtypes)),
)
def test_frames_of_pandas_come_back_with_index_and_types(frame: pandas.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    with path.open("wb") as file:
        write_parquet(frame, file)
    pandas.testing.assert_frame_equal(read_parquet(path, None), frame)


@pytest.mark.parametrize(
    "frame",
    [
        pandas.DataFrame([[1, 2]], columns=["a", "a"]),
        pandas.DataFrame({"a": [[1]]}),
        pandas.DataFrame({"a": [1, "x"]}),
        pandas.DataFrame({"a": [1, None]}, dtype=object),
        pandas.DataFrame([[1, 2]], columns=[1, "a"]),
        pandas.DataFrame([[1]], columns=pandas.MultiIndex.from_tuples([("a", "b")])),
        polars.DataFrame({"a": [object()]}, schema={"a": polars.Object}),
    ],
    ids=["columns twice", "lists", "mixed", "None", "numbers as names", "two levels", "objects"],
)
def test_frames_that_would_come_back_changed_are_refused(frame: Any, tmp_path: Path) -> None:
    with (tmp_path / "x.parquet").open("wb") as file, pytest.raises(Unfit):
        write_parquet(frame, file)


def test_annotations_say_what_is_wanted() -> None:
    for kind, annotation in ANNOTATIONS.items():
        assert wanted_frame(annotation) == kind
        assert wanted_frame(Union[annotation, None]) == kind  # noqa: UP007  # as older code has it
        assert wanted_frame(Annotated[annotation, "note"]) == kind
        assert wanted_frame(dict[str, annotation]) == kind
    for annotation in (
        None,
        int,
        Any,
        dict[str, int],
        list[pandas.DataFrame],
        pandas.Series,
        pandas.DataFrame | polars.DataFrame,
        "x",
    ):
        assert wanted_frame(annotation) is None
    assert asks_for_one_lazy_frame(polars.LazyFrame)
    assert asks_for_one_lazy_frame(polars.LazyFrame | None)
    assert not asks_for_one_lazy_frame(dict[str, polars.LazyFrame])
    assert not asks_for_one_lazy_frame(polars.DataFrame)


def test_subclasses_elsewhere_are_no_tables_of_these_libraries() -> None:
    class Own(pandas.DataFrame):
        pass

    assert frame_kind(Own({"a": [1]})) is None
    assert frame_kind(pandas.Series([1])) is None
