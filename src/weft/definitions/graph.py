"""Graphs: ops wired together by a body that is run once, when the graph is declared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, overload

from weft.definitions.composition import (
    CollectedOutput,
    GraphInput,
    Node,
    NodeDefinition,
    NodeOutput,
    composing,
    in_composition,
    invoke_node,
)
from weft.definitions.inputs_outputs import GraphIn, GraphOut, In, Out
from weft.definitions.names import check_name
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.source import declared_at
from weft.errors import DefinitionError, InvocationError

if TYPE_CHECKING:
    from weft.definitions.job import JobDefinition


class GraphDefinition(NodeDefinition):
    """A graph of nodes with inputs and outputs of its own. A node of another graph, a job, or what computes an asset."""

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        ins: Mapping[str, GraphIn] | None = None,
        out: GraphOut | Mapping[str, GraphOut] | None = None,
        tags: Mapping[str, str] | None = None,
        config: Any = None,
    ) -> None:
        self.name = check_name(name or fn.__name__, "a graph")
        self.description = description or fn.__doc__
        self.declared_at = declared_at(fn)
        self.tags = dict(tags or {})
        self.config = config
        defaults = {key: parameter.default for key, parameter in inspect.signature(fn).parameters.items()}
        self.ins = {
            key: In(description=(ins or {}).get(key, GraphIn()).description, default_value=default)
            for key, default in defaults.items()
        }
        with composing(self.name) as composition:
            result = fn(**{key: GraphInput(key) for key in self.ins})
        self.nodes: dict[str, Node] = composition.nodes
        self.output_wires = self._output_wires(result, out)
        self.outs = {key: self._out_of(wire) for key, wire in self.output_wires.items()}
        self.__name__ = self.name
        self.__doc__ = self.description

    def _output_wires(
        self, result: Any, out: GraphOut | Mapping[str, GraphOut] | None
    ) -> dict[str, NodeOutput | CollectedOutput]:
        if result is None:
            wires: dict[str, Any] = {}
        elif isinstance(result, Mapping):
            wires = dict(result)
        elif isinstance(result, tuple):
            names = list(out) if isinstance(out, Mapping) else list(getattr(result, "_fields", ()))
            if len(names) != len(result):
                raise DefinitionError(
                    f'graph "{self.name}" returns {len(result)} outputs, but declares {len(names)}.',
                    code="WEFT-D022",
                    facts={"declared in": self.declared_at or "?"},
                    fix='declare them in order: out={"a": GraphOut(), "b": GraphOut()}',
                )
            wires = dict(zip(names, result, strict=True))
        else:
            names = list(out) if isinstance(out, Mapping) else [DEFAULT_OUTPUT]
            wires = {names[0]: result}
        for key, wire in wires.items():
            if not isinstance(wire, (NodeOutput, CollectedOutput)):
                raise DefinitionError(
                    f'graph "{self.name}" returns {type(wire).__name__} as its output "{key}".',
                    code="WEFT-D023",
                    facts={"declared in": self.declared_at or "?", "expected": "what a node in its body gave"},
                    fix="return the output of an op",
                )
        return wires

    def _out_of(self, wire: NodeOutput | CollectedOutput) -> Out:
        inner = self.nodes[wire.node].definition.outs[wire.output]
        if isinstance(wire, CollectedOutput):
            return Out(is_required=True, io_manager_key=inner.io_manager_key)
        return inner

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if in_composition():
            return invoke_node(self, args, kwargs)
        raise InvocationError(
            f'graph "{self.name}" was called outside the body of a graph or job.',
            code="WEFT-I003",
            fix=f"run it with {self.name}.execute_in_process(), or call it in a @job",
        )

    def to_job(self, name: str | None = None, **settings: Any) -> JobDefinition:
        """This graph as a job. The settings are those of `job`."""
        from weft.definitions.job import JobDefinition

        return JobDefinition(self, name=name, **settings)

    def execute_in_process(self, **arguments: Any) -> Any:
        """Run the graph in this process. See `JobDefinition.execute_in_process`."""
        resources = arguments.pop("resources", None)
        return self.to_job(resource_defs=resources).execute_in_process(**arguments)

    def __repr__(self) -> str:
        return f"GraphDefinition({self.name!r})"


@overload
def graph(fn: Callable[..., Any], /) -> GraphDefinition: ...
@overload
def graph(
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, GraphIn] | None = None,
    out: GraphOut | Mapping[str, GraphOut] | None = None,
    tags: Mapping[str, str] | None = None,
    config: Any = None,
) -> Callable[[Callable[..., Any]], GraphDefinition]: ...
def graph(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, GraphIn] | None = None,
    out: GraphOut | Mapping[str, GraphOut] | None = None,
    tags: Mapping[str, str] | None = None,
    config: Any = None,
) -> GraphDefinition | Callable[[Callable[..., Any]], GraphDefinition]:
    """Make a function that calls ops a graph of them. Its parameters become inputs, what it returns the outputs.

    >>> @graph
    ... def both(x):
    ...     return combine(left(x), right(x))
    """

    def make(function: Callable[..., Any]) -> GraphDefinition:
        return GraphDefinition(function, name=name, description=description, ins=ins, out=out, tags=tags, config=config)

    return make if fn is None else make(fn)
