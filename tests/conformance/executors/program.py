"""The zygote of this suite: ``python -m tests.conformance.executors.program FD``. Each of its workers is the process of one run."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from pathlib import Path

from msgspec.structs import replace
from tests.conformance.executors import cases

from weft import Instance
from weft.codeserver.target import FileTarget, origin_of
from weft.config.instance_settings import InstanceSettings, MonitoringSettings, PoolSettings
from weft.definitions.job import JobDefinition
from weft.processes.wire import receive_first
from weft.processes.zygote import ZygoteServer
from weft.runs.execute import execute_run
from weft.runs.prepare import PreparedRun, RunSettings, prepare_assets, prepare_job
from weft.runs.retry import RetryRequest, prepare_retry

REPOSITORY = cases.DEFS.resolve()
TARGET = FileTarget(file=Path(cases.__file__), attribute="DEFS")


def open_instance(home: str, grace_seconds: float = 2.0) -> Instance:
    instance = Instance.at(Path(home))
    instance.settings = InstanceSettings(
        pools=PoolSettings(default_limit=1), monitoring=MonitoringSettings(cancel_grace_seconds=grace_seconds)
    )
    return instance


def prepared_run(order: dict[str, str], instance: Instance) -> PreparedRun:
    """The run that the payload asks for."""
    if "retry_of" in order:
        request = RetryRequest(run_id=order["run_id"])
        return prepare_retry(order["retry_of"], request, REPOSITORY, instance)
    job = REPOSITORY.jobs[order["job"]]
    settings = RunSettings(
        run_config=order["config"], run_id=order["run_id"], partition_key=order.get("partition"), tags={}
    )
    if isinstance(job, JobDefinition):
        return prepare_job(job, settings, clock=instance.clock, default_resources=instance.default_resources)
    from weft.planning.selection import select

    keys, checks = select(job.selection.expression, REPOSITORY.graph)
    return prepare_assets(
        REPOSITORY,
        keys,
        checks,
        settings,
        clock=instance.clock,
        default_resources=instance.default_resources,
        dynamic_partitions=instance.dynamic_partitions,
        job=job,
    )


def coordinate(payload: bytes, fds: list[int]) -> int:
    """Carry out the run that the payload asks for."""
    order = json.loads(payload)
    with open_instance(order["home"]) as instance:
        prepared = prepared_run(order, instance)
        prepared.run = replace(prepared.run, origin=origin_of(TARGET))
        done = threading.Event()
        if "thread" in order:
            threading.Thread(target=done.wait, name="of the program").start()
        try:
            execute_run(prepared, instance)
        finally:
            done.set()
    return 0


def main(control: socket.socket) -> None:
    receive_first(control)
    ZygoteServer(control, {"coordinator": coordinate}, outlives_owner=False).serve()


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    main(socket.socket(fileno=int(sys.argv[1])))
