"""What a run needs of the user's code: the bodies of its steps, the assets it touches, its resources and settings.

The plan says what happens, as values; the target is the other half, which exists only in processes that have loaded the user's code.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from weft.definitions.asset_spec import AssetSpec
from weft.definitions.assets import AssetsDefinition
from weft.definitions.flatten import StepBody
from weft.definitions.graph import GraphDefinition
from weft.definitions.inputs_outputs import DEFAULT_IO_MANAGER_KEY
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.repository import Repository
from weft.errors import Problem, ResourceError
from weft.model.keys import AssetKey
from weft.model.run import IMPLICIT_ASSET_JOB

if TYPE_CHECKING:
    from weft.config.mapping import ConfigMapping
    from weft.definitions.composition import NodeDefinition
    from weft.definitions.executors import ExecutorDefinition
    from weft.definitions.loggers import LoggerDefinition
    from weft.model.partitions.definitions import PartitionsDefinition


class RunTarget:
    """The user's side of a run."""

    __slots__ = (
        "_body",
        "_job_def",
        "_node_names",
        "config",
        "config_mapping",
        "executor_def",
        "input_values",
        "job_name",
        "logger_defs",
        "partitions_def",
        "repository",
        "resource_defs",
        "tags",
    )

    def __init__(
        self,
        *,
        job_name: str,
        body: Callable[[str], StepBody],
        node_names: Callable[[], Collection[str]],
        resource_defs: Mapping[str, Any],
        repository: Repository | None = None,
        config: Any = None,
        config_mapping: ConfigMapping | None = None,
        tags: Mapping[str, str] | None = None,
        input_values: Mapping[str, Any] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        executor_def: ExecutorDefinition | None = None,
        logger_defs: Mapping[str, LoggerDefinition] | None = None,
        job_def: JobDefinition | AssetJobDefinition | None = None,
    ) -> None:
        self.job_name = job_name
        self._body = body
        self._node_names = node_names
        self.resource_defs = dict(resource_defs)
        self.repository = repository
        self.config = config
        self.config_mapping = config_mapping
        self.tags = dict(tags or {})
        self.input_values = dict(input_values or {})
        self.partitions_def = partitions_def
        # None: nothing says how the run is to be carried out.
        self.executor_def = executor_def
        self.logger_defs = dict(logger_defs or {})
        self._job_def = job_def

    @property
    def job_def(self) -> JobDefinition | AssetJobDefinition | None:
        """The job; of a run of assets without one, the job of all assets. None where nothing is run: in a direct call."""
        if self._job_def is None and self.repository is not None:
            self._job_def = AssetJobDefinition.of_all_assets(self.repository)
        return self._job_def

    def node_definition(self, node: str) -> NodeDefinition | None:
        """The op or graph of a node, by the names of the nodes around it and its own: ``prepare.clean``. None where there is no such node."""
        first, *inner = node.split(".")
        found: NodeDefinition
        if isinstance(self._job_def, JobDefinition):
            found, inner = self._job_def.graph, [first, *inner]
        else:
            definition = self.repository.definition_of_step(first) if self.repository is not None else None
            if definition is None:
                return None
            found = definition.node_def
        for name in inner:
            if not isinstance(found, GraphDefinition) or name not in found.nodes:
                return None
            found = found.nodes[name].definition
        return found

    def body(self, step_key: str) -> StepBody:
        """The body of a step. A copy made by a dynamic output has the body of its template."""
        if "[" in step_key:
            step_key = step_key[: step_key.index("[")]
        return self._body(step_key)

    def node_names(self) -> set[str]:
        """The names of everything that could be part of such a run, at the top level."""
        return set(self._node_names())

    def asset(self, key: AssetKey) -> AssetsDefinition[Any, Any] | None:
        """What computes an asset, or None."""
        return self.repository.asset(key) if self.repository is not None else None

    def spec(self, key: AssetKey) -> AssetSpec | None:
        """The spec of an asset, or None."""
        return self.repository.spec(key) if self.repository is not None else None

    def io_manager_key_of(self, key: AssetKey) -> str:
        """The key of the resource that stores the values of an asset."""
        definition = self.asset(key)
        if definition is not None:
            for output, own in definition.specs_by_output.items():
                if own.key == key:
                    return definition.node_def.outs[output].io_manager_key
        spec = self.spec(key)
        return (spec.io_manager_key if spec is not None else None) or DEFAULT_IO_MANAGER_KEY

    def add_loaders(self, keys: Iterable[AssetKey]) -> None:
        """Add what loads these assets, where they bring it themselves: their own step need not be in the run."""
        for key in keys:
            definition = self.asset(key)
            if definition is not None and definition.resource_defs:
                manager = self.io_manager_key_of(key)
                if manager in definition.resource_defs:
                    self.resource_defs.setdefault(manager, definition.resource_defs[manager])


def job_target(
    job: JobDefinition, *, resources: Mapping[str, Any] | None = None, input_values: Mapping[str, Any] | None = None
) -> RunTarget:
    """The target of a job of ops; `resources` and `input_values` replace the job's own."""
    given = dict(input_values or {})
    flat = job.flat if not given else job.flat_with(given)
    return RunTarget(
        job_name=job.name,
        body=flat.bodies.__getitem__,
        node_names=lambda: job.graph.nodes,
        resource_defs={**job.resource_defs, **(resources or {})},
        config=job.config,
        config_mapping=job.config_mapping,
        tags=job.run_tags,
        input_values={**flat.values, **job.input_values, **given},
        partitions_def=job.partitions_def,
        executor_def=job.executor_def,
        logger_defs=job.logger_defs,
        job_def=job,
    )


def asset_target(
    repository: Repository,
    step_keys: list[str],
    *,
    job: AssetJobDefinition | None = None,
    resources: Mapping[str, Any] | None = None,
) -> RunTarget:
    """The target of a run that makes assets; only the definitions of the steps in `step_keys` contribute resources.

    Raises:
        ResourceError: (WEFT-D037) two of them bring different resources under one key.
    """
    own: dict[str, Any] = {}
    owners: dict[str, str] = {}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for step_key in step_keys:
        definition = repository.definition_of_step(step_key)
        for key, resource in (definition.resource_defs if definition is not None else {}).items():
            if key in own and own[key] is not resource:
                problems.append(
                    Problem(
                        "WEFT-D037",
                        f'Two steps of one run bring different resources under the key "{key}".',
                        facts={"steps": f"{owners[key]}, {step_key}"},
                        fix="give them different keys, or share one resource at the top level",
                    )
                )
            own[key] = resource
            owners[key] = step_key
        if definition is not None:
            values.update(definition.input_values())
    if problems:
        raise ResourceError.from_problems(problems)
    hooks = tuple(sorted(job.hooks, key=lambda hook: hook.name)) if job is not None else ()

    def body(step_key: str) -> StepBody:
        found = repository.body(step_key)
        return StepBody(found.op, found.node_path, (*found.hooks, *hooks), found.graph_configs) if hooks else found

    return RunTarget(
        job_name=job.name if job is not None else IMPLICIT_ASSET_JOB,
        body=body,
        node_names=repository.node_names,
        resource_defs={**repository.resource_defs, **own, **(resources or {})},
        repository=repository,
        config=job.config if job is not None else None,
        config_mapping=job.config_mapping if job is not None else None,
        tags=job.run_tags if job is not None else {},
        input_values=values,
        partitions_def=job.partitions_def if job is not None else None,
        executor_def=job.executor_def if job is not None else repository.executor_def,
        logger_defs=job.logger_defs if job is not None else repository.logger_defs,
        job_def=job,
    )
