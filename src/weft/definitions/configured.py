"""``@configured``: a definition with configuration, made into one with other configuration or none."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from weft.config.schema import ConfigSchema
from weft.errors import DefinitionError


class Configurable(Protocol):
    """What can be configured: ops, graphs, resources, I/O managers, loggers, executors."""

    def configured(self, config_or_config_fn: Any, /) -> Any:
        """A copy with its configuration given or computed."""


C = TypeVar("C", bound=Configurable)


def configured(
    configurable: C, config_schema: ConfigSchema | None = None, **settings: Any
) -> Callable[[Callable[[Any], Any] | Any], C]:
    """Make a function that computes the configuration of a definition another definition; or give the configuration itself.

    >>> @configured(database, config_schema={"region": str})
    ... def regional_database(config):
    ...     return {"host": f"{config['region']}.db"}

    >>> test_database = configured(database)({"host": "localhost"})

    Args:
        configurable: the definition: an op, a graph, a resource, an I/O manager, a logger or an executor.
        config_schema: the schema of what the function gets.
        settings: ``name`` (of ops, graphs and executors; the name of the function by default) and ``description``.

    Raises:
        DefinitionError: (WEFT-D530) `configurable` is nothing that can be configured.
    """
    method = getattr(configurable, "configured", None)
    if method is None or inspect.isclass(configurable):
        raise DefinitionError(
            "@configured was given something that cannot be configured.",
            code="WEFT-D530",
            facts={"found": getattr(configurable, "__name__", None) or type(configurable).__name__},
            fix="give an op, graph, resource, I/O manager, logger or executor; of a ConfigurableResource, make an object with the values",
        )
    has_name = "name" in inspect.signature(method).parameters

    def make(config_or_config_fn: Any) -> C:
        given = dict(settings)
        if callable(config_or_config_fn) and hasattr(config_or_config_fn, "__name__"):
            given["config_schema"] = config_schema
            if has_name and config_or_config_fn.__name__ != "<lambda>":
                given.setdefault("name", config_or_config_fn.__name__)
            given.setdefault("description", inspect.getdoc(config_or_config_fn))
        made: C = method(config_or_config_fn, **given)
        return made

    return make
