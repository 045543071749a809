"""Executors as users choose them: who carries out the steps of a run, and what may be configured about it.

A definition says its name, the schema of its configuration, and what it needs; `weft.runs` looks up who can carry it out. Run configuration reaches
it as ``execution: {config: ...}``, or in the older shape under the executor's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, overload

from weft.config.mapping import configured_field
from weft.config.schema import (
    Any as AnyConfig,
    Array,
    ConfigSchema,
    Field,
    Int,
    Noneable,
    Permissive,
    Selector,
    Shape,
)
from weft.config.validation import declared
from weft.definitions.decorated import check_decorated, decorated_description, decorated_name
from weft.definitions.names import check_kind, check_name


class ExecutorRequirement(Enum):
    """What an executor needs of a job and an instance."""

    # The code must be importable in another process.
    RECONSTRUCTABLE_JOB = "RECONSTRUCTABLE_JOB"
    # The instance must outlive this process.
    NON_EPHEMERAL_INSTANCE = "NON_EPHEMERAL_INSTANCE"
    # Values between steps must be stored where another process finds them.
    PERSISTENT_OUTPUTS = "PERSISTENT_OUTPUTS"


def multiple_process_executor_requirements() -> list[ExecutorRequirement]:
    """What every executor needs that carries out steps in other processes."""
    return [
        ExecutorRequirement.RECONSTRUCTABLE_JOB,
        ExecutorRequirement.NON_EPHEMERAL_INSTANCE,
        ExecutorRequirement.PERSISTENT_OUTPUTS,
    ]


class InitExecutorContext:
    """What the function of an executor sees: its configuration, the job, the instance."""

    __slots__ = ("executor_config", "executor_def", "instance", "job")

    def __init__(
        self, *, executor_config: Any, executor_def: ExecutorDefinition, job: Any = None, instance: Any = None
    ) -> None:
        # Validated, defaults applied.
        self.executor_config = executor_config
        self.executor_def = executor_def
        self.job = job
        self.instance = instance


class ExecutorDefinition:
    """How the steps of a run are carried out. Made by `executor`, or one of the built-in ones.

    Args:
        name: the name, under which older run configuration calls it.
        config_schema: what may be configured.
        requirements: what it needs.
        executor_creation_fn: from an `InitExecutorContext` to an object of the port `weft.execution.executor`.
        description: for the reader.
    """

    def __init__(
        self,
        name: str,
        config_schema: ConfigSchema | None = None,
        requirements: Sequence[ExecutorRequirement] | None = None,
        executor_creation_fn: Callable[[InitExecutorContext], Any] | None = None,
        description: str | None = None,
    ) -> None:
        self.name = check_name(name, "an executor")
        self.config_schema: Field = (
            Field(AnyConfig, is_required=False) if config_schema is None else declared(config_schema)
        )
        self.requirements = tuple(requirements or ())
        self.executor_creation_fn = executor_creation_fn
        self.description = description
        # The name of the executor that carries steps out: of the one that this is a configured form of.
        self.kind = self.name

    def configured(
        self,
        config_or_config_fn: Any,
        name: str | None = None,
        config_schema: ConfigSchema | None = None,
        description: str | None = None,
    ) -> ExecutorDefinition:
        """The executor with its configuration given, so that run configuration has nothing to add; or computed from other configuration
        (of the schema `config_schema`).

        Raises:
            ConfigError: the configuration does not fit the schema.
        """
        given = configured_field(self.config_schema, config_or_config_fn, config_schema)
        made = ExecutorDefinition(
            name or self.name, given, self.requirements, self.executor_creation_fn, description or self.description
        )
        made.kind = self.kind
        return made

    def __repr__(self) -> str:
        return f"ExecutorDefinition({self.name!r})"


@overload
def executor(name: Callable[[InitExecutorContext], Any], /) -> ExecutorDefinition: ...
@overload
def executor(
    name: str | None = None,
    config_schema: ConfigSchema | None = None,
    requirements: Sequence[ExecutorRequirement] | None = None,
) -> Callable[[Callable[[InitExecutorContext], Any]], ExecutorDefinition]: ...
def executor(
    name: str | Callable[[InitExecutorContext], Any] | None = None,
    config_schema: ConfigSchema | None = None,
    requirements: Sequence[ExecutorRequirement] | None = None,
) -> ExecutorDefinition | Callable[[Callable[[InitExecutorContext], Any]], ExecutorDefinition]:
    """Make a function that gives an executor (an object with the methods of `weft.execution.executor.Executor`) an `ExecutorDefinition`.

    Args:
        name: the name; the function's own by default.
        config_schema: what may be configured.
        requirements: what it needs.
    """
    own = None if callable(name) else name

    def make(fn: Callable[[InitExecutorContext], Any]) -> ExecutorDefinition:
        check_decorated(fn, "executor")
        return ExecutorDefinition(
            decorated_name(fn, own, "an executor"), config_schema, requirements, fn, decorated_description(fn, None)
        )

    return make(name) if callable(name) else make


_RETRIES = Field(
    Selector({"enabled": Permissive(), "disabled": Permissive(), "deferred": Permissive()}),
    default_value={"enabled": {}},
    description="Whether failed steps are tried again. deferred: not by this executor, but by whoever started the run.",
)
_IN_PROCESS: Mapping[str, Any] = {
    "retries": _RETRIES,
    "marker_to_close": Field(Noneable(str), is_required=False),
    "step_dependency_config": Field(Permissive(), is_required=False),
}
_MULTIPROCESS: Mapping[str, Any] = {
    "max_concurrent": Field(
        Noneable(Int),
        is_required=False,
        description="Processes at once; without it, and where it is 0, as many as there are processors.",
    ),
    "tag_concurrency_limits": Field(
        Noneable(Array(Shape({"key": str, "limit": Int, "value": Field(AnyConfig, is_required=False)}))),
        is_required=False,
        description="Limits of steps with a tag; the value is a text, or {applyLimitPerUniqueValue: true}.",
    ),
    "start_method": Field(
        Noneable(
            Selector({"spawn": Permissive(), "fork": Permissive(), "forkserver": Permissive()}),
        ),
        is_required=False,
        description="How processes come into being. fork and forkserver: as forks of one that has the code loaded; "
        "spawn: each loads the code itself.",
    ),
    "retries": _RETRIES,
    "reuse_workers": Field(
        bool,
        default_value=False,
        description="Whether a process that has carried out a step takes the next one: quicker, and less isolated.",
    ),
    "step_dependency_config": Field(Permissive(), is_required=False),
}

in_process_executor = ExecutorDefinition(
    "in_process", Field(Shape(_IN_PROCESS), default_value={}), description="All steps in the process of the run."
)
"""All steps one after the other in the process of the run."""

local_executor = in_process_executor
"""The same, under the name that some pages use."""

multiprocess_executor = ExecutorDefinition(
    "multiprocess",
    Field(Shape(_MULTIPROCESS), default_value={}),
    multiple_process_executor_requirements(),
    description="Each step in a process of its own, several at once.",
)
"""Each step in a process of its own, `max_concurrent` at once (the number of processors by default)."""

multi_or_in_process_executor = ExecutorDefinition(
    "multi_or_in_process",
    Field(
        Selector({"multiprocess": Field(Shape(_MULTIPROCESS)), "in_process": Field(Shape(_IN_PROCESS))}),
        default_value={"multiprocess": {}},
    ),
    description="One of the two, as run configuration says; the default.",
)
"""What jobs have that name no executor: run configuration says ``multiprocess`` or ``in_process``."""


def check_executor(value: Any, where: str) -> ExecutorDefinition | None:
    """`value` where it is an executor, or None. Raises as `check_kind` does."""
    return None if value is None else check_kind(value, ExecutorDefinition, "executor_def", where)
