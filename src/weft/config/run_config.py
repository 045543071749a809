"""The configuration of a run: the document that users write, and its check against everything that the run contains.

::

    ops:
      <op>:      {config: ..., inputs: {<input>: ...}, outputs: {<output>: ...}}
      <graph>:   {ops: {<op>: ...}, config: ..., inputs: ...}
    resources:   {<key>: {config: ...}}
    execution:   {config: ...}
    loggers:     {<name>: {config: ...}}
    inputs:      {<input of the job>: ...}

Python objects may stand in it: a config object in place of ``{config: ...}``, a configurable resource in place of its entry, a `RunConfig`
in place of a graph's entry or of the whole. Older documents are understood: ``solids`` for ``ops``,
``execution: {<executor>: {config: ...}}`` and ``execution: {<executor>: {...}}``, ``storage``.

`validate_run_config_value` checks the whole document in one pass, all problems at once. What it needs to know of a job are plain values
(`RunConfigSchema`), so that it works for definitions in this process and for stored ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import force_setattr

from weft.config.data import config_data
from weft.config.scaffold import scaffold
from weft.config.schema import Field, Noneable, Permissive, Selector, Shape, fields_of, written_type
from weft.config.validation import Check, ConfigPath, resolve_env, unknown_key
from weft.errors import ConfigError, nearest

LEGACY_STORAGE = Field(Noneable(Selector({"filesystem": Permissive(), "in_memory": Permissive()})))
"""What older documents may say of where values between steps are stored."""

_SECTION = Permissive()
_SECTIONS = ("ops", "resources", "execution", "loggers", "inputs")


class RunConfig(Struct, frozen=True):
    """Configuration of a run, with typed objects in place of dicts.

    >>> RunConfig(ops={"orders": Limits(rows=10)}, resources={"db": Database(host="test")})

    Args:
        ops: op (or asset, as its op name) to a config object, or to an entry as in the document; a graph to a `RunConfig` of its ops.
        resources: resource key to a configurable resource or an entry.
        loggers: logger name to an entry.
        execution: the entry of the executor, ``{"config": ...}``.
        inputs: values of the job's inputs.
    """

    ops: Mapping[str, Any] = {}
    resources: Mapping[str, Any] = {}
    loggers: Mapping[str, Any] = {}
    execution: Mapping[str, Any] = {}
    inputs: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) is None:
                force_setattr(self, name, {})

    def to_config_dict(self) -> dict[str, Any]:
        """The document as plain data, without empty sections."""
        return run_config_document(self)


class NodeConfigSchema(Struct, frozen=True, kw_only=True):
    """What may be configured for one op or graph."""

    # None: anything, and nothing must be.
    config: Field | None = None
    # Inputs whose values the configuration may give.
    inputs: Mapping[str, Field] = {}
    outputs: Mapping[str, Field] = {}
    # The nodes inside a graph.
    nodes: Mapping[str, NodeConfigSchema] = {}
    # Names of nodes inside that exist but do not run; what is configured for them is ignored.
    unselected: frozenset[str] = frozenset()
    # Of a graph: from its checked configuration to that of the nodes inside.
    config_fn: Callable[[Any], Any] | None = None


class RunConfigSchema(Struct, frozen=True, kw_only=True):
    """What may be configured for a run."""

    nodes: Mapping[str, NodeConfigSchema] = {}
    unselected: frozenset[str] = frozenset()
    # The resources that the run uses. Of the others that are defined, `unused_resources` says the keys: what is configured for them is ignored.
    resources: Mapping[str, Field] = {}
    unused_resources: frozenset[str] = frozenset()
    # The schema of the executor; None: anything.
    execution: Field | None = None
    # The name of the executor, by which older documents call it.
    executor_name: str | None = None
    loggers: Mapping[str, Field] = {}
    inputs: Mapping[str, Field] = {}
    # Of the outermost graph: what stands at ``ops.config``, and the function from it to the configuration of the nodes.
    config: Field | None = None
    config_fn: Callable[[Any], Any] | None = None
    # What is written instead of the document, and the function from it to the document.
    written: Field | None = None
    document_fn: Callable[[Any], Any] | None = None


class ResolvedRunConfig(Struct, frozen=True):
    """The configuration of a run, ready for use: defaults applied, environment variables read. It may hold secrets: never store it."""

    # The document, in the nested form in which it was written.
    document: Mapping[str, Any]
    # Texts that must not be shown.
    secrets: frozenset[str] = frozenset()

    @property
    def nodes(self) -> dict[str, Mapping[str, Any]]:
        """Node path (``graph.op``) to its ``config``, ``inputs`` and ``outputs``; only nodes that have any."""
        return dict(_flat(self.document.get("ops", {}), ""))

    @property
    def resources(self) -> dict[str, Any]:
        """Resource key to its configuration; None where it has none."""
        return {key: entry.get("config") for key, entry in self.document.get("resources", {}).items()}

    @property
    def execution(self) -> Any:
        """The configuration of the executor; None where it has none."""
        return self.document.get("execution", {}).get("config")

    @property
    def loggers(self) -> dict[str, Any]:
        """Logger name to its configuration; None where it has none."""
        return {key: entry.get("config") for key, entry in self.document.get("loggers", {}).items()}

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The values of the job's inputs that were configured."""
        inputs: Mapping[str, Any] = self.document.get("inputs", {})
        return inputs

    @property
    def storage(self) -> str | None:
        """The store that an older document names, ``filesystem`` or ``in_memory``; None where it names none."""
        return next(iter(self.document.get("storage") or ()), None)


class ValidatedRunConfig(Struct, frozen=True):
    """A run's configuration that fits its job, environment references not yet read."""

    # The checked document, defaults applied: ``ops`` are nested as written.
    document: Mapping[str, Any]
    secrets: frozenset[str] = frozenset()
    has_env: bool = False

    def resolve(self, environ: Mapping[str, str]) -> ResolvedRunConfig:
        """The configuration with environment variables read.

        Raises:
            ConfigError: (WEFT-C020, WEFT-C021) variables are missing or cannot be read, all of them at once.
        """
        if not self.has_env:
            return ResolvedRunConfig(self.document, self.secrets)
        resolved = resolve_env(self.document, environ)
        return ResolvedRunConfig(resolved.value, self.secrets | resolved.secrets)


def run_config_document(value: RunConfig | Mapping[str, Any] | None) -> dict[str, Any]:
    """A run's configuration as plain data: the form that is stored and sent. Environment references stay ``{"env": "NAME"}``.

    Raises:
        ConfigError: (WEFT-C030) `value` is something else.
    """
    if value is None:
        return {}
    if isinstance(value, RunConfig):
        value = {name: getattr(value, name) for name in _SECTIONS if getattr(value, name)}
    if not isinstance(value, Mapping):
        raise ConfigError(
            "That is not the configuration of a run.",
            code="WEFT-C030",
            facts={"expected": "a dict or a RunConfig", "found": type(value).__name__},
            fix='write {"ops": {...}, "resources": {...}}, or RunConfig(ops=..., resources=...)',
        )
    document: dict[str, Any] = {}
    for key, section in value.items():
        if key in ("ops", "solids"):
            document["ops"] = _ops_document(section)
        elif key in ("resources", "loggers") and isinstance(section, Mapping):
            document[key] = {name: _entry(item) for name, item in section.items()}
        elif key == "execution":
            document[key] = _entry(section)
        else:
            document[key] = config_data(section)
    return document


def validate_run_config_value(
    schema: RunConfigSchema, value: RunConfig | Mapping[str, Any] | None, *, environ: Mapping[str, str] | None = None
) -> ValidatedRunConfig:
    """`value` checked against everything the run contains, with all defaults applied.

    Args:
        schema: what may be configured.
        value: what was written.
        environ: see `weft.config.validation.Check`.

    Raises:
        ConfigError: it does not fit; it carries every problem, each with its path in the document.
    """
    check = Check(environ)
    document: Mapping[str, Any] = run_config_document(value)
    if schema.document_fn is None:
        document = _checked(check, schema, document)
    else:
        document = _computed_document(check, schema, schema.document_fn, document)
    check.raise_problems()
    return ValidatedRunConfig(document, frozenset(check.secrets), check.env_count > 0)


def scaffold_run_config(schema: RunConfigSchema) -> dict[str, Any]:
    """The least document that fits `schema`: what is required, with placeholders."""
    document: dict[str, Any] = {
        "ops": _scaffold_nodes(schema.nodes),
        "resources": _scaffold_entries(schema.resources),
        "execution": _scaffold_config(schema.execution),
        "inputs": _scaffold_required(schema.inputs),
    }
    return {section: content for section, content in document.items() if content}


# --- the document -----------------------------------------------------------------------------------------------------


def _ops_document(section: Any) -> Any:
    if not isinstance(section, Mapping):
        return config_data(section)
    return {name: _node_document(entry) for name, entry in section.items()}


def _node_document(entry: Any) -> Any:
    if isinstance(entry, RunConfig):
        return {"ops": _ops_document(entry.ops), **({"inputs": config_data(entry.inputs)} if entry.inputs else {})}
    if not isinstance(entry, Mapping):
        return _entry(entry)
    return {
        ("ops" if key == "solids" else key): _ops_document(item) if key in ("ops", "solids") else config_data(item)
        for key, item in entry.items()
    }


def _entry(entry: Any) -> Any:
    """An object that describes itself as configuration is the ``config`` of its entry."""
    data = config_data(entry)
    return {"config": data} if hasattr(type(entry), "__weft_config_data__") else data


# --- the check --------------------------------------------------------------------------------------------------------


def _checked(check: Check, schema: RunConfigSchema, document: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    known = (*_SECTIONS, "storage")
    for key in document:
        if key not in known and key != "intermediate_storage":
            check.problems.append(unknown_key(key, known, ()))
    ops = _section(check, document, "ops", ())
    result["ops"] = (
        _nodes(check, schema.nodes, schema.unselected, ops, ("ops",))
        if schema.config_fn is None
        else _computed_nodes(check, schema, schema.config_fn, ops, ("ops",))
    )
    resources = _section(check, document, "resources", ())
    result["resources"] = _entries(check, schema.resources, schema.unused_resources, resources, "resources")
    result["execution"] = _execution(check, schema, document.get("execution"))
    loggers = _section(check, document, "loggers", ())
    # A logger that needs configuration is used where it gets some.
    used = {name: of for name, of in schema.loggers.items() if name in loggers or not of.is_required}
    result["loggers"] = _entries(check, used, frozenset(schema.loggers) - frozenset(used), loggers, "loggers")
    result["inputs"] = _values(check, schema.inputs, document, "inputs", ())
    for key in ("storage", "intermediate_storage"):
        if key in document:
            result["storage"] = check.field(LEGACY_STORAGE, document[key], (key,))
    return result


def _section(check: Check, parent: Mapping[str, Any], key: str, path: ConfigPath) -> Mapping[str, Any]:
    """The mapping at `key`; nothing or null is an empty one."""
    section = parent.get(key)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        check.mismatch(_SECTION, section, (*path, key))
        return {}
    return section


def _nodes(
    check: Check,
    schemas: Mapping[str, NodeConfigSchema],
    unselected: frozenset[str],
    given: Mapping[str, Any],
    path: ConfigPath,
) -> dict[str, Any]:
    result = {}
    for name, schema in schemas.items():
        entry = given.get(name)
        if entry is None and schema == _NOTHING:
            continue  # most nodes have nothing to configure and get nothing
        checked = _node(check, schema, entry, (*path, name))
        if checked:
            result[name] = checked
    for name in given:
        if name not in schemas and name not in unselected:
            check.problems.append(unknown_key(name, schemas, path, fix=_meant_node(name, schemas, path)))
    return result


def _node(check: Check, schema: NodeConfigSchema, entry: Any, path: ConfigPath) -> dict[str, Any]:
    if entry is None:
        entry = {}
    if not isinstance(entry, Mapping):
        check.mismatch(_ENTRY, entry, path)
        return {}
    result: dict[str, Any] = {}
    if schema.config_fn is not None:
        nodes = _computed_nodes(check, schema, schema.config_fn, entry, path)
        return {"ops": nodes} if nodes else {}
    config = _config(check, schema.config, entry, path)
    if config is not UNSET:
        result["config"] = config
    for part, schemas in (("inputs", schema.inputs), ("outputs", schema.outputs)):
        values = _values(check, schemas, entry, part, path)
        if values:
            result[part] = values
    if schema.nodes:
        inner = _section(check, entry, "ops", path)
        nodes = _nodes(check, schema.nodes, schema.unselected, inner, (*path, "ops"))
        if nodes:
            result["ops"] = nodes
    known = ["config", "inputs", "outputs", *(["ops"] if schema.nodes else [])]
    _unknown_in_entry(check, entry, known, schema.config, path, nodes=schema.nodes)
    return result


def _computed_nodes(
    check: Check,
    schema: NodeConfigSchema | RunConfigSchema,
    config_fn: Callable[[Any], Any],
    entry: Mapping[str, Any],
    path: ConfigPath,
) -> dict[str, Any]:
    """The nodes of a graph whose configuration is computed from its own ``config``."""
    before, env_before = len(check.problems), check.env_count
    config = _config(check, schema.config, entry, path)
    _unknown_in_entry(check, entry, ["config"], schema.config, path)
    if len(check.problems) > before:
        return {}
    given = check.computed(
        lambda value: _ops_of(config_fn(value), schema.nodes),
        {} if config is UNSET else config,
        (*path, "config"),
        has_env=check.env_count > env_before,
        named=config_fn,
    )
    if given is UNSET:
        return {}
    inside = path if path == ("ops",) else (*path, "ops")
    if not isinstance(given, Mapping):
        check.mismatch(_SECTION, given, inside)
        nodes = {}
    else:
        nodes = _nodes(check, schema.nodes, schema.unselected, given, inside)
    check.say_who_computed(before, config_fn)
    return nodes


def _ops_of(given: Any, nodes: Mapping[str, NodeConfigSchema]) -> Any:
    """The configuration of nodes that a function gave: theirs by name, or a document."""
    if isinstance(given, RunConfig):
        given = given.ops
    elif isinstance(given, Mapping) and len(given) == 1 and not nodes.keys() & {"ops", "solids"}:
        given = given.get("ops", given.get("solids", given))
    return _ops_document(given)


def _computed_document(
    check: Check, schema: RunConfigSchema, document_fn: Callable[[Any], Any], written: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The document that a job's function computes from what is `written` in its place."""
    field = schema.written
    checked = written if field is None else check.field(field, written, ())
    if check.problems:
        return {}
    given = check.computed(
        lambda value: run_config_document(document_fn(value)),
        checked,
        (),
        has_env=check.env_count > 0,
        named=document_fn,
    )
    if not isinstance(given, Mapping):
        return {}
    document = _checked(check, schema, given)
    check.say_who_computed(0, document_fn)
    return document


def _config(check: Check, field: Field | None, entry: Mapping[str, Any], path: ConfigPath) -> Any:
    """The ``config`` of an entry; UNSET where there is none."""
    given = entry.get("config", UNSET)
    if field is None:
        return given
    is_mapping = isinstance(written_type(field.type), (Shape, Permissive))
    if given is None and is_mapping:
        given = {}  # "config:" with nothing below it
    if given is UNSET and field.is_required and is_mapping:
        given = {}  # name the keys that are missing
    return check.field(field, given, (*path, "config"))


def _values(
    check: Check, schemas: Mapping[str, Field], parent: Mapping[str, Any], part: str, path: ConfigPath
) -> dict[str, Any]:
    given = _section(check, parent, part, path)
    where = (*path, part)
    result = {}
    for name, field in schemas.items():
        checked = check.field(field, given.get(name, UNSET), (*where, name))
        if checked is not UNSET:
            result[name] = checked
    for name in given:
        if name not in schemas:
            check.problems.append(unknown_key(name, schemas, where))
    return result


def _entries(
    check: Check, schemas: Mapping[str, Field], unused: frozenset[str], given: Mapping[str, Any], section: str
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, field in schemas.items():
        path = (section, name)
        entry = given.get(name)
        if entry is None:
            entry = {}
        if not isinstance(entry, Mapping):
            check.mismatch(_ENTRY, entry, path)
            continue
        config = _config(check, field, entry, path)
        result[name] = {} if config is UNSET else {"config": config}
        _unknown_in_entry(check, entry, ["config"], field, path)
    for name in given:
        if name not in schemas and name not in unused:
            check.problems.append(unknown_key(name, [*schemas, *sorted(unused)], (section,)))
    return result


def _unknown_in_entry(
    check: Check,
    entry: Mapping[str, Any],
    known: list[str],
    config: Field | None,
    path: ConfigPath,
    *,
    nodes: Mapping[str, NodeConfigSchema] | None = None,
) -> None:
    """Report keys that an entry cannot have. One that belongs into its config or its graph was most likely written a level too high."""
    of = written_type(config.type) if config is not None else None
    inside_config = fields_of(of) if isinstance(of, (Shape, Permissive, Selector)) else {}
    for key in entry:
        if key in known:
            continue
        fix = None
        if key in inside_config:
            fix = f"write it one level lower: config.{key}"
        elif key in (nodes or {}):
            fix = f"write it one level lower: ops.{key}"
        check.problems.append(unknown_key(key, known, path, fix=fix))


def _execution(check: Check, schema: RunConfigSchema, given: Any) -> dict[str, Any]:
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        check.mismatch(_SECTION, given, ("execution",))
        return {}
    field = schema.execution
    if set(given) <= {"config"}:
        config = _config(check, field, given, ("execution",))
        return {} if config is UNSET else {"config": config}
    if len(given) == 1:  # the older form: the executor by its name
        ((name, settings),) = given.items()
        path: ConfigPath = ("execution", name)
        if isinstance(settings, Mapping) and set(settings) == {"config"}:
            settings, path = settings["config"], (*path, "config")
        settings = {} if settings is None else settings
        if field is None:
            return {"config": {name: settings}}
        if isinstance(field.type, Selector) and name in field.type.fields:
            inner = check.field(fields_of(field.type)[name], settings, path)
            return {"config": {name: {} if inner is UNSET else inner}}
        if name == schema.executor_name:
            return {"config": check.field(field, settings, path)}
    names = ["config", *([schema.executor_name] if schema.executor_name else [])]
    _unknown_in_entry(check, given, names, field, ("execution",))
    return {}


def _meant_node(name: object, schemas: Mapping[str, NodeConfigSchema], path: ConfigPath) -> str | None:
    """The fix for a node that is not here but, by exactly this name, in a graph below or with another spelling of an asset's key."""
    text = str(name)
    as_op = text.replace("/", "__")
    if as_op != text and as_op in schemas:
        return f'write the asset as its op: "{as_op}"'
    for at in _paths_of(text, schemas, path):
        return f"it is inside a graph: write it at {'.'.join(str(part) for part in at)}"
    close = nearest(text, schemas)
    return f'did you mean "{close[0]}"?' if close else None


def _paths_of(name: str, schemas: Mapping[str, NodeConfigSchema], path: ConfigPath) -> Iterator[ConfigPath]:
    for graph, schema in schemas.items():
        inside = (*path, graph, "ops")
        if name in schema.nodes:
            yield (*inside, name)
        yield from _paths_of(name, schema.nodes, inside)


def _flat(ops: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in ops.items():
        path = f"{prefix}{name}"
        own = {part: value for part, value in entry.items() if part != "ops"}
        if own:
            yield path, own
        yield from _flat(entry.get("ops", {}), f"{path}.")


_NOTHING = NodeConfigSchema()
_ENTRY = Permissive({"config": Field(Permissive(), is_required=False)})


# --- examples ---------------------------------------------------------------------------------------------------------


def _scaffold_nodes(nodes: Mapping[str, NodeConfigSchema]) -> dict[str, Any]:
    result = {}
    for name, schema in nodes.items():
        entry = {
            **_scaffold_config(schema.config),
            **_part("inputs", _scaffold_required(schema.inputs)),
            **_part("outputs", _scaffold_required(schema.outputs)),
            **_part("ops", _scaffold_nodes(schema.nodes)),
        }
        if entry:
            result[name] = entry
    return result


def _scaffold_entries(schemas: Mapping[str, Field]) -> dict[str, Any]:
    return {name: _scaffold_config(field) for name, field in schemas.items() if field.is_required}


def _scaffold_config(field: Field | None) -> dict[str, Any]:
    return {"config": scaffold(field)} if field is not None and field.is_required else {}


def _scaffold_required(schemas: Mapping[str, Field]) -> dict[str, Any]:
    return {name: scaffold(field) for name, field in schemas.items() if field.is_required}


def _part(name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {name: content} if content else {}
