"""What schedules and sensors have in common: a name, what their runs make, and a function of the user that a tick calls.

A tick is one moment at which a schedule is due or a sensor is asked. The function gets a context and may take resources as annotated parameters;
what it returns or yields is read by `weft.execution.ticks`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from weft.definitions.asset_selection import AssetSelection
from weft.definitions.asset_spec import AssetSpec
from weft.definitions.assets import AssetsDefinition
from weft.definitions.graph import GraphDefinition
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.names import check_each, check_mapping, check_name, check_optional, check_owners, tag_texts
from weft.definitions.signature import parse_signature
from weft.definitions.source import declared_at
from weft.errors import DefinitionError, InvocationError
from weft.model.metadata import metadata_values

ANONYMOUS_JOB_PREFIX = "__anonymous_asset_job_"
"""The job that a schedule or sensor brings along when its target is a selection of assets; its own name follows."""

Job = JobDefinition | AssetJobDefinition


class TickTargets:
    """What the runs of a schedule or sensor make: jobs, by definition or by name."""

    __slots__ = ("assets", "job_names", "jobs")

    def __init__(self, jobs: Sequence[Job] = (), names: Sequence[str] = (), assets: Sequence[Any] = ()) -> None:
        # Definitions of jobs that it brings along; a selection of assets has become a job.
        self.jobs = tuple(jobs)
        # The names of every job it may ask for.
        self.job_names = tuple(dict.fromkeys([*(job.name for job in jobs), *names]))
        # Definitions of assets that it brings along.
        self.assets = tuple(assets)

    @staticmethod
    def of(
        where: str,
        owner: str,
        *,
        job: Any = None,
        jobs: Any = None,
        job_name: str | None = None,
        target: Any = None,
        asset_selection: Any = None,
    ) -> TickTargets:
        """The targets that the arguments of a schedule or sensor mean; at most one of them may be given.

        Raises:
            DefinitionError: (WEFT-D452) several are given; (WEFT-D453) something is not a job.
        """
        given = {
            "job": job,
            "jobs": jobs,
            "job_name": job_name,
            "target": target,
            "asset_selection": asset_selection,
        }
        named = [name for name, value in given.items() if value is not None]
        if len(named) > 1:
            raise DefinitionError(
                f"{where} is told in several ways what to run.",
                code="WEFT-D452",
                facts={"given": ", ".join(named)},
                fix=f"keep one of them, for example {named[0]}=...",
            )
        if job is not None:
            return TickTargets([_job(job, where)])
        if jobs is not None:
            return TickTargets([_job(one, where) for one in check_each(jobs, object, "jobs", where)])
        if job_name is not None:
            return TickTargets(names=[check_optional(job_name, str, "job_name", where)])
        if asset_selection is not None:
            return _selected(owner, asset_selection)
        if target is None:
            return TickTargets()
        if isinstance(target, (JobDefinition, AssetJobDefinition, GraphDefinition)):
            return TickTargets([_job(target, where)])
        if isinstance(target, (list, tuple)) and target and isinstance(target[0], (JobDefinition, AssetJobDefinition)):
            return TickTargets([_job(one, where) for one in target])
        return _selected(owner, target)


def _selected(owner: str, selection: Any) -> TickTargets:
    items = selection if isinstance(selection, (list, tuple, set, frozenset)) else [selection]
    assets = [item for item in items if isinstance(item, (AssetsDefinition, AssetSpec))]
    job = AssetJobDefinition(ANONYMOUS_JOB_PREFIX + owner, AssetSelection.of(selection))
    return TickTargets([job], assets=assets)


def _job(value: Any, where: str) -> Job:
    if isinstance(value, GraphDefinition):
        return value.to_job()
    if isinstance(value, (JobDefinition, AssetJobDefinition)):
        return value
    raise DefinitionError(
        f"{where} is to run {value!r:.80}, which is not a job.",
        code="WEFT-D453",
        facts={"found": type(value).__name__},
        fix="write job_name=... for the name of a job, or target=... for assets"
        if isinstance(value, (str, AssetsDefinition, AssetSelection))
        else "decorate it with @job, or use define_asset_job(...)",
    )


class TickFunction:
    """A function of the user that a tick calls.

    Args:
        fn: the function.
        where: what it belongs to, for messages.
        takes: what it may take by position, in order, such as ``("context", "event")``; it may leave out the last ones.

    Raises:
        DefinitionError: (WEFT-D454) it takes something that a tick has nothing for.
    """

    __slots__ = ("_order", "_where", "fn", "positional", "resource_keys")

    def __init__(self, fn: Callable[..., Any], where: str, takes: Sequence[str] = ("context",)) -> None:
        self.fn = fn
        self._where = where
        signature = parse_signature(fn)
        required = [name for name, parameter in signature.inputs.items() if not parameter.has_default]
        # The names under which it takes what a tick has.
        self.positional = [*([signature.context] if signature.context is not None else []), *required]
        self._order = signature.order
        self.resource_keys = frozenset(signature.resources)
        if len(self.positional) > len(takes) or signature.config is not None:
            extra = signature.config or self.positional[len(takes)]
            raise DefinitionError(
                f'the function of {where} takes "{extra}", for which there is nothing.',
                code="WEFT-D454",
                facts={
                    "parameters": ", ".join(signature.order),
                    "it may take": f"{', '.join(takes)}, and resources",
                    "declared in": declared_at(fn) or "?",
                },
                fix=f"annotate it where it is a resource ({extra}: ResourceParam[...]), or give it a default",
            )

    def call(self, *values: Any, resources: Any) -> Any:
        """Call it in a tick: with as many of `values` as it takes, and the resources that it is annotated with."""
        arguments = dict(zip(self.positional, values, strict=False))
        arguments.update((key, resources[key]) for key in self.resource_keys)
        return self.fn(**arguments)

    def call_directly(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call it as a function: what is not given is taken from the context, where one is.

        Raises:
            InvocationError: (WEFT-I450) it takes a context and got none; (WEFT-I451) a resource is missing.
        """
        given = {*self._order[: len(args)], *kwargs}
        missing = [name for name in self.positional if name not in given]
        if missing:
            raise InvocationError(
                f'{self._where} takes "{missing[0]}", but was called without it.',
                code="WEFT-I450",
                facts={"parameters": ", ".join(self._order), "declared in": declared_at(self.fn) or "?"},
                fix="build one for the call: build_schedule_context(), build_sensor_context(), ...",
            )
        context = (args[0] if args else kwargs.get(self.positional[0])) if self.positional else None
        filled = dict(kwargs)
        for key in sorted(self.resource_keys - given):
            held: Any = getattr(context, "resources", {})
            if key not in held:
                raise InvocationError(
                    f'{self._where} takes the resource "{key}", but was called without it.',
                    code="WEFT-I451",
                    facts={"declared in": declared_at(self.fn) or "?"},
                    fix=f'pass it: {key}=..., or in the context: resources={{"{key}": ...}}',
                )
            filled[key] = held[key]
        return self.fn(*args, **filled)


class TickSource:
    """The base of schedules and sensors.

    Attributes:
        name: its name.
        targets: what its runs make.
        required_resource_keys: the resources that its function uses.
        tags, metadata, owners, description: for the reader; tags of schedules are those of its runs too.
        declared_at: the place in the user's code.
    """

    what: ClassVar[str]

    def __init__(
        self,
        name: str,
        targets: TickTargets,
        *,
        fn: TickFunction | None,
        description: str | None,
        tags: Mapping[str, Any] | None,
        metadata: Mapping[str, Any] | None,
        owners: Sequence[str],
        required_resource_keys: Collection[str] | None,
        place: str | None,
    ) -> None:
        self.name = check_name(name, f"a {self.what}")
        where = f'{self.what} "{name}"'
        self.targets = targets
        self.function = fn
        self.description = description
        self.tags: dict[str, str] = tag_texts(tags, where)
        self.metadata: dict[str, Any] = check_mapping(metadata, "metadata", where)
        metadata_values(self.metadata)
        self.owners = check_owners(owners, where)
        declared = check_each(required_resource_keys, str, "required_resource_keys", where)
        self.required_resource_keys: frozenset[str] = frozenset(declared) | (
            fn.resource_keys if fn is not None else frozenset()
        )
        self.declared_at = place

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Definitions of the jobs it brings along."""
        return self.targets.jobs

    @property
    def job_names(self) -> tuple[str, ...]:
        """The names of the jobs it may ask for."""
        return self.targets.job_names

    @property
    def job_name(self) -> str | None:
        """The name of its job, where it has exactly one."""
        return self.targets.job_names[0] if len(self.targets.job_names) == 1 else None

    @property
    def job(self) -> Job:
        """The definition of its job.

        Raises:
            InvocationError: (WEFT-I452) it has none, several, or only the name of one.
        """
        if len(self.targets.jobs) == 1 and len(self.targets.job_names) == 1:
            return self.targets.jobs[0]
        raise InvocationError(
            f'{self.what} "{self.name}" does not have the definition of one job.',
            code="WEFT-I452",
            facts={"jobs": ", ".join(self.targets.job_names) or "(none)"},
            fix="read job_names or jobs",
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the decorated function, with a context and resources as it declares; gives what it returns, unchanged.

        Raises:
            InvocationError: (WEFT-I453) it was not made from a function; or as `TickFunction.call_directly`.
        """
        if self.function is None:
            raise InvocationError(
                f'{self.what} "{self.name}" has no function that could be called.',
                code="WEFT-I453",
                fix="call evaluate_tick(context)",
            )
        return self.function.call_directly(args, kwargs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"
