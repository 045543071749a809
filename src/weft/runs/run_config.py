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
from weft.definitions.executors import multi_or_in_process_executor
from weft.definitions.flatten import GraphConfig
from weft.definitions.loggers import LoggerDefinition, default_loggers
from weft.definitions.op import OpDefinition
from weft.definitions.resources import ResourceDefinition
from weft.definitions.run_target import RunTarget
from weft.definitions.value_type import loader_of
from weft.errors import ConfigError
from weft.execution.io_managers.filesystem import FilesystemIOManager
from weft.execution.io_managers.memory import InMemoryIOManager
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
    checked = validate_run_config_value(schema, document, environ=os.environ)
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
                name = step_input.name if source.path[0] != "inputs" else source.path[1]
                inputs[name] = _value_field(body.op, step_input.name, is_required=True)
        tree.add(body.node_path, _op_schema(body.op, step.inputs))
        tree.mappings.update(body.graph_configs)
    nodes = tree.schemas()
    root = tree.mappings.get(())
    mapping = target.config_mapping
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
        config=root.mapping.config_field if root is not None else None,
        config_fn=root.mapping.config_fn if root is not None else None,
        written=mapping.config_field if mapping is not None else None,
        document_fn=mapping.config_fn if mapping is not None else None,
    )


def storage_manager(given: Any) -> Any:
    """The I/O manager that an older document asks for by its section ``storage`` (or ``intermediate_storage``); None for the default one."""
    if not isinstance(given, Mapping):
        return None
    section = given.get("storage", given.get("intermediate_storage"))
    if not isinstance(section, Mapping):
        return None
    if "in_memory" in section:
        return InMemoryIOManager()
    entry = section.get("filesystem")
    settings = entry.get("config", entry) if isinstance(entry, Mapping) else {}
    folder = settings.get("base_dir") if isinstance(settings, Mapping) else None
    return FilesystemIOManager(base_dir=str(folder)) if folder else None


def loggers_of(target: RunTarget) -> Mapping[str, LoggerDefinition]:
    """The loggers that a run may have: its job's, else those that run configuration can ask for."""
    return target.logger_defs or default_loggers()


def _op_schema(op: OpDefinition[Any, Any], inputs: tuple[StepInput, ...]) -> NodeConfigSchema:
    given: dict[str, Field] = {}
    for step_input in inputs:
        source = step_input.source
        if isinstance(source, FromDefault):
            given[step_input.name] = _value_field(op, step_input.name, is_required=False)
        elif isinstance(source, FromConfig) and len(source.path) > 2:
            declared_in = op.ins[step_input.name]
            has_value = declared_in.has_default or declared_in.input_manager_key is not None
            given[step_input.name] = _value_field(op, step_input.name, is_required=not has_value)
    config = op.config_field
    return _NOTHING if config is None and not given else NodeConfigSchema(config=config, inputs=given)


def _value_field(op: OpDefinition[Any, Any], name: str, *, is_required: bool) -> Field:
    """What may be written for an input that takes its value from configuration: what the loader of its type asks for, else anything."""
    loader = loader_of(op.input_types.get(name))
    if loader is None:
        return _REQUIRED_VALUE if is_required else _OPTIONAL_VALUE
    written = loader.config_field
    return (
        written
        if not is_required
        else Field(written.type, description=written.description, is_secret=written.is_secret)
    )


class _Tree:
    """Collects the schemas of ops by path, to nest them as the document is nested."""

    def __init__(self) -> None:
        self._leaves: dict[str, NodeConfigSchema] = {}
        self._inner: dict[str, _Tree] = {}
        # Of the whole tree, by the path of the graph.
        self.mappings: dict[tuple[str, ...], GraphConfig] = {}

    def add(self, path: tuple[str, ...], schema: NodeConfigSchema) -> None:
        first, *rest = path
        if rest:
            self._inner.setdefault(first, _Tree()).add(tuple(rest), schema)
        else:
            self._leaves[first] = schema

    def schemas(self) -> dict[str, NodeConfigSchema]:
        return self._schemas((), self.mappings)

    def _schemas(
        self, path: tuple[str, ...], mappings: Mapping[tuple[str, ...], GraphConfig]
    ) -> dict[str, NodeConfigSchema]:
        found = dict(self._leaves)
        for name, tree in self._inner.items():
            inside = (*path, name)
            nodes = tree._schemas(inside, mappings)
            configured = mappings.get(inside)
            found[name] = (
                NodeConfigSchema(nodes=nodes)
                if configured is None
                else NodeConfigSchema(
                    nodes=nodes,
                    config=configured.mapping.config_field,
                    config_fn=configured.mapping.config_fn,
                    unselected=configured.node_names - nodes.keys(),
                )
            )
        return found


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
