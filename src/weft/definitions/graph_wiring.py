"""Graphs that are wired by tables instead of by a body: which node takes what from which other node.

Programs that make graphs from data (a file, a database, another tool) say what is connected in `DependencyDefinition`s, by name. The result is the same
`Composition` of nodes that running a body gives, so that nothing after it knows the difference.

Law: the nodes of the composition stand in an order in which each comes after all that it depends on, and otherwise in the order they were given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from weft.definitions.composition import (
    Composition,
    GraphInput,
    Node,
    NodeDefinition,
    NodeOutput,
    no_such_input,
    two_nodes_of_one_name,
)
from weft.definitions.hooks import HookDefinition
from weft.definitions.inputs_outputs import In
from weft.definitions.names import check_each, check_kind, check_mapping, check_name, check_optional, tag_texts
from weft.definitions.results import DEFAULT_OUTPUT
from weft.errors import DefinitionError, did_you_mean, some_of
from weft.model.retry import RetryPolicy


class DependencyDefinition:
    """One output of a node, as what an input of another takes. A dynamic output gives the other node one copy for each value.

    Args:
        node: the name of the node in the graph (its alias, where it has one).
        output: the name of its output.
        description: why.
    """

    __slots__ = ("description", "node", "output")

    def __init__(self, node: str, output: str = DEFAULT_OUTPUT, description: str | None = None) -> None:
        self.node = node
        self.output = output
        self.description = description

    def __repr__(self) -> str:
        return f"DependencyDefinition({self.node!r}, {self.output!r})"


class MultiDependencyDefinition:
    """Outputs of several nodes, as the list that an input of another takes, in this order."""

    __slots__ = ("dependencies",)

    def __init__(self, dependencies: Sequence[DependencyDefinition]) -> None:
        self.dependencies = check_each(
            dependencies, DependencyDefinition, "dependencies", "a MultiDependencyDefinition"
        )

    def __repr__(self) -> str:
        return f"MultiDependencyDefinition({list(self.dependencies)!r})"


class NodeInvocation:
    """One use of an op or graph as a node, with settings: a key of `dependencies`.

    Args:
        name: the name of the op or graph.
        alias: the name of the node; the same by default.
        tags: more tags of this node.
        hook_defs: hooks of this node.
        retry_policy: the policy of this node, in place of that of the op.
    """

    __slots__ = ("alias", "hook_defs", "name", "retry_policy", "tags")

    def __init__(
        self,
        name: str,
        alias: str | None = None,
        tags: Mapping[str, Any] | None = None,
        hook_defs: Collection[HookDefinition] | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self.name = name
        self.alias = check_name(alias, "a node") if alias is not None else None
        where = f'node "{alias or name}"'
        self.tags = tag_texts(tags, where)
        self.hook_defs = frozenset(check_each(hook_defs, HookDefinition, "hook_defs", where))
        self.retry_policy: RetryPolicy | None = check_optional(retry_policy, RetryPolicy, "retry_policy", where)

    @property
    def node_name(self) -> str:
        """The name of the node in its graph."""
        return self.alias or self.name

    def __repr__(self) -> str:
        return f"NodeInvocation({self.name!r}, alias={self.alias!r})"


class InputMapping:
    """An input of a graph, as what an input of one of its nodes takes.

    Args:
        graph_input_name: the name of the input of the graph. Several mappings may name the same one.
        mapped_node_name: the node.
        mapped_node_input_name: the input of the node.
        fan_in_index: the place in the list that the input of the node takes, counted from 0 in the finished list.
        graph_input_description: what the input of the graph means.
    """

    __slots__ = (
        "fan_in_index",
        "graph_input_description",
        "graph_input_name",
        "mapped_node_input_name",
        "mapped_node_name",
    )

    def __init__(
        self,
        graph_input_name: str,
        mapped_node_name: str,
        mapped_node_input_name: str,
        fan_in_index: int | None = None,
        graph_input_description: str | None = None,
    ) -> None:
        self.graph_input_name = check_name(graph_input_name, "an input of a graph")
        self.mapped_node_name = mapped_node_name
        self.mapped_node_input_name = mapped_node_input_name
        self.fan_in_index: int | None = check_optional(fan_in_index, int, "fan_in_index", "an InputMapping")
        self.graph_input_description = graph_input_description


class OutputMapping:
    """An output of a graph, as that of one of its nodes.

    Args:
        graph_output_name: the name of the output of the graph.
        mapped_node_name: the node.
        mapped_node_output_name: the output of the node.
        graph_output_description: what the output means.
        from_dynamic_mapping: whether the node is mapped over a dynamic output, so that it gives one value for each mapping key.
    """

    __slots__ = (
        "from_dynamic_mapping",
        "graph_output_description",
        "graph_output_name",
        "mapped_node_name",
        "mapped_node_output_name",
    )

    def __init__(
        self,
        graph_output_name: str,
        mapped_node_name: str,
        mapped_node_output_name: str = DEFAULT_OUTPUT,
        graph_output_description: str | None = None,
        from_dynamic_mapping: bool = False,
    ) -> None:
        self.graph_output_name = (
            graph_output_name
            if graph_output_name == DEFAULT_OUTPUT
            else check_name(graph_output_name, "an output of a graph")
        )
        self.mapped_node_name = mapped_node_name
        self.mapped_node_output_name = mapped_node_output_name
        self.graph_output_description = graph_output_description
        self.from_dynamic_mapping = from_dynamic_mapping


Dependencies: TypeAlias = (
    "Mapping[str | NodeInvocation, Mapping[str, DependencyDefinition | MultiDependencyDefinition]]"
)
"""Of each node, by its name or invocation: the name of each input to what it takes."""


class Wiring:
    """A graph made from tables: its composition, its inputs, and where its outputs come from."""

    __slots__ = ("composition", "ins", "output_wires")

    def __init__(self, composition: Composition, ins: dict[str, In], output_wires: dict[str, NodeOutput]) -> None:
        self.composition = composition
        self.ins = ins
        self.output_wires = output_wires


def wire_graph(
    graph_name: str,
    node_defs: Sequence[NodeDefinition],
    dependencies: Dependencies | None,
    input_mappings: Sequence[InputMapping] | None,
    output_mappings: Sequence[OutputMapping] | None,
) -> Wiring:
    """The nodes of a graph, wired. An op or graph that no key of `dependencies` names becomes a node that takes nothing from others.

    Raises:
        DefinitionError: (WEFT-D550) a name is that of no op, graph or node; (WEFT-D020) a node has no such input; (WEFT-D551) a node has no such
            output; (WEFT-D018) two ops, graphs or nodes have one name; (WEFT-D552) nodes depend on one another in a circle; (WEFT-D553) an input
            of a node, or an output of the graph, is given twice.
    """
    return _Wirer(graph_name, node_defs).wire(dependencies, input_mappings, output_mappings)


class _Wirer:
    def __init__(self, graph_name: str, node_defs: Sequence[NodeDefinition]) -> None:
        self.where = f'graph "{graph_name}"'
        self.composition = Composition(graph_name)
        self.definitions: dict[str, NodeDefinition] = {}
        for definition in check_each(node_defs, NodeDefinition, "node_defs", self.where):
            other = self.definitions.setdefault(definition.name, definition)
            if other is not definition:
                raise two_nodes_of_one_name(graph_name, definition.name, (other, definition))

    def wire(
        self,
        dependencies: Dependencies | None,
        input_mappings: Sequence[InputMapping] | None,
        output_mappings: Sequence[OutputMapping] | None,
    ) -> Wiring:
        invocations, tables = self._invocations(check_mapping(dependencies, "dependencies", self.where))
        nodes = {
            name: Node(
                name,
                self._named(self.definitions, invocation.name, "op or graph"),
                {},
                invocation.tags,
                invocation.hook_defs,
                invocation.retry_policy,
            )
            for name, invocation in invocations.items()
        }
        above: dict[str, list[str]] = {name: [] for name in nodes}
        for name, table in tables.items():
            for input_name, given in table.items():
                self._check_input(nodes[name], input_name)
                if isinstance(given, MultiDependencyDefinition):
                    wires = [self._output(nodes, one.node, one.output) for one in given.dependencies]
                    nodes[name].inputs[input_name] = list(wires)
                else:
                    kind = f'the dependency of "{name}.{input_name}"'
                    one = check_kind(given, DependencyDefinition, kind, self.where)
                    wires = [self._output(nodes, one.node, one.output)]
                    nodes[name].inputs[input_name] = wires[0]
                above[name] += [wire.node for wire in wires]
        ins = self._map_inputs(nodes, check_each(input_mappings, InputMapping, "input_mappings", self.where))
        outputs: dict[str, NodeOutput] = {}
        for mapping in check_each(output_mappings, OutputMapping, "output_mappings", self.where):
            wire = self._output(nodes, mapping.mapped_node_name, mapping.mapped_node_output_name)
            inner = nodes[wire.node].definition.outs[wire.output]
            wire.is_dynamic = inner.is_dynamic or mapping.from_dynamic_mapping
            if mapping.graph_output_name in outputs:
                raise self._given_twice(f'output "{mapping.graph_output_name}"')
            outputs[mapping.graph_output_name] = wire
        self.composition.nodes = {name: nodes[name] for name in self._in_order(above)}
        return Wiring(self.composition, ins, outputs)

    def _invocations(self, dependencies: Dependencies) -> tuple[dict[str, NodeInvocation], dict[str, dict[str, Any]]]:
        invocations: dict[str, NodeInvocation] = {}
        tables: dict[str, dict[str, Any]] = {}
        for key, table in dependencies.items():
            invocation = NodeInvocation(key) if isinstance(key, str) else key
            check_kind(invocation, NodeInvocation, "a key of dependencies", self.where)
            if invocation.node_name in invocations:
                raise self._two_of(invocations[invocation.node_name], invocation)
            invocations[invocation.node_name] = invocation
            tables[invocation.node_name] = check_mapping(table, f'dependencies of "{invocation.node_name}"', self.where)
        used = {invocation.name for invocation in invocations.values()}
        for name in self.definitions:
            if name not in used:
                if name in invocations:  # the alias of another
                    raise self._two_of(invocations[name], NodeInvocation(name))
                invocations[name] = NodeInvocation(name)
        return invocations, tables

    def _named(self, known: Mapping[str, Any], name: str, what: str) -> Any:
        if name in known:
            return known[name]
        raise DefinitionError(
            f'{self.where} names "{name}", which is no {what} in it.',
            code="WEFT-D550",
            facts={"known": some_of(known)},
            fix=did_you_mean(name, known, "add it to node_defs" if what != "node" else "name one of its nodes"),
        )

    def _check_input(self, node: Node, name: str) -> None:
        if name not in node.definition.ins:
            raise no_such_input(self.composition.graph_name, node.name, node.definition, name)

    def _output(self, nodes: Mapping[str, Node], node_name: str, output: str) -> NodeOutput:
        node: Node = self._named(nodes, node_name, "node")
        if output not in node.definition.outs:
            raise DefinitionError(
                f'"{node_name}" in {self.where} has no output "{output}".',
                code="WEFT-D551",
                facts={"outputs": some_of(node.definition.outs)},
                fix=did_you_mean(output, node.definition.outs, "name one of its outputs"),
            )
        return NodeOutput(self.composition, node_name, output)

    def _map_inputs(self, nodes: Mapping[str, Node], mappings: Sequence[InputMapping]) -> dict[str, In]:
        ins: dict[str, In] = {}
        # Places are those in the finished list, so lower ones are filled first.
        for mapping in sorted(mappings, key=lambda one: one.fan_in_index or 0):
            node: Node = self._named(nodes, mapping.mapped_node_name, "node")
            self._check_input(node, mapping.mapped_node_input_name)
            wire = GraphInput(self.composition, mapping.graph_input_name)
            present = node.inputs.get(mapping.mapped_node_input_name)
            if mapping.fan_in_index is not None:
                place = mapping.fan_in_index
                wires = [] if present is None else [*present] if isinstance(present, list) else [present]
                wires.insert(place, wire)
                node.inputs[mapping.mapped_node_input_name] = wires
            elif present is None:
                node.inputs[mapping.mapped_node_input_name] = wire
            else:
                raise self._given_twice(f'input "{node.name}.{mapping.mapped_node_input_name}"')
            inner = node.definition.ins[mapping.mapped_node_input_name]
            if mapping.graph_input_name not in ins:
                # Of a list the input gives one element, whose type nobody has said.
                one = (
                    In()
                    if mapping.fan_in_index is not None
                    else In(inner.value_type, inner.description, inner.default_value)
                )
                one.description = mapping.graph_input_description or one.description
                ins[mapping.graph_input_name] = one
        return {mapping.graph_input_name: ins[mapping.graph_input_name] for mapping in mappings}

    def _in_order(self, above: Mapping[str, Sequence[str]]) -> list[str]:
        done: dict[str, None] = {}
        waiting = list(above)
        while waiting:
            ready = [name for name in waiting if all(one in done for one in above[name])]
            if not ready:
                raise self._circle(waiting, above)
            done.update(dict.fromkeys(ready))
            waiting = [name for name in waiting if name not in done]
        return list(done)

    def _circle(self, waiting: Sequence[str], above: Mapping[str, Sequence[str]]) -> DefinitionError:
        path = [waiting[0]]
        while True:  # each that waits has one above it that waits
            following = next(name for name in above[path[-1]] if name in waiting)
            if following in path:
                circle = [*path[path.index(following) :], following]
                break
            path.append(following)
        return DefinitionError(
            f"nodes of {self.where} depend on one another in a circle.",
            code="WEFT-D552",
            facts={"circle": " -> ".join(reversed(circle))},
            fix="take one of the dependencies away",
        )

    def _two_of(self, one: NodeInvocation, other: NodeInvocation) -> DefinitionError:
        both = [self._named(self.definitions, invocation.name, "op or graph") for invocation in (one, other)]
        return two_nodes_of_one_name(self.composition.graph_name, other.node_name, both)

    def _given_twice(self, what: str) -> DefinitionError:
        return DefinitionError(
            f"the {what} of {self.where} is given twice.",
            code="WEFT-D553",
            fix="keep one; an input that takes a list gets each part by MultiDependencyDefinition, or by fan_in_index of an InputMapping",
        )
