"""Definitions that a function makes: when they are loaded (`definitions`), or at once, in the earlier form (`repository`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

from weft.definitions.asset_checks import AssetChecksDefinition
from weft.definitions.asset_spec import AssetSpec
from weft.definitions.assets import AssetsDefinition
from weft.definitions.decorated import check_decorated, decorated_description, decorated_name
from weft.definitions.definitions import Definitions
from weft.definitions.graph import GraphDefinition
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.names import check_kind
from weft.definitions.schedules import ScheduleDefinition
from weft.definitions.sensors import SensorDefinition
from weft.definitions.source import declared_at


class LazyDefinitions:
    """A function that gives definitions, called once, when they are loaded. Made by `definitions`."""

    def __init__(self, fn: Callable[[], Definitions]) -> None:
        check_decorated(fn, "definitions")
        self._fn = fn
        self._made: Definitions | None = None
        self.declared_at = declared_at(fn)
        self.__name__ = decorated_name(fn, None, "definitions")
        self.__doc__ = decorated_description(fn, None)

    def load(self) -> Definitions:
        """The definitions; made on the first call.

        Raises:
            DefinitionError: (WEFT-D071) the function gives something else.
        """
        if self._made is None:
            made: Definitions = check_kind(
                self._fn(), Definitions, "what it returns", f'@definitions "{self.__name__}"'
            )
            self._made = made
        return self._made

    __call__ = load


def definitions(fn: Callable[[], Definitions]) -> LazyDefinitions:
    """Make a function the definitions of a project: it is called when they are loaded, not when its module is imported.

    >>> @definitions
    ... def defs() -> Definitions:
    ...     return Definitions(assets=load_assets_from_package_name("shop"))
    """
    return LazyDefinitions(fn)


class RepositoryDefinition(Definitions):
    """Definitions with a name: what `repository` gives."""

    name: str
    description: str | None

    @property
    def job_names(self) -> list[str]:
        """The names of its jobs, sorted."""
        return sorted(self.resolve().jobs)

    def get_all_jobs(self) -> list[JobDefinition | AssetJobDefinition]:
        """Its jobs."""
        return list(self.resolve().jobs.values())

    def get_job(self, name: str) -> JobDefinition | AssetJobDefinition:
        """A job by its name; see `Definitions.get_job_def`."""
        return self.get_job_def(name)

    @property
    def schedule_defs(self) -> list[ScheduleDefinition]:
        """Its schedules."""
        return list(self.resolve().schedules.values())

    @property
    def sensor_defs(self) -> list[SensorDefinition]:
        """Its sensors."""
        return list(self.resolve().sensors.values())


class RepositoryData:
    """What a repository holds, found when it is asked for: a function decorated with `repository` may return one in place of a list.

    Subclasses say what there is by the methods below; each gives nothing by default.
    """

    def get_all_jobs(self) -> Iterable[Any]:
        """Its jobs."""
        return ()

    def get_all_schedules(self) -> Iterable[Any]:
        """Its schedules."""
        return ()

    def get_all_sensors(self) -> Iterable[Any]:
        """Its sensors."""
        return ()

    def get_all_assets(self) -> Iterable[Any]:
        """Its assets and checks."""
        return ()


@overload
def repository(fn: Callable[[], Iterable[Any]], /) -> RepositoryDefinition: ...
@overload
def repository(
    *,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    top_level_resources: Mapping[str, Any] | None = None,
) -> Callable[[Callable[[], Iterable[Any]]], RepositoryDefinition]: ...
def repository(
    fn: Callable[[], Iterable[Any]] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    top_level_resources: Mapping[str, Any] | None = None,
) -> RepositoryDefinition | Callable[[Callable[[], Iterable[Any]]], RepositoryDefinition]:
    """Make a function that returns a list of assets, checks, graphs, jobs, schedules and sensors a repository. New code uses `Definitions`.

    Args:
        fn: the function, where the decorator is used without arguments.
        name: the name; the function's own by default.
        description: what it is; the docstring by default.
        metadata: facts for the reader.
        top_level_resources: key to resource.
    """

    def make(function: Callable[[], Iterable[Any]]) -> RepositoryDefinition:
        check_decorated(function, "repository")
        made = _sorted_definitions(function(), resources=top_level_resources, metadata=metadata)
        made.name = decorated_name(function, name, "a repository")
        made.description = decorated_description(function, description)
        made.declared_at = declared_at(function)
        return made

    return make if fn is None else make(fn)


def create_repository_using_definitions_args(
    name: str,
    assets: Iterable[Any] = (),
    *,
    asset_checks: Iterable[Any] = (),
    jobs: Iterable[Any] = (),
    resources: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    **more: Any,
) -> RepositoryDefinition:
    """Definitions with a name, of which a module may have several. The other arguments are those of `Definitions`."""
    made = RepositoryDefinition(
        assets, asset_checks=asset_checks, jobs=jobs, resources=resources, metadata=metadata, **more
    )
    made.name, made.description = name, None
    return made


def _sorted_definitions(items: Iterable[Any], **settings: Any) -> RepositoryDefinition:
    """Definitions of a list, each item by what it is; what is nothing of the known goes to the assets, where it is refused in words."""
    parts: dict[str, Any] = {}
    if isinstance(items, RepositoryData):
        items = [items.get_all_assets(), items.get_all_jobs(), items.get_all_schedules(), items.get_all_sensors()]
        items = [list(part) for part in items]
    for item in _flat(items):
        parts.setdefault(_place_of(item), []).append(item.to_job() if isinstance(item, GraphDefinition) else item)
    return RepositoryDefinition(**parts, **settings)


def _place_of(item: Any) -> str:
    if isinstance(item, AssetChecksDefinition):
        return "asset_checks"
    if isinstance(item, (AssetsDefinition, AssetSpec)):
        return "assets"
    if isinstance(item, (JobDefinition, AssetJobDefinition, GraphDefinition)):
        return "jobs"
    if isinstance(item, SensorDefinition):
        return "sensors"
    return "schedules" if isinstance(item, ScheduleDefinition) else "assets"


def _flat(items: Iterable[Any]) -> Iterable[Any]:
    for item in items:
        if isinstance(item, (list, tuple, set, frozenset)):
            yield from _flat(item)
        else:
            yield item
