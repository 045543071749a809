"""A set of resources: what is bound to which key, and in which order it is set up.

`bind_resources` turns what users write (`resources={...}`) into definitions; from then on everything about them is plain: their schema, and the
keys they require. `initialisation_order` is a pure decision over those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from weft.definitions.io_manager import IOManager, IOManagerDefinition
from weft.definitions.resources import ResourceDefinition
from weft.errors import DefinitionError, Problem, did_you_mean, some_of


def as_resource_definition(value: Any) -> ResourceDefinition:
    """`value` as a definition: a definition stays itself, a configurable resource gives its own, any other object is wrapped."""
    if isinstance(value, ResourceDefinition):
        return value
    describe = getattr(type(value), "__weft_resource_definition__", None)
    if describe is not None:
        definition: ResourceDefinition = describe(value)
        return definition
    if isinstance(value, type) and getattr(value, "__weft_resource__", False) is True:
        raise DefinitionError(
            f"The class {value.__qualname__} was given as a resource.",
            code="WEFT-D214",
            fix=f"give an object of it: {value.__qualname__}(...), or {value.__qualname__}.configure_at_launch()",
        )
    if isinstance(value, IOManager):
        return IOManagerDefinition.hardcoded_io_manager(value)
    return ResourceDefinition.hardcoded_resource(value)


def bind_resources(resources: Mapping[str, Any]) -> dict[str, ResourceDefinition]:
    """Each of `resources` as a definition, in the same order.

    A configurable resource that stands inside another and is also bound to a key here is shared: the outer one then requires that key.
    """
    definitions = {key: as_resource_definition(value) for key, value in resources.items()}
    keys: dict[int, str] = {}
    for key, definition in definitions.items():
        keys.setdefault(id(definition.source), key)
    return {key: definition.bound(keys) for key, definition in definitions.items()}


def initialisation_order(
    resource_defs: Mapping[str, ResourceDefinition], required: Iterable[str] | Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """The keys to set up for `required`, each after those it requires itself. Teardown goes backwards.

    Independent resources keep the order of `required`, so that equal definitions give equal orders.

    Args:
        resource_defs: key to definition, bound.
        required: the keys that are needed, or a mapping from key to those who need it (such as ``op "clean"``), for messages.

    Raises:
        DefinitionError: (WEFT-D211) resources are missing, (WEFT-D212) resources require each other. All at once.
    """
    needed_by: dict[str, list[str]] = {
        key: list(required[key]) if isinstance(required, Mapping) else [] for key in required
    }
    order: dict[str, None] = {}
    problems: list[Problem] = []
    missing: dict[str, None] = {}

    def visit(key: str, path: tuple[str, ...]) -> None:
        if key in order or key in missing:
            return
        if key in path:
            problems.append(_cycle((*path[path.index(key) :], key)))
            return
        definition = resource_defs.get(key)
        if definition is None:
            missing[key] = None
            return
        for inner in sorted(definition.required_resource_keys):
            needed_by.setdefault(inner, []).append(f'resource "{key}"')
            visit(inner, (*path, key))
        order[key] = None

    for key in list(needed_by):
        visit(key, ())
    problems.extend(_missing(key, needed_by[key], resource_defs) for key in missing)
    if problems:
        raise DefinitionError.from_problems(problems)
    return tuple(order)


def _cycle(path: tuple[str, ...]) -> Problem:
    return Problem(
        "WEFT-D212",
        "Resources require each other in a circle.",
        facts={"circle": " -> ".join(path)},
        fix="move what both need into a resource of its own",
    )


def _missing(key: str, needed_by: Sequence[str], known: Mapping[str, ResourceDefinition]) -> Problem:
    facts: dict[str, object] = {"required by": list(dict.fromkeys(needed_by))} if needed_by else {}
    return Problem(
        "WEFT-D211",
        f'The resource "{key}" is required, but not defined.',
        facts={**facts, "known resources": some_of(known)},
        fix=did_you_mean(key, known, f'add it: resources={{"{key}": ...}}'),
    )
