"""From a graph of nodes to a flat list of steps: how a graph describes itself as plan values.

Each op node becomes one `StepPlan` with its `StepBody`, which is the side of the step that needs the user's code. Graph nodes disappear: their
names stay as prefixes of the step keys (``prepare.clean``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from weft.definitions.composition import CollectedOutput, GraphInput, Node, NodeOutput, Wire
from weft.definitions.graph import GraphDefinition
from weft.definitions.hooks import HookDefinition
from weft.definitions.inputs_outputs import In
from weft.definitions.op import OpDefinition
from weft.errors import DefinitionError
from weft.model.plan import (
    EdgeRule,
    FromAsset,
    FromCollected,
    FromConfig,
    FromDefault,
    FromMany,
    FromOutput,
    FromValue,
    InputSource,
    OrderOnly,
    OutputRef,
    StepInput,
    StepOutputPlan,
    StepPlan,
    upstream_refs,
)
from weft.model.retry import RetryPolicy

if TYPE_CHECKING:
    from weft.config.mapping import ConfigMapping


class GraphConfig:
    """How the configuration of the nodes of a graph is computed, and which nodes it has."""

    __slots__ = ("mapping", "node_names")

    def __init__(self, mapping: ConfigMapping, node_names: frozenset[str]) -> None:
        self.mapping = mapping
        self.node_names = node_names


NO_GRAPH_CONFIGS: Mapping[tuple[str, ...], GraphConfig] = {}


class StepBody:
    """The user's side of a step: the op, where its configuration stands, the hooks around it."""

    __slots__ = ("graph_configs", "hooks", "node_path", "op")

    def __init__(
        self,
        op: OpDefinition[Any, Any],
        node_path: tuple[str, ...],
        hooks: tuple[HookDefinition, ...] = (),
        graph_configs: Mapping[tuple[str, ...], GraphConfig] = NO_GRAPH_CONFIGS,
    ) -> None:
        self.op = op
        # Names of nodes from the outside in: ``("prepare", "clean")``. Its configuration stands at ``ops.prepare.ops.clean``.
        self.node_path = node_path
        self.hooks = hooks
        # Of the graphs of the whole job whose nodes are configured by a function, by their path.
        self.graph_configs = graph_configs


class FlatGraph:
    """The steps of a graph in topological order, their bodies by step key, and where each output of the graph comes from.

    `values` are the defaults of inputs of graphs inside it that nothing is connected to, by the name under which `FromValue` asks for them.
    """

    __slots__ = ("bodies", "outputs", "steps", "values")

    def __init__(
        self,
        steps: tuple[StepPlan, ...],
        bodies: Mapping[str, StepBody],
        outputs: Mapping[str, FromOutput | FromCollected],
        values: Mapping[str, Any],
    ) -> None:
        self.steps = steps
        self.bodies = bodies
        self.outputs = outputs
        self.values = values


def flatten_graph(
    graph: GraphDefinition,
    inputs: Mapping[str, InputSource],
    *,
    prefix: tuple[str, ...] = (),
    hooks: frozenset[HookDefinition] = frozenset(),
    retry_policy: RetryPolicy | None = None,
    rules: Mapping[str, EdgeRule] | None = None,
) -> FlatGraph:
    """The steps of `graph`.

    Args:
        graph: the graph.
        inputs: where each input of the graph comes from; the others are not connected.
        prefix: names of the nodes around it.
        hooks: hooks that apply to every step.
        retry_policy: the policy of steps that have none of their own.
        rules: the rules of inputs of the graph, where they are not those that it declares.

    Raises:
        DefinitionError: (WEFT-D065) a step would be mapped over two independent dynamic outputs.
    """
    walk = _Walk()
    outputs = walk.graph(graph, inputs, prefix, hooks, retry_policy, rules or {})
    return FlatGraph(tuple(walk.steps), walk.bodies, outputs, walk.values)


def config_path(path: tuple[str, ...]) -> tuple[str, ...]:
    """Where the configuration of the node at `path` stands in a run configuration."""
    return tuple(part for name in path for part in ("ops", name))


class _Walk:
    def __init__(self) -> None:
        self.steps: list[StepPlan] = []
        self.bodies: dict[str, StepBody] = {}
        self.values: dict[str, Any] = {}
        self._graph_configs: dict[tuple[str, ...], GraphConfig] = {}
        self._fan_outs: dict[str, tuple[OutputRef, ...]] = {}
        self._dynamic: set[tuple[str, str]] = set()

    def graph(
        self,
        graph: GraphDefinition,
        inputs: Mapping[str, InputSource],
        prefix: tuple[str, ...],
        hooks: frozenset[HookDefinition],
        retry_policy: RetryPolicy | None,
        rules: Mapping[str, EdgeRule],
    ) -> dict[str, FromOutput | FromCollected]:
        made: dict[str, Mapping[str, FromOutput | FromCollected]] = {}
        mapping = graph.config_mapping
        if mapping is None and graph.config is not None and prefix:  # of the outermost graph it is the job's
            from weft.config.mapping import (
                fixed_config,  # few graphs have configuration, and validation is slow to load
            )

            mapping = fixed_config(graph.config)
        if mapping is not None:
            self._graph_configs[prefix] = GraphConfig(mapping, frozenset(graph.nodes))
        for node in graph.nodes.values():
            sources = {name: self._source(wire, made, inputs) for name, wire in node.inputs.items()}
            connected = {name: source for name, source in sources.items() if source is not None}
            path = (*prefix, node.name)
            node_hooks = hooks | node.hooks
            # An input that the graph hands on has the rule of the graph's own input.
            node_rules = {
                name: rule
                for name, wire in node.inputs.items()
                if isinstance(wire, GraphInput) and (rule := _rule(graph.ins[wire.name], rules.get(wire.name)))
            }
            if isinstance(node.definition, GraphDefinition):
                made[node.name] = self.graph(
                    node.definition,
                    {**self._defaults(node.definition, path), **connected},
                    path,
                    node_hooks,
                    node.retry_policy or retry_policy,
                    node_rules,
                )
            else:
                assert isinstance(node.definition, OpDefinition)
                made[node.name] = self._op(node, node.definition, connected, path, node_hooks, retry_policy, node_rules)
        outputs: dict[str, FromOutput | FromCollected] = {}
        for name, wire in graph.output_wires.items():
            source = self._source(wire, made, inputs)
            assert isinstance(source, (FromOutput, FromCollected)), "outputs of a graph are outputs of nodes"
            outputs[name] = source
        return outputs

    def _defaults(self, graph: GraphDefinition, path: tuple[str, ...]) -> dict[str, InputSource]:
        """Where the inputs of an inner graph come from that have a default."""
        defaults: dict[str, InputSource] = {}
        for name, declared in graph.ins.items():
            if declared.has_default:
                value_name = ".".join((*path, name))
                self.values[value_name] = declared.default_value
                defaults[name] = FromValue(value_name)
        return defaults

    def _op(
        self,
        node: Node,
        op: OpDefinition[Any, Any],
        connected: Mapping[str, InputSource],
        path: tuple[str, ...],
        hooks: frozenset[HookDefinition],
        retry_policy: RetryPolicy | None,
        rules: Mapping[str, EdgeRule],
    ) -> dict[str, FromOutput | FromCollected]:
        key = ".".join(path)
        place = config_path(path)
        inputs = tuple(
            plan
            for name, declared in op.ins.items()
            if (plan := step_input(name, declared, connected.get(name), place, rules.get(name))) is not None
        )
        self._fan_outs[key] = self._fan_out(key, inputs)
        self.steps.append(
            StepPlan(
                key=key,
                op_name=op.name,
                inputs=inputs,
                outputs=tuple(
                    StepOutputPlan(
                        name=name,
                        is_required=out.is_required,
                        is_dynamic=out.is_dynamic,
                        io_manager_key=out.io_manager_key,
                        is_nothing=out.is_nothing,
                    )
                    for name, out in op.outs.items()
                ),
                fan_out=self._fan_outs[key],
                retry_policy=node.retry_policy or op.retry_policy or retry_policy,
                tags={**op.tags, **node.tags},
                resource_keys=tuple(sorted(op.required_resource_keys)),
                pool=op.pool,
                timeout_seconds=op.timeout_seconds,
                code_version=op.code_version,
            )
        )
        self.bodies[key] = StepBody(op, path, tuple(sorted(hooks, key=lambda hook: hook.name)), self._graph_configs)
        self._dynamic.update((key, name) for name, out in op.outs.items() if out.is_dynamic)
        return {name: FromOutput(OutputRef(key, name)) for name in op.outs}

    def _source(
        self,
        wire: Wire,
        made: Mapping[str, Mapping[str, FromOutput | FromCollected]],
        inputs: Mapping[str, InputSource],
    ) -> InputSource | None:
        if isinstance(wire, NodeOutput):
            return made[wire.node][wire.output]
        if isinstance(wire, CollectedOutput):
            source = made[wire.node][wire.output]
            return FromCollected(source.ref)
        if isinstance(wire, GraphInput):
            return inputs.get(wire.name)
        sources = [self._source(one, made, inputs) for one in wire]
        return FromMany(tuple(source for source in sources if source is not None))

    def _fan_out(self, key: str, inputs: tuple[StepInput, ...]) -> tuple[OutputRef, ...]:
        longest: tuple[OutputRef, ...] = ()
        for step_in in inputs:
            for level in self._levels(step_in.source):
                shorter, longer = sorted((longest, level), key=len)
                if longer[: len(shorter)] != shorter:
                    raise DefinitionError(
                        f'step "{key}" would be mapped over two independent dynamic outputs.',
                        code="WEFT-D065",
                        facts={
                            "one": " > ".join(ref.step_key for ref in shorter),
                            "the other": " > ".join(ref.step_key for ref in longer),
                        },
                        fix=".collect() one of them first",
                    )
                longest = longer
        return longest

    def _levels(self, source: InputSource) -> list[tuple[OutputRef, ...]]:
        if isinstance(source, FromMany):
            return [level for one in source.sources for level in self._levels(one)]
        levels = []
        for ref in upstream_refs(source):
            above = self._fan_outs.get(ref.step_key, ())
            is_dynamic = (ref.step_key, ref.output_name) in self._dynamic
            if isinstance(source, FromCollected):
                levels.append(above if is_dynamic else above[:-1])
            else:
                levels.append((*above, ref) if is_dynamic else above)
        return levels


def _rule(declared: In, around: EdgeRule | None) -> EdgeRule | None:
    """The rule of an input: its own where it has one, else that of what it is connected to outside; None for the default."""
    return declared.rule if declared.rule is not EdgeRule.ALL_SUCCEEDED else around


def step_input(
    name: str,
    declared: In,
    source: InputSource | None,
    config_path: tuple[str, ...],
    around: EdgeRule | None = None,
) -> StepInput | None:
    """The plan of one input of an op; None for a `Nothing` input that is not connected. `around` is the rule of the graph's own input."""
    rule = _rule(declared, around) or EdgeRule.ALL_SUCCEEDED
    if declared.is_nothing:
        if source is None:
            return None
        return StepInput(name=name, source=OrderOnly(upstream_refs(source)), rule=rule)
    if source is None:
        if declared.asset_key is not None:
            source = FromAsset(declared.asset_key)
        elif declared.has_default:
            source = FromDefault()
        else:
            source = FromConfig((*config_path, "inputs", name))
    key = source.asset_key if isinstance(source, FromAsset) else None
    return StepInput(name=name, source=source, rule=rule, asset_key=key)


def graph_input_sources(graph: GraphDefinition, values: Mapping[str, Any]) -> dict[str, InputSource]:
    """Where the inputs of the outermost graph come from: values of the caller or defaults, else the run configuration."""
    return {
        name: FromValue(name) if name in values or declared.has_default else FromConfig(("inputs", name))
        for name, declared in graph.ins.items()
    }
