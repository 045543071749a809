"""Assets: functions, or graphs of ops, that make the content of named things.

`AssetsDefinition` is what every decorator here gives. It describes itself as nodes of the asset graph and as a `ComputeUnit`: the steps that
make it, written as if nothing else ran.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

import msgspec

from weft.definitions.asset_settings import GRAPH_SETTINGS, SplitSettings
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec, describe_dep, describe_spec
from weft.definitions.composition import in_composition
from weft.definitions.decorated import check_called, check_decorated, decorated_name
from weft.definitions.flatten import StepBody, flatten_graph
from weft.definitions.graph import GraphDefinition
from weft.definitions.hooks import HookDefinition
from weft.definitions.inputs_outputs import (
    DEFAULT_IO_MANAGER_KEY,
    NO_DEFAULT,
    AssetDep,
    AssetIn,
    AssetOut,
    In,
    Out,
    asset_key_of,
)
from weft.definitions.key_set import KeySet
from weft.definitions.names import check_each, check_kind, check_mapping, check_name
from weft.definitions.op import PLAIN_OUT, PLAIN_OUTS, OpDefinition
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.signature import FunctionSignature, parse_signature
from weft.definitions.source import called_at, declared_at
from weft.definitions.value_type import Nothing
from weft.errors import DefinitionError, did_you_mean, some_of
from weft.model.assets import AssetCheckNode, AssetDependency, AssetNode
from weft.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from weft.model.plan import (
    ComputeUnit,
    EdgeRule,
    FromAsset,
    FromOutput,
    OrderOnly,
    StepInput,
    StepOutputPlan,
    StepPlan,
    upstream_refs,
)
from weft.model.retry import RetryPolicy

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from weft.definitions.asset_settings import AssetDecoratorSettings, AssetSettings, GraphDecoratorSettings
    from weft.model.backfill import BackfillPolicy
    from weft.model.partitions.definitions import PartitionsDefinition
    from weft.model.partitions.mappings import PartitionMapping

P = ParamSpec("P")
R = TypeVar("R")


_NONE: Mapping[Any, Any] = {}
_NO_HOOKS: frozenset[HookDefinition] = frozenset()

PLAIN_IN = AssetIn()
"""How most parameters are loaded: the asset of their name, in no special way."""


@functools.lru_cache(maxsize=65_536)
def implicit_key(name: str) -> AssetKey:
    """The key that is only a name. Remembered: an asset and what depends on it then hold one object, which also compares faster."""
    return AssetKey(name)


@functools.lru_cache(maxsize=65_536)
def _implicit_input(name: str) -> AssetInput:
    return AssetInput(implicit_key(name), PLAIN_IN, is_implicit=True)


class AssetInput:
    """One loaded upstream asset of an asset: which, and how."""

    __slots__ = ("asset_in", "is_implicit", "key")

    def __init__(self, key: AssetKey, asset_in: AssetIn, is_implicit: bool) -> None:
        self.key = key
        self.asset_in = asset_in
        # Whether the key is only the argument's name, so that an asset of that name in the same prefix or group may be meant.
        self.is_implicit = is_implicit

    @property
    def is_nothing(self) -> bool:
        """Whether it only orders: nothing is loaded, and the function has no parameter for it."""
        return self.asset_in.value_type is Nothing

    def describe(self, name: str) -> AssetDependency:
        """The edge of the argument of that name."""
        if self.asset_in is PLAIN_IN:
            return AssetDependency(self.key, name)
        mapping = self.asset_in.partition_mapping
        return AssetDependency(
            self.key, None if self.is_nothing else name, mapping.to_spec() if mapping is not None else None
        )

    def step_input(self, name: str) -> StepInput:
        """The input of the step, as if nothing else ran."""
        if self.asset_in is PLAIN_IN:
            return StepInput(name=name, source=FromAsset(self.key), asset_key=self.key)
        source = OrderOnly(()) if self.is_nothing else FromAsset(self.key)
        return StepInput(name=name, source=source, asset_key=self.key, rule=self.asset_in.rule)


class AssetsDefinition(Generic[P, R]):
    """One or several assets, and checks, with the op or graph that makes them.

    Attributes:
        node_def: what computes them.
        specs: their specs, in the order of the outputs.
        inputs: argument name to the upstream asset that it loads.
    """

    def __init__(
        self,
        node_def: OpDefinition[P, R] | GraphDefinition,
        *,
        specs_by_output: Mapping[str, AssetSpec],
        check_specs_by_output: Mapping[str, AssetCheckSpec] | None = None,
        inputs: Mapping[str, AssetInput] | None = None,
        internal_deps: Mapping[AssetKey, Collection[AssetKey]] | None = None,
        can_subset: bool = False,
        resource_defs: Mapping[str, Any] | None = None,
        hooks: Collection[HookDefinition] = (),
        retry_policy: RetryPolicy | None = None,
        pool: str | None = None,
        timeout_seconds: float | None = None,
        is_observable: bool = False,
    ) -> None:
        self.node_def = node_def
        self.specs_by_output = specs_by_output
        self.check_specs_by_output: Mapping[str, AssetCheckSpec] = check_specs_by_output or _NONE
        self.inputs: Mapping[str, AssetInput] = inputs or _NONE
        self.internal_deps: Mapping[AssetKey, frozenset[AssetKey]] = (
            {key: frozenset(keys) for key, keys in internal_deps.items()} if internal_deps else _NONE
        )
        self.can_subset = can_subset
        self.resource_defs: Mapping[str, Any] = resource_defs or _NONE
        self.hooks: frozenset[HookDefinition] = (
            frozenset(check_each(hooks, HookDefinition, "hooks", f'"{node_def.name}"')) if hooks else _NO_HOOKS
        )
        self.retry_policy = retry_policy
        # Of a graph: for those of its steps that have none.
        self.pool = pool
        self.timeout_seconds = timeout_seconds
        # Whether its steps look at assets that something else makes.
        self.is_observable = is_observable
        self.__name__ = node_def.name
        self.__doc__ = node_def.description
        self._check_specs()

    @staticmethod
    def from_graph(
        graph_def: GraphDefinition,
        *,
        keys_by_input_name: Mapping[str, CoercibleToAssetKey] | None = None,
        keys_by_output_name: Mapping[str, CoercibleToAssetKey] | None = None,
        key_prefix: str | Sequence[str] | None = None,
        partition_mappings: Mapping[str, PartitionMapping] | None = None,
        internal_asset_deps: Mapping[str, Collection[Any]] | None = None,
        can_subset: bool = False,
        check_specs: Sequence[AssetCheckSpec] = (),
        by_output_name: Mapping[str, AssetSettings] | None = None,
        **settings: Unpack[GraphDecoratorSettings],
    ) -> AssetsDefinition[..., Any]:
        """The outputs of a graph as assets.

        Args:
            graph_def: the graph.
            keys_by_input_name: input to the upstream asset; the asset of the input's name by default.
            keys_by_output_name: output to its key; the output's name by default, or the graph's for a single output.
            key_prefix: parts before the keys of the outputs.
            partition_mappings: input to the mapping of its partitions.
            internal_asset_deps: output to the keys it depends on.
            can_subset: whether a run may ask for some only.
            check_specs: checks that its ops answer, each an output of the name ``<asset>_<check>``.
            by_output_name: output to what is said of that asset only.
            settings: what is said of all of them, and what holds for the steps.
        """
        given = SplitSettings(settings, f'graph "{graph_def.name}"', step=GRAPH_SETTINGS)
        return _from_node(
            graph_def,
            given,
            keys_by_input_name or _NONE,
            keys_by_output_name or _NONE,
            key_prefix,
            partition_mappings or _NONE,
            internal_asset_deps,
            check_specs,
            by_output_name or _NONE,
            can_subset=can_subset,
        )

    @staticmethod
    def from_op(
        op_def: OpDefinition[P, R],
        *,
        keys_by_input_name: Mapping[str, CoercibleToAssetKey] | None = None,
        keys_by_output_name: Mapping[str, CoercibleToAssetKey] | None = None,
        key_prefix: str | Sequence[str] | None = None,
        partition_mappings: Mapping[str, PartitionMapping] | None = None,
        internal_asset_deps: Mapping[str, Collection[Any]] | None = None,
        can_subset: bool = False,
        check_specs: Sequence[AssetCheckSpec] = (),
        by_output_name: Mapping[str, AssetSettings] | None = None,
        **settings: Unpack[GraphDecoratorSettings],
    ) -> AssetsDefinition[P, R]:
        """The outputs of an op as assets; the arguments are those of `from_graph`. What the op says of its step stays."""
        given = SplitSettings(settings, f'op "{op_def.name}"', step=frozenset({"hooks", "resource_defs"}))
        return _from_node(
            op_def,
            given,
            keys_by_input_name or _NONE,
            keys_by_output_name or _NONE,
            key_prefix,
            partition_mappings or _NONE,
            internal_asset_deps,
            check_specs,
            by_output_name or _NONE,
            can_subset=can_subset,
        )

    # --- what it contains --------------------------------------------------------------------------------------------

    @property
    def keys(self) -> KeySet[AssetKey]:
        """The keys of its assets, in the order of the outputs."""
        return KeySet(spec.key for spec in self.specs_by_output.values())

    @property
    def key(self) -> AssetKey:
        """The key, where there is exactly one.

        Raises:
            DefinitionError: (WEFT-D013) there are several.
        """
        keys = self.keys
        if len(keys) != 1:
            raise DefinitionError(
                f'"{self.node_def.name}" makes {len(keys)} assets, so it does not name one.',
                code="WEFT-D013",
                facts={"assets": some_of(key.to_user_string() for key in keys)},
                fix="use the key of the one that is meant",
            )
        return next(iter(keys))

    @property
    def specs(self) -> tuple[AssetSpec, ...]:
        """The specs of its assets, in the order of the outputs."""
        return tuple(self.specs_by_output.values())

    @property
    def check_specs(self) -> tuple[AssetCheckSpec, ...]:
        """The checks that the same function evaluates."""
        return tuple(self.check_specs_by_output.values())

    @property
    def check_keys(self) -> KeySet[AssetCheckKey]:
        """The keys of those checks, in the order of the outputs."""
        return KeySet(spec.key for spec in self.check_specs_by_output.values())

    @property
    def op(self) -> OpDefinition[P, R]:
        """The op that computes it, where it is one op."""
        if isinstance(self.node_def, OpDefinition):
            return self.node_def
        raise DefinitionError(
            f'"{self.node_def.name}" is computed by a graph, not by one op.',
            code="WEFT-D024",
            fix="use node_def",
        )

    @property
    def partitions_def(self) -> PartitionsDefinition | None:
        """How its assets (or its checks, where it makes no asset) are divided, where they all are in the same way."""
        described: Iterable[AssetSpec | AssetCheckSpec] = (
            self.specs_by_output.values() or self.check_specs_by_output.values()
        )
        found = [spec.partitions_def for spec in described]
        return found[0] if found and all(one == found[0] for one in found) else None

    @property
    def group_names_by_key(self) -> dict[AssetKey, str]:
        """Key to group."""
        return {spec.key: spec.group_name or "default" for spec in self.specs_by_output.values()}

    @property
    def specs_by_key(self) -> dict[AssetKey, AssetSpec]:
        """Key to spec."""
        return {spec.key: spec for spec in self.specs_by_output.values()}

    @property
    def metadata_by_key(self) -> dict[AssetKey, Mapping[str, Any]]:
        """Key to metadata."""
        return {spec.key: spec.metadata for spec in self.specs_by_output.values()}

    @property
    def tags_by_key(self) -> dict[AssetKey, Mapping[str, str]]:
        """Key to tags."""
        return {spec.key: spec.tags for spec in self.specs_by_output.values()}

    @property
    def code_versions_by_key(self) -> dict[AssetKey, str | None]:
        """Key to the version of the code."""
        own = self.node_def.code_version if isinstance(self.node_def, OpDefinition) else None
        return {spec.key: spec.code_version or own for spec in self.specs_by_output.values()}

    @property
    def keys_by_output_name(self) -> dict[str, AssetKey]:
        """Output to key."""
        return {name: spec.key for name, spec in self.specs_by_output.items()}

    @property
    def keys_by_input_name(self) -> dict[str, AssetKey]:
        """Argument to the upstream asset that it loads."""
        return {name: given.key for name, given in self.inputs.items()}

    @property
    def asset_deps(self) -> dict[AssetKey, KeySet[AssetKey]]:
        """Key to the keys that it depends on, those of its own assets included."""
        return {node.key: KeySet(dep.asset_key for dep in node.deps) for node in self.describe_nodes()}

    @property
    def dependency_keys(self) -> KeySet[AssetKey]:
        """What its assets and checks depend on that it does not make itself."""
        found = KeySet[AssetKey]().union(
            *self.asset_deps.values(),
            (given.key for given in self.inputs.values()),
            (check.asset_key for check in self.check_specs_by_output.values()),
            (dep.asset_key for check in self.check_specs_by_output.values() for dep in check.additional_deps),
        )
        return found.difference(self.keys)

    @property
    def backfill_policy(self) -> BackfillPolicy | None:
        """How backfills divide its partitions into runs, where its assets all say the same."""
        found = [spec.backfill_policy for spec in self.specs_by_output.values()]
        return found[0] if found and all(one == found[0] for one in found) else None

    @property
    def is_executable(self) -> bool:
        """Always: what nothing here makes is an `AssetSpec`."""
        return True

    def get_partition_mapping(self, key: CoercibleToAssetKey) -> PartitionMapping | None:
        """Which partitions of the upstream asset `key` belong to those of its assets; None where nothing is said."""
        wanted = AssetKey.of(key)
        for given in self.inputs.values():
            if given.key == wanted and given.asset_in.partition_mapping is not None:
                return given.asset_in.partition_mapping
        deps = (dep for spec in self.specs_by_output.values() for dep in spec.deps if dep.asset_key == wanted)
        return next((dep.partition_mapping for dep in deps if dep.partition_mapping is not None), None)

    @property
    def declared_at(self) -> str | None:
        """Where it was declared."""
        return self.node_def.declared_at

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """The resources that it needs, those of its I/O managers included."""
        needed = set(self.resource_defs)
        for body in self.bodies().values():
            needed |= body.op.required_resource_keys
        return frozenset(needed)

    def needed_resource_keys(self) -> set[str]:
        """The keys of every resource that its steps, hooks, inputs and outputs name, the default I/O manager included."""
        needed = {key for hook in self.hooks for key in hook.required_resource_keys}
        if isinstance(self.node_def, OpDefinition):
            return needed | self.node_def.needed_resource_keys()
        for body in self.bodies().values():
            needed |= body.op.needed_resource_keys()
        return needed

    def get_asset_spec(self, key: CoercibleToAssetKey | None = None) -> AssetSpec:
        """The spec of one of its assets."""
        wanted = AssetKey.of(key) if key is not None else self.key
        for spec in self.specs_by_output.values():
            if spec.key == wanted:
                return spec
        raise KeyError(wanted)

    def map_asset_specs(self, change: Callable[[AssetSpec], AssetSpec]) -> AssetsDefinition[P, R]:
        """A copy with changed specs. Keys that change are changed in its own edges and checks as well."""
        changed = {name: change(spec) for name, spec in self.specs_by_output.items()}
        keys = {
            spec.key: changed[name].key for name, spec in self.specs_by_output.items() if changed[name].key != spec.key
        }
        if not keys:
            return self._copy(specs_by_output=changed)
        return self._copy(
            specs_by_output={name: _with_keys(spec, keys) for name, spec in changed.items()},
            check_specs_by_output={
                name: spec.with_asset(keys.get(spec.asset_key, spec.asset_key))
                for name, spec in self.check_specs_by_output.items()
            },
            internal_deps={
                keys.get(key, key): frozenset(keys.get(dep, dep) for dep in deps)
                for key, deps in self.internal_deps.items()
            },
        )

    def with_resources(self, resource_defs: Mapping[str, Any]) -> AssetsDefinition[P, R]:
        """A copy with more resources of its own."""
        more = check_mapping(resource_defs, "resource_defs", f'"{self.node_def.name}"')
        return self._copy(resource_defs={**self.resource_defs, **more})

    def with_hooks(self, hook_defs: Collection[HookDefinition]) -> AssetsDefinition[P, R]:
        """A copy with more hooks."""
        return self._copy(
            hooks=self.hooks.union(check_each(hook_defs, HookDefinition, "hooks", f'"{self.node_def.name}"'))
        )

    def with_attributes(
        self,
        *,
        asset_key_replacements: Mapping[AssetKey, AssetKey] | None = None,
        group_names_by_key: Mapping[AssetKey, str] | None = None,
        tags_by_key: Mapping[AssetKey, Mapping[str, str]] | None = None,
        descriptions_by_key: Mapping[AssetKey, str] | None = None,
        metadata_by_key: Mapping[AssetKey, Mapping[str, Any]] | None = None,
        **settings: Unpack[AssetSettings],
    ) -> AssetsDefinition[P, R]:
        """A copy with other attributes: those given by key for one asset, `settings` for all of them. Keys that are replaced and are not
        its own are those of upstream assets.
        """
        by_key: Mapping[str, Mapping[AssetKey, Any]] = {
            "key": asset_key_replacements or _NONE,
            "group_name": group_names_by_key or _NONE,
            "tags": tags_by_key or _NONE,
            "description": descriptions_by_key or _NONE,
            "metadata": metadata_by_key or _NONE,
        }

        def change(spec: AssetSpec) -> AssetSpec:
            own = {name: values[spec.key] for name, values in by_key.items() if spec.key in values}
            return spec.replace_attributes(**{**settings, **own})

        changed = self.map_asset_specs(change)
        return changed.with_upstream_keys(asset_key_replacements) if asset_key_replacements else changed

    def with_upstream_keys(self, keys: Mapping[AssetKey, AssetKey]) -> AssetsDefinition[P, R]:
        """A copy that reads other assets in the place of those that `keys` names; its own keys stay."""
        inputs = {name: given.key for name, given in self.inputs.items() if given.key in keys}
        return self.with_inputs({name: keys[key] for name, key in inputs.items()})._copy(
            specs_by_output={name: _with_keys(spec, keys) for name, spec in self.specs_by_output.items()},
            check_specs_by_output={
                name: spec.replace_attributes(
                    asset=keys.get(spec.asset_key, spec.asset_key),
                    additional_deps=renamed_deps(spec.additional_deps, keys),
                )
                for name, spec in self.check_specs_by_output.items()
            },
            internal_deps={
                key: frozenset(keys.get(dep, dep) for dep in deps) for key, deps in self.internal_deps.items()
            },
        )

    def to_source_assets(self) -> tuple[AssetSpec, ...]:
        """Its assets as external ones: known elsewhere, where something loads them, but not made there."""
        return tuple(
            spec.with_io_manager_key(self.node_def.outs[output].io_manager_key)
            for output, spec in self.specs_by_output.items()
        )

    def to_source_asset(self, key: CoercibleToAssetKey | None = None) -> AssetSpec:
        """One of its assets as an external one; without a key the only one."""
        wanted = AssetKey.of(key) if key is not None else self.key
        return next(spec for spec in self.to_source_assets() if spec.key == self.get_asset_spec(wanted).key)

    def with_inputs(self, keys: Mapping[str, AssetKey]) -> AssetsDefinition[P, R]:
        """A copy whose named arguments load other assets."""
        inputs = {
            name: AssetInput(keys[name], given.asset_in, is_implicit=False) if name in keys else given
            for name, given in self.inputs.items()
        }
        return self._copy(inputs=inputs)

    def _copy(self, **changes: Any) -> AssetsDefinition[P, R]:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update(changes)
        return copy

    def _check_specs(self) -> None:
        if not self.check_specs_by_output:
            return
        own = set(self.keys)
        for spec in self.check_specs_by_output.values():
            if own and spec.asset_key not in own:
                raise DefinitionError(
                    f'check "{spec.name}" of "{self.node_def.name}" is about "{spec.asset_key.to_user_string()}", '
                    "which that function does not make.",
                    code="WEFT-D025",
                    facts={"makes": some_of(key.to_user_string() for key in self.keys)},
                    fix="name one of its assets, or declare the check with @asset_check",
                )

    # --- how it describes itself -------------------------------------------------------------------------------------

    def describe_nodes(self) -> list[AssetNode]:
        """One node for each asset."""
        loaded = {name: given.describe(name) for name, given in self.inputs.items()}
        unit = self.node_def.name if len(self.specs_by_output) > 1 and not self.can_subset else None
        return [
            describe_spec(
                spec,
                deps=self._deps_of(spec, loaded),
                declared_at=self.declared_at,
                op_name=self.node_def.name,
                compute_unit=unit,
                retry_policy=self.retry_policy,
                io_manager_key=self._io_manager_key(output),
                pool=getattr(self.node_def, "pool", None) or self.pool,
                is_observable=self.is_observable,
            )
            for output, spec in self.specs_by_output.items()
        ]

    def _io_manager_key(self, output: str) -> str | None:
        key = self.node_def.outs[output].io_manager_key
        return None if key == DEFAULT_IO_MANAGER_KEY else key

    def _deps_of(self, spec: AssetSpec, loaded: Mapping[str, AssetDependency]) -> tuple[AssetDependency, ...]:
        internal = self.internal_deps.get(spec.key) if self.internal_deps else None
        if not spec.deps and internal is None:
            return tuple(loaded.values())
        chosen = {dep.asset_key: dep for dep in loaded.values() if internal is None or dep.asset_key in internal}
        for dep in spec.deps:  # what is loaded as well is one edge
            chosen.setdefault(dep.asset_key, describe_dep(dep))
        for key in sorted(internal or ()):
            chosen.setdefault(key, AssetDependency(key))
        return tuple(chosen.values())

    def describe_checks(self) -> list[AssetCheckNode]:
        """One node for each check that the function evaluates."""
        return [spec.describe(self.node_def.name) for spec in self.check_specs_by_output.values()]

    def describe_unit(self) -> ComputeUnit:
        """The steps that make it."""
        return ComputeUnit(
            name=self.node_def.name,
            steps=self._steps(),
            asset_keys=tuple(self.keys),
            check_keys=tuple(self.check_keys),
            can_subset=self.can_subset,
        )

    def bodies(self) -> dict[str, StepBody]:
        """Step key to the user's side of the step."""
        name = self.node_def.name
        hooks = tuple(sorted(self.hooks, key=lambda hook: hook.name))
        if isinstance(self.node_def, OpDefinition):
            return {name: StepBody(self.node_def, (name,), hooks)}
        flat = flatten_graph(self.node_def, self._graph_inputs(), prefix=(name,), hooks=self.hooks)
        return dict(flat.bodies)

    def input_values(self) -> Mapping[str, Any]:
        """Defaults of inputs of graphs inside it, by the name under which its steps ask for them."""
        if isinstance(self.node_def, OpDefinition):
            return _NONE
        return flatten_graph(self.node_def, self._graph_inputs(), prefix=(self.node_def.name,)).values

    def named(self, step_name: str) -> AssetsDefinition[P, R]:
        """A copy whose step has another name. The keys stay."""
        return self._copy(node_def=self.node_def.renamed(step_name))

    def _order_only(self) -> tuple[StepInput, ...]:
        if not self.check_specs_by_output and not any(spec.deps for spec in self.specs_by_output.values()):
            return ()
        # The first that names an asset says by which rule it counts.
        about: dict[AssetKey, EdgeRule] = {}
        for spec in self.specs_by_output.values():
            for dep in spec.deps:
                about.setdefault(dep.asset_key, dep.rule)
        for check in self.check_specs_by_output.values():
            for dep in check.additional_deps:
                about.setdefault(dep.asset_key, dep.rule)
            about.setdefault(check.asset_key, EdgeRule.ALL_SUCCEEDED)
        known = {*self.keys, *(given.key for given in self.inputs.values())}
        return tuple(
            StepInput(name=f"dep {key.to_user_string()}", source=OrderOnly(()), asset_key=key, rule=rule)
            for key, rule in about.items()
            if key not in known
        )

    def _graph_inputs(self) -> dict[str, Any]:
        return {name: given.step_input(name).source for name, given in self.inputs.items()}

    def _steps(self) -> tuple[StepPlan, ...]:
        if isinstance(self.node_def, OpDefinition):
            return (self._op_step(self.node_def),)
        return self._graph_steps(self.node_def)

    def _op_step(self, op: OpDefinition[P, R]) -> StepPlan:
        inputs = [given.step_input(name) for name, given in self.inputs.items()]
        return StepPlan(
            key=op.name,
            op_name=op.name,
            inputs=(*inputs, *self._order_only()),
            outputs=tuple([self._output_plan(name, out) for name, out in op.outs.items()]),
            retry_policy=op.retry_policy,
            tags=op.tags,
            resource_keys=tuple(sorted(op.required_resource_keys)) if op.required_resource_keys else (),
            pool=op.pool,
            timeout_seconds=op.timeout_seconds,
            code_version=op.code_version,
        )

    def _output_plan(self, name: str, out: Out) -> StepOutputPlan:
        spec = self.specs_by_output.get(name)
        if spec is not None and out is PLAIN_OUT:
            return StepOutputPlan(name=name, asset_key=spec.key)
        check = self.check_specs_by_output.get(name)
        return StepOutputPlan(
            name=name,
            asset_key=spec.key if spec is not None else None,
            check_key=check.key if check is not None else None,
            is_required=out.is_required,
            io_manager_key=out.io_manager_key,
            is_nothing=out.is_nothing,
        )

    def _graph_steps(self, graph: GraphDefinition) -> tuple[StepPlan, ...]:
        flat = flatten_graph(
            graph,
            self._graph_inputs(),
            prefix=(graph.name,),
            hooks=self.hooks,
            retry_policy=self.retry_policy,
            rules={name: given.asset_in.rule for name, given in self.inputs.items()},
        )
        made_by: dict[tuple[str, str], str] = {
            (source.ref.step_key, source.ref.output_name): output for output, source in flat.outputs.items()
        }
        order_only = self._order_only()
        steps = []
        for step in flat.steps:
            outputs = tuple([self._graph_output(plan, made_by.get((step.key, plan.name))) for plan in step.outputs])
            is_root = not any(upstream_refs(given.source) for given in step.inputs)
            inputs = tuple([self._graph_input(given, made_by) for given in step.inputs])
            steps.append(
                msgspec.structs.replace(
                    step,
                    outputs=outputs,
                    inputs=(*inputs, *order_only) if is_root else inputs,
                    pool=step.pool or self.pool,
                    timeout_seconds=step.timeout_seconds if step.timeout_seconds is not None else self.timeout_seconds,
                )
            )
        return tuple(steps)

    def _graph_input(self, given: StepInput, made_by: Mapping[tuple[str, str], str]) -> StepInput:
        """An input of a step of a graph. What is stored as one of the assets is loaded as that asset."""
        if not isinstance(given.source, FromOutput):
            return given
        spec = self.specs_by_output.get(made_by.get((given.source.ref.step_key, given.source.ref.output_name), ""))
        return given if spec is None else msgspec.structs.replace(given, asset_key=spec.key)

    def _graph_output(self, plan: StepOutputPlan, output: str | None) -> StepOutputPlan:
        """The output of a step of a graph, which is the output of that name of the graph, or none of them."""
        if output is None:
            return plan
        spec, check = self.specs_by_output.get(output), self.check_specs_by_output.get(output)
        return msgspec.structs.replace(
            plan,
            asset_key=spec.key if spec is not None else None,
            check_key=check.key if check is not None else None,
            io_manager_key=self.node_def.outs[output].io_manager_key,
        )

    # --- calling -----------------------------------------------------------------------------------------------------

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the user's function as a plain function, for tests. Nothing is recorded.

        Raises:
            DefinitionError: (WEFT-D091) it is called in the body of a graph or job.
        """
        if in_composition():
            raise DefinitionError(
                f'asset "{self.node_def.name}" was called in the body of a graph or job.',
                code="WEFT-D091",
                facts={"called at": called_at() or "?"},
                fix="call ops there; to run assets by name, use define_asset_job(...) or materialize([...])",
            )
        from weft.execution.direct_invocation import invoke_assets

        return invoke_assets(self, args, kwargs)  # type: ignore[no-any-return]  # what the user's function returns

    def __repr__(self) -> str:
        return f"AssetsDefinition({', '.join(key.to_user_string() for key in self.keys)})"


@overload
def asset(fn: Callable[P, R], /) -> AssetsDefinition[P, R]: ...
@overload
def asset(
    *,
    name: str | None = None,
    key: CoercibleToAssetKey | None = None,
    key_prefix: str | Sequence[str] | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    io_manager_def: Any = None,
    io_manager_key: str | None = None,
    value_type: Any = NO_DEFAULT,
    output_required: bool = True,
    check_specs: Sequence[AssetCheckSpec] = (),
    **settings: Unpack[AssetDecoratorSettings],
) -> Callable[[Callable[P, R]], AssetsDefinition[P, R]]: ...
def asset(
    fn: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    key: CoercibleToAssetKey | None = None,
    key_prefix: str | Sequence[str] | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    io_manager_def: Any = None,
    io_manager_key: str | None = None,
    value_type: Any = NO_DEFAULT,
    output_required: bool = True,
    check_specs: Sequence[AssetCheckSpec] = (),
    **settings: Unpack[AssetDecoratorSettings],
) -> AssetsDefinition[P, R] | Callable[[Callable[P, R]], AssetsDefinition[P, R]]:
    """Make a function an asset: a named thing that the function makes.

    Parameters become upstream assets whose values are loaded, except a first one called ``context``, one annotated with a `Config` class, and
    those annotated with resources. The returned value is stored by the I/O manager, unless it is None or a `MaterializeResult`.

    Args:
        fn: the function, where the decorator is used without arguments.
        name: the last part of the key; the function's name by default.
        key: the whole key, instead of name and prefix.
        key_prefix: parts before the name.
        ins: more about parameters: other keys, partition mappings, input managers.
        deps: upstream assets that only order: definitions, specs, keys, strings or `AssetDep`.
        io_manager_def, io_manager_key: what stores the value: the manager itself, or the key of the resource.
        value_type: the type of the value; the return annotation by default.
        output_required: whether not yielding a value fails the step; otherwise what is downstream is skipped.
        check_specs: checks that the same function evaluates.
        settings: what is said of the asset (`AssetSettings`) and of its step (`StepSettings`).

    Raises:
        DefinitionError: names, parameters and declarations do not fit together.

    >>> @asset
    ... def orders() -> list[int]:
    ...     return [1, 2, 3]
    >>> @asset
    ... def total(orders: list[int]) -> int:
    ...     return sum(orders)
    >>> total(orders())
    6
    """

    def make(function: Callable[P, R]) -> AssetsDefinition[P, R]:
        check_decorated(function, "asset")
        asset_key = decorated_key(function, name, key, key_prefix)
        where = f'asset "{asset_key.to_user_string()}"'
        given = SplitSettings(settings, where, deps=deps)
        resources = check_mapping(given.step.get("resource_defs"), "resource_defs", where)
        manager_key = io_manager_of(asset_key, io_manager_def, io_manager_key, resources)
        signature = step_signature(function, given.step, resources, where)
        inputs = asset_inputs(where, signature, ins, function)
        outs = PLAIN_OUTS
        returned = _returned_value_type(value_type, signature.return_annotation)
        if not (returned is NO_DEFAULT and output_required and manager_key == DEFAULT_IO_MANAGER_KEY):
            outs = {DEFAULT_OUTPUT: Out(returned, is_required=output_required, io_manager_key=manager_key)}
        checks = _NONE
        if check_specs:
            outs = dict(outs)
            checks = checks_by_output(check_specs, outs, where)
        op = step_op(
            function,
            what="asset",
            name=asset_key.to_python_identifier(),
            given=given,
            ins=op_ins(inputs) if ins else None,
            outs=outs,
            signature=signature,
        )
        given.asset["description"] = op.description
        spec = AssetSpec(
            asset_key,
            deps=beside_inputs(AssetDep.each(given.deps, where), inputs, where) if given.deps is not None else (),
            skippable=not output_required,
            declared_at=op.declared_at,
            **given.asset,
        )
        return AssetsDefinition(
            op,
            specs_by_output={DEFAULT_OUTPUT: spec},
            check_specs_by_output=checks,
            inputs=inputs,
            resource_defs=resources,
            hooks=given.step.get("hooks", ()),
            retry_policy=op.retry_policy,
        )

    return make if fn is None else make(fn)


def multi_asset(
    fn: None = None,
    /,
    *,
    outs: Mapping[str, AssetOut] | None = None,
    specs: Sequence[AssetSpec] = (),
    name: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    internal_asset_deps: Mapping[str, Collection[Any]] | None = None,
    can_subset: bool = False,
    check_specs: Sequence[AssetCheckSpec] = (),
    **settings: Unpack[AssetDecoratorSettings],
) -> Callable[[Callable[P, R]], AssetsDefinition[P, R]]:
    """Make a function that makes several assets.

    With `specs` the function stores what it makes itself and yields a `MaterializeResult` for each. With `outs` it yields an `Output` for each (or
    returns a tuple in their order), stored by I/O managers.

    Args:
        outs: output name to `AssetOut`; the key is the output's name unless the `AssetOut` says otherwise.
        specs: the assets, where no I/O manager is used.
        name: the name of the step; the function's own by default.
        ins: more about parameters.
        deps: upstream assets of all of them that only order.
        internal_asset_deps: output name to the keys it depends on, of upstream assets or of others among these.
        can_subset: whether a run may ask for some only; they are in ``context.selected_asset_keys``.
        check_specs: checks that the same function evaluates.
        settings: what is said of the step (`StepSettings`), and of those assets that say nothing themselves (`AssetSettings`): tags and metadata
            are joined with theirs. The description is that of the step.
    """
    check_called(fn, "multi_asset")

    def make(function: Callable[P, R]) -> AssetsDefinition[P, R]:
        check_decorated(function, "multi_asset")
        step_name = decorated_name(function, name, "a multi-asset")
        where = f'multi-asset "{step_name}"'
        given = SplitSettings(settings, where, deps=deps)
        own_specs = check_each(specs, AssetSpec, "specs", where)
        if bool(outs) == bool(own_specs):
            raise DefinitionError(
                f"{where} has {'both outs and specs' if outs else 'neither outs nor specs'}.",
                code="WEFT-D026",
                facts={"declared in": declared_at(function) or "?"},
                fix="give specs=[AssetSpec(...)] where the function stores what it makes, else outs={...}",
            )
        resources = check_mapping(given.step.get("resource_defs"), "resource_defs", where)
        shared = SharedSettings(given.asset, where, declared_at(function))
        signature = step_signature(function, given.step, resources, where)
        inputs = asset_inputs(where, signature, ins, function)
        common = beside_inputs(AssetDep.each(given.deps, where), inputs, where)
        by_output, op_outs = (
            from_asset_outs(outs, shared, common, where) if outs else from_specs(own_specs, shared, common, where)
        )
        checks = checks_by_output(check_specs, op_outs, where)
        op = step_op(
            function,
            what="multi-asset",
            name=step_name,
            given=given,
            ins=op_ins(inputs),
            outs=op_outs,
            signature=signature,
        )
        return AssetsDefinition(
            op,
            specs_by_output=by_output,
            check_specs_by_output=checks,
            inputs=inputs,
            internal_deps=internal_deps(where, internal_asset_deps, by_output, inputs)
            if internal_asset_deps is not None
            else _deps_among(own_specs, inputs),
            can_subset=can_subset,
            resource_defs=resources,
            hooks=given.step.get("hooks", ()),
            retry_policy=op.retry_policy,
        )

    return make


def _from_node(
    node: OpDefinition[P, R] | GraphDefinition,
    given: SplitSettings,
    keys_by_input: Mapping[str, CoercibleToAssetKey],
    keys_by_output: Mapping[str, CoercibleToAssetKey],
    key_prefix: str | Sequence[str] | None,
    mappings: Mapping[str, PartitionMapping],
    declared_deps: Mapping[str, Collection[Any]] | None,
    check_specs: Sequence[AssetCheckSpec],
    by_output_name: Mapping[str, AssetSettings],
    *,
    can_subset: bool,
) -> AssetsDefinition[P, R]:
    where = f'"{node.name}"'
    for label, names, known in (
        ("keys_by_input_name", keys_by_input, node.ins),
        ("partition_mappings", mappings, node.ins),
        ("keys_by_output_name", keys_by_output, node.outs),
        ("by_output_name", by_output_name, node.outs),
    ):
        for name in names:
            if name not in known:
                raise DefinitionError(
                    f'{label} of {where} names "{name}", which it does not have.',
                    code="WEFT-D414",
                    facts={"it has": some_of(known)},
                    fix=did_you_mean(name, known, "use the names of its inputs and outputs"),
                )
    inputs = {}
    for name in node.ins:
        asset_in = AssetIn(keys_by_input.get(name), partition_mapping=mappings.get(name))
        inputs[name] = AssetInput(asset_in.resolved_key(name), asset_in, is_implicit=name not in keys_by_input)
    checks: dict[str, AssetCheckSpec] = {}
    for check in check_each(check_specs, AssetCheckSpec, "check_specs", where):
        checks[check.get_python_identifier()] = check
    shared = SharedSettings(given.asset, where, node.declared_at)
    outputs = [name for name in node.outs if name not in checks]
    specs: dict[str, AssetSpec] = {}
    for name in outputs:
        key = AssetKey.of(keys_by_output.get(name) or (node.name if outputs == [DEFAULT_OUTPUT] else name))
        specs[name] = shared.apply(
            AssetSpec(
                key.with_prefix(key_prefix) if key_prefix else key,
                skippable=not node.outs[name].is_required,
                declared_at=node.declared_at,
                **by_output_name.get(name, {}),
            )
        )
    step = dict(given.step)
    return AssetsDefinition(
        node,
        specs_by_output=specs,
        check_specs_by_output=checks,
        inputs=inputs,
        internal_deps=internal_deps(where, declared_deps, specs, inputs) if declared_deps is not None else None,
        can_subset=can_subset,
        resource_defs=check_mapping(step.pop("resource_defs", None), "resource_defs", where),
        hooks=step.pop("hooks", None) or (),
        **step,
    )


def decorated_key(
    fn: Callable[..., Any],
    name: str | None,
    key: CoercibleToAssetKey | None,
    key_prefix: str | Sequence[str] | None,
) -> AssetKey:
    if key is not None:
        whole = AssetKey.of(key)
        if name is not None or key_prefix is not None:
            raise DefinitionError(
                f'asset "{whole.to_user_string()}" has a key, and a {"name" if name is not None else "key_prefix"} besides.',
                code="WEFT-D012",
                facts={"name": name, "key_prefix": key_prefix, "declared in": declared_at(fn) or "?"},
                fix="give the whole key, or the name and its prefix",
            )
        check_name(whole.to_python_identifier(), "an asset")
        return whole
    own = implicit_key(decorated_name(fn, name, "an asset"))
    return own.with_prefix(key_prefix) if key_prefix else own


def step_signature(
    fn: Callable[..., Any], step: Mapping[str, Any], resources: Mapping[str, Any], where: str
) -> FunctionSignature:
    """The signature of `fn`, whose parameters named like one of its resources take that resource; `step` are settings of `StepSettings`."""
    keys: Collection[str] = ()
    required_resource_keys = step.get("required_resource_keys")
    if required_resource_keys or resources:
        keys = {*check_each(required_resource_keys, str, "required_resource_keys", where), *resources}
    return parse_signature(fn, resource_keys=keys, config_expected=step.get("config_schema") is not None)


def step_op(
    fn: Callable[P, R],
    *,
    what: str,
    name: str,
    given: SplitSettings,
    ins: Mapping[str, In] | None,
    outs: Mapping[str, Out],
    signature: FunctionSignature,
) -> OpDefinition[P, R]:
    """The op that makes assets or evaluates checks, with the settings `given`."""
    step = given.step.get
    return OpDefinition(
        fn,
        what=what,
        name=name,
        description=given.asset.get("description"),
        ins=ins,
        outs=outs,
        config_schema=step("config_schema"),
        required_resource_keys=step("required_resource_keys") or (),
        tags=step("op_tags"),
        retry_policy=step("retry_policy"),
        code_version=given.asset.get("code_version"),
        pool=step("pool"),
        timeout_seconds=step("timeout_seconds"),
        resources=step("resources"),
        signature=signature,
    )


def io_manager_of(key: AssetKey, manager: Any, manager_key: str | None, resources: dict[str, Any]) -> str:
    """The key of the resource that stores and loads the asset; a manager that is given itself is added to `resources`."""
    if manager is None:
        return manager_key or DEFAULT_IO_MANAGER_KEY
    if manager_key is not None:
        raise DefinitionError(
            f'asset "{key.to_user_string()}" has both an io_manager_def and an io_manager_key.',
            code="WEFT-D027",
            fix="give the manager itself, or the key of the resource",
        )
    own = f"{key.to_python_identifier()}__io_manager"
    resources[own] = manager
    return own


def asset_inputs(
    where: str, signature: FunctionSignature, ins: Mapping[str, AssetIn] | None, fn: Callable[..., Any]
) -> Mapping[str, AssetInput]:
    """Which asset each parameter loads.

    Raises:
        DefinitionError: (WEFT-D016) `ins` names something that is no parameter.
    """
    parameters = signature.inputs
    if not parameters and not ins:
        return _NONE
    if not ins:
        return {name: _implicit_input(name) for name in parameters}
    declared = check_mapping(ins, "ins", where)
    for name, given in declared.items():
        check_kind(given, AssetIn, f'the input "{name}"', where)
        is_nothing = given.value_type is Nothing
        if name not in parameters and not is_nothing and not signature.accepts_any:
            raise DefinitionError(
                f'{where} declares the input "{name}", which its function does not take.',
                code="WEFT-D016",
                facts={"parameters": ", ".join(parameters) or "(none)", "declared in": declared_at(fn) or "?"},
                fix=did_you_mean(name, parameters, f'add a parameter "{name}", or use deps= where no value is loaded'),
            )
    result = {}
    for name in dict.fromkeys([*parameters, *declared]):
        given = declared.get(name, PLAIN_IN)
        is_implicit = given.key is None and not given.key_prefix
        result[name] = AssetInput(given.resolved_key(name), given, is_implicit)
    return result


def beside_inputs(deps: tuple[AssetDep, ...], inputs: Mapping[str, AssetInput], where: str) -> tuple[AssetDep, ...]:
    """`deps` without what a parameter loads anyway.

    Raises:
        DefinitionError: (WEFT-D081) one of these has a partition mapping, which would be lost.
    """
    loaded = {given.key: name for name, given in inputs.items()}
    for dep in deps:
        if dep.asset_key in loaded and dep.partition_mapping is not None:
            name = loaded[dep.asset_key]
            raise DefinitionError(
                f'{where} loads "{dep.asset_key.to_user_string()}" as a parameter, and names it in deps with a partition mapping.',
                code="WEFT-D081",
                fix=f'give the mapping to the parameter: ins={{"{name}": AssetIn(partition_mapping=...)}}',
            )
    return tuple(dep for dep in deps if dep.asset_key not in loaded)


def checks_by_output(specs: Sequence[AssetCheckSpec], outs: dict[str, Out], where: str) -> Mapping[str, AssetCheckSpec]:
    """Each check with the name of its output, which is added to `outs`."""
    if not specs:
        return _NONE
    by_output: dict[str, AssetCheckSpec] = {}
    seen: set[AssetCheckKey] = set()
    for spec in check_each(specs, AssetCheckSpec, "check_specs", where):
        if spec.key in seen:
            raise DefinitionError(
                f'{where} declares the check "{spec.name}" of "{spec.asset_key.to_user_string()}" twice.',
                code="WEFT-D082",
                fix="remove one, or give it another name",
            )
        seen.add(spec.key)
        output = _free_output(spec.get_python_identifier(), outs)
        by_output[output] = spec
        outs[output] = Out(Nothing, is_required=False)
    return by_output


def _free_output(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or the first of ``wanted_2``, ``wanted_3``... that is free: different keys may have one identifier (``a_b`` and ``a-b``)."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def op_ins(inputs: Mapping[str, AssetInput]) -> dict[str, In]:
    """The declarations of the op's inputs. A plain parameter needs none."""
    return {
        name: In(
            given.asset_in.value_type,
            metadata=given.asset_in.metadata,
            input_manager_key=given.asset_in.input_manager_key,
            asset_key=given.key,
            rule=given.asset_in.rule,
        )
        for name, given in inputs.items()
        if given.asset_in is not PLAIN_IN
    }


def _returned_value_type(declared: Any, annotation: Any) -> Any:
    if declared is not NO_DEFAULT:
        return declared
    return Nothing if annotation is None else NO_DEFAULT


def _with_keys(spec: AssetSpec, keys: Mapping[AssetKey, AssetKey]) -> AssetSpec:
    """`spec` with its edges to assets whose keys change."""
    if not any(dep.asset_key in keys for dep in spec.deps):
        return spec
    return spec.replace_attributes(deps=renamed_deps(spec.deps, keys))


def renamed_deps(deps: Iterable[AssetDep], keys: Mapping[AssetKey, AssetKey]) -> list[AssetDep]:
    """`deps` with those keys in the place of the ones they name."""
    return [
        AssetDep(keys.get(dep.asset_key, dep.asset_key), partition_mapping=dep.partition_mapping, metadata=dep.metadata)
        for dep in deps
    ]


class SharedSettings:
    """What is said of several assets at once, for those that have no value of their own."""

    __slots__ = ("_defaults", "declared_at", "metadata", "tags")

    def __init__(self, settings: Mapping[str, Any], where: str, place: str | None) -> None:
        """Take the settings of `AssetSettings`; the description is left to the step.

        Raises:
            DefinitionError: (WEFT-D408) one of them can only be said of one asset.
        """
        if settings.get("renamed_from"):
            raise DefinitionError(
                f"{where} makes several assets, so renamed_from does not say which of them was renamed.",
                code="WEFT-D408",
                facts={"declared in": place or "?"},
                fix="give it to the AssetSpec or AssetOut of that asset",
            )
        self.metadata = check_mapping(settings.get("metadata"), "metadata", where)
        self.tags = check_mapping(settings.get("tags"), "tags", where)
        self.declared_at = place
        apart = {"description", "metadata", "renamed_from", "tags"}
        self._defaults = {name: value for name, value in settings.items() if value is not None and name not in apart}

    def apply(self, spec: AssetSpec, deps: tuple[AssetDep, ...] = ()) -> AssetSpec:
        """`spec` with these, and with `deps` as well as its own."""
        changes = {name: value for name, value in self._defaults.items() if getattr(spec, name) in (None, (), False)}
        if "cache" in changes and spec.cache is False:
            del changes["cache"]
        if self.metadata:
            changes["metadata"] = {**self.metadata, **spec.metadata}
        if self.tags:
            changes["tags"] = {**self.tags, **spec.tags}
        if deps:
            named = {dep.asset_key for dep in spec.deps}
            changes["deps"] = (*spec.deps, *(dep for dep in deps if dep.asset_key not in named))
        return spec.replace_attributes(**changes) if changes else spec


def from_specs(
    specs: Sequence[AssetSpec], shared: SharedSettings, deps: tuple[AssetDep, ...], where: str
) -> tuple[dict[str, AssetSpec], dict[str, Out]]:
    by_output: dict[str, AssetSpec] = {}
    outs: dict[str, Out] = {}
    for spec in specs:
        name = _free_output(spec.key.to_python_identifier(), outs)
        by_output[name] = shared.apply(spec, deps)
        outs[name] = Out(Nothing, is_required=not spec.skippable)
    _refuse_repeated(by_output, where)
    return by_output, outs


def from_asset_outs(
    outs: Mapping[str, AssetOut], shared: SharedSettings, deps: tuple[AssetDep, ...], where: str
) -> tuple[dict[str, AssetSpec], dict[str, Out]]:
    by_output: dict[str, AssetSpec] = {}
    op_outs: dict[str, Out] = {}
    for name, out in check_mapping(outs, "outs", where).items():
        check_kind(out, AssetOut, f'the output "{name}"', where)
        check_name(name, f"an output of {where}")
        spec = AssetSpec(
            out.key or AssetKey((*out.key_prefix, name)),
            skippable=not out.is_required,
            declared_at=shared.declared_at,
            **out.settings,
        )
        by_output[name] = shared.apply(spec, deps)
        op_outs[name] = Out(
            out.value_type,
            out.settings.get("description"),
            is_required=out.is_required,
            io_manager_key=out.io_manager_key,
            metadata=out.settings.get("metadata"),
        )
    _refuse_repeated(by_output, where)
    return by_output, op_outs


def _refuse_repeated(by_output: Mapping[str, AssetSpec], where: str) -> None:
    seen: dict[AssetKey, str] = {}
    for output, spec in by_output.items():
        if spec.key in seen:
            raise DefinitionError(
                f'{where} makes the asset "{spec.key.to_user_string()}" twice.',
                code="WEFT-D083",
                facts={"outputs": f"{seen[spec.key]}, {output}", "declared in": spec.declared_at or "?"},
                fix="remove one, or give it another key",
            )
        seen[spec.key] = output


def _deps_among(specs: Sequence[AssetSpec], inputs: Mapping[str, AssetInput]) -> dict[AssetKey, frozenset[AssetKey]]:
    """What each of `specs` depends on, for those that depend on others among them."""
    own = {spec.key for spec in specs}
    return {
        spec.key: frozenset({*(dep.asset_key for dep in spec.deps), *(given.key for given in inputs.values())})
        for spec in specs
        if any(dep.asset_key in own for dep in spec.deps)
    }


def internal_deps(
    where: str,
    declared: Mapping[str, Collection[Any]],
    by_output: Mapping[str, AssetSpec],
    inputs: Mapping[str, AssetInput],
) -> dict[AssetKey, frozenset[AssetKey]]:
    known = {spec.key for spec in by_output.values()} | {given.key for given in inputs.values()}
    found: dict[AssetKey, frozenset[AssetKey]] = {}
    for output, deps in check_mapping(declared, "internal_asset_deps", where).items():
        spec = by_output.get(output)
        if spec is None:
            raise DefinitionError(
                f'{where} declares internal dependencies of "{output}", which is not one of its outputs.',
                code="WEFT-D028",
                facts={"outputs": some_of(by_output)},
                fix=did_you_mean(output, by_output, "use the names of outs"),
            )
        keys = [asset_key_of(key) for key in check_each(deps, object, f'internal_asset_deps["{output}"]', where)]
        reachable = known | {dep.asset_key for dep in spec.deps}
        unknown = [key.to_user_string() for key in keys if key not in reachable]
        if unknown:
            names = [key.to_user_string() for key in reachable]
            raise DefinitionError(
                f'{where} says that "{output}" depends on "{unknown[0]}", which it neither loads nor makes.',
                code="WEFT-D084",
                facts={"loads and makes": some_of(sorted(names))},
                fix=did_you_mean(unknown[0], names, "name parameters, deps or other outputs by their keys"),
            )
        found[spec.key] = frozenset(keys)
    return found
