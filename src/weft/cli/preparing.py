"""From what a command was given to a run that can be started. Everything that can be wrong is found here; nothing has run yet."""

from __future__ import annotations

from collections.abc import Sequence

from weft.cli.options import RunOptions
from weft.codeserver.loader import LoadedTarget
from weft.definitions.asset_selection import AssetSelection
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.errors import UsageError
from weft.planning.selection import select
from weft.runs.environment import RunEnvironment
from weft.runs.prepare import PreparedRun, RunSettings, prepare_assets, prepare_job


def prepare_asset_run(
    loaded: LoadedTarget, selection: Sequence[str], options: RunOptions, environment: RunEnvironment
) -> PreparedRun:
    """A run that makes what any of the selection texts selects."""
    keys, checks = select(AssetSelection.of(list(selection)).expression, loaded.repository.graph)
    return prepare_assets(
        loaded.repository,
        keys,
        checks,
        _request(options),
        clock=environment.clock,
        default_resources=environment.default_resources,
        dynamic_partitions=environment.dynamic_partitions,
    )


def prepare_job_run(
    loaded: LoadedTarget,
    name: str,
    options: RunOptions,
    environment: RunEnvironment,
    *,
    op_selection: Sequence[str] = (),
) -> PreparedRun:
    """A run of a job, or of some of its ops."""
    job = loaded.definitions.get_job_def(name)
    if isinstance(job, JobDefinition):
        return prepare_job(
            job,
            _request(options),
            clock=environment.clock,
            default_resources=environment.default_resources,
            dynamic_partitions=environment.dynamic_partitions,
            op_selection=list(op_selection) or None,
        )
    if op_selection:
        raise UsageError(
            f'the job "{name}" makes assets; it has no ops to select.',
            code="WEFT-U013",
            fix="weft asset materialize --select ... makes some of its assets",
        )
    return _prepare_asset_job(loaded, job, _request(options), environment)


def _prepare_asset_job(
    loaded: LoadedTarget, job: AssetJobDefinition, request: RunSettings, environment: RunEnvironment
) -> PreparedRun:
    keys, checks = select(job.selection.expression, loaded.repository.graph)
    return prepare_assets(
        loaded.repository,
        keys,
        checks,
        request,
        clock=environment.clock,
        default_resources=environment.default_resources,
        dynamic_partitions=environment.dynamic_partitions,
        job=job,
    )


def _request(options: RunOptions) -> RunSettings:
    return RunSettings(
        run_config=options.run_config(),
        partition_key=options.partition_key,
        partition_range=options.partition_range(),
        tags=options.tags(),
    )
