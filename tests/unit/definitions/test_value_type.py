"""Types of values: a value drawn from a type belongs to it; what does not is told with the place where it is."""

# ruff: noqa: UP006, UP007, UP037, UP045  # annotations in every form that users write
from __future__ import annotations

import collections
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
    Union,
    runtime_checkable,
)

import pytest
from hypothesis import given, strategies as st
from tests.unit.definitions.refusal import refused

from weft.definitions.value_type import (
    AnnotationType,
    Nothing,
    PythonObjectValueType,
    TypeCheck,
    ValueType,
    check_value_type,
    make_python_type_usable_as_value_type,
    type_name,
    usable_as_value_type,
    value_type,
)
from weft.errors import DefinitionError

T = TypeVar("T")
UserId = NewType("UserId", int)


class Row(TypedDict):
    id: int


class Point(NamedTuple):
    x: int


class Shape: ...


class Circle(Shape): ...


class Table(Sequence[str], Generic[T]):
    """A container whose parameter says nothing about its elements."""

    def __getitem__(self, index: Any) -> Any:
        return ["a"][index]

    def __len__(self) -> int:
        return 1


class Closeable(Protocol):
    def close(self) -> None: ...


@runtime_checkable
class Sized(Protocol):
    def __len__(self) -> int: ...


class Box(Protocol[T]):
    def get(self) -> T: ...


SIMPLE: list[Any] = [int, str, float, bool, bytes, type(None), complex]
TYPES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(SIMPLE),
    lambda inner: st.one_of(
        inner.map(lambda t: list[t]),  # type: ignore[valid-type]  # types made at run time
        inner.map(lambda t: tuple[t, ...]),  # type: ignore[valid-type]
        inner.map(lambda t: dict[str, t]),  # type: ignore[valid-type]
        inner.map(lambda t: Mapping[str, t]),  # type: ignore[valid-type]
        inner.map(lambda t: Optional[t]),
        st.tuples(inner, inner).map(lambda ts: tuple[ts[0], ts[1]]),  # type: ignore[valid-type]
        st.tuples(inner, inner).map(lambda ts: Union[ts[0], ts[1]]),
    ),
    max_leaves=4,
)


@given(TYPES, st.data())
def test_a_value_of_a_type_belongs_to_it(annotation: Any, data: st.DataObject) -> None:
    value = data.draw(st.from_type(annotation))
    assert value_type(annotation).check(value) is None


@given(TYPES)
def test_what_no_type_holds_is_refused_by_all(annotation: Any) -> None:
    # Unions are equal in any order, and types are kept by equality: the name may be that of an equal annotation.
    kind = value_type(annotation)
    problem = kind.check(object())
    assert problem is not None
    assert problem.startswith(f"expected {kind.name}, found object")


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (float, 3),
        (complex, 3.5),
        (Shape, Circle()),
        (type[Shape], Circle),
        (Row, {"id": 1}),
        (Point, Point(1)),
        (UserId, 3),
        (Annotated[int, "positive"], 3),
        (Literal["a", 1], "a"),
        (Literal["a", 1], 1),
        (Callable[[int], str], str),
        (Iterable[int], iter([1])),
        (Iterator[int], iter(["elements of an iterator cannot be looked at"])),
        (list, [1, "a"]),
        (list[Any], [1, "a"]),
        (typing.List, []),
        (typing.Dict[str, int], {"a": 1}),
        (dict[str, Any], {"a": object()}),
        (set[int], {1}),
        (frozenset[int], frozenset({1})),
        (collections.deque[int], collections.deque([1])),
        (collections.defaultdict[str, int], collections.defaultdict(int, a=1)),
        (Sequence[str], "text"),
        (tuple[()], ()),
        (Sized, [1]),
        (Table[int], Table()),
        (int | None, None),
        ("int", "text is not evaluated here"),
        (T, object()),
        (Any, object()),
        (object, object()),
        (Closeable, object()),
        (Box[int], object()),
        (Nothing, object()),
        (None, None),
    ],
)
def test_these_values_belong(annotation: Any, value: Any) -> None:
    assert value_type(annotation).check(value) is None


@pytest.mark.parametrize(
    ("annotation", "value", "found"),
    [
        (int, "3", "int, found str '3'"),
        (int, 3.0, "int, found float 3.0"),
        (bool, 1, "bool, found int 1"),
        (str, None, "str, found None"),
        (Shape, 3, "Shape, found int 3"),
        (Circle, Shape(), "Circle, found Shape"),
        (type[Shape], Shape(), "type[Shape], found Shape"),
        (Row, [1], "Row, found list"),
        (UserId, "u1", "UserId, found str 'u1'"),
        (Annotated[int, "positive"], "x", "int, found str 'x'"),
        (Literal["a", "b"], "c", "Literal['a', 'b'], found str 'c'"),
        (Literal[1], True, "Literal[1], found bool True"),
        (Callable[[int], str], 3, "Callable[[int], str], found int 3"),
        (list[int], (1,), "list[int], found tuple"),
        (list[int], [1, 2, "a"], "list[int], found list with str 'a' at [2]"),
        (set[int], {"a"}, "set[int], found set with str 'a' as an element"),
        (dict[str, int], {"a": 1, "b": None}, "dict[str, int], found dict with None at ['b']"),
        (dict[int, int], {"a": 1}, "dict[int, int], found dict with str 'a' as the key 'a'"),
        (tuple[int, str], (1, 2), "tuple[int, str], found tuple with int 2 at [1]"),
        (tuple[int, str], (1,), "tuple[int, str], found tuple with 1 elements instead of 2"),
        (tuple[int, ...], (1, "a"), "tuple[int, ...], found tuple with str 'a' at [1]"),
        (list[dict[str, int]], [{"a": "b"}], "list[dict[str, int]], found list with dict with str 'b' at ['a'] at [0]"),
        (Optional[list[int]], ["a"], "list[int] | None, found list with str 'a' at [0]"),
        (Sized, 3, "Sized, found int 3"),
        (int, "x" * 200, "int, found str '" + "x" * 56 + "..."),
    ],
)
def test_these_values_do_not_and_the_text_says_where(annotation: Any, value: Any, found: str) -> None:
    assert value_type(annotation).check(value) == f"expected {found}"


def test_a_container_is_looked_at_up_to_a_thousand_elements() -> None:
    assert value_type(list[int]).check([1] * 999 + ["a"]) is not None
    assert value_type(list[int]).check([1] * 1000 + ["a"]) is None


def test_what_accepts_everything_says_so() -> None:
    for annotation in (Any, object, T, "Frame", Nothing, int | Any):
        assert not AnnotationType(annotation).checks_anything
    for annotation in (int, None, list[Any], Optional[int]):
        assert AnnotationType(annotation).checks_anything


def test_a_type_is_made_once() -> None:
    assert value_type(list[int]) is value_type(list[int])
    mine = ValueType(lambda _context, _value: True, "Mine")
    assert value_type(mine) is mine
    assert value_type(Annotated[int, []]).check(3) is None  # what has no hash is made each time


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (None, "None"),
        (int, "int"),
        (Optional[int], "int | None"),
        (int | str, "int | str"),
        (typing.Any, "Any"),
        (Table[int], "Table[int]"),
        (dict[str, list[Shape]], "dict[str, list[Shape]]"),
        (typing.List[int], "list[int]"),
        (Annotated[int, "x"], "int"),
        (tuple[int, ...], "tuple[int, ...]"),
    ],
)
def test_types_are_shown_as_people_write_them(annotation: Any, name: str) -> None:
    assert type_name(annotation) == name


def test_a_class_local_to_a_function_is_shown_by_its_own_name() -> None:
    class Local: ...

    assert type_name(Local) == "Local"


def test_an_own_check_answers_with_a_bool_or_with_reasons() -> None:
    even = ValueType(lambda _context, value: value % 2 == 0, "Even")
    assert even.check(2) is None
    assert even.check(3) == "its check (Even) did not pass"
    reasons = ValueType(lambda _context, _value: TypeCheck(False, "too odd", {"by": 1}), "Odd")
    assert reasons.check(3) == "too odd"
    assert ValueType(lambda _context, _value: TypeCheck(True), "Fine").check(3) is None
    with refused("WEFT-D061", "Vague returned int"):
        ValueType(lambda _context, _value: 1, "Vague").check(3)


def test_what_an_own_check_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        ValueType(lambda _context, value: 1 // value > 0, "Broken").check(0)


numpy = pytest.importorskip("numpy")


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, numpy.int64(3)),
        (float, numpy.float32(3)),
        (float, numpy.int8(3)),
        (bool, numpy.bool_(True)),
        (int | None, numpy.int64(3)),
        (list[int], [numpy.int64(3)]),
        (numpy.ndarray, numpy.array([1])),
        (ValueType(lambda _context, value: (value > 0).all(), "Positive"), numpy.array([1])),
        (Literal[1], 1),
    ],
)
def test_scalars_of_numpy_are_the_numbers_they_hold(annotation: Any, value: Any) -> None:
    assert value_type(annotation).check(value) is None


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(int, numpy.float64(3)), (bool, numpy.int64(1)), (int, numpy.array([1])), (Literal[1], numpy.array([1, 2]))],
)
def test_other_things_of_numpy_are_not(annotation: Any, value: Any) -> None:
    assert value_type(annotation).check(value) is not None


# --- types of classes -------------------------------------------------------------------------------------------------


def test_a_class_may_have_a_type_of_its_own() -> None:
    @usable_as_value_type(name="Orders", description="One row for each order.", metadata={"owner": "sales"})
    class OrderTable: ...

    @usable_as_value_type
    class Plain: ...

    found = value_type(OrderTable)
    assert isinstance(found, PythonObjectValueType)
    assert (found.name, found.description, found.typing_type) == ("Orders", "One row for each order.", OrderTable)
    assert found.check(OrderTable()) is None
    assert found.check(3) == "expected OrderTable, found int"
    assert value_type(Plain).name == "Plain"
    with pytest.raises(DefinitionError) as refused:
        make_python_type_usable_as_value_type(Plain, ValueType(lambda _, __: True, "Other"))
    assert refused.value.code == "WEFT-D534"


def test_types_are_checked_by_hand() -> None:
    assert not check_value_type(list[int], ["a"]).success
    assert check_value_type(PythonObjectValueType((int, str)), "a").success
    even = ValueType(
        lambda context, value: context is not None and value % 2 == 0,
        "Even",
        typing_type=int,
        required_resource_keys={"db"},
    )
    assert check_value_type(even, 2).success
    assert even.python_type is int
    assert even.required_resource_keys == {"db"}
