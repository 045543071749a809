"""`Definitions`: everything that a project declares, in one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from weft.definitions.names import check_each, check_kind, check_mapping
from weft.definitions.source import called_at
from weft.errors import DefinitionError, InvocationError, did_you_mean, some_of
from weft.model.keys import AssetKey, CoercibleToAssetKey

if TYPE_CHECKING:
    from weft.definitions.asset_spec import AssetSpec
    from weft.definitions.assets import AssetsDefinition
    from weft.definitions.job import AssetJobDefinition, JobDefinition
    from weft.definitions.repository import Repository
    from weft.definitions.schedules import ScheduleDefinition
    from weft.definitions.sensors import SensorDefinition
    from weft.model.assets import AssetGraph
    from weft.model.snapshot import DefinitionsSnapshot
    from weft.runs.asset_values import AssetValueLoader

T = TypeVar("T")


class Definitions:
    """Assets, checks, jobs and resources of a project. Resolved when first used: `resolve` reports every problem in one pass.

    Args:
        assets: decorated functions, `AssetSpec` (external assets), and lists of these.
        asset_checks: what `asset_check` and `multi_asset_check` give.
        jobs: jobs of ops and asset jobs.
        schedules, sensors: what asks for runs; the jobs and assets that they are made with need not be listed again.
        executor: how runs of jobs that do not say otherwise are carried out.
        loggers: name to logger, for jobs that bring none.
        resources: key to resource: a `ConfigurableResource`, a `ResourceDefinition`, an I/O manager, or any object.
        metadata: facts for the reader.

    >>> defs = Definitions(assets=[orders, total])
    """

    def __init__(
        self,
        assets: Iterable[Any] = (),
        *,
        asset_checks: Iterable[Any] = (),
        jobs: Iterable[Any] = (),
        schedules: Iterable[Any] = (),
        sensors: Iterable[Any] = (),
        resources: Mapping[str, Any] | None = None,
        executor: Any = None,
        loggers: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.assets: Sequence[Any] = check_each(assets, object, "assets", "Definitions")
        self.asset_checks: Sequence[Any] = check_each(asset_checks, object, "asset_checks", "Definitions")
        self.jobs: Sequence[Any] = check_each(jobs, object, "jobs", "Definitions")
        self.schedules: Sequence[Any] = check_each(schedules, object, "schedules", "Definitions")
        self.sensors: Sequence[Any] = check_each(sensors, object, "sensors", "Definitions")
        self.executor = executor
        self.loggers: Mapping[str, Any] = check_mapping(loggers, "loggers", "Definitions")
        self.resources: Mapping[str, Any] = check_mapping(resources, "resources", "Definitions")
        self.metadata: Mapping[str, Any] = check_mapping(metadata, "metadata", "Definitions")
        self.declared_at = called_at()
        # Texts that got into the definitions from the environment, and that no run may record.
        self.secrets: frozenset[str] = frozenset()
        self._repository: Repository | None = None

    def resolve(self) -> Repository:
        """The resolved definitions; made once.

        Raises:
            DefinitionError: with every problem found.
        """
        if self._repository is None:
            from weft.definitions.repository import Repository  # resolving may never be asked for: keep import light

            self._repository = Repository(
                self.assets,
                self.asset_checks,
                self.jobs,
                self.resources,
                self.metadata,
                schedules=self.schedules,
                sensors=self.sensors,
                executor_def=self.executor,
                logger_defs=self.loggers,
                secrets=self.secrets,
            )
        return self._repository

    @staticmethod
    def merge(*parts: Definitions) -> Definitions:
        """All of them as one. Equal resources under one key are kept once.

        Raises:
            DefinitionError: (WEFT-D044) two bring different resources under one key.
        """
        resources: dict[str, Any] = {}
        for part in parts:
            check_kind(part, Definitions, "a part", "Definitions.merge")
            for key, resource in part.resources.items():
                # Some objects compare element by element (arrays, frames): only a plain True means that they are equal.
                if key in resources and resources[key] is not resource and (resources[key] == resource) is not True:
                    raise DefinitionError(
                        f'Two of the merged definitions have different resources under the key "{key}".',
                        code="WEFT-D044",
                        fix="rename one, or share one object",
                    )
                resources[key] = resource
        metadata = {key: value for part in parts for key, value in part.metadata.items()}
        merged = Definitions(
            [item for part in parts for item in part.assets],
            asset_checks=[item for part in parts for item in part.asset_checks],
            jobs=[item for part in parts for item in part.jobs],
            schedules=[item for part in parts for item in part.schedules],
            sensors=[item for part in parts for item in part.sensors],
            resources=resources,
            executor=_only_executor(parts),
            loggers={name: logger for part in parts for name, logger in part.loggers.items()},
            metadata=metadata,
        )
        merged.secrets = frozenset().union(*(part.secrets for part in parts))
        return merged

    def with_secrets(self, secrets: Iterable[str]) -> Definitions:
        """A copy whose runs also hide these texts in what they record: those that are long enough (`weft.config.secrets`)."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, secrets=self.secrets.union(secrets), _repository=None)
        return copy

    def map_asset_specs(self, *, func: Callable[[AssetSpec], AssetSpec], selection: Any = None) -> Definitions:
        """A copy in which `func` has changed the spec of every asset, or of those that `selection` holds.

        >>> defs.map_asset_specs(func=lambda spec: spec.merge_attributes(owners=["team:data"]), selection="group:sales")
        """
        from weft.definitions.spec_changes import map_asset_specs  # few projects need it

        keys = None
        if selection is not None:
            from weft.definitions.asset_selection import AssetSelection
            from weft.planning.selection import Selector

            keys = Selector(self.get_asset_graph()).assets(AssetSelection.of(selection).expression)

        def change(spec: AssetSpec) -> AssetSpec:
            return func(spec) if keys is None or spec.key in keys else spec

        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, assets=map_asset_specs(change, self.assets), _repository=None)
        return copy

    map_resolved_asset_specs = map_asset_specs

    def validate_loadable(self) -> None:
        """Raise a `DefinitionError` with every problem, if there is any."""
        self.resolve()

    def describe(self) -> DefinitionsSnapshot:
        """The definitions as one value."""
        return self.resolve().describe()

    # The name that existing code reads.
    get_repository_def = resolve

    def get_asset_graph(self) -> AssetGraph:
        """Every asset and check with its edges."""
        return self.resolve().graph

    resolve_asset_graph = get_asset_graph

    def get_assets_def(self, key: CoercibleToAssetKey) -> AssetsDefinition[Any, Any]:
        """What computes an asset.

        Raises:
            InvocationError: (WEFT-I005) nothing here does.
        """
        wanted = AssetKey.of(key)
        found = self.resolve().asset(wanted)
        if found is None:
            known = [known.to_user_string() for known in self.get_asset_graph().materializable_keys]
            raise InvocationError(
                f'no asset "{wanted.to_user_string()}" is computed here.',
                code="WEFT-I005",
                facts={"known assets": some_of(known)},
                fix=did_you_mean(wanted.to_user_string(), known, "check the key"),
            )
        return found

    resolve_assets_def = get_assets_def

    def get_asset_value_loader(self, instance: Any = None) -> AssetValueLoader:
        """What loads stored values of assets, one after another, without a run. A context manager.

        Args:
            instance: whose values; by default that of this project.
        """
        from weft.runs.asset_values import AssetValueLoader

        if instance is None:
            from weft.instance import Instance

            instance = Instance.get()
        return AssetValueLoader(self.resolve(), instance)

    def load_asset_value(
        self,
        asset_key: CoercibleToAssetKey,
        *,
        python_type: Any = None,
        instance: Any = None,
        partition_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Any:
        """The stored value of an asset, without a run; see `AssetValueLoader.load_asset_value`.

        >>> defs.load_asset_value("orders", partition_key="2024-01-01")
        """
        with self.get_asset_value_loader(instance) as loader:
            return loader.load_asset_value(
                asset_key, python_type=python_type, partition_key=partition_key, metadata=metadata
            )

    def resolve_all_asset_specs(self) -> list[AssetSpec]:
        """The spec of every declared asset."""
        repository = self.resolve()
        return [spec for key in repository.graph.keys if (spec := repository.spec(key)) is not None]

    def resolve_all_asset_keys(self) -> list[AssetKey]:
        """The key of every declared asset, in the order of keys."""
        return sorted(spec.key for spec in self.resolve_all_asset_specs())

    def resolve_implicit_global_asset_job_def(self) -> AssetJobDefinition:
        """The job of all assets, which nobody has to declare; runs of assets outside a job are its runs."""
        from weft.definitions.job import AssetJobDefinition

        return AssetJobDefinition.of_all_assets(self.resolve())

    get_implicit_global_asset_job_def = resolve_implicit_global_asset_job_def

    def resolve_all_job_defs(self) -> list[JobDefinition | AssetJobDefinition]:
        """The jobs, in the order of declaration, and the job of all assets where something here makes assets."""
        repository = self.resolve()
        own = list(repository.jobs.values())
        return [*own, self.resolve_implicit_global_asset_job_def()] if repository.definitions else own

    get_all_job_defs = resolve_all_job_defs

    def get_job_def(self, name: str) -> JobDefinition | AssetJobDefinition:
        """A job by its name, ready to run.

        Raises:
            InvocationError: (WEFT-I006) there is no such job.
        """
        jobs = self.resolve().jobs
        if name not in jobs:
            raise InvocationError(
                f'there is no job "{name}".',
                code="WEFT-I006",
                facts={"known jobs": some_of(jobs)},
                fix=did_you_mean(name, jobs, "add it: Definitions(jobs=[...])"),
            )
        return jobs[name]

    resolve_job_def = get_job_def

    def get_schedule_def(self, name: str) -> ScheduleDefinition:
        """A schedule by its name.

        Raises:
            InvocationError: (WEFT-I461) there is no such schedule.
        """
        return _named(self.resolve().schedules, name, "schedule")

    resolve_schedule_def = get_schedule_def

    def get_sensor_def(self, name: str) -> SensorDefinition:
        """A sensor by its name.

        Raises:
            InvocationError: (WEFT-I461) there is no such sensor.
        """
        return _named(self.resolve().sensors, name, "sensor")

    resolve_sensor_def = get_sensor_def

    def __repr__(self) -> str:
        return f"Definitions(assets={len(self.assets)}, jobs={len(self.jobs)}, resources={sorted(self.resources)})"


def _named(known: Mapping[str, T], name: str, what: str) -> T:
    if name in known:
        return known[name]
    raise InvocationError(
        f'there is no {what} "{name}".',
        code="WEFT-I461",
        facts={f"known {what}s": some_of(known)},
        fix=did_you_mean(name, known, f"add it: Definitions({what}s=[...])"),
    )


def _only_executor(parts: Sequence[Definitions]) -> Any:
    found = None
    for part in parts:
        if part.executor is not None and found is not None and part.executor is not found:
            raise DefinitionError(
                "Two of the merged definitions have different executors.",
                code="WEFT-D477",
                fix="keep one of them, or give executors to jobs",
            )
        found = part.executor if part.executor is not None else found
    return found
