"""The configuration of one run: what may be configured for its plan, and what was given, checked as a whole before anything starts."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from weft.config.run_config import (
    NodeConfigSchema,
    ResolvedRunConfig,
    RunConfigSchema,
    run_config_document,
    validate_run_config_value,
)
from weft.config.schema import Any as AnyConfig, Field
from weft.config.secrets import HIDDEN, Redaction
from weft.config.validation import declared
from weft.definitions.executors import multi_or_in_process_executor
from weft.definitions.loggers import LoggerDefinition, default_loggers
from weft.definitions.op import OpDefinition
from weft.definitions.resource_annotations import config_class_of
from weft.definitions.resources import ResourceDefinition
from weft.definitions.run_target import RunTarget
from weft.errors import ConfigError
from weft.model.plan import FromConfig, FromDefault, RunPlan, StepInput

_REQUIRED_VALUE = Field(AnyConfig)
_OPTIONAL_VALUE = Field(AnyConfig, is_required=False)


class RunConfiguration(Struct, frozen=True):
    """A run's configuration in both forms: as it is recorded, without secrets, and as the run uses it, which is never stored."""

    stored: Mapping[str, Any]
    resolved: ResolvedRunConfig


def check_run_config(
    target: RunTarget, plan: RunPlan, resource_defs: Mapping[str, ResourceDefinition], used: Collection[str], given: Any
) -> RunConfiguration:
    """`given` checked against everything in the run, defaults applied, environment variables read.

    Args:
        target: the user's side of the run.
        plan: the steps; only those that run may be configured.
        resource_defs: every resource that is defined.
        used: the keys of those that the run sets up.
        given: a dict or `RunConfig`.

    Raises:
        ConfigError: every problem at once, each with its path.
    """
    schema = run_config_schema(target, plan, resource_defs, used)
    document = run_config_document(given)
    _refuse_hidden(document)
    checked = validate_run_config_value(schema, document)
    resolved = checked.resolve(os.environ)
    written = checked.secrets
    stored = _without(document, written, Redaction(written)) if written else document
    return RunConfiguration(stored, resolved)


def run_config_schema(
    target: RunTarget, plan: RunPlan, resource_defs: Mapping[str, ResourceDefinition], used: Collection[str]
) -> RunConfigSchema:
    """What may be configured for a run."""
    selected = None if plan.selected is None else frozenset(plan.selected)
    tree = _Tree()
    inputs: dict[str, Field] = {}
    for step in plan.steps:
        if selected is not None and step.key not in selected:
            continue
        body = target.body(step.key)
        for step_input in step.inputs:
            source = step_input.source
            if isinstance(source, FromConfig) and len(source.path) == 2:
                inputs[step_input.name if source.path[0] != "inputs" else source.path[1]] = _REQUIRED_VALUE
        tree.add(body.node_path, _op_schema(body.op, step.inputs))
    nodes = tree.schemas()
    executor = target.executor_def or multi_or_in_process_executor
    return RunConfigSchema(
        nodes=nodes,
        unselected=frozenset(target.node_names() - nodes.keys()),
        resources={key: resource_defs[key].config_schema for key in used},
        unused_resources=frozenset(resource_defs.keys() - set(used)),
        execution=executor.config_schema,
        executor_name=executor.name,
        loggers={name: of.config_schema for name, of in loggers_of(target).items()},
        inputs=inputs,
    )


def loggers_of(target: RunTarget) -> Mapping[str, LoggerDefinition]:
    """The loggers that a run may have: its job's, else those that run configuration can ask for."""
    return target.logger_defs or default_loggers()


def _op_schema(op: OpDefinition[Any, Any], inputs: tuple[StepInput, ...]) -> NodeConfigSchema:
    given: dict[str, Field] = {}
    for step_input in inputs:
        source = step_input.source
        if isinstance(source, FromDefault):
            given[step_input.name] = _OPTIONAL_VALUE
        elif isinstance(source, FromConfig) and len(source.path) > 2:
            declared_in = op.ins[step_input.name]
            has_value = declared_in.has_default or declared_in.input_manager_key is not None
            given[step_input.name] = _OPTIONAL_VALUE if has_value else _REQUIRED_VALUE
    config = config_field_of(op)
    return _NOTHING if config is None and not given else NodeConfigSchema(config=config, inputs=given)


def config_field_of(op: OpDefinition[Any, Any]) -> Field | None:
    """The schema of an op's configuration; None where it declares none."""
    if op.config_schema is None:
        return None
    config_class: Any = config_class_of(op.config_schema)
    if config_class is not None:
        field: Field = config_class.to_config_schema()
        return field
    return declared(op.config_schema)


class _Tree:
    """Collects the schemas of ops by path, to nest them as the document is nested."""

    def __init__(self) -> None:
        self._leaves: dict[str, NodeConfigSchema] = {}
        self._inner: dict[str, _Tree] = {}

    def add(self, path: tuple[str, ...], schema: NodeConfigSchema) -> None:
        first, *rest = path
        if rest:
            self._inner.setdefault(first, _Tree()).add(tuple(rest), schema)
        else:
            self._leaves[first] = schema

    def schemas(self) -> dict[str, NodeConfigSchema]:
        return {
            **self._leaves,
            **{name: NodeConfigSchema(nodes=tree.schemas()) for name, tree in self._inner.items()},
        }


_NOTHING = NodeConfigSchema()


def _without(value: Any, written: Collection[str], redaction: Redaction) -> Any:
    """`value` with nothing of the secrets: neither as whole values, however short, nor within longer texts."""
    if isinstance(value, Mapping):
        return {key: _without(item, written, redaction) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without(item, written, redaction) for item in value]
    if isinstance(value, str):
        return HIDDEN if value in written else redaction.text(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return HIDDEN if str(value) in written else value
    return value


def _refuse_hidden(value: Any, path: tuple[str, ...] = ()) -> None:
    """A stored configuration whose secrets were left out cannot be run again as it is."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_hidden(item, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_hidden(item, (*path, str(index)))
    elif isinstance(value, str) and HIDDEN in value:
        raise ConfigError(
            "the configuration holds the mark of a secret that was not stored.",
            code="WEFT-C081",
            facts={"path": ".".join(path)},
            fix='give the secret through the environment: {"env": "NAME"} or EnvVar("NAME")',
        )
