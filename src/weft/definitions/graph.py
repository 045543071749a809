"""Graphs: ops wired together by a body that is run once, when the graph is declared, or by tables of what is connected."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from weft.definitions.composition import (
    CollectedOutput,
    Composition,
    GraphInput,
    Handle,
    Node,
    NodeDefinition,
    NodeOutput,
    called_as_function,
    composing,
    in_composition,
    invoke_node,
)
from weft.definitions.decorated import check_decorated, decorated_description, decorated_name
from weft.definitions.edge_types import check_graph_types
from weft.definitions.graph_wiring import Dependencies, InputMapping, OutputMapping, wire_graph
from weft.definitions.inputs_outputs import DynamicOut, GraphIn, GraphOut, In, Out
from weft.definitions.names import check_kind, check_mapping, check_name, tag_texts
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.signature import parse_signature
from weft.definitions.source import declared_at
from weft.errors import DefinitionError, did_you_mean, some_of
from weft.model.plan import EdgeRule

if TYPE_CHECKING:
    from weft.config.mapping import ConfigMapping
    from weft.config.schema import ConfigSchema
    from weft.definitions.job import JobDefinition


class GraphDefinition(NodeDefinition):
    """A graph of nodes with inputs and outputs of its own. A node of another graph, a job, or what computes an asset."""

    def __init__(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        ins: Mapping[str, GraphIn] | None = None,
        out: GraphOut | Mapping[str, GraphOut] | None = None,
        tags: Mapping[str, Any] | None = None,
        config: Any = None,
        node_defs: Sequence[NodeDefinition] | None = None,
        dependencies: Dependencies | None = None,
        input_mappings: Sequence[InputMapping] | None = None,
        output_mappings: Sequence[OutputMapping] | None = None,
        what: str = "graph",
    ) -> None:
        """A graph from a body (`fn`, see `graph`), or from tables.

        Args:
            fn: the body; without it, tables say what is connected.
            name: the name; the body's own by default.
            description: what it is for; the body's docstring by default.
            ins: of a body, more about its inputs.
            out: of a body, its outputs.
            tags: tags of the graph.
            config: configuration of its nodes by name, or a `ConfigMapping`.
            node_defs: the ops and graphs that it consists of, each under its own name unless `dependencies` says otherwise.
            dependencies: of each node, what its inputs take.
            input_mappings: the inputs of the graph, by what takes them.
            output_mappings: the outputs of the graph, by what gives them.
            what: how errors call it.

        Raises:
            DefinitionError: it is declared wrongly; for tables see `wire_graph`. (WEFT-D554) Both a body and tables are given.
        """
        tables = {
            "node_defs": node_defs,
            "dependencies": dependencies,
            "input_mappings": input_mappings,
            "output_mappings": output_mappings,
        }
        beside = tables if fn is not None else {"ins": ins, "out": out}
        if wrong := [label for label, value in beside.items() if value is not None]:
            raise DefinitionError(
                f'{what} "{name or getattr(fn, "__name__", "?")}" mixes two ways to say what it consists of.',
                code="WEFT-D554",
                facts={"found": f"{', '.join(wrong)} {'beside' if fn is not None else 'without'} a body"},
                fix="give a body with ins and out, or node_defs with dependencies, input_mappings and output_mappings",
            )
        if fn is not None:
            check_decorated(fn, what)
            self.name = decorated_name(fn, name, f"a {what}")
        else:
            self.name = check_name(name, f"a {what}")
        where = f'{what} "{self.name}"'
        self.description = decorated_description(fn, description) if fn is not None else description
        self.declared_at = declared_at(fn) if fn is not None else None
        self.tags = tag_texts(tags, where)
        # Fixed run configuration, or what computes that of its nodes.
        self.config: Any = None
        self.config_mapping: ConfigMapping | None = None
        if getattr(config, "is_config_mapping", False):
            self.config_mapping = config
        else:
            self.config = config
        self.output_wires: dict[str, NodeOutput | CollectedOutput]
        if fn is not None:
            self.ins = self._make_ins(fn, check_mapping(ins, "ins", where), where)
            with composing(self.name) as composition:
                result = fn(**{key: GraphInput(composition, key) for key in self.ins})
            self.output_wires = self._output_wires(composition, result, _declared_outputs(out, where), where)
        else:
            wiring = wire_graph(self.name, node_defs or (), dependencies, input_mappings, output_mappings)
            composition = wiring.composition
            self.ins = wiring.ins
            self.output_wires = {**wiring.output_wires}
        self.nodes: dict[str, Node] = composition.nodes
        if isinstance(self.config, Mapping) and self.config.keys() <= self.nodes.keys() and self.config:
            self.config = {"ops": self.config}  # of its nodes, by name
        self.outs = {key: self._out_of(wire) for key, wire in self.output_wires.items()}
        check_graph_types(self)
        self.__name__ = self.name
        self.__doc__ = self.description

    def _make_ins(self, fn: Callable[..., Any], declared: Mapping[str, GraphIn], where: str) -> dict[str, In]:
        signature = parse_signature(fn)
        foreign = [signature.context, signature.config, *signature.resources, "**" if signature.accepts_any else None]
        for parameter in foreign:
            if parameter is not None:
                raise DefinitionError(
                    f'{where} takes "{parameter}", which cannot be an input of it.',
                    code="WEFT-D092",
                    facts={"declared in": self.declared_at or "?", "why": "its body runs once, when it is declared"},
                    fix="take context, configuration and resources in the ops, and name each input as a parameter",
                )
        for name, given in declared.items():
            check_kind(given, GraphIn, f'the input "{name}"', where)
            if name not in signature.inputs:
                raise DefinitionError(
                    f'{where} declares the input "{name}", which its function does not take.',
                    code="WEFT-D096",
                    facts={
                        "parameters": ", ".join(signature.inputs) or "(none)",
                        "declared in": self.declared_at or "?",
                    },
                    fix=did_you_mean(name, signature.inputs, f'add a parameter "{name}"'),
                )
        return {
            name: In(
                parameter.annotation,
                declared[name].description if name in declared else None,
                parameter.default,
                rule=declared[name].rule if name in declared else EdgeRule.ALL_SUCCEEDED,
            )
            for name, parameter in signature.inputs.items()
        }

    def _output_wires(
        self, composition: Composition, result: Any, declared: list[str] | None, where: str
    ) -> dict[str, NodeOutput | CollectedOutput]:
        if result is None:
            wires: dict[str, Any] = {}
        elif isinstance(result, Mapping):
            wires = dict(result)
        else:
            values = list(result) if isinstance(result, tuple) else [result]
            names = declared
            if names is None:
                names = list(getattr(result, "_fields", ())) if isinstance(result, tuple) else [DEFAULT_OUTPUT]
            if len(names) != len(values):
                raise self._unlike(len(values), names, where)
            wires = dict(zip(names, values, strict=True))
        if declared is not None and wires.keys() != set(declared):
            raise self._unlike(len(wires), declared, where)
        for key, wire in wires.items():
            if isinstance(wire, (NodeOutput, CollectedOutput)) and wire.composition is composition:
                continue
            if inspect.iscoroutine(wire):
                wire.close()  # it was never going to be awaited
            kind = str(wire) if isinstance(wire, Handle) else type(wire).__name__
            raise DefinitionError(
                f'{where} returns {kind} as its output "{key}".',
                code="WEFT-D023",
                facts={"declared in": self.declared_at or "?", "expected": "what a node in its body gave"},
                fix="write a plain function that calls ops and returns what they give"
                if inspect.isgenerator(wire) or inspect.iscoroutine(wire)
                else "return the output of an op",
            )
        return wires

    def _unlike(self, returned: int, declared: list[str], where: str) -> DefinitionError:
        return DefinitionError(
            f"{where} returns {returned} {'output' if returned == 1 else 'outputs'}, but declares {len(declared)}.",
            code="WEFT-D022",
            facts={"declares": some_of(declared), "declared in": self.declared_at or "?"},
            fix='declare what it returns, in order: out={"a": GraphOut(), "b": GraphOut()}',
        )

    def _out_of(self, wire: NodeOutput | CollectedOutput) -> Out:
        inner = self.nodes[wire.node].definition.outs[wire.output]
        if isinstance(wire, CollectedOutput):
            return Out(io_manager_key=inner.io_manager_key)
        if wire.is_dynamic and not inner.is_dynamic:  # the result of .map(): one value for each mapping key
            return DynamicOut(inner.value_type, inner.description, inner.is_required, inner.io_manager_key)
        return inner

    def with_io_managers(self, keys: Mapping[str, str]) -> GraphDefinition:
        """A copy whose named outputs are stored by the I/O managers of these keys."""
        outs = dict(self.outs)
        for output, key in keys.items():
            inner = outs[output]
            outs[output] = type(inner)(
                inner.value_type, inner.description, inner.is_required, key, inner.metadata, inner.code_version
            )
        copy = self.renamed(self.name)
        copy.outs = outs
        return copy

    def renamed(self, name: str) -> GraphDefinition:
        """A copy under another name."""
        return self._copy(name=name)

    def configured(
        self,
        config_or_config_fn: Any,
        name: str | None = None,
        config_schema: ConfigSchema | None = None,
        description: str | None = None,
    ) -> GraphDefinition:
        """A copy with its own configuration given, or computed from other configuration.

        Args:
            config_or_config_fn: what its `ConfigMapping` takes, or a function from the new configuration to it.
            name: the name of the copy; the same by default.
            config_schema: the schema of the new configuration, for a function.
            description: in place of this one's.

        Raises:
            DefinitionError: (WEFT-D532) it has no `ConfigMapping`.
            ConfigError: the configuration does not fit its schema.
        """
        if self.config_mapping is None:
            raise DefinitionError(
                f'graph "{self.name}" was configured, but has no configuration of its own.',
                code="WEFT-D532",
                facts={"declared in": self.declared_at or "?"},
                fix="give it a function from its configuration to that of its nodes: @graph(config=ConfigMapping(...))",
            )
        return self._copy(
            name=check_name(name, "a graph") if name is not None else self.name,
            config_mapping=self.config_mapping.configured(config_or_config_fn, config_schema),
            description=description or self.description,
        )

    def _copy(self, **changes: Any) -> GraphDefinition:
        copy = object.__new__(GraphDefinition)
        copy.__dict__.update(self.__dict__, **changes)
        return copy

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if in_composition():
            return invoke_node(self, args, kwargs)
        raise called_as_function("graph", self.name)

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


def _declared_outputs(out: GraphOut | Mapping[str, GraphOut] | None, where: str) -> list[str] | None:
    if out is None:
        return None
    if isinstance(out, GraphOut):
        return [DEFAULT_OUTPUT]
    names = []
    for name, declared in check_mapping(out, "out", where).items():
        check_kind(declared, GraphOut, f'the output "{name}"', where)
        names.append(name if name == DEFAULT_OUTPUT else check_name(name, f"an output of {where}"))
    return names


@overload
def graph(fn: Callable[..., Any], /) -> GraphDefinition: ...
@overload
def graph(
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, GraphIn] | None = None,
    out: GraphOut | Mapping[str, GraphOut] | None = None,
    tags: Mapping[str, Any] | None = None,
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
    tags: Mapping[str, Any] | None = None,
    config: Any = None,
) -> GraphDefinition | Callable[[Callable[..., Any]], GraphDefinition]:
    """Make a function that calls ops a graph of them. Its parameters become inputs, what it returns the outputs.

    >>> @graph
    ... def both(x):
    ...     return combine(left(x), right(x))
    """

    def make(function: Callable[..., Any]) -> GraphDefinition:
        check_decorated(function, "graph")  # without a body, tables would be expected
        return GraphDefinition(function, name=name, description=description, ins=ins, out=out, tags=tags, config=config)

    return make if fn is None else make(fn)
