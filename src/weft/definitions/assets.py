"""Assets: functions, or graphs of ops, that make the content of named things.

`AssetsDefinition` is what every decorator here gives. It describes itself as nodes of the asset graph and as a `ComputeUnit`: the steps that
make it, written as if nothing else ran.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

import msgspec

from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec, describe_dep, describe_spec
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
)
from weft.definitions.names import check_name
from weft.definitions.op import OpDefinition
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.signature import parse_signature
from weft.definitions.source import declared_at
from weft.definitions.value_type import Nothing
from weft.errors import DefinitionError, did_you_mean, some_of
from weft.model.assets import AssetCheckNode, AssetDependency, AssetNode
from weft.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from weft.model.plan import (
    ComputeUnit,
    FromAsset,
    OrderOnly,
    StepInput,
    StepOutputPlan,
    StepPlan,
    upstream_refs,
)
from weft.model.retry import RetryPolicy

if TYPE_CHECKING:
    from weft.model.partitions.definitions import PartitionsDefinition

P = ParamSpec("P")
R = TypeVar("R")


class AssetInput:
    """One loaded upstream asset of an asset: which, and how."""

    __slots__ = ("asset_in", "is_implicit", "key")

    def __init__(self, key: AssetKey, asset_in: AssetIn, is_implicit: bool) -> None:
        self.key = key
        self.asset_in = asset_in
        # Whether the key is only the argument's name, so that an asset of that name in the same prefix or group may be meant.
        self.is_implicit = is_implicit


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
    ) -> None:
        self.node_def = node_def
        self.specs_by_output = dict(specs_by_output)
        self.check_specs_by_output = dict(check_specs_by_output or {})
        self.inputs = dict(inputs or {})
        self.internal_deps = {key: frozenset(keys) for key, keys in (internal_deps or {}).items()}
        self.can_subset = can_subset
        self.resource_defs = dict(resource_defs or {})
        self.hooks = frozenset(hooks)
        self.retry_policy = retry_policy
        self.__name__ = node_def.name
        self.__doc__ = node_def.description
        self._check_specs()

    # --- what it contains --------------------------------------------------------------------------------------------

    @property
    def keys(self) -> tuple[AssetKey, ...]:
        """The keys of its assets, in the order of the outputs."""
        return tuple(spec.key for spec in self.specs_by_output.values())

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
        return keys[0]

    @property
    def specs(self) -> tuple[AssetSpec, ...]:
        """The specs of its assets, in the order of the outputs."""
        return tuple(self.specs_by_output.values())

    @property
    def check_specs(self) -> tuple[AssetCheckSpec, ...]:
        """The checks that the same function evaluates."""
        return tuple(self.check_specs_by_output.values())

    @property
    def check_keys(self) -> tuple[AssetCheckKey, ...]:
        """The keys of those checks."""
        return tuple(spec.key for spec in self.check_specs_by_output.values())

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
        """How its assets are divided, where they all are in the same way."""
        found = [spec.partitions_def for spec in self.specs_by_output.values()]
        return found[0] if found and all(one == found[0] for one in found) else None

    @property
    def group_names_by_key(self) -> dict[AssetKey, str]:
        """Key to group."""
        return {spec.key: spec.group_name or "default" for spec in self.specs_by_output.values()}

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

    def get_asset_spec(self, key: CoercibleToAssetKey | None = None) -> AssetSpec:
        """The spec of one of its assets."""
        wanted = AssetKey.of(key) if key is not None else self.key
        for spec in self.specs_by_output.values():
            if spec.key == wanted:
                return spec
        raise KeyError(wanted)

    def map_specs(self, change: Callable[[AssetSpec], AssetSpec]) -> AssetsDefinition[P, R]:
        """A copy with changed specs. Keys that change are changed in its own edges as well."""
        return self._copy(specs_by_output={name: change(spec) for name, spec in self.specs_by_output.items()})

    def with_resources(self, resource_defs: Mapping[str, Any]) -> AssetsDefinition[P, R]:
        """A copy with more resources of its own."""
        return self._copy(resource_defs={**self.resource_defs, **resource_defs})

    def with_hooks(self, hook_defs: Collection[HookDefinition]) -> AssetsDefinition[P, R]:
        """A copy with more hooks."""
        return self._copy(hooks=self.hooks | frozenset(hook_defs))

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
        loaded = {
            name: AssetDependency(
                given.key,
                name,
                given.asset_in.partition_mapping.to_spec() if given.asset_in.partition_mapping is not None else None,
            )
            for name, given in self.inputs.items()
        }
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
                pool=getattr(self.node_def, "pool", None),
            )
            for output, spec in self.specs_by_output.items()
        ]

    def _io_manager_key(self, output: str) -> str | None:
        key = self.node_def.outs[output].io_manager_key
        return None if key == DEFAULT_IO_MANAGER_KEY else key

    def _deps_of(self, spec: AssetSpec, loaded: Mapping[str, AssetDependency]) -> tuple[AssetDependency, ...]:
        own = tuple(describe_dep(dep) for dep in spec.deps)
        internal = self.internal_deps.get(spec.key)
        if internal is None:
            return (*loaded.values(), *own)
        named = {dep.asset_key for dep in own}
        chosen = tuple(dep for dep in loaded.values() if dep.asset_key in internal)
        named |= {dep.asset_key for dep in chosen}
        return (*chosen, *own, *(AssetDependency(key) for key in sorted(internal - named)))

    def describe_checks(self) -> list[AssetCheckNode]:
        """One node for each check that the function evaluates."""
        return [spec.describe(self.node_def.name) for spec in self.check_specs_by_output.values()]

    def describe_unit(self) -> ComputeUnit:
        """The steps that make it."""
        return ComputeUnit(
            name=self.node_def.name,
            steps=self._steps(),
            asset_keys=self.keys,
            check_keys=self.check_keys,
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

    def _order_only(self) -> tuple[StepInput, ...]:
        own = set(self.keys)
        loaded = {given.key for given in self.inputs.values()}
        names = dict.fromkeys(
            dep.asset_key
            for spec in (*self.specs_by_output.values(),)
            for dep in spec.deps
            if dep.asset_key not in own and dep.asset_key not in loaded
        )
        names.update(
            dict.fromkeys(
                dep.asset_key
                for check in self.check_specs_by_output.values()
                for dep in (*check.additional_deps, AssetDep(check.asset_key))
                if dep.asset_key not in own and dep.asset_key not in loaded
            )
        )
        return tuple(
            StepInput(name=f"dep {key.to_user_string()}", source=OrderOnly(()), asset_key=key) for key in names
        )

    def _graph_inputs(self) -> dict[str, Any]:
        return {name: FromAsset(given.key) for name, given in self.inputs.items()}

    def _steps(self) -> tuple[StepPlan, ...]:
        if isinstance(self.node_def, OpDefinition):
            return (self._op_step(self.node_def),)
        return self._graph_steps(self.node_def)

    def _op_step(self, op: OpDefinition[P, R]) -> StepPlan:
        inputs = [
            StepInput(name=name, source=FromAsset(given.key), asset_key=given.key, rule=given.asset_in.rule)
            for name, given in self.inputs.items()
        ]
        return StepPlan(
            key=op.name,
            op_name=op.name,
            inputs=(*inputs, *self._order_only()),
            outputs=tuple(self._output_plan(name, out) for name, out in op.outs.items()),
            retry_policy=op.retry_policy,
            tags=op.tags,
            resource_keys=tuple(sorted(op.required_resource_keys)),
            pool=op.pool,
            timeout_seconds=op.timeout_seconds,
            code_version=op.code_version,
        )

    def _output_plan(self, name: str, out: Out) -> StepOutputPlan:
        spec = self.specs_by_output.get(name)
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
            graph, self._graph_inputs(), prefix=(graph.name,), hooks=self.hooks, retry_policy=self.retry_policy
        )
        made_by: dict[tuple[str, str], str] = {
            (source.ref.step_key, source.ref.output_name): output for output, source in flat.outputs.items()
        }
        order_only = self._order_only()
        steps = []
        for step in flat.steps:
            outputs = tuple(
                msgspec.structs.replace(
                    plan,
                    asset_key=self._key_of(made_by.get((step.key, plan.name))),
                    check_key=self._check_of(made_by.get((step.key, plan.name))),
                )
                for plan in step.outputs
            )
            is_root = not any(upstream_refs(given.source) for given in step.inputs)
            inputs = (*step.inputs, *order_only) if is_root else step.inputs
            steps.append(msgspec.structs.replace(step, outputs=outputs, inputs=inputs))
        return tuple(steps)

    def _key_of(self, output: str | None) -> AssetKey | None:
        spec = self.specs_by_output.get(output) if output is not None else None
        return spec.key if spec is not None else None

    def _check_of(self, output: str | None) -> AssetCheckKey | None:
        spec = self.check_specs_by_output.get(output) if output is not None else None
        return spec.key if spec is not None else None

    # --- calling -----------------------------------------------------------------------------------------------------

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the user's function as a plain function, for tests. Nothing is recorded."""
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
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
    config_schema: Any = None,
    required_resource_keys: Collection[str] = (),
    resource_defs: Mapping[str, Any] | None = None,
    hooks: Collection[HookDefinition] = (),
    io_manager_def: Any = None,
    io_manager_key: str | None = None,
    value_type: Any = NO_DEFAULT,
    partitions_def: PartitionsDefinition | None = None,
    op_tags: Mapping[str, str] | None = None,
    group_name: str | None = None,
    output_required: bool = True,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    check_specs: Sequence[AssetCheckSpec] = (),
    owners: Sequence[str] = (),
    kinds: Sequence[str] | set[str] = (),
    pool: str | None = None,
    timeout_seconds: float | None = None,
    is_virtual: bool = False,
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
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
    config_schema: Any = None,
    required_resource_keys: Collection[str] = (),
    resource_defs: Mapping[str, Any] | None = None,
    hooks: Collection[HookDefinition] = (),
    io_manager_def: Any = None,
    io_manager_key: str | None = None,
    value_type: Any = NO_DEFAULT,
    partitions_def: PartitionsDefinition | None = None,
    op_tags: Mapping[str, str] | None = None,
    group_name: str | None = None,
    output_required: bool = True,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    check_specs: Sequence[AssetCheckSpec] = (),
    owners: Sequence[str] = (),
    kinds: Sequence[str] | set[str] = (),
    pool: str | None = None,
    timeout_seconds: float | None = None,
    is_virtual: bool = False,
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
        metadata, tags, description, owners, kinds, group_name, code_version, partitions_def, is_virtual: see `AssetSpec`.
        config_schema: the schema of the configuration where no `Config` class is used.
        required_resource_keys: resources read from ``context.resources``.
        resource_defs: resources for this asset only.
        hooks: called after its step.
        io_manager_def, io_manager_key: what stores the value: the manager itself, or the key of the resource.
        value_type: the type of the value; the return annotation by default.
        op_tags: for executors.
        output_required: whether not yielding a value fails the step; otherwise what is downstream is skipped.
        retry_policy: what to do when it fails.
        check_specs: checks that the same function evaluates.
        pool: the pool whose slots limit how many run at once.
        timeout_seconds: the longest time one attempt may take.

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
        asset_key = _asset_key(function, name, key, key_prefix)
        resources = dict(resource_defs or {})
        manager_key = _io_manager(asset_key, io_manager_def, io_manager_key, resources)
        signature = parse_signature(
            function,
            resource_keys={*required_resource_keys, *resources},
            config_expected=config_schema is not None,
        )
        inputs = _asset_inputs(asset_key.to_user_string(), signature.inputs, ins or {}, declared_at(function))
        outs: dict[str, Out] = {
            DEFAULT_OUTPUT: Out(
                _returned_value_type(value_type, signature.return_annotation),
                is_required=output_required,
                io_manager_key=manager_key,
            )
        }
        checks = {spec.get_python_identifier(): spec for spec in check_specs}
        outs.update({output: Out(Nothing, is_required=False) for output in checks})
        op = OpDefinition(
            function,
            name=asset_key.to_python_identifier(),
            description=description,
            ins=_op_ins(inputs),
            outs=outs,
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            tags=op_tags,
            retry_policy=retry_policy,
            code_version=code_version,
            pool=pool,
            timeout_seconds=timeout_seconds,
            signature=signature,
        )
        spec = AssetSpec(
            asset_key,
            deps=tuple(deps or ()),
            description=op.description,
            metadata=metadata,
            group_name=group_name,
            code_version=code_version,
            owners=owners,
            tags=tags,
            kinds=kinds,
            partitions_def=partitions_def,
            skippable=not output_required,
            is_virtual=is_virtual,
            declared_at=op.declared_at,
        )
        return AssetsDefinition(
            op,
            specs_by_output={DEFAULT_OUTPUT: spec},
            check_specs_by_output=checks,
            inputs=inputs,
            resource_defs=resources,
            hooks=hooks,
            retry_policy=retry_policy,
        )

    return make if fn is None else make(fn)


def multi_asset(
    *,
    outs: Mapping[str, AssetOut] | None = None,
    specs: Sequence[AssetSpec] = (),
    name: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    description: str | None = None,
    internal_asset_deps: Mapping[str, Collection[Any]] | None = None,
    can_subset: bool = False,
    partitions_def: PartitionsDefinition | None = None,
    check_specs: Sequence[AssetCheckSpec] = (),
    hooks: Collection[HookDefinition] = (),
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    config_schema: Any = None,
    required_resource_keys: Collection[str] = (),
    resource_defs: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    op_tags: Mapping[str, str] | None = None,
    pool: str | None = None,
    timeout_seconds: float | None = None,
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
        description: what the function does.
        internal_asset_deps: output name to the keys it depends on, of upstream assets or of others among these.
        can_subset: whether a run may ask for some only; they are in ``context.selected_asset_keys``.
        partitions_def, group_name, code_version: for those that have none of their own.
        check_specs: checks that the same function evaluates.
        hooks, retry_policy, config_schema, required_resource_keys, resource_defs, op_tags, pool, timeout_seconds: see `asset`.
    """
    if (outs is None) == (not specs):
        raise DefinitionError(
            "a multi-asset has both outs and specs, or neither.",
            code="WEFT-D026",
            fix="give specs=[AssetSpec(...)] where the function stores what it makes, else outs={...}",
        )

    def make(function: Callable[P, R]) -> AssetsDefinition[P, R]:
        resources = dict(resource_defs or {})
        shared: dict[str, Any] = {
            "group_name": group_name,
            "partitions_def": partitions_def,
            "code_version": code_version,
            "declared_at": declared_at(function),
        }
        common = tuple(AssetDep.of(dep) for dep in deps or ())
        by_output, op_outs = (
            _from_specs(specs, shared, common) if outs is None else _from_asset_outs(outs, shared, common)
        )
        checks = {spec.get_python_identifier(): spec for spec in check_specs}
        op_outs.update({output: Out(Nothing, is_required=False) for output in checks})
        signature = parse_signature(
            function,
            resource_keys={*required_resource_keys, *resources},
            config_expected=config_schema is not None,
        )
        step_name = name or function.__name__
        inputs = _asset_inputs(step_name, signature.inputs, ins or {}, declared_at(function))
        op = OpDefinition(
            function,
            name=step_name,
            description=description,
            ins=_op_ins(inputs),
            outs=op_outs,
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            tags=op_tags,
            retry_policy=retry_policy,
            code_version=code_version,
            pool=pool,
            timeout_seconds=timeout_seconds,
            signature=signature,
        )
        return AssetsDefinition(
            op,
            specs_by_output=by_output,
            check_specs_by_output=checks,
            inputs=inputs,
            internal_deps=_internal_deps(step_name, internal_asset_deps, by_output, specs, inputs),
            can_subset=can_subset,
            resource_defs=resources,
            hooks=hooks,
            retry_policy=retry_policy,
        )

    return make


def _asset_key(
    fn: Callable[..., Any],
    name: str | None,
    key: CoercibleToAssetKey | None,
    key_prefix: str | Sequence[str] | None,
) -> AssetKey:
    if key is not None:
        if name is not None or key_prefix is not None:
            raise DefinitionError(
                "an asset has a key, and a name or prefix besides.",
                code="WEFT-D012",
                facts={"key": AssetKey.of(key).to_user_string(), "name": name, "key_prefix": key_prefix},
                fix="give the whole key, or the name and its prefix",
            )
        return AssetKey.of(key)
    own = check_name(name or fn.__name__, "an asset")
    return AssetKey(own).with_prefix(key_prefix) if key_prefix else AssetKey(own)


def _io_manager(key: AssetKey, manager: Any, manager_key: str | None, resources: dict[str, Any]) -> str:
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


def _asset_inputs(
    where: str, parameters: Mapping[str, Any], ins: Mapping[str, AssetIn], place: str | None
) -> dict[str, AssetInput]:
    for name in ins:
        if name not in parameters:
            raise DefinitionError(
                f'"{where}" declares the input "{name}", which its function does not take.',
                code="WEFT-D016",
                facts={"parameters": ", ".join(parameters) or "(none)", "declared in": place or "?"},
                fix=did_you_mean(name, parameters, f'add a parameter "{name}", or use deps= where no value is loaded'),
            )
    result = {}
    for name in parameters:
        given = ins.get(name) or AssetIn()
        is_implicit = given.key is None and not given.key_prefix
        result[name] = AssetInput(given.resolved_key(name), given, is_implicit)
    return result


def _op_ins(inputs: Mapping[str, AssetInput]) -> dict[str, In]:
    return {
        name: In(
            given.asset_in.value_type,
            metadata=given.asset_in.metadata,
            input_manager_key=given.asset_in.input_manager_key,
            asset_key=given.key,
            rule=given.asset_in.rule,
        )
        for name, given in inputs.items()
    }


def _returned_value_type(declared: Any, annotation: Any) -> Any:
    if declared is not NO_DEFAULT:
        return declared
    return Nothing if annotation is None else NO_DEFAULT


def _with_shared(spec: AssetSpec, shared: Mapping[str, Any], deps: tuple[AssetDep, ...]) -> AssetSpec:
    changes = {name: value for name, value in shared.items() if value is not None and getattr(spec, name) is None}
    if deps:
        named = {dep.asset_key for dep in spec.deps}
        changes["deps"] = (*spec.deps, *(dep for dep in deps if dep.asset_key not in named))
    return spec.replace_attributes(**changes) if changes else spec


def _from_specs(
    specs: Sequence[AssetSpec], shared: Mapping[str, Any], deps: tuple[AssetDep, ...]
) -> tuple[dict[str, AssetSpec], dict[str, Out]]:
    by_output = {spec.key.to_python_identifier(): _with_shared(spec, shared, deps) for spec in specs}
    outs = {name: Out(Nothing, is_required=not spec.skippable) for name, spec in by_output.items()}
    return by_output, outs


def _from_asset_outs(
    outs: Mapping[str, AssetOut], shared: Mapping[str, Any], deps: tuple[AssetDep, ...]
) -> tuple[dict[str, AssetSpec], dict[str, Out]]:
    by_output, op_outs = {}, {}
    for name, out in outs.items():
        spec = AssetSpec(
            out.key or AssetKey((*out.key_prefix, name)),
            description=out.description,
            metadata=out.metadata,
            group_name=out.group_name,
            code_version=out.code_version,
            owners=out.owners,
            tags=out.tags,
            kinds=out.kinds,
            skippable=not out.is_required,
        )
        by_output[name] = _with_shared(spec, shared, deps)
        op_outs[name] = Out(
            out.value_type,
            out.description,
            is_required=out.is_required,
            io_manager_key=out.io_manager_key,
            metadata=out.metadata,
        )
    return by_output, op_outs


def _internal_deps(
    where: str,
    declared: Mapping[str, Collection[Any]] | None,
    by_output: Mapping[str, AssetSpec],
    specs: Sequence[AssetSpec],
    inputs: Mapping[str, AssetInput],
) -> dict[AssetKey, frozenset[AssetKey]]:
    if declared is None:
        own = {spec.key for spec in specs}
        return {
            spec.key: frozenset({dep.asset_key for dep in spec.deps} | {given.key for given in inputs.values()})
            for spec in specs
            if own & {dep.asset_key for dep in spec.deps}
        }
    unknown = [name for name in declared if name not in by_output]
    if unknown:
        raise DefinitionError(
            f'"{where}" declares internal dependencies of "{unknown[0]}", which is not one of its outputs.',
            code="WEFT-D028",
            facts={"outputs": some_of(by_output)},
            fix=did_you_mean(unknown[0], by_output, "use the names of outs"),
        )
    return {
        by_output[name].key: frozenset(AssetKey.of(key) if not hasattr(key, "key") else key.key for key in keys)
        for name, keys in declared.items()
    }
