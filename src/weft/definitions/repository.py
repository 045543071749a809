"""Definitions resolved: every name connected, every problem found in one linear pass, described as values.

A `Repository` is what a loaded code location is: the asset graph, the units that compute it, the jobs, the resources.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from types import FunctionType
from typing import TYPE_CHECKING, Any

from weft.definitions.asset_checks import AssetChecksDefinition
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.assets import AssetInput, AssetsDefinition
from weft.definitions.edge_types import asset_type_problem
from weft.definitions.executors import check_executor
from weft.definitions.flatten import StepBody
from weft.definitions.inputs_outputs import DEFAULT_IO_MANAGER_KEY
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.loggers import check_loggers
from weft.definitions.op import OpDefinition
from weft.definitions.source_asset import SourceAsset
from weft.definitions.tick_binding import TickSources
from weft.errors import DefinitionError, Problem, did_you_mean, some_of
from weft.model.assets import DEFAULT_GROUP, AssetCheckNode, AssetGraph, AssetGraphCycle, AssetNode
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import metadata_values
from weft.model.plan import ComputeUnit
from weft.model.snapshot import DefinitionsSnapshot, OpSnapshot, ResourceSnapshot

if TYPE_CHECKING:
    from weft.definitions.schedules import ScheduleDefinition
    from weft.definitions.sensors import SensorDefinition
    from weft.model.partitions.definitions import PartitionsDefinition

_OWN_IO_MANAGERS = "weft.execution.io_managers."
_MOST_SUGGESTIONS = 20
_MOST_OF_PATH = 12
_NUMBERED = re.compile(r"(.+)_\d+\Z")


class Repository:
    """Resolved definitions.

    Attributes:
        graph: every asset and check with its edges.
        renamed: earlier key and present key of every asset that was renamed.
        jobs: name to job; asset jobs are bound to this repository. Schedules and sensors bring theirs along.
        schedules, sensors: name to schedule and sensor.
        secrets: texts that no run of these definitions may record.
        resource_defs: key to resource, as declared at the top level.

    Raises (on construction):
        DefinitionError: with every problem found, not just the first.
    """

    def __init__(
        self,
        assets: Iterable[Any] = (),
        checks: Iterable[Any] = (),
        jobs: Iterable[Any] = (),
        resource_defs: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        schedules: Iterable[Any] = (),
        sensors: Iterable[Any] = (),
        executor_def: Any = None,
        logger_defs: Mapping[str, Any] | None = None,
        secrets: frozenset[str] = frozenset(),
    ) -> None:
        ticks = TickSources(_flat(schedules), _flat(sensors))
        self._problems: list[Problem] = ticks.problems
        self.resource_defs = dict(resource_defs or {})
        self.metadata = dict(metadata or {})
        self.secrets = secrets
        # For jobs that say nothing of their own.
        self.executor_def = check_executor(executor_def, "Definitions")
        self.logger_defs = check_loggers(logger_defs, "Definitions")
        self._definitions: list[AssetsDefinition[Any, Any]] = []
        self._specs: list[AssetSpec] = []
        self._sort([*assets, *ticks.assets()], checks)
        # Earlier key and present one, of every asset that says so.
        self.renamed: list[tuple[AssetKey, AssetKey]] = []
        self._by_key: dict[AssetKey, AssetsDefinition[Any, Any]] = {}
        self._spec_by_key: dict[AssetKey, AssetSpec] = {}
        self._check_spec_by_key: dict[AssetCheckKey, AssetCheckSpec] = {}
        self._by_name: dict[str, AssetsDefinition[Any, Any]] = {}
        self._bodies: dict[str, StepBody] = {}
        self._index()
        self._check_renamed()
        self._connect_arguments()
        self._check_types()
        nodes, check_nodes = self._describe()
        self.graph = self._build_graph(nodes, check_nodes)
        self.jobs = self._bind_jobs(jobs)
        self._bind_brought_jobs(ticks)
        ticks.check_jobs(self.jobs)
        ticks.bind(self)
        self.schedules: Mapping[str, ScheduleDefinition] = ticks.schedules
        self.sensors: Mapping[str, SensorDefinition] = ticks.sensors
        self._check_resources(ticks)
        if self._problems:
            raise DefinitionError.from_problems(self._problems)

    # --- reading -----------------------------------------------------------------------------------------------------

    @property
    def definitions(self) -> Sequence[AssetsDefinition[Any, Any]]:
        """Everything that computes assets or checks, in the order of declaration."""
        return self._definitions

    def node_names(self) -> set[str]:
        """The names of everything that computes assets or checks."""
        return set(self._by_name)

    def units(self) -> list[ComputeUnit]:
        """Everything that can be run to make assets or evaluate checks."""
        return [definition.describe_unit() for definition in self._definitions]

    def units_for(self, assets: AbstractSet[AssetKey], checks: AbstractSet[AssetCheckKey]) -> list[ComputeUnit]:
        """The units that compute any of these, in the order of declaration."""
        return [
            definition.describe_unit()
            for definition in self._definitions
            if not assets.isdisjoint(definition.keys) or not checks.isdisjoint(definition.check_keys)
        ]

    def asset(self, key: AssetKey) -> AssetsDefinition[Any, Any] | None:
        """What computes the asset, or None where it is external or unknown."""
        return self._by_key.get(key)

    def spec(self, key: AssetKey) -> AssetSpec | None:
        """The spec of an asset, or None where nothing declares it."""
        return self._spec_by_key.get(key)

    def check_spec(self, key: AssetCheckKey) -> AssetCheckSpec | None:
        """The spec of a check, or None where nothing declares it."""
        return self._check_spec_by_key.get(key)

    def body(self, step_key: str) -> StepBody:
        """The user's side of a step of an asset or check."""
        found = self._bodies.get(step_key)
        if found is None:
            definition = self._by_name[self._definition_name(step_key)]
            bodies = definition.bodies()
            self._bodies.update(bodies)
            found = bodies[step_key] if step_key in bodies else bodies[definition.node_def.name]
            self._bodies[step_key] = found
        return found

    def definition_of_step(self, step_key: str) -> AssetsDefinition[Any, Any] | None:
        """What a step of an asset run belongs to."""
        return self._by_name.get(self._definition_name(step_key))

    def _definition_name(self, step_key: str) -> str:
        """The name of the definition of a step. A multi-asset that planning split into several steps numbers the later ones."""
        name = step_key.split(".", 1)[0]
        if name not in self._by_name and (numbered := _NUMBERED.match(name)) is not None:
            return numbered[1]
        return name

    def describe(self) -> DefinitionsSnapshot:
        """Everything as one value. Equal definitions give equal values."""
        return DefinitionsSnapshot(
            assets=tuple(self.graph),
            checks=tuple(self.graph.checks.values()),
            units=tuple(self.units()),
            jobs=tuple(job.describe() for job in self.jobs.values()),
            schedules=tuple(schedule.describe() for _, schedule in sorted(self.schedules.items())),
            sensors=tuple(sensor.describe() for _, sensor in sorted(self.sensors.items())),
            ops=self._describe_ops(),
            resources=tuple(_describe_resource(key, resource) for key, resource in sorted(self.resource_defs.items())),
            metadata=metadata_values(self.metadata),
        )

    def _describe_ops(self) -> tuple[OpSnapshot, ...]:
        ops = {
            body.op.name: body.op
            for job in self.jobs.values()
            if isinstance(job, JobDefinition)
            for body in job.flat.bodies.values()
        }
        return tuple(
            OpSnapshot(
                name=name,
                description=op.description,
                inputs=tuple(op.ins),
                outputs=tuple(op.outs),
                resource_keys=tuple(sorted(op.required_resource_keys)),
            )
            for name, op in sorted(ops.items())
        )

    def partitions_def_of(self, job: JobDefinition | AssetJobDefinition) -> PartitionsDefinition | None:
        """The partitions of a job: its own, else those that all partitioned assets of its selection have in common; None without."""
        if job.partitions_def is not None or isinstance(job, JobDefinition):
            return job.partitions_def
        from weft.planning.selection import select

        keys, _ = select(job.selection.expression, self.graph)
        found: list[PartitionsDefinition] = []
        for key in sorted(keys):
            spec = self._spec_by_key.get(key)
            if spec is not None and spec.partitions_def is not None and spec.partitions_def not in found:
                found.append(spec.partitions_def)
        return found[0] if len(found) == 1 else None

    # --- resolving ---------------------------------------------------------------------------------------------------

    def _problem(self, code: str, what: str, *, fix: str, **facts: object) -> None:
        self._problems.append(
            Problem(code, what, facts={label.replace("_", " "): value for label, value in facts.items()}, fix=fix)
        )

    def _sort(self, assets: Iterable[Any], checks: Iterable[Any]) -> None:
        seen: set[int] = set()
        for item in _flat([*assets, *checks]):
            if id(item) in seen:
                continue
            seen.add(id(item))
            if isinstance(item, AssetsDefinition):
                self._definitions.append(item)
            elif isinstance(item, SourceAsset):
                for key, resource in item.resource_defs.items():  # what loads it, for whatever takes it as an argument
                    self.resource_defs.setdefault(key, resource)
                if item.is_observable:
                    self._definitions.append(item.to_observable())
                else:
                    self._specs.append(item)
            elif isinstance(item, AssetSpec):
                self._specs.append(item)
            else:
                self._problem(
                    "WEFT-D038",
                    f"{_shown(item)} is neither an asset nor a check.",
                    fix=_fix_of_foreign(item),
                )

    def _index(self) -> None:
        names = {definition.node_def.name for definition in self._definitions}
        for index, declared in enumerate(self._definitions):
            definition = declared
            if definition.node_def.name in self._by_name:
                definition = definition.named(_step_name(definition, names))
                names.add(definition.node_def.name)
                self._definitions[index] = definition
            self._by_name[definition.node_def.name] = definition
            for spec in definition.specs:
                self._claim(spec, definition.declared_at, definition)
            for check_spec in definition.check_specs_by_output.values():
                self._check_spec_by_key[check_spec.key] = check_spec
        for spec in self._specs:
            self._claim(spec, spec.declared_at, None)

    def _claim(self, spec: AssetSpec, place: str | None, definition: AssetsDefinition[Any, Any] | None) -> None:
        if spec.key in self._spec_by_key:
            other = self._by_key.get(spec.key)
            first = other.declared_at if other is not None else self._spec_by_key[spec.key].declared_at
            self._problem(
                "WEFT-D039",
                f'Asset "{spec.key.to_user_string()}" is defined twice.',
                fix="remove one, or give it another key",
                declared_in=f"{first or 'an AssetSpec'}\n{place or 'an AssetSpec'}",
            )
            return
        self._spec_by_key[spec.key] = spec
        for earlier in spec.renamed_from:
            self.renamed.append((earlier, spec.key))
        if definition is not None:
            self._by_key[spec.key] = definition

    def _check_renamed(self) -> None:
        """An earlier name may be taken by no other asset: what is stored under it can only belong to one."""
        takers: dict[AssetKey, AssetKey] = {}
        for earlier, key in self.renamed:
            taker = earlier if earlier in self._spec_by_key else takers.setdefault(earlier, key)
            if taker != key:
                self._problem(
                    "WEFT-D413",
                    f'Asset "{key.to_user_string()}" was renamed from "{earlier.to_user_string()}", which is the name of another one.',
                    fix="remove renamed_from where the history is not to go, or give the other asset a new name",
                    declared_in=f"{self._place_of(key)}\n{self._place_of(taker)}",
                )

    def _connect_arguments(self) -> None:
        """Give each argument that names no key its asset: of that name alone, else in the same prefix, else in the same group."""
        by_last: dict[str, list[AssetSpec]] | None = None
        for index, definition in enumerate(self._definitions):
            renamed: dict[str, AssetKey] = {}
            for name, given in definition.inputs.items():
                if given.key in self._spec_by_key:
                    continue
                if by_last is None:
                    by_last = {}
                    for spec in self._spec_by_key.values():
                        by_last.setdefault(spec.key.parts[-1], []).append(spec)
                near = self._same_name(definition, by_last.get(given.key.parts[-1], [])) if given.is_implicit else None
                if near is not None:
                    renamed[name] = near
                else:
                    self._unknown_upstream(definition, name, given)
            if renamed:
                changed = definition.with_inputs(renamed)
                self._definitions[index] = changed
                self._by_name[changed.node_def.name] = changed
                self._by_key.update(dict.fromkeys(changed.keys, changed))

    def _check_types(self) -> None:
        """Compare what each asset gives with what the arguments that load it ask for, where nothing of the user's stores it in between."""
        if not _keeps_values(self.resource_defs):
            return
        for definition in self._definitions:
            for name, given in definition.inputs.items():
                upstream = self._by_key.get(given.key)
                if upstream is None or not _keeps_values(upstream.resource_defs):
                    continue
                output = next((one for one, spec in upstream.specs_by_output.items() if spec.key == given.key), None)
                if output is not None:
                    is_partitioned = self._spec_by_key[given.key].partitions_def is not None
                    problem = asset_type_problem(upstream, output, definition, name, is_partitioned=is_partitioned)
                    if problem is not None:
                        self._problems.append(problem)

    @staticmethod
    def _same_name(definition: AssetsDefinition[Any, Any], candidates: Sequence[AssetSpec]) -> AssetKey | None:
        about = [*definition.specs]
        prefixes = {spec.key.parts[:-1] for spec in about} | {key.asset_key.parts[:-1] for key in definition.check_keys}
        groups = {spec.group_name or DEFAULT_GROUP for spec in about}
        for wanted in (
            [spec.key for spec in candidates if spec.key.parts[:-1] in prefixes],
            [spec.key for spec in candidates if (spec.group_name or DEFAULT_GROUP) in groups],
        ):
            if len(wanted) == 1:
                return wanted[0]
        return None

    def _unknown_upstream(self, definition: AssetsDefinition[Any, Any], name: str, given: AssetInput) -> None:
        text = given.key.to_user_string()
        made: tuple[AssetKey | AssetCheckKey, ...] = (*definition.keys, *definition.check_keys)
        makes = made[0].to_user_string()
        otherwise = f'add an asset "{text}", or declare it external: AssetSpec("{text}").'
        if isinstance(definition.node_def, OpDefinition) and given.is_implicit:
            parameter = definition.node_def.signature.inputs.get(name)
            if parameter is not None and parameter.has_default:
                otherwise = f'add an asset "{text}". If "{name}" is a setting, take it from a Config class.'
            elif name in ("self", "cls"):
                otherwise = "decorate a function outside the class: a method has no object yet."
        self._problem(
            "WEFT-D014",
            f'{"Asset" if definition.keys else "Check"} "{makes}" depends on "{text}", which is not defined.',
            fix=self._nearest_asset(text, otherwise),
            declared_in=definition.declared_at or "?",
            known_assets=some_of(key.to_user_string() for key in self._known_but(definition)),
        )

    def _known_but(self, definition: AssetsDefinition[Any, Any]) -> Iterator[AssetKey]:
        own = set(definition.keys)
        return (key for key in self._spec_by_key if key not in own)

    def _nearest_asset(self, text: str, otherwise: str) -> str:
        """The fix with the nearest known name. Comparing names takes time, so only the first problems get one."""
        if len(self._problems) >= _MOST_SUGGESTIONS:
            return otherwise[:1].upper() + otherwise[1:]
        return did_you_mean(text, [key.to_user_string() for key in self._spec_by_key], otherwise)

    def _describe(self) -> tuple[list[AssetNode], list[AssetCheckNode]]:
        nodes: dict[AssetKey, AssetNode] = {}
        checks: dict[AssetCheckKey, AssetCheckNode] = {}
        check_places: dict[AssetCheckKey, str] = {}
        for definition in self._definitions:
            try:
                described = definition.describe_nodes()
                described_checks = definition.describe_checks() if definition.check_specs_by_output else ()
            except DefinitionError as error:  # its metadata, for example
                self._problems.extend(error.problems)
                continue
            for node in described:
                nodes.setdefault(node.key, node)
            for check in described_checks:
                place = definition.declared_at or "?"
                if check.key in checks:
                    self._problem(
                        "WEFT-D033",
                        f'Check "{check.key.name}" of asset "{check.key.asset_key.to_user_string()}" is defined twice.',
                        fix="rename one of them",
                        declared_in=f"{check_places[check.key]}\n{place}",
                    )
                elif check.key.asset_key not in self._spec_by_key:
                    self._unknown_checked(definition, check)
                checks[check.key] = check
                check_places[check.key] = place
        for spec in self._specs:
            try:
                nodes.setdefault(spec.key, spec.describe())
            except DefinitionError as error:
                self._problems.extend(error.problems)
        self._check_not_own_upstream(nodes.values())
        return list(nodes.values()), list(checks.values())

    def _check_not_own_upstream(self, nodes: Iterable[AssetNode]) -> None:
        """Only an asset with partitions may read itself: its earlier partitions."""
        for node in nodes:
            if node.partitions is None and any(dep.asset_key == node.key for dep in node.deps):
                self._cycle((node.key, node.key))

    def _unknown_checked(self, definition: AssetsDefinition[Any, Any], check: AssetCheckNode) -> None:
        text = check.key.asset_key.to_user_string()
        if isinstance(definition, AssetChecksDefinition) and any(
            given.key == check.key.asset_key for given in definition.inputs.values()
        ):
            return  # reported already: the check loads the unknown asset
        self._problem(
            "WEFT-D032",
            f'Check "{check.key.name}" is about asset "{text}", which is not defined.',
            fix=self._nearest_asset(text, "add the asset, or remove the check"),
            declared_in=definition.declared_at or "?",
            known_assets=some_of(key.to_user_string() for key in self._spec_by_key),
        )

    def _build_graph(self, nodes: list[AssetNode], checks: list[AssetCheckNode]) -> AssetGraph:
        try:
            return AssetGraph(nodes, checks)
        except AssetGraphCycle as cycle:
            self._cycle(cycle.path)
            raise DefinitionError.from_problems(self._problems) from None

    def _cycle(self, path: Sequence[AssetKey]) -> None:
        names = [key.to_user_string() for key in path]
        places = [f"{name}: {self._place_of(key)}" for name, key in zip(names, path[:-1], strict=False)]
        is_own = len(path) == 2
        self._problem(
            "WEFT-D031",
            f'Asset "{names[0]}" depends on itself.' if is_own else "Assets depend on each other in a cycle.",
            fix="give it a partitions_def to read its earlier partitions, or remove the dependency"
            if is_own
            else "remove one of these dependencies",
            path=" -> ".join(names if len(names) <= _MOST_OF_PATH else [*names[:_MOST_OF_PATH], "...", names[-1]]),
            declared_in="\n".join(places[:_MOST_OF_PATH]),
        )

    def _place_of(self, key: AssetKey) -> str:
        definition = self._by_key.get(key)
        return (definition.declared_at if definition is not None else self._spec_by_key[key].declared_at) or "?"

    def _bind_jobs(self, jobs: Iterable[Any]) -> dict[str, JobDefinition | AssetJobDefinition]:
        bound: dict[str, JobDefinition | AssetJobDefinition] = {}
        for job in _with_variants(_flat(jobs)):
            if not isinstance(job, (JobDefinition, AssetJobDefinition)):
                self._problem(
                    "WEFT-D036",
                    f"{_shown(job)} is not a job.",
                    fix="decorate it with @job, call .to_job() on a graph, or use define_asset_job(...)",
                )
            elif job.name in bound:
                self._problem(
                    "WEFT-D035",
                    f'Two jobs are named "{job.name}".',
                    fix="rename one of them",
                    declared_in=f"{bound[job.name].declared_at or '?'}\n{job.declared_at or '?'}",
                )
            elif isinstance(job, AssetJobDefinition):
                bound[job.name] = job.bound_to(self)
            else:
                bound[job.name] = (
                    job.with_top_level_resources(self.resource_defs)
                    .with_defaults(self.executor_def, self.logger_defs)
                    .with_secrets(self.secrets)
                )
        return bound

    def _bind_brought_jobs(self, ticks: TickSources) -> None:
        """The jobs that schedules and sensors bring along, besides those that are declared."""
        for job, source in ticks.jobs():
            known = self.jobs.get(job.name)
            if known is None:
                self.jobs.update(self._bind_jobs([job]))
            elif job.declared_at != known.declared_at:
                self._problem(
                    "WEFT-D459",
                    f'{source.what} "{source.name}" brings a job "{job.name}" which is another than the declared one.',
                    fix="rename one of them, or give the schedule or sensor job_name=...",
                    declared_in=f"{known.declared_at or '?'}\n{job.declared_at or '?'}",
                )

    def _check_resources(self, ticks: TickSources) -> None:
        missing: dict[str, list[str]] = {}
        top_level = self.resource_defs.keys()
        for definition in self._definitions:
            needed = definition.needed_resource_keys()
            if needed:
                self._note_missing(needed, (top_level, definition.resource_defs), definition.node_def.name, missing)
        for job in self.jobs.values():
            if isinstance(job, JobDefinition):
                try:
                    needed = job.needed_resource_keys()
                except DefinitionError as error:  # its steps do not fit together
                    self._problems.extend(error.problems)
                    continue
                self._note_missing(needed, (job.resource_defs,), job.name, missing)
            else:
                hooks = {key for hook in job.hooks for key in hook.required_resource_keys}
                self._note_missing(hooks, (top_level,), job.name, missing)
        for source in ticks:
            self._note_missing(source.required_resource_keys, (top_level,), source.name, missing)
        for key, users in missing.items():
            self._problem(
                "WEFT-D034",
                f'Resource "{key}" is needed, but not defined.',
                fix=did_you_mean(key, self.resource_defs, f'add it: Definitions(resources={{"{key}": ...}})'),
                needed_by=some_of(users),
                known_resources=some_of(sorted(self.resource_defs)),
            )

    @staticmethod
    def _note_missing(
        needed: AbstractSet[str], known: Iterable[Container[str]], user: str, missing: dict[str, list[str]]
    ) -> None:
        for key in sorted(needed):
            if key != DEFAULT_IO_MANAGER_KEY and not any(key in some for some in known):
                missing.setdefault(key, []).append(user)


def _keeps_values(resources: Mapping[str, Any]) -> bool:
    """Whether the default I/O manager among `resources` is none, or one of weft's own, which give back what they got."""
    manager = resources.get(DEFAULT_IO_MANAGER_KEY)
    return manager is None or type(manager).__module__.startswith(_OWN_IO_MANAGERS)


def _step_name(definition: AssetsDefinition[Any, Any], taken: Container[str]) -> str:
    """A name for the step of a definition whose own is taken, such as a function made in a loop: with its first key, then with a number."""
    own = definition.node_def.name
    about = [*definition.keys] or [key.asset_key for key in definition.check_keys]
    wanted = name = f"{own}__{about[0].to_python_identifier()}" if about else own
    number = 2
    while name in taken:
        name, number = f"{wanted}__{number}", number + 1
    return name


def _flat(items: Iterable[Any]) -> Iterable[Any]:
    for item in items:
        if isinstance(item, (list, tuple, set, frozenset)):
            yield from _flat(item)
        else:
            yield item


def _describe_resource(key: str, resource: Any) -> ResourceSnapshot:
    return ResourceSnapshot(
        key=key,
        type_name=type(resource).__name__,
        description=getattr(resource, "description", None),
        requires=tuple(sorted(getattr(resource, "required_resource_keys", ()))),
    )


def _with_variants(jobs: Iterable[Any]) -> Iterator[Any]:
    for job in jobs:
        yield job
        if isinstance(job, JobDefinition):
            yield from job.variants


def _shown(item: Any) -> str:
    return f"the function {item.__qualname__}" if isinstance(item, FunctionType) else f"{item!r:.100}"


def _fix_of_foreign(item: Any) -> str:
    if isinstance(item, (JobDefinition, AssetJobDefinition)):
        return "give it as a job: Definitions(jobs=[...])"
    if isinstance(item, OpDefinition):
        return "ops are called in a @job; to make an asset of it, use @asset"
    return "decorate the function with @asset or @asset_check, or make it an AssetSpec"
