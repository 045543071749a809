"""Which executor carries out the steps of a run.

In two steps, because of one law: nothing that has threads is ever forked. `ready_executor` is called while the process has none yet (the journal of the
run is not open), and may fork what steps will be started from; `ReadyExecutor.open` binds it to the run that goes on.

Steps in processes of their own are started by a *step zygote*. As a fork of this process it has the code, the run and its configuration in memory, and a worker
is there within milliseconds. Where this process has threads, or forks are not wanted (``start_method``), the zygote is a program of its own that loads
the code where the run says that it is.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from weft.config.data import config_data
from weft.definitions.executors import (
    in_process_executor,
    multi_or_in_process_executor,
    multiprocess_executor,
)
from weft.errors import ConfigError, ExecutionError, some_of
from weft.execution.executor import Executor
from weft.execution.executors.in_process import InProcessExecutor
from weft.execution.executors.multiprocess import MultiprocessExecutor, MultiprocessSettings
from weft.execution.executors.step_messages import SETUP_DECODER
from weft.execution.io_managers.memory import InMemoryIOManager
from weft.execution.run_context import RunContext
from weft.model.compute import ComputeResources
from weft.model.plan import upstream_refs
from weft.planning.step_limits import TagLimit, tag_limits
from weft.processes.client import Zygote
from weft.processes.specs import StartMethod
from weft.processes.threads import other_threads
from weft.runs.environment import RunEnvironment
from weft.runs.prepare import PreparedRun

MAX_CONCURRENT_VARIABLES = (
    "WEFT_MULTIPROCESS_EXECUTOR_MAX_CONCURRENT",
    "DAGSTER_MULTIPROCESS_EXECUTOR_MAX_CONCURRENT",
)
"""Environment variables with the number of processes at once, where the configuration of a run says nothing."""

_DEFAULT_METHOD = "spawn" if sys.platform == "darwin" else "fork"
"""The libraries of macOS do not stand a fork."""

_MOST_SECONDS_TO_CLOSE = 10.0
"""How long a zygote without workers may take to end: milliseconds, unless somebody has stopped it."""

_SHARE_OF_GRACE = 0.8
"""How much of the grace period of a run its steps have: the rest is for saying how they ended, before the run itself is killed."""

_HOOKS = ("weft.compat.dagster:install",)
"""What is called before code is loaded: existing code imports another package's name."""


class ReadyExecutor(Protocol):
    """An executor that waits for its run."""

    # Whether steps run in this process: then the resources of the run are set up here.
    runs_here: bool
    retries_enabled: bool
    tag_limits: tuple[TagLimit, ...]

    def open(self, context: RunContext) -> Executor:
        """The executor, for this run."""
        ...

    def close(self) -> None:
        """Let go of what was made ready. The executor is closed, or was never opened."""
        ...


class ReadyInProcess:
    """Steps run in the process of the run: there is nothing to make ready."""

    runs_here = True
    tag_limits: tuple[TagLimit, ...] = ()

    def __init__(self, *, retries_enabled: bool = True) -> None:
        self.retries_enabled = retries_enabled

    def open(self, context: RunContext) -> Executor:
        """See `ReadyExecutor.open`."""
        return InProcessExecutor(context)

    def close(self) -> None:
        """See `ReadyExecutor.close`."""


class ReadyMultiprocess:
    """Steps run in processes that a zygote starts."""

    runs_here = False

    def __init__(
        self,
        zygote: Zygote,
        settings: MultiprocessSettings,
        environment: RunEnvironment,
        choice: ExecutorChoice,
    ) -> None:
        self._zygote = zygote
        self._settings = settings
        self._environment = environment
        self.retries_enabled = choice.retries_enabled
        self.tag_limits = choice.tag_limits

    def open(self, context: RunContext) -> Executor:
        """See `ReadyExecutor.open`."""
        return MultiprocessExecutor(context, self._zygote, self._settings, self._environment.logs)

    def close(self) -> None:
        """See `ReadyExecutor.close`."""
        self._zygote.close()
        if not self._zygote.join(_MOST_SECONDS_TO_CLOSE):
            self._zygote.kill()


def ready_executor(
    prepared: PreparedRun, environment: RunEnvironment, *, instance: Any = None, in_process: bool = False
) -> ReadyExecutor:
    """What the job and the configuration of a run choose, made ready. Called before the process has threads.

    Args:
        prepared: the run.
        environment: the instance.
        instance: what ``context.instance`` gives to user code; the environment by default.
        in_process: whether the caller needs the values of outputs: all steps run in this process, whatever is chosen.

    Raises:
        ConfigError: (WEFT-C095) the configuration of the executor means nothing.
        ExecutionError: (WEFT-X307 to WEFT-X310) the run cannot be carried out by the executor that was chosen.
    """
    choice = choose_executor(prepared, environment, in_process=in_process)
    if choice.settings is None:
        return ReadyInProcess(retries_enabled=choice.retries_enabled)
    return ReadyMultiprocess(
        _step_zygote(prepared, environment, instance, choice.start_method), choice.settings, environment, choice
    )


class ExecutorChoice(Struct, frozen=True, kw_only=True):
    """How the steps of a run are carried out, everything checked."""

    # None: in the process of the run.
    settings: MultiprocessSettings | None = None
    retries_enabled: bool = True
    tag_limits: tuple[TagLimit, ...] = ()
    # One entry: the method, and its options.
    start_method: Mapping[str, Any] = {}


def choose_executor(prepared: PreparedRun, environment: RunEnvironment, *, in_process: bool = False) -> ExecutorChoice:
    """What the job and the configuration of a run choose. Starts nothing; arguments and errors are those of `ready_executor`."""
    name, settings = chosen_executor(prepared)
    if _says_nothing(prepared) and environment.is_ephemeral:
        in_process = True  # nobody has asked for processes, which could not reach such an instance
    retries_enabled = "enabled" in (settings.get("retries") or {"enabled": {}})
    if in_process or name == in_process_executor.name:
        return ExecutorChoice(retries_enabled=retries_enabled)
    if name != multiprocess_executor.name:
        raise _not_available(name)
    choice = ExecutorChoice(
        settings=_multiprocess_settings(settings, environment),
        retries_enabled=retries_enabled,
        tag_limits=_tag_limits(settings),
        start_method=settings.get("start_method") or {_DEFAULT_METHOD: {}},
    )
    _check_stored(environment)
    _check_outputs(prepared)
    return choice


def chosen_executor(prepared: PreparedRun) -> tuple[str, Mapping[str, Any]]:
    """The name of the executor of a run, and its configuration.

    Where neither the job nor the configuration says anything: one process for all steps, unless a step declares what it may have of the machine, which only
    a process of its own can be held to.
    """
    definition = prepared.target.executor_def or multi_or_in_process_executor
    settings = prepared.config.resolved.execution or {}
    if definition.kind == multi_or_in_process_executor.kind:
        if _says_nothing(prepared):
            return (multiprocess_executor if _has_limits(prepared) else in_process_executor).name, {}
        if len(settings) == 1:
            ((name, inner),) = settings.items()
            return name, inner or {}
    return definition.kind, settings


def _says_nothing(prepared: PreparedRun) -> bool:
    return prepared.target.executor_def is None and not prepared.run.run_config.get("execution")


def _has_limits(prepared: PreparedRun) -> bool:
    plan = prepared.plan
    chosen = None if plan.selected is None else set(plan.selected)
    return any(
        limits.memory is not None or limits.cpus is not None
        for step in plan.steps
        if step.tags and (chosen is None or step.key in chosen)
        for limits in (ComputeResources.of_tags(step.tags),)
    )


def _multiprocess_settings(settings: Mapping[str, Any], environment: RunEnvironment) -> MultiprocessSettings:
    return MultiprocessSettings(
        max_concurrent=_max_concurrent(settings.get("max_concurrent")),
        grace_seconds=_SHARE_OF_GRACE * environment.settings.monitoring.cancel_grace_seconds,
        reuse_workers=bool(settings.get("reuse_workers", False)),
        home=_home(environment),
    )


def _max_concurrent(configured: int | None) -> int:
    """How many processes at once: what is configured, else what the environment says, else as many as there are processors."""
    given = configured
    if not given:
        texts = [os.environ[name] for name in MAX_CONCURRENT_VARIABLES if os.environ.get(name)]
        given = int(texts[0]) if texts and texts[0].isdecimal() else 0
    if given < 0:
        raise _wrong_settings(
            "the number of processes at once is negative.",
            f"max_concurrent: {given}",
            "write a whole number; 0 means as many as there are processors",
        )
    return given or processors()


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _tag_limits(settings: Mapping[str, Any]) -> tuple[TagLimit, ...]:
    try:
        return tag_limits(config_data(settings.get("tag_concurrency_limits")))
    except ValueError as error:
        raise _wrong_settings(
            "a limit of steps by tag means nothing.",
            str(error),
            'for example {"key": "database", "value": "redshift", "limit": 4}',
        ) from error


def _wrong_settings(what: str, found: str, fix: str) -> ConfigError:
    return ConfigError(what, code="WEFT-C095", facts={"found": found}, fix=fix)


# --- the step zygote ---------------------------------------------------------------------------------------------------


def _step_zygote(
    prepared: PreparedRun, environment: RunEnvironment, instance: Any, start_method: Mapping[str, Any]
) -> Zygote:
    ((method, options),) = start_method.items()
    if method == "spawn":
        return _spawned(prepared, environment, "spawn")
    for module in (options or {}).get("preload_modules", ()):
        importlib.import_module(module)  # here, so that the workers share what it takes
    if other_threads():
        return _spawned(prepared, environment, "fork")
    return Zygote.fork_here({"steps": _role(prepared, environment, instance)})


def _role(prepared: PreparedRun, environment: RunEnvironment, instance: Any) -> Callable[[bytes, list[int]], int]:
    # Imported before the fork, so that no worker has to.
    from weft.runs.step_worker import prepare_steps, work_on_steps

    prepare_steps(prepared)

    def role(payload: bytes, fds: list[int]) -> int:
        return work_on_steps(prepared, environment, instance, SETUP_DECODER.decode(payload), fds)

    return role


def _spawned(prepared: PreparedRun, environment: RunEnvironment, start_method: StartMethod) -> Zygote:
    """A zygote that loads the code itself, for this run alone."""
    from weft.codeserver.target import encode_target, target_of

    origin = prepared.run.origin
    if origin is None or _home(environment) is None:
        raise ExecutionError(
            "another process cannot load the code of this run, and this one cannot be forked.",
            code="WEFT-X310",
            facts={
                "code": str(origin) if origin is not None else "defined in this process",
                "threads": some_of(sorted(set(other_threads()))) or "none",
                "start method": start_method,
            },
            fix="put the definitions into a file or module and start the run from there (weft job execute -f FILE), "
            "or use the in_process executor",
        )
    return Zygote.spawn(
        encode_target(target_of(origin)),
        python=origin.python or sys.executable,
        start_method=start_method,
        hooks=_HOOKS,
        outlives_owner=False,
        watches_sources=False,  # a run goes on with the code that it began with
    )


def _home(environment: RunEnvironment) -> str | None:
    home = getattr(environment, "home", None)
    return str(home) if home is not None else None


# --- what cannot be ----------------------------------------------------------------------------------------------------


def _not_available(name: str) -> ExecutionError:
    return ExecutionError(
        f'the executor "{name}" cannot carry out this run.',
        code="WEFT-X307",
        facts={"executors": f"{in_process_executor.name}, {multiprocess_executor.name}"},
        fix="give the job one of these (executor_def=...)",
    )


def _check_stored(environment: RunEnvironment) -> None:
    if environment.is_ephemeral:
        raise ExecutionError(
            "steps in processes of their own need an instance that they can reach, and this one is in memory.",
            code="WEFT-X308",
            fix="use an instance on disk (Instance.get(), or set WEFT_HOME), or the in_process executor",
        )


def _check_outputs(prepared: PreparedRun) -> None:
    """Refuse outputs that other steps read but that never leave the process which made them."""
    plan = prepared.plan
    chosen = None if plan.selected is None else set(plan.selected)
    in_memory = {key for key, of in prepared.resource_defs.items() if isinstance(of.source, InMemoryIOManager)}
    if not in_memory:
        return
    read = {
        (ref.step_key, ref.output_name)
        for step in plan.steps
        if chosen is None or step.key in chosen
        for item in step.inputs
        for ref in upstream_refs(item.source)
        if ref.run_id is None
    }
    lost = [
        f"{step.key}.{output.name}"
        for step in plan.steps
        for output in step.outputs
        if output.io_manager_key in in_memory and not output.is_nothing and (step.key, output.name) in read
    ]
    if lost:
        raise ExecutionError(
            "outputs that other steps read are kept in memory, where steps in processes of their own do not find them.",
            code="WEFT-X309",
            facts={"outputs": some_of(lost), "I/O manager": some_of(sorted(in_memory))},
            fix='store them (leave "io_manager" to the instance, or use FilesystemIOManager), or use the in_process executor',
        )
