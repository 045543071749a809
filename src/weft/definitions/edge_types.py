"""Whether a value of one annotation can be what another annotation asks for, decided when definitions are put together.

The answer errs on the side of silence: only what can never be right is an error. What says nothing (``Any``, type variables, names that cannot be resolved),
what may be right at run time (a base class where a subclass is asked for, ``X | None`` where ``X`` is) and what an I/O manager may convert
(one kind of table into another) is let through; the check of the value at run time sees the rest.

Law: every annotation fits itself, and whatever fits neither way at run time is refused only if no value could have both types.
"""

from __future__ import annotations

import collections.abc
import functools
import types
import typing
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Union

from weft.definitions.composition import CollectedOutput, GraphInput, NodeOutput
from weft.definitions.inputs_outputs import DEFAULT_IO_MANAGER_KEY, NO_DEFAULT
from weft.definitions.op import OpDefinition
from weft.definitions.signature import NO_ANNOTATION
from weft.definitions.value_type import AnnotationType, Nothing, ValueType, type_name
from weft.errors import DefinitionError, Problem, some_of

if TYPE_CHECKING:
    from weft.definitions.composition import Node, NodeDefinition, Wire
    from weft.definitions.graph import GraphDefinition

_TABLE_PACKAGES = frozenset(
    {"dask", "duckdb", "geopandas", "ibis", "modin", "narwhals", "numpy", "pandas", "polars", "pyarrow", "pyspark"}
)
"""What I/O managers turn into one another. Of these only plain scalars are told apart."""

_SCALARS = (bool, int, float, complex, str, bytes)
_TOWER: Mapping[type, tuple[type, ...]] = {float: (int,), complex: (float, int)}
"""A number of the one type does where the other is asked for (PEP 484)."""


def can_be(given: Any, wanted: Any) -> bool:
    """Whether a value of the annotation `given` may be what the annotation `wanted` asks for. True where nobody can know."""
    if given is wanted or _says_nothing(given) or _says_nothing(wanted):
        return True
    try:
        return _remembered(given, wanted)
    except TypeError:  # it holds something that has no hash
        return _can_be(given, wanted)


def _says_nothing(annotation: Any) -> bool:
    return (
        annotation is Any
        or annotation is object
        or annotation is NO_ANNOTATION
        or annotation is NO_DEFAULT
        or annotation is Nothing
        or isinstance(annotation, (str, typing.TypeVar, typing.ForwardRef))
    )


def _can_be(given: Any, wanted: Any) -> bool:
    given, wanted = _plain(given), _plain(wanted)
    if _says_nothing(given) or _says_nothing(wanted) or given == wanted:
        return True
    if isinstance(given, ValueType) or isinstance(wanted, ValueType):
        return _with_own_check(given, wanted)
    given_args, wanted_args = typing.get_args(given), typing.get_args(wanted)
    if typing.get_origin(given) in (Union, types.UnionType):
        return any(can_be(one, wanted) for one in given_args)
    if typing.get_origin(wanted) in (Union, types.UnionType):
        return any(can_be(given, one) for one in wanted_args)
    if _is_literal(given) and _is_literal(wanted):
        return bool({(type(value), value) for value in given_args} & {(type(value), value) for value in wanted_args})
    if _is_literal(given):
        return any(can_be(type(value), wanted) for value in given_args)
    if _is_literal(wanted):
        return any(can_be(given, type(value)) for value in wanted_args)
    one, other = _class_of(given), _class_of(wanted)
    if one is None or other is None:
        return True
    if not _classes_meet(one, other):
        return False
    return _parts_can_be(one, given_args, other, wanted_args)


_remembered = functools.lru_cache(maxsize=4096)(_can_be)


def _is_literal(annotation: Any) -> bool:
    return typing.get_origin(annotation) is Literal


def _plain(annotation: Any) -> Any:
    """`annotation` without what does not change the value: ``Annotated``, ``NewType``, aliases, names of types."""
    while True:
        if isinstance(annotation, AnnotationType):
            annotation = annotation.annotation
        elif typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif getattr(annotation, "__supertype__", None) is not None:
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif annotation is None:
            return type(None)
        else:
            return annotation


def _with_own_check(given: Any, wanted: Any) -> bool:
    """Types with checks of their own say no more than the Python type that they stand for."""
    one = given.python_type if isinstance(given, ValueType) else given
    other = wanted.python_type if isinstance(wanted, ValueType) else wanted
    return can_be(one, other)


def _class_of(annotation: Any) -> type | None:
    origin = typing.get_origin(annotation) or annotation
    if not isinstance(origin, type) or origin is type:
        return None
    if typing.is_typeddict(origin):
        return dict
    return origin


def _classes_meet(one: type, other: type) -> bool:
    """Whether an object may be of both classes, as far as anybody would declare it."""
    if one in _TOWER.get(other, ()) or other in _TOWER.get(one, ()):
        return True
    if _is_open_protocol(one) or _is_open_protocol(other):
        return True
    try:
        if issubclass(one, other) or issubclass(other, one):
            return True
    except TypeError:  # a protocol with data members, or a metaclass that refuses the question
        return True
    packages = {kind.__module__.partition(".")[0] for kind in (one, other)}
    if packages & _TABLE_PACKAGES:
        return not any(kind in _SCALARS for kind in (one, other))
    # A subclass of both may exist where one of them is an interface and the other is open for inheritance.
    return _is_interface(one) != _is_interface(other) and not any(_is_closed(kind) for kind in (one, other))


def _is_open_protocol(kind: type) -> bool:
    return bool(getattr(kind, "_is_protocol", False)) and not getattr(kind, "_is_runtime_protocol", False)


def _is_interface(kind: type) -> bool:
    return bool(getattr(kind, "__abstractmethods__", ()))


def _is_closed(kind: type) -> bool:
    return kind.__module__ == "builtins" or bool(getattr(kind, "__final__", False))


def _parts_can_be(one: type, given: tuple[Any, ...], other: type, wanted: tuple[Any, ...]) -> bool:
    """Whether the parameters of two containers meet. Only those of the standard library say what theirs mean."""
    standard = ("builtins", "collections", "collections.abc")
    if not given or not wanted or one.__module__ not in standard or other.__module__ not in standard:
        return True
    if one is tuple and other is tuple:
        return _tuples_can_be(given, wanted)
    if issubclass(one, collections.abc.Mapping) and issubclass(other, collections.abc.Mapping):
        return len(given) != len(wanted) or all(map(can_be, given, wanted))
    elements, asked = _element(one, given), _element(other, wanted)
    return elements is None or asked is None or can_be(elements, asked)


def _tuples_can_be(given: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    if given[-1] is Ellipsis:
        return all(can_be(given[0], one) for one in wanted if one is not Ellipsis)
    if wanted[-1] is Ellipsis:
        return all(can_be(one, wanted[0]) for one in given)
    return len(given) == len(wanted) and all(map(can_be, given, wanted))


def _element(kind: type, args: tuple[Any, ...]) -> Any:
    """The type of what iterating gives; None where it is not known."""
    if not issubclass(kind, collections.abc.Iterable):
        return None
    if kind is tuple:
        return Union[tuple(arg for arg in args if arg is not Ellipsis)]  # noqa: UP007  # of a list that is known only now
    return args[0]


# --- edges of a graph ------------------------------------------------------------------------------------------------


def check_graph_types(graph: GraphDefinition) -> None:
    """Compare the annotations at both ends of every edge inside a graph.

    Raises:
        DefinitionError: (WEFT-D540) those of some cannot meet, all of them at once.
    """
    problems = [problem for node in graph.nodes.values() for problem in _wrong_inputs(graph, node)]
    if problems:
        raise DefinitionError.from_problems(problems)


def _wrong_inputs(graph: GraphDefinition, node: Node) -> Iterator[Problem]:
    for name, wire in node.inputs.items():
        wanted = _input_type(node.definition, name)
        if _says_nothing(_plain(wanted)):
            continue
        given = _wire_type(graph, wire)
        if not can_be(given, wanted):
            yield Problem(
                "WEFT-D540",
                f'"{node.name}" in graph "{graph.name}" cannot take what its input "{name}" is connected to.',
                facts={
                    "given": f"{_shown(given)}  by {_origin(graph, wire)}",
                    "wanted": f"{_shown(wanted)}  by {_declared(node.definition)}",
                },
                fix="change one of the annotations, or put an op between them that converts",
            )


def _wire_type(graph: GraphDefinition, wire: Wire) -> Any:
    if isinstance(wire, GraphInput):
        return graph.ins[wire.name].value_type
    if isinstance(wire, NodeOutput):
        return _output_type(graph.nodes[wire.node].definition, wire.output)
    if isinstance(wire, CollectedOutput):
        return _list_of(_output_type(graph.nodes[wire.node].definition, wire.output))
    each = [_plain(_wire_type(graph, one)) for one in wire]
    if not each or any(_says_nothing(one) or isinstance(one, ValueType) for one in each):
        return list
    return _list_of(Union[tuple(each)])  # noqa: UP007  # of a list that is known only now


def _list_of(element: Any) -> Any:
    element = _plain(element)
    return list if _says_nothing(element) or isinstance(element, ValueType) else list[element]


def _output_type(definition: NodeDefinition, output: str) -> Any:
    if definition.outs[output].io_manager_key != DEFAULT_IO_MANAGER_KEY:
        return Any  # what stores it may give back something else
    if isinstance(definition, OpDefinition):
        found = definition.output_types[output]
        annotation = _plain(found)
        return Any if annotation is type(None) else found  # nothing is given, whatever is loaded in its place
    wires = getattr(definition, "output_wires", {})
    return _wire_type(typing.cast("GraphDefinition", definition), wires[output]) if output in wires else Any


def _input_type(definition: NodeDefinition, name: str) -> Any:
    declared = definition.ins[name]
    if declared.input_manager_key is not None or declared.is_nothing:
        return Any
    if isinstance(definition, OpDefinition):
        return definition.input_types[name]
    return declared.value_type


def _origin(graph: GraphDefinition, wire: Wire) -> str:
    if isinstance(wire, GraphInput):
        return f"{wire}, declared at {graph.declared_at or '?'}"
    if isinstance(wire, (NodeOutput, CollectedOutput)):
        return f"{wire}, declared at {_place(graph.nodes[wire.node].definition)}"
    return some_of([_origin(graph, one) for one in wire])


def _declared(definition: NodeDefinition) -> str:
    return f'"{definition.name}" at {_place(definition)}'


def _place(definition: NodeDefinition) -> str:
    return getattr(definition, "declared_at", None) or "?"


def _shown(annotation: Any) -> str:
    return annotation.name if isinstance(annotation, (AnnotationType, ValueType)) else type_name(annotation)


# --- edges between assets --------------------------------------------------------------------------------------------


def asset_type_problem(
    upstream: Any, upstream_output: str, downstream: Any, argument: str, *, is_partitioned: bool
) -> Problem | None:
    """What is wrong with an argument of an asset that loads another one; None where nothing is.

    Args:
        upstream, downstream: the definitions.
        upstream_output: the output that is the upstream asset.
        argument: the name of the argument.
        is_partitioned: whether the upstream has partitions, of which several may be loaded as a dict.
    """
    maker, reader = upstream.node_def, downstream.node_def
    if not isinstance(maker, OpDefinition) or not isinstance(reader, OpDefinition):
        return None
    parameter = reader.signature.inputs.get(argument)
    if parameter is not None and parameter.annotation is maker.signature.return_annotation:
        return None  # most edges; the types need not even be made
    if maker.signature.return_annotation is NO_ANNOTATION and maker.outs[upstream_output].value_type is NO_DEFAULT:
        return None
    if (
        parameter is not None
        and parameter.annotation is NO_ANNOTATION
        and reader.ins[argument].value_type is NO_DEFAULT
    ):
        return None
    given, wanted = _output_type(maker, upstream_output), _input_type(reader, argument)
    if can_be(given, wanted):
        return None
    if is_partitioned and can_be(_dict_of(given), wanted):
        return None
    key = upstream.specs_by_output[upstream_output].key.to_user_string()
    return Problem(
        "WEFT-D541",
        f'"{reader.name}" cannot take asset "{key}" as its argument "{argument}".',
        facts={
            "given": f'{_shown(given)}  by "{maker.name}" at {upstream.declared_at or "?"}',
            "wanted": f'{_shown(wanted)}  by "{reader.name}" at {downstream.declared_at or "?"}',
        },
        fix="change one of the annotations; where its I/O manager converts the value, annotate the argument with Any",
    )


def _dict_of(value: Any) -> Any:
    value = _plain(value)
    return dict if _says_nothing(value) or isinstance(value, ValueType) else dict[str, value]
