"""What is configured for a piece of work, as one short text: two runs with the same text were set up alike.

A result may stand in for another only if both were made with the same configuration and the same resources. So reuse of assets, their data versions and
memoised jobs take this into account. It is a hash; of each secret, and of what came from the environment, only 16 bits of a hash go into it:
enough to notice that it changed, too little to find it by guessing.

What cannot be told: the state of an object that was given as a resource and is not plain data. There the class counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from weft.config.run_config import ResolvedRunConfig
from weft.definitions.resources import HardcodedResource, ResourceDefinition
from weft.execution.run_context import RunContext
from weft.model.plan import StepPlan


def settings_of_step(run_context: RunContext, step: StepPlan) -> str | None:
    """What is configured for the asset that a step belongs to: all of its ops, and their resources. None where there is nothing to configure."""
    definition = run_context.definition_of_step(step.key)
    used = set(step.resource_keys)
    if definition is not None:
        for one in definition.describe_unit().steps:
            used.update(one.resource_keys)
    entry = (run_context.config.document.get("ops") or {}).get(run_context.target.body(step.key).node_path[0])
    return settings_version(run_context.config, entry, used, run_context.resources.definitions)


def settings_version(
    config: ResolvedRunConfig,
    entry: object,
    resource_keys: Collection[str],
    definitions: Mapping[str, ResourceDefinition],
) -> str | None:
    """One text for `entry`, which is part of the configuration, and for the resources with these keys and those that they require."""
    resources = {
        key: _resource(config, key, definitions.get(key)) for key in sorted(_closure(resource_keys, definitions))
    }
    if not resources and not _says_something(entry):
        return None
    text = json.dumps(_without_secrets([entry, resources], config.secrets), sort_keys=True, default=_class_name)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _closure(keys: Collection[str], definitions: Mapping[str, ResourceDefinition]) -> set[str]:
    found: set[str] = set()
    stack = list(keys)
    while stack:
        key = stack.pop()
        if key not in found:
            found.add(key)
            definition = definitions.get(key)
            stack.extend(definition.required_resource_keys if definition is not None else ())
    return found


def _resource(config: ResolvedRunConfig, key: str, definition: ResourceDefinition | None) -> list[Any]:
    given = (config.document.get("resources", {}).get(key) or {}).get("config")
    if definition is None:
        return [given]
    value = definition.value if isinstance(definition, HardcodedResource) else None
    return [given, definition.type_name, definition.version, value]


def _says_something(entry: object) -> bool:
    if isinstance(entry, Mapping):
        return any(_says_something(value) for value in entry.values())
    return entry is not None


def _without_secrets(value: Any, secrets: frozenset[str]) -> Any:
    if isinstance(value, str):
        return (
            ["secret", hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:4]]
            if value in secrets
            else value
        )
    if isinstance(value, Mapping):  # as pairs: keys of JSON are text, and 1 is not "1"
        return [
            "mapping",
            sorted(
                ([repr(key), _without_secrets(one, secrets)] for key, one in value.items()), key=lambda pair: pair[0]
            ),
        ]
    if isinstance(value, (list, tuple)):
        return [_without_secrets(one, secrets) for one in value]
    return value


def _class_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
