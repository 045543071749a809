"""Composing graphs: what happens while the body of a ``@graph`` or ``@job`` runs.

The body is run once, at declaration. Calling a node in it records an invocation and gives handles for its outputs; passing handles on records
the wiring. Nothing of the user's ops runs.
"""

from __future__ import annotations

from abc import ABC
from collections import namedtuple
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from weft.definitions.hooks import HookDefinition
from weft.definitions.names import check_each, check_name, check_optional, tag_texts
from weft.errors import DefinitionError, InvocationError, did_you_mean
from weft.model.retry import RetryPolicy

if TYPE_CHECKING:
    from weft.definitions.inputs_outputs import In, Out


class NodeDefinition(ABC):
    """What can be a node of a graph: an op or a graph."""

    name: str
    ins: Mapping[str, In]
    outs: Mapping[str, Out]

    def alias(self, name: str) -> PendingNode:
        """This node under another name."""
        return PendingNode(self, name=name)

    def tag(self, tags: Mapping[str, Any]) -> PendingNode:
        """This node with more tags."""
        return PendingNode(self, tags=tags)

    def with_hooks(self, hook_defs: Collection[HookDefinition]) -> PendingNode:
        """This node with hooks."""
        return PendingNode(self, hooks=hook_defs)

    def with_retry_policy(self, retry_policy: RetryPolicy) -> PendingNode:
        """This node with another retry policy."""
        return PendingNode(self, retry_policy=retry_policy)


class PendingNode:
    """A node with settings, about to be called in the body of a graph."""

    def __init__(
        self,
        definition: NodeDefinition,
        *,
        name: str | None = None,
        tags: Mapping[str, Any] | None = None,
        hooks: Collection[HookDefinition] = (),
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        where = f'node "{name or definition.name}"'
        self.definition = definition
        self.name = check_name(name, "a node") if name is not None else None
        self.tags = tag_texts(tags, where)
        self.hooks: frozenset[HookDefinition] = frozenset(check_each(hooks, HookDefinition, "hooks", where))
        self.retry_policy: RetryPolicy | None = check_optional(retry_policy, RetryPolicy, "retry_policy", where)

    def alias(self, name: str) -> PendingNode:
        """The same under another name."""
        return self._with(name=name)

    def tag(self, tags: Mapping[str, Any]) -> PendingNode:
        """The same with more tags."""
        return self._with(tags={**self.tags, **tags})

    def with_hooks(self, hook_defs: Collection[HookDefinition]) -> PendingNode:
        """The same with more hooks."""
        return self._with(hooks=[*self.hooks, *hook_defs])

    def with_retry_policy(self, retry_policy: RetryPolicy) -> PendingNode:
        """The same with another retry policy."""
        return self._with(retry_policy=retry_policy)

    def _with(self, **changes: Any) -> PendingNode:
        settings: dict[str, Any] = {
            "name": self.name,
            "tags": self.tags,
            "hooks": self.hooks,
            "retry_policy": self.retry_policy,
        }
        return PendingNode(self.definition, **{**settings, **changes})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not in_composition():
            raise InvocationError(
                f'"{self.definition.name}" with settings was called outside a graph.',
                code="WEFT-I002",
                fix="call alias(), tag(), with_hooks() or with_retry_policy() only in the body of a @graph or @job",
            )
        return invoke_node(self.definition, args, kwargs, pending=self)


class Handle:
    """Stands for a value while a graph is composed. It can be passed on to nodes, and nothing else: the value exists when the graph runs."""

    __slots__ = ("composition",)

    def __init__(self, composition: Composition) -> None:
        self.composition = composition

    def _misused(self, how: str) -> DefinitionError:
        return DefinitionError(
            f"{self} was {how} while the graph was composed.",
            code="WEFT-D063",
            facts={"why": "the body of a graph only wires ops; values exist when it runs"},
            fix="do it in an op; for a number of steps that is known at run time only, use DynamicOut() with .map()",
        )

    def __bool__(self) -> bool:
        raise self._misused("used as a condition")

    def __iter__(self) -> Iterator[Any]:
        raise self._misused("iterated over")

    def __len__(self) -> int:
        raise self._misused("asked for its length")

    def __getitem__(self, item: object) -> Any:
        raise self._misused("indexed")

    def __call__(self, *args: object, **kwargs: object) -> Any:
        raise self._misused("called")

    def __eq__(self, other: object) -> bool:
        raise self._misused("compared")

    def __lt__(self, other: object) -> bool:
        raise self._misused("compared")

    def __gt__(self, other: object) -> bool:
        raise self._misused("compared")

    def __add__(self, other: object) -> Any:
        raise self._misused("added to something")

    def __radd__(self, other: object) -> Any:
        raise self._misused("added to something")

    def __mul__(self, other: object) -> Any:
        raise self._misused("multiplied")

    __hash__ = object.__hash__


class NodeOutput(Handle):
    """A handle of one output of a node, in the body of a graph."""

    __slots__ = ("is_dynamic", "node", "output")

    def __init__(self, composition: Composition, node: str, output: str, is_dynamic: bool = False) -> None:
        super().__init__(composition)
        self.node = node
        self.output = output
        self.is_dynamic = is_dynamic

    def __str__(self) -> str:
        return f'the output "{self.output}" of "{self.node}"'

    def map(self, fn: Callable[[Any], Any]) -> Any:
        """Call `fn` with a handle of one value: what it calls gets one copy for each value at run time."""
        if not self.is_dynamic:
            raise DefinitionError(
                f'the output "{self.output}" of "{self.node}" is not dynamic, so it cannot be mapped.',
                code="WEFT-D062",
                fix="declare it with DynamicOut(), or call the op with it directly",
            )
        given: object = fn  # a caller without a type checker may give anything
        if isinstance(given, Handle) or not callable(given):
            raise DefinitionError(
                f"{self} was mapped over something that cannot be called.",
                code="WEFT-D089",
                facts={"found": str(given) if isinstance(given, Handle) else repr(given)[:80]},
                fix="give the op itself, or a function that calls ops: .map(clean), .map(lambda x: load(clean(x)))",
            )
        mapped = fn(NodeOutput(self.composition, self.node, self.output))
        return _mark_mapped(mapped)

    def collect(self) -> CollectedOutput:
        """All values as one list."""
        if not self.is_dynamic:
            raise DefinitionError(
                f'the output "{self.output}" of "{self.node}" is not dynamic, so it cannot be collected.',
                code="WEFT-D062",
                fix="collect the result of .map(), or a DynamicOut()",
            )
        return CollectedOutput(self.composition, self.node, self.output)


class CollectedOutput(Handle):
    """A handle of all values of a dynamic output as a list."""

    __slots__ = ("node", "output")

    def __init__(self, composition: Composition, node: str, output: str) -> None:
        super().__init__(composition)
        self.node = node
        self.output = output

    def __str__(self) -> str:
        return f'the collected output "{self.output}" of "{self.node}"'


class GraphInput(Handle):
    """A handle of an input of the graph that is being composed."""

    __slots__ = ("name",)

    def __init__(self, composition: Composition, name: str) -> None:
        super().__init__(composition)
        self.name = name

    def __str__(self) -> str:
        return f'the input "{self.name}" of graph "{self.composition.graph_name}"'


Wire: TypeAlias = "NodeOutput | CollectedOutput | GraphInput | list[NodeOutput | CollectedOutput | GraphInput]"


class Node:
    """One node of a graph: a definition under a name, with its wiring (input name to where the value comes from)."""

    __slots__ = ("definition", "hooks", "inputs", "name", "retry_policy", "tags")

    def __init__(
        self,
        name: str,
        definition: NodeDefinition,
        inputs: Mapping[str, Wire],
        tags: Mapping[str, str],
        hooks: frozenset[HookDefinition],
        retry_policy: RetryPolicy | None,
    ) -> None:
        self.name = name
        self.definition = definition
        self.inputs = dict(inputs)
        self.tags = dict(tags)
        self.hooks = hooks
        self.retry_policy = retry_policy


class Composition:
    """The graph that is being composed."""

    def __init__(self, graph_name: str) -> None:
        self.graph_name = graph_name
        self.nodes: dict[str, Node] = {}

    def free_name(self, wanted: str) -> str:
        """`wanted`, or `wanted` with the first free number from 2 on."""
        if wanted not in self.nodes:
            return wanted
        number = 2
        while f"{wanted}_{number}" in self.nodes:
            number += 1
        return f"{wanted}_{number}"


_current: ContextVar[Composition | None] = ContextVar("weft_composition", default=None)


def in_composition() -> bool:
    """Whether the body of a graph is running."""
    return _current.get() is not None


@contextmanager
def composing(graph_name: str) -> Iterator[Composition]:
    """While the context is open, calls of nodes are recorded in the composition it gives."""
    composition = Composition(graph_name)
    token = _current.set(composition)
    try:
        yield composition
    finally:
        _current.reset(token)


def called_as_function(kind: str, name: str) -> InvocationError:
    """The error (WEFT-I003) for a graph or job that is called as if it were a function."""
    return InvocationError(
        f'{kind} "{name}" was called {"in" if in_composition() else "outside"} the body of a graph or job.',
        code="WEFT-I003",
        fix="call the ops and graphs that it consists of: a job is not a part of another"
        if in_composition()
        else f"run it with {name}.execute_in_process(){'' if kind == 'job' else ', or call it in a @job'}",
    )


def invoke_node(
    definition: NodeDefinition, args: Sequence[Any], kwargs: Mapping[str, Any], *, pending: PendingNode | None = None
) -> Any:
    """Record the call of a node in the current composition and give handles for its outputs: one, or a named tuple."""
    composition = _current.get()
    assert composition is not None, "checked by the caller"
    name = _node_name(composition, definition, pending)
    inputs = _wire_inputs(composition, definition, name, args, kwargs)
    composition.nodes[name] = Node(
        name,
        definition,
        inputs,
        pending.tags if pending else {},
        pending.hooks if pending else frozenset(),
        pending.retry_policy if pending else None,
    )
    handles = [NodeOutput(composition, name, output, out.is_dynamic) for output, out in definition.outs.items()]
    if len(handles) == 1:
        return handles[0]
    if not handles:
        return None
    return namedtuple(f"{definition.name}_outputs", list(definition.outs), rename=True)(*handles)


def _node_name(composition: Composition, definition: NodeDefinition, pending: PendingNode | None) -> str:
    if pending is None or pending.name is None:
        return composition.free_name(definition.name)
    if pending.name in composition.nodes:
        both = (composition.nodes[pending.name].definition, definition)
        raise two_nodes_of_one_name(composition.graph_name, pending.name, both)
    return pending.name


def no_such_input(graph_name: str, node: str, definition: NodeDefinition, name: str) -> DefinitionError:
    """The error (WEFT-D020) for an input that a node does not have."""
    return DefinitionError(
        f'"{node}" in graph "{graph_name}" has no input "{name}".',
        code="WEFT-D020",
        facts={"inputs": ", ".join(definition.ins) or "(none)"},
        fix=did_you_mean(name, definition.ins, "pass only its inputs"),
    )


def two_nodes_of_one_name(graph_name: str, name: str, definitions: Sequence[NodeDefinition]) -> DefinitionError:
    """The error (WEFT-D018) for a name that two nodes of a graph would have."""
    return DefinitionError(
        f'graph "{graph_name}" has two nodes named "{name}".',
        code="WEFT-D018",
        facts={"ops": ", ".join(definition.name for definition in definitions)},
        fix="give each .alias(), or NodeInvocation(alias=...), its own name",
    )


def _wire_inputs(
    composition: Composition,
    definition: NodeDefinition,
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> dict[str, Wire]:
    positional = [key for key, spec in definition.ins.items() if not getattr(spec, "is_nothing", False)]
    positional += [key for key in definition.ins if key not in positional]
    if len(args) > len(positional):
        raise DefinitionError(
            f'"{name}" in graph "{composition.graph_name}" was called with {len(args)} inputs, but takes {len(positional)}.',
            code="WEFT-D019",
            facts={"inputs": ", ".join(positional) or "(none)"},
            fix="pass only its inputs; context, config and resources come at run time",
        )
    given: dict[str, Any] = dict(zip(positional, args, strict=False))
    for key, value in kwargs.items():
        if key in given:
            raise DefinitionError(
                f'"{name}" in graph "{composition.graph_name}" was given its input "{key}" twice.',
                code="WEFT-D090",
                facts={"inputs": ", ".join(positional)},
                fix="pass it by position or by name",
            )
        if key not in definition.ins:
            raise no_such_input(composition.graph_name, name, definition, key)
        given[key] = value
    return {key: _wire(composition, name, key, value) for key, value in given.items()}


def _wire(composition: Composition, node: str, input_name: str, value: Any) -> Wire:
    if isinstance(value, Handle) and value.composition is not composition:
        raise DefinitionError(
            f'"{node}" in graph "{composition.graph_name}" takes {value}, which belongs to another graph.',
            code="WEFT-D095",
            facts={"input": input_name, "made in": f'graph "{value.composition.graph_name}"'},
            fix="pass it in: make it an input of this graph, or an output of the other",
        )
    if isinstance(value, (CollectedOutput, GraphInput)):
        return value
    if isinstance(value, NodeOutput):
        if value.is_dynamic:
            raise DefinitionError(
                f'"{node}" in graph "{composition.graph_name}" takes the dynamic output of "{value.node}" as it is.',
                code="WEFT-D064",
                facts={"input": input_name},
                fix="use .map(...) for one call for each value, or .collect() for all values as a list",
            )
        return value
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        wires = [_wire(composition, node, input_name, item) for item in value]
        flat = [wire for wire in wires if not isinstance(wire, list)]
        if len(flat) == len(wires):
            return flat
    raise DefinitionError(
        f'"{node}" in graph "{composition.graph_name}" was given {type(value).__name__} for its input "{input_name}".',
        code="WEFT-D021",
        facts={"value": f"{value!r:.80}", "expected": "the output of another op, or an input of the graph"},
        fix=_fix_of_literal(value),
    )


def _fix_of_literal(value: Any) -> str:
    if isinstance(value, (NodeDefinition, PendingNode)):
        name = value.name if isinstance(value, NodeDefinition) else value.definition.name
        return f"call it: {name}()"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"choose one of its outputs, for example .{value._fields[0]}"
    if value is None:
        return "give the output of an op; a function without outputs gives None"
    return "make the value the output of an op, a default of the input, or configuration"


def _mark_mapped(result: Any) -> Any:
    """Results of a mapped call are dynamic again, so that they can be mapped further or collected."""
    if isinstance(result, NodeOutput):
        return NodeOutput(result.composition, result.node, result.output, is_dynamic=True)
    if isinstance(result, (tuple, list)):
        marked = [_mark_mapped(item) for item in result]
        return type(result)(*marked) if hasattr(result, "_fields") else type(result)(marked)
    return result
