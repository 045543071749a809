"""Resources outside a run: set up for a test or script, torn down after it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import UNSET

from weft.clock import SYSTEM_CLOCK
from weft.config.validation import Check
from weft.definitions.resource_set import bind_resources, initialisation_order
from weft.definitions.resources import InitResourceContext
from weft.definitions.scoped_resources import ScopedResources
from weft.execution.resources import ResourceSession
from weft.model.run import Run


@contextmanager
def build_resources(
    resources: Mapping[str, Any],
    instance: Any = None,
    resource_config: Mapping[str, Any] | None = None,
    run: Run | None = None,
    log: Any = None,
) -> Iterator[ScopedResources]:
    """Set resources up, give them by attribute, tear them down in the reverse order.

    Args:
        resources: key to resource: a definition, a configurable resource, any object. Those that others require must be among them.
        instance, run, log: what their contexts give.
        resource_config: key to configuration, ``{"db": {"config": {...}}}`` or ``{"db": {...}}`` as in a run configuration.

    Raises:
        ConfigError: configuration does not fit; all problems at once.
        ResourceError: the set-up of one failed; those that were up are torn down.

    >>> with build_resources({"db": database}, resource_config={"db": {"config": {"host": "test"}}}) as resources:
    ...     resources.db.query("select 1")
    """
    definitions = bind_resources(resources)
    given = resource_config or {}
    check = Check(os.environ)
    configs: dict[str, Any] = {}
    for key, definition in definitions.items():
        entry = given.get(key, {})
        config = entry.get("config", UNSET) if isinstance(entry, Mapping) else entry
        configs[key] = check.field(definition.config_schema, config, ("resources", key, "config"))
    check.raise_problems()
    values = check.validated(configs).resolve(os.environ).value
    session = ResourceSession(
        definitions,
        initialisation_order(definitions, definitions.keys()),
        config={key: None if value is UNSET else value for key, value in values.items()},
        record=_not_recorded,
        clock=SYSTEM_CLOCK,
        run=run,
        instance=instance,
        log=log,
    )
    session.open()
    try:
        yield session.all()
    finally:
        session.close()


def build_init_resource_context(
    config: Any = None,
    resources: Mapping[str, Any] | None = None,
    instance: Any = None,
    *,
    run: Run | None = None,
    log: Any = None,
) -> InitResourceContext:
    """A context for calling the function of a resource directly: ``database(build_init_resource_context(config={"host": "test"}))``.

    Args:
        config: the configuration; it is checked against the schema of the definition that is called.
        resources: key to a resource that is set up: what ``context.resources`` gives.
        instance, run, log: what the context gives.
    """
    return InitResourceContext(resource_config=config, resources=resources, instance=instance, run=run, log=log)


def _not_recorded(*_: object) -> None:
    """There is no run that would keep the events of the set-up."""
