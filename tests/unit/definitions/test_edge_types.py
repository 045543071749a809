# ruff: noqa: UP006, UP007, UP045  # older spellings are samples as well
"""Edges whose two annotations can never meet are refused when definitions are put together; nothing else is."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import pathlib
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from typing import Annotated, Any, Literal, NewType, Optional, Protocol, TypedDict, TypeVar, Union

import pytest
from hypothesis import given, strategies as st
from tests.unit.definitions.refusal import refused

from weft import (
    AllPartitionMapping,
    AssetIn,
    Definitions,
    DynamicOut,
    DynamicOutput,
    In,
    IOManager,
    MaterializeResult,
    Nothing,
    Out,
    Output,
    StaticPartitionsDefinition,
    ValueType,
    asset,
    graph,
    job,
    multi_asset,
    op,
)
from weft.definitions.edge_types import can_be
from weft.definitions.value_type import value_type


class Animal: ...


class Dog(Animal): ...


class Car: ...


class Colour(enum.Enum):
    RED = 1


class Row(TypedDict):
    id: int


@dataclasses.dataclass
class Order:
    id: int


class Sized(Protocol):
    def __len__(self) -> int: ...


class Point(typing.NamedTuple):
    x: int


UserId = NewType("UserId", int)
T = TypeVar("T")

WRONG: list[tuple[Any, Any]] = [
    (int, str), (str, int), (float, str), (str, float), (bytes, str), (str, bytes), (bool, str), (int, bytes), (complex, str),
    (list, dict), (dict, list), (list, str), (str, list), (set, list), (tuple, list), (int, list), (list, int), (dict, int), (int, dict),
    (frozenset, list), (bytearray, str),
    (list[int], list[str]), (list[str], list[int]), (list[int], Sequence[str]), (list[str], Iterable[int]), (set[int], set[str]),
    (dict[str, int], dict[str, str]), (dict[str, int], dict[int, int]), (dict[str, int], Mapping[str, bytes]), (dict[str, int], list[int]),
    (tuple[int, str], tuple[str, int]), (tuple[int, int], tuple[int, int, int]), (tuple[int, ...], tuple[str, ...]),
    (tuple[int, int], Sequence[str]), (list[list[int]], list[list[str]]), (list[dict[str, int]], list[dict[str, str]]),
    (int | float, str), (Optional[int], str), (int, Optional[str]), (int, Union[str, bytes]), (list[int] | set[int], dict),
    (Literal["a"], int), (Literal["a"], Literal["b"]), (int, Literal["a"]), (Literal[1], Literal[True]),
    (Animal, Car), (Car, Animal), (Dog, Car), (Order, int), (int, Order), (Order, dict), (list[Dog], list[Car]), (Colour, str), (str, Colour),
    (Row, list), (list, Row), (Row, str), (UserId, str), (str, UserId), (Annotated[int, "rows"], str), (int, Annotated[str, "name"]),
    (datetime.date, str), (str, datetime.date), (datetime.timedelta, int), (decimal.Decimal, str), (pathlib.Path, str), (str, pathlib.Path),
    (int, Callable[[], int]), (int, Iterable[int]), (int, Sequence[int]), (None, int), (int, None), (Point, list),
    (collections.Counter, list), (AbstractSet[int], list[int]), (typing.List[int], typing.Dict[str, int]),
]  # fmt: skip

RIGHT: list[tuple[Any, Any]] = [
    (int, int), (str, str), (int, float), (float, complex), (bool, int), (float, int), (int, bool), (Any, int), (int, Any), (object, int),
    (int, object), (T, int), (int, T), ("Unknown", int), (int, "Unknown"),
    (list[int], list), (list, list[int]), (list[int], list[int]), (list[int], Sequence[int]), (Sequence[int], list[int]), (list[int], Iterable[int]),
    (list[bool], list[int]), (list[int], list[float]), (list[Any], list[int]), (list[int], list[Any]), (set[int], AbstractSet[int]),
    (dict[str, int], dict), (dict, dict[str, int]), (dict[str, int], Mapping[str, int]), (dict[str, int], Iterable[str]), (dict[str, Any], dict[str, int]),
    (tuple[int, str], tuple), (tuple[int, str], tuple[int, str]), (tuple[int, int], tuple[int, ...]), (tuple[int, ...], tuple[int, int]),
    (tuple[int, str], Sequence[str]), (list[list[int]], list[list[int]]),
    (Optional[int], int), (int, Optional[int]), (Optional[int], Optional[int]), (int | str, str), (str, int | str), (int | str, str | bytes),
    (Optional[Dog], Animal), (list[int] | None, Sequence[int]),
    (Literal["a"], str), (str, Literal["a"]), (Literal["a", "b"], Literal["b"]), (Literal[1], int),
    (Dog, Animal), (Animal, Dog), (Animal, Animal), (list[Dog], list[Animal]), (Row, dict), (dict, Row), (Row, Mapping[str, Any]), (Order, Order),
    (UserId, int), (int, UserId), (UserId, UserId), (Annotated[int, "rows"], int), (int, Annotated[int, "rows"]),
    (list, Sized), (Animal, Sized), (Sized, int), (Callable[[], int], Callable[..., Any]), (Dog, Callable[[], int]), (Point, tuple), (Point, Sequence[int]),
    (str, Sequence[str]), (str, Iterable[str]), (pathlib.PurePath, pathlib.Path), (datetime.datetime, datetime.date), (None, None), (None, Optional[int]),
    (type[Dog], type[Animal]), (Dog, Iterable[int]), (collections.Counter, dict), (collections.OrderedDict[str, int], dict[str, int]),
    (Colour, enum.Enum), (typing.List[int], list[int]), (typing.Optional[int], int),
]  # fmt: skip


def _named(value: Any) -> str:
    return str(value).replace("tests.unit.definitions.test_edge_types.", "")


def test_there_are_enough_samples() -> None:
    assert len(WRONG) >= 60
    assert len(RIGHT) >= 60


@pytest.mark.parametrize(("upstream", "wanted"), WRONG, ids=_named)
def test_annotations_that_never_meet_are_refused(upstream: Any, wanted: Any) -> None:
    if upstream is None:
        return  # a function that gives nothing orders only: see below

    @op(out=Out(upstream))
    def make() -> Any: ...

    @op(ins={"rows": In(wanted)})
    def take(rows) -> None: ...  # type: ignore[no-untyped-def]

    with refused("WEFT-D540", 'of "make"', '"take" at ', value_type(upstream).name, value_type(wanted).name):

        @job
        def both() -> None:
            take(make())

    @asset
    def made() -> Any: ...

    @asset(ins={"rows": AssetIn("made", value_type=wanted)})
    def taken(rows) -> None: ...  # type: ignore[no-untyped-def]

    made.node_def.signature.return_annotation = upstream  # type: ignore[union-attr]
    with refused("WEFT-D541", "made", "taken"):
        Definitions([made, taken]).resolve()


@pytest.mark.parametrize(("upstream", "wanted"), RIGHT, ids=_named)
def test_annotations_that_may_meet_are_let_through(upstream: Any, wanted: Any) -> None:
    @op(out=Out(upstream))
    def make() -> Any: ...

    @op(ins={"rows": In(wanted)})
    def take(rows) -> None: ...  # type: ignore[no-untyped-def]

    @job
    def both() -> None:
        take(make())

    @asset
    def made() -> Any: ...

    @asset(ins={"rows": AssetIn("made", value_type=wanted)})
    def taken(rows) -> None: ...  # type: ignore[no-untyped-def]

    made.node_def.signature.return_annotation = upstream  # type: ignore[union-attr]
    Definitions([made, taken]).resolve()


_ANNOTATIONS = st.sampled_from([one for pair in [*WRONG, *RIGHT] for one in pair])
_VALUES = st.sampled_from(
    [1, 1.5, True, "a", b"a", [1], ["a"], {"a": 1}, {1}, (1, "a"), None, Dog(), Car(), Order(1), Colour.RED]
)


@given(_ANNOTATIONS, _ANNOTATIONS, _VALUES)
def test_what_a_value_is_at_run_time_is_never_refused_before(one: Any, other: Any, value: Any) -> None:
    if value_type(one).check(value) is None and value_type(other).check(value) is None:
        assert can_be(one, other)


@given(_ANNOTATIONS)
def test_every_annotation_meets_itself(annotation: Any) -> None:
    assert can_be(annotation, annotation)


# --- where the annotations stand ---------------------------------------------------------------------------------------


@op
def number() -> int:
    return 1


@op
def text() -> str:
    return "a"


@op
def takes_text(value: str) -> str:
    return value


@op
def takes_numbers(values: list[int]) -> int:
    return sum(values)


def test_both_annotations_and_both_places_are_told() -> None:
    with refused("WEFT-D540", "int  by", "str  by", "test_edge_types.py:"):

        @job
        def wrong() -> None:
            takes_text(number())


def test_fan_in_collects_a_list() -> None:
    @job
    def right() -> None:
        takes_numbers([number(), number()])

    with refused("WEFT-D540", "list[str]"):

        @job
        def wrong() -> None:
            takes_numbers([text(), text()])

    with refused("WEFT-D540"):

        @job
        def not_a_list() -> None:
            takes_text([text()])


def test_dynamic_outputs_are_mapped_by_element_and_collected_as_a_list() -> None:
    @op(out=DynamicOut(int))
    def each() -> Iterator[DynamicOutput[int]]: ...

    @op
    def double(value: int) -> int:
        return value

    @job
    def right() -> None:
        takes_numbers(each().map(double).collect())

    with refused("WEFT-D540"):

        @job
        def wrong() -> None:
            each().map(takes_text)


def test_edges_into_and_out_of_inner_graphs() -> None:
    @graph
    def inner(value: str) -> Any:
        return takes_text(value)

    with refused("WEFT-D540", "inner"):

        @job
        def wrong_in() -> None:
            inner(number())

    with refused("WEFT-D540"):

        @job
        def wrong_out() -> None:
            takes_numbers(inner(text()))

    with refused("WEFT-D540", "the input"):

        @graph
        def wrong_inside(value: int) -> Any:
            return takes_text(value)


def test_nothing_and_what_a_manager_of_your_own_loads_are_let_through() -> None:
    @op(ins={"after": In(Nothing)})
    def later() -> None: ...

    @op(ins={"value": In(input_manager_key="other")})
    def loaded(value: str) -> None: ...

    @op(out=Out(io_manager_key="other"))
    def stored() -> int:
        return 1

    @op
    def gives_nothing() -> None: ...

    @job(resource_defs={"other": _Manager()})
    def right() -> None:
        later(number())
        loaded(number())
        takes_text(stored())
        takes_text.alias("after_nothing")(gives_nothing())


class _Manager(IOManager):
    def handle_output(self, context: Any, obj: Any) -> None: ...

    def load_input(self, context: Any) -> Any: ...


@asset
def orders() -> int:
    return 1


@asset
def names(orders: str) -> str:
    return orders


def test_assets_are_compared_across_definitions() -> None:
    with refused("WEFT-D541", 'int  by "orders"', 'str  by "names"'):
        Definitions([orders, names]).resolve()


def test_an_io_manager_of_the_users_may_convert() -> None:
    Definitions([orders, names], resources={"io_manager": _Manager()}).resolve()


def test_wrapped_results_and_several_outputs_are_understood() -> None:
    @asset
    def wrapped() -> Output[int]:
        return Output(1)

    @asset
    def reported() -> MaterializeResult[Any]:
        return MaterializeResult()

    @asset
    def reads(wrapped: str, reported: str) -> None: ...

    with refused("WEFT-D541", "wrapped"):
        Definitions([wrapped, reported, reads]).resolve()

    from weft import AssetOut

    @multi_asset(outs={"a": AssetOut(), "b": AssetOut()})
    def two() -> tuple[int, str]:
        return 1, "b"

    @asset
    def reads_b(b: int) -> None: ...

    with refused("WEFT-D541", 'asset "b"'):
        Definitions([two, reads_b]).resolve()


def test_partitions_may_come_as_a_dict() -> None:
    parts = StaticPartitionsDefinition(["n", "s"])

    @asset(partitions_def=parts)
    def by_region() -> int:
        return 1

    def reader(annotation: Any) -> Any:
        @asset(ins={"by_region": AssetIn(partition_mapping=AllPartitionMapping(), value_type=annotation)})
        def total(by_region: Any) -> None: ...

        return total

    Definitions([by_region, reader(dict[str, int])]).resolve()
    Definitions([by_region, reader(Mapping[str, int])]).resolve()
    with refused("WEFT-D541"):
        Definitions([by_region, reader(dict[str, str])]).resolve()


def test_tables_may_be_converted_and_are_no_scalars() -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    assert can_be(pandas.DataFrame, polars.DataFrame)
    assert can_be(polars.LazyFrame, list[dict])
    assert not can_be(pandas.DataFrame, str)
    assert not can_be(int, polars.DataFrame)


def test_a_type_with_a_check_stands_for_its_python_type() -> None:
    even = ValueType(lambda _, value: value % 2 == 0, "Even", python_type=int)
    free = ValueType(lambda _, value: True, "Free")
    assert can_be(even, int)
    assert not can_be(even, str)
    assert can_be(free, str)
