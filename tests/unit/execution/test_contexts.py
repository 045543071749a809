"""What contexts know besides their step: the job, the definitions, the partitions of inputs and outputs, a debugger."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from typing import Any

import pytest

from weft import (
    AssetExecutionContext,
    DailyPartitionsDefinition,
    Definitions,
    HookContext,
    InvocationError,
    OpExecutionContext,
    Output,
    PartitionKeyRange,
    TimeWindow,
    WeeklyPartitionsDefinition,
    asset,
    build_op_context,
    job,
    materialize,
    op,
    success_hook,
)

DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")
WEEKS = WeeklyPartitionsDefinition("2023-12-31", end_date="2024-02-01")


def test_an_asset_of_partitions_is_told_those_of_its_inputs_and_outputs() -> None:
    seen: dict[str, Any] = {}

    @asset(partitions_def=DAYS)
    def daily() -> int:
        return 1

    @asset
    def whole() -> int:
        return 1

    @asset(partitions_def=WEEKS)
    def weekly(context: AssetExecutionContext, daily: Any, whole: int) -> None:
        seen["output"] = context.asset_partitions_def_for_output()
        seen["input"] = context.asset_partitions_def_for_input("daily")
        seen["own range"] = context.asset_partition_key_range
        seen["range"] = context.asset_partition_key_range_for_input("daily")
        seen["window"] = context.asset_partitions_time_window_for_input("daily")
        with pytest.raises(InvocationError, match='asset "whole" has no partitions') as refused:
            context.asset_partitions_def_for_input("whole")
        assert refused.value.code == "WEFT-I021"
        with pytest.raises(InvocationError, match='input "whole" of step "weekly" depends on no partitions'):
            context.asset_partition_key_range_for_input("whole")

    definitions = Definitions([daily, whole, weekly])
    days = [f"2024-01-{day:02}" for day in range(7, 14)]
    from weft import Instance

    with Instance.ephemeral() as instance:
        for day in days:
            materialize([daily], partition_key=day, instance=instance)
        materialize([whole], instance=instance)
        materialize(definitions.assets, selection="weekly", partition_key="2024-01-07", instance=instance)
    assert seen["output"] == WEEKS
    assert seen["input"] == DAYS
    assert seen["own range"] == PartitionKeyRange("2024-01-07", "2024-01-07")
    assert seen["range"] == PartitionKeyRange("2024-01-07", "2024-01-13")
    start, end = (datetime(2024, 1, day, tzinfo=timezone.utc) for day in (7, 14))
    assert seen["window"] == TimeWindow(start, end)


def test_an_asset_knows_its_job_and_the_definitions() -> None:
    seen: list[Any] = []

    @asset
    def orders(context: AssetExecutionContext) -> None:
        seen.extend((context.job_def, context.repository_def, context.get_op_execution_context() is context))

    assert materialize([orders]).success
    job_def, repository, same = seen
    assert job_def.name == "__ASSET_JOB"
    assert repository.asset(orders.key) is orders
    assert same


def test_an_op_knows_its_job_and_itself() -> None:
    seen: list[Any] = []

    @op
    def load(context: OpExecutionContext) -> None:
        seen.extend((context.job_def, context.op))
        with pytest.raises(InvocationError, match="there is no repository"):
            _ = context.repository_def

    @job
    def nightly() -> None:
        load()

    assert nightly.execute_in_process().success
    assert seen == [nightly, load]


def test_a_function_that_is_called_directly_has_no_job() -> None:
    with pytest.raises(InvocationError, match="there is no job") as refused:
        _ = build_op_context().job_def
    assert refused.value.code == "WEFT-I018"


def test_a_debugger_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InvocationError, match="no terminal") as refused:
        _ = build_op_context().pdb
    monkeypatch.undo()
    assert refused.value.code == "WEFT-I019"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_debugger_talks_to_the_terminal_wherever_the_output_goes() -> None:
    import os
    import pty

    script = (
        "import sys\n"
        "from weft import build_op_context\n"
        "sys.stdin.close()\n"
        "rows = 42\n"
        "build_op_context().pdb.set_trace()\n"
        "rows += 1\n"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", script])
    os.write(terminal, b"p rows * 2\nc\n")
    said = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        said += part
    _, status = os.waitpid(child, 0)
    assert status == 0, said.decode()
    assert b"84" in said


def test_a_hook_reads_the_metadata_of_outputs() -> None:
    seen: list[Any] = []

    @success_hook
    def note(context: HookContext) -> None:
        seen.append(context.op_output_metadata)

    @op
    def count(context: OpExecutionContext) -> Any:
        context.add_output_metadata({"rows": 3})
        return Output(1, metadata={"file": "a.csv"})

    @job(hooks={note})
    def nightly() -> None:
        count()

    assert nightly.execute_in_process().success
    assert [{name: {k: v.value for k, v in given.items()} for name, given in one.items()} for one in seen] == [
        {"result": {"file": "a.csv", "rows": 3}}
    ]
