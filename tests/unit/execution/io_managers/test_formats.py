from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Any, BinaryIO

import pytest
from hypothesis import given, strategies as st
from tests.conformance.io_managers.building import asset_input, asset_output

from weft.errors import DefinitionError
from weft.execution.io_managers import formats
from weft.execution.io_managers.filesystem import FilesystemIOManager
from weft.execution.io_managers.formats import (
    BYTES,
    JSON,
    PICKLE,
    TEXT,
    Format,
    format_for,
    is_json,
    known_formats,
    register_format,
)
from weft.execution.io_managers.frames import Unfit

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)


def types_in(value: Any) -> Any:
    if isinstance(value, dict):
        return [(types_in(key), types_in(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [types_in(item) for item in value]
    return type(value)


def through(value: Any) -> Any:
    form = format_for(value)
    file = io.BytesIO()
    try:
        form.dump(value, file)
    except Unfit:
        form, file = PICKLE, io.BytesIO()
        form.dump(value, file)
    file.seek(0)
    return form.load(file, None)


@given(VALUES)
def test_every_value_comes_back_equal_and_of_the_same_types(value: Any) -> None:
    loaded = through(value)
    assert loaded == value
    assert types_in(loaded) == types_in(value)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("text", TEXT),
        (b"bytes", BYTES),
        (bytearray(b"x"), PICKLE),
        (1, JSON),
        (2**64 - 1, JSON),
        (2**64, PICKLE),
        (-(2**63) - 1, PICKLE),
        (True, JSON),
        (None, JSON),
        (math.inf, PICKLE),
        (math.nan, PICKLE),
        ([1, "a", None, {"b": [1.5]}], JSON),
        ({}, JSON),
        ([[1, (2,)]], PICKLE),
        ({1: 2}, PICKLE),
        ([2**64], PICKLE),
        ([math.inf], PICKLE),
        ({"a": {2}}, PICKLE),
        ([b"x"], PICKLE),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Format) else repr(part),
)
def test_the_form_is_the_plainest_that_carries_the_value(value: Any, form: Format) -> None:
    assert format_for(value) is form


def test_subclasses_are_pickled_for_their_class_would_be_lost() -> None:
    class Name(str):
        pass

    assert format_for(Name("x")) is PICKLE
    assert format_for([Name("x")]) is PICKLE
    assert format_for({Name("x"): 1}) is PICKLE


def test_what_contains_itself_or_unfolds_without_end_is_no_json() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert not is_json(loop)
    unfolding: list[Any] = [1]
    for _ in range(60):
        unfolding = [unfolding, unfolding]
    assert not is_json(unfolding)


def test_text_that_utf_8_cannot_carry_is_pickled() -> None:
    for value in ("\ud800", ["\ud800"], {"\udfff": 1}):
        assert through(value) == value


def test_long_text_is_written_in_pieces_and_not_changed() -> None:
    value = "é\r\n🌍" * 700_000
    assert through(value) == value


# --- formats of users ------------------------------------------------------------------------------------------------


class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y


class PointFormat(Format):
    suffix = ".point"

    def takes(self, value: Any) -> bool:
        return isinstance(value, Point)

    def dump(self, value: Any, file: BinaryIO) -> None:
        file.write(f"{value.x} {value.y}".encode())

    def load(self, file: BinaryIO, annotation: Any) -> Any:
        return Point(*map(int, file.read().split()))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(formats, "_registered", ())
    yield


@pytest.mark.usefixtures("registry")
def test_a_registered_format_is_used_before_all_others(tmp_path: Any) -> None:
    mine = register_format(PointFormat())
    assert known_formats()[0] is mine
    manager = FilesystemIOManager(tmp_path)
    manager.handle_output(asset_output("p"), Point(3, 4))
    assert (tmp_path / "p.point").read_text() == "3 4"
    loaded = manager.load_input(asset_input("p"))
    assert (loaded.x, loaded.y) == (3, 4)
    assert format_for(1) is JSON


@pytest.mark.usefixtures("registry")
def test_registering_again_takes_the_place_of_the_former() -> None:
    register_format(PointFormat())
    again = register_format(PointFormat())
    assert [each for each in known_formats() if each.suffix == ".point"] == [again]


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("suffix", [".json", ".more.json", "json", "", ".", ".a/b", ".UP", None, 3])
def test_a_suffix_that_cannot_be_told_from_another_is_refused(suffix: Any) -> None:
    form = PointFormat()
    form.suffix = suffix
    with pytest.raises(DefinitionError) as caught:
        register_format(form)
    assert caught.value.code == "WEFT-D520"
