"""Checks of assets: functions that say whether what was made is as it should be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from weft.definitions.asset_spec import AssetCheckSpec
from weft.definitions.assets import AssetInput, AssetsDefinition
from weft.definitions.inputs_outputs import AssetIn, In, Out, asset_key_of
from weft.definitions.op import OpDefinition
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.signature import parse_signature
from weft.definitions.source import declared_at
from weft.definitions.value_type import Nothing
from weft.errors import DefinitionError
from weft.model.retry import RetryPolicy

if TYPE_CHECKING:
    from weft.model.partitions.definitions import PartitionsDefinition

P = ParamSpec("P")
R = TypeVar("R")


class AssetChecksDefinition(AssetsDefinition[P, R]):
    """Checks with the function that evaluates them, apart from what makes the asset."""

    def __repr__(self) -> str:
        return f"AssetChecksDefinition({', '.join(key.to_user_string() for key in self.check_keys)})"


def asset_check(
    *,
    asset: Any,
    name: str | None = None,
    description: str | None = None,
    blocking: bool = False,
    additional_ins: Mapping[str, AssetIn] | None = None,
    additional_deps: Iterable[Any] | None = None,
    required_resource_keys: Collection[str] = (),
    resource_defs: Mapping[str, Any] | None = None,
    config_schema: Any = None,
    op_tags: Mapping[str, str] | None = None,
    retry_policy: RetryPolicy | None = None,
    metadata: Mapping[str, Any] | None = None,
    pool: str | None = None,
    partitions_def: PartitionsDefinition | None = None,
    timeout_seconds: float | None = None,
) -> Callable[[Callable[P, R]], AssetChecksDefinition[P, R]]:
    """Make a function a check of an asset. It returns a bool or an `AssetCheckResult`.

    The check runs after the asset when both are in a run. A parameter that is not context, configuration, resource or one of `additional_ins`
    takes the value of the asset.

    Args:
        asset: the asset: its definition, spec, key or name.
        name: the name; the function's own by default.
        description: what it checks; the docstring by default.
        blocking: whether what is downstream of the asset waits for it in the same run, and is skipped when it fails with severity ERROR.
        additional_ins: parameters that load other assets.
        additional_deps: other assets that it waits for.
        required_resource_keys, resource_defs, config_schema, op_tags, retry_policy, pool, timeout_seconds: see `asset`.
        metadata: facts for the reader.
        partitions_def: how the check is divided.

    >>> @asset_check(asset="orders", blocking=True)
    ... def orders_are_not_empty(orders) -> bool:
    ...     return len(orders) > 0
    """

    def make(fn: Callable[P, R]) -> AssetChecksDefinition[P, R]:
        spec = AssetCheckSpec(
            name or fn.__name__,
            asset=asset_key_of(asset),
            description=description or fn.__doc__,
            additional_deps=tuple(additional_deps or ()),
            blocking=blocking,
            metadata=metadata,
            partitions_def=partitions_def,
        )
        resources = dict(resource_defs or {})
        signature = parse_signature(
            fn, resource_keys={*required_resource_keys, *resources}, config_expected=config_schema is not None
        )
        inputs = _check_inputs(spec, signature.inputs, additional_ins or {}, declared_at(fn))
        op = OpDefinition(
            fn,
            name=spec.get_python_identifier(),
            description=spec.description,
            ins=_ins(inputs),
            outs={DEFAULT_OUTPUT: Out(Nothing)},
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            tags=op_tags,
            retry_policy=retry_policy,
            pool=pool,
            timeout_seconds=timeout_seconds,
            signature=signature,
        )
        return AssetChecksDefinition(
            op,
            specs_by_output={},
            check_specs_by_output={DEFAULT_OUTPUT: spec},
            inputs=inputs,
            resource_defs=resources,
            retry_policy=retry_policy,
        )

    return make


def multi_asset_check(
    *,
    specs: Sequence[AssetCheckSpec],
    name: str | None = None,
    description: str | None = None,
    can_subset: bool = False,
    ins: Mapping[str, AssetIn] | None = None,
    required_resource_keys: Collection[str] = (),
    resource_defs: Mapping[str, Any] | None = None,
    config_schema: Any = None,
    op_tags: Mapping[str, str] | None = None,
    retry_policy: RetryPolicy | None = None,
    pool: str | None = None,
    timeout_seconds: float | None = None,
) -> Callable[[Callable[P, R]], AssetChecksDefinition[P, R]]:
    """Make a function that evaluates several checks, yielding an `AssetCheckResult` for each.

    Args:
        specs: the checks.
        name: the name of the step; the function's own by default.
        description: what it checks.
        can_subset: whether a run may ask for some only; they are in ``context.selected_asset_check_keys``.
        ins: parameters that load assets.
        required_resource_keys, resource_defs, config_schema, op_tags, retry_policy, pool, timeout_seconds: see `asset`.
    """

    def make(fn: Callable[P, R]) -> AssetChecksDefinition[P, R]:
        resources = dict(resource_defs or {})
        signature = parse_signature(
            fn, resource_keys={*required_resource_keys, *resources}, config_expected=config_schema is not None
        )
        inputs = {
            parameter: AssetInput(
                (ins or {}).get(parameter, AssetIn()).resolved_key(parameter), given, given.key is None
            )
            for parameter in signature.inputs
            for given in [(ins or {}).get(parameter, AssetIn())]
        }
        op = OpDefinition(
            fn,
            name=name or fn.__name__,
            description=description,
            ins=_ins(inputs),
            outs={spec.get_python_identifier(): Out(Nothing, is_required=False) for spec in specs},
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            tags=op_tags,
            retry_policy=retry_policy,
            pool=pool,
            timeout_seconds=timeout_seconds,
            signature=signature,
        )
        return AssetChecksDefinition(
            op,
            specs_by_output={},
            check_specs_by_output={spec.get_python_identifier(): spec for spec in specs},
            inputs=inputs,
            can_subset=can_subset,
            resource_defs=resources,
            retry_policy=retry_policy,
        )

    return make


def _check_inputs(
    spec: AssetCheckSpec, parameters: Mapping[str, Any], additional: Mapping[str, AssetIn], place: str | None
) -> dict[str, AssetInput]:
    own = [name for name in parameters if name not in additional]
    if len(own) > 1:
        raise DefinitionError(
            f'check "{spec.name}" takes {len(own)} values, but is about one asset.',
            code="WEFT-D029",
            facts={"parameters": ", ".join(own), "declared in": place or "?"},
            fix="name the assets of the others in additional_ins={...}",
        )
    inputs = {name: AssetInput(spec.asset_key, AssetIn(), is_implicit=False) for name in own}
    for name, given in additional.items():
        inputs[name] = AssetInput(given.resolved_key(name), given, is_implicit=given.key is None)
    return inputs


def _ins(inputs: Mapping[str, AssetInput]) -> dict[str, In]:
    return {
        name: In(given.asset_in.value_type, input_manager_key=given.asset_in.input_manager_key, asset_key=given.key)
        for name, given in inputs.items()
    }
