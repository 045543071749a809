"""Repositories that hold pipelines and partition sets beside what repositories hold now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from weft.compat.legacy.partition_sets import PartitionSetDefinition
from weft.definitions.job import JobDefinition
from weft.definitions.lazy_definitions import (
    RepositoryData,
    RepositoryDefinition,
    repository as present_repository,
)


def repository(fn: Any = None, /, **settings: Any) -> Any:
    """As `weft.repository`; pipelines come as the jobs of all their modes, partition sets give their pipeline its partitions."""

    def make(function: Callable[[], Any]) -> RepositoryDefinition:
        def items() -> list[Any]:
            return repository_items(function())

        items.__name__ = function.__name__
        items.__doc__ = function.__doc__
        made: RepositoryDefinition = present_repository(**settings)(items)
        return made

    return make if fn is None else make(fn)


def schedules(fn: Any = None, /, **settings: Any) -> Any:
    """Make a function that returns a list of schedules that list, for a repository to hold."""

    def make(function: Callable[[], Iterable[Any]]) -> list[Any]:
        return list(function())

    return make if fn is None else make(fn)


def repository_items(given: Any) -> list[Any]:
    """What a repository holds, in present words. A dict is one of lists (or of dicts) by kind."""
    if isinstance(given, RepositoryData):
        given = [
            list(part)
            for part in (
                given.get_all_assets(),
                given.get_all_jobs(),
                given.get_all_schedules(),
                given.get_all_sensors(),
            )
        ]
    items = _flat(given)
    sets = [item for item in items if isinstance(item, PartitionSetDefinition)]
    by_job = {one.job_name: one for one in sets if one.job_name is not None}
    result: list[Any] = []
    for item in items:
        if isinstance(item, PartitionSetDefinition):
            continue
        jobs = [item, *item.variants] if isinstance(item, JobDefinition) else [item]
        for one in jobs:
            wanted = by_job.get(one.name) if isinstance(one, JobDefinition) else None
            if wanted is not None:
                result.append(wanted.attach(one))
            elif one is item or not isinstance(item, JobDefinition):
                result.append(one)  # its variants come with it
    return result


def _flat(given: Any) -> list[Any]:
    if isinstance(given, Mapping):
        return [item for value in given.values() for item in _flat(value)]
    if isinstance(given, (list, tuple, set, frozenset)):
        return [item for value in given for item in _flat(value)]
    return [given() if _is_factory(given) else given]


def _is_factory(item: Any) -> bool:
    """A function that makes a definition, as dicts of a repository held them."""
    return callable(item) and hasattr(item, "__code__")
