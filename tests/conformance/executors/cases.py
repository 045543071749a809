"""The jobs that every executor must carry out alike. Loaded by the processes under test; a scratch folder is where they leave traces for the tests."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from weft import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetSpec,
    ComputeResources,
    ConfigurableResource,
    DailyPartitionsDefinition,
    DataVersion,
    Definitions,
    DynamicOut,
    DynamicOutput,
    DynamicPartitionsDefinition,
    Failure,
    HookContext,
    In,
    InitResourceContext,
    MaterializeResult,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    RetryPolicy,
    RetryRequested,
    Skip,
    asset,
    asset_check,
    define_asset_job,
    failure_hook,
    graph,
    job,
    multi_asset,
    op,
    resource,
    success_hook,
)

SCRATCH = "WEFT_TEST_SCRATCH"


def scratch(name: str) -> Path:
    return Path(os.environ[SCRATCH]) / name


def trace(name: str, text: str = "") -> None:
    """Add a line to a file, whole, from any process."""
    fd = os.open(scratch(name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, f"{text}\n".encode())
    os.close(fd)


def count(name: str) -> int:
    file = scratch(name)
    return len(file.read_text().splitlines()) if file.exists() else 0


def wait_for(name: str, lines: int = 1, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while count(name) < lines:
        if time.monotonic() > end:
            raise TimeoutError(name)
        time.sleep(0.005)


def for_ever() -> None:
    while True:
        time.sleep(0.05)


# --- values ----------------------------------------------------------------------------------------------------------


@op
def one() -> int:
    trace("pids", f"one {os.getpid()}")
    return 1


@op
def add_one(x: int) -> int:
    trace("pids", f"add_one {os.getpid()}")
    return x + 1


@op
def note(context: OpExecutionContext, x: Any) -> None:
    trace("note", repr(x))


@job
def values() -> None:
    note(add_one(one()))


@op(out={"left": Out(), "right": Out()})
def two_outputs() -> tuple[int, str]:
    return 1, "r"


@op
def both(left: int, right: str) -> None:
    trace("note", f"{left} {right}")


@job
def several_outputs() -> None:
    left, right = two_outputs()
    both(left, right)


@op(out={"yes": Out(is_required=False), "no": Out(is_required=False)})
def branch() -> Iterator[Output[int]]:
    yield Output(1, "yes")


@op
def on_yes(x: int) -> None:
    trace("note", "yes")


@op
def on_no(x: int) -> None:
    trace("note", "no")


@job
def branching() -> None:
    yes, no = branch()
    on_yes(yes)
    on_no(no)


@op
def total(xs: list[int]) -> None:
    trace("note", str(sum(xs)))


@job
def fan_in() -> None:
    total([add_one.alias("a")(one.alias("oa")()), add_one.alias("b")(one.alias("ob")()), one.alias("c")()])


@op(out=Out(Nothing))
def first() -> None:
    trace("order", "first")


@op(ins={"start": In(Nothing)})
def second() -> None:
    trace("order", "second")


@job
def only_order() -> None:
    second(start=first())


BIG = 60_000_000


@op
def big() -> bytes:
    return os.urandom(1000) * (BIG // 1000)


@op
def size(x: bytes) -> None:
    trace("note", str(len(x)))


@job
def big_output() -> None:
    size(big())


@op
async def asynchronous() -> AsyncIterator[Output[int]]:
    await asyncio.sleep(0)
    yield Output(7)


@job
def async_values() -> None:
    note(asynchronous())


@op(config_schema={"factor": int})
def scaled(context: OpExecutionContext, x: int = 3) -> int:
    return x * context.op_config["factor"]


@job
def configured() -> None:
    note(scaled())


@op
def with_metadata() -> Output[int]:
    return Output(1, metadata={"rows": 12})


@job
def metadata() -> None:
    note(with_metadata())


@graph
def inner(x: int) -> int:
    return add_one(add_one.alias("again")(x))


@job
def nested_graph() -> None:
    note(inner(one()))


@op
def skips() -> int:
    raise Skip("nothing to do")


@job
def skipping() -> None:
    note(skips())


# --- at the same time ------------------------------------------------------------------------------------------------


@op
def meet() -> None:
    trace("met", "x")
    wait_for("met", 2)


@job
def together() -> None:
    meet.alias("a")()
    meet.alias("b")()


@op
def busy(context: OpExecutionContext) -> None:
    """Notes how many run at once, by the files of those that do."""
    mine = scratch(f"running-{context.step.key}")
    mine.touch()
    others = len(list(scratch("").glob("running-*")))
    trace("concurrent", str(others))
    trace("began", str(context.step.key))
    time.sleep(0.05)
    mine.unlink()


@job
def four_busy() -> None:
    for name in "abcd":
        busy.alias(name)()


@job
def tagged() -> None:
    for name in "abcd":
        busy.tag({"database": "x"}).alias(name)()


@job
def tagged_by_value() -> None:
    for name, value in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")):
        busy.tag({"database": value}).alias(name)()


@job
def with_priorities() -> None:
    for name, priority in (("low", "-1"), ("middle", "0"), ("high", "5"), ("highest", "10")):
        busy.tag({"dagster/priority": priority}).alias(name)()


@op(pool="narrow")
def pooled(context: OpExecutionContext) -> None:
    busy.fn(context)


@op(pool="narrow", retry_policy=RetryPolicy(max_retries=1, delay=0.2))
def pooled_and_flaky(context: OpExecutionContext) -> None:
    trace("attempts", str(context.step.key))
    if count("attempts") < 2:
        raise ValueError("once")


@op(pool="narrow")
def pooled_and_broken() -> None:
    raise ValueError("always")


@op(pool="narrow")
def pooled_and_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@job
def pooled_steps() -> None:
    for name in "abc":
        pooled.alias(name)()


@job
def pooled_after_failure() -> None:
    pooled_and_broken.alias("a")()
    pooled.alias("b")()


@job
def pooled_after_crash() -> None:
    pooled_and_killed.alias("a")()
    pooled.alias("b")()


@job
def pooled_retry() -> None:
    pooled_and_flaky.tag({"dagster/priority": "1"}).alias("a")()
    pooled.alias("b")()


@op
def free() -> None:
    trace("free", "ran")


@job
def pooled_and_free() -> None:
    pooled()
    free()


@op(pool="narrow")
def pooled_for_ever() -> None:
    trace("here", "x")
    for_ever()


@job
def pooled_endless() -> None:
    pooled_for_ever()


# --- dynamic ---------------------------------------------------------------------------------------------------------


@op(out=DynamicOut(int), config_schema={"count": int})
def numbers(context: OpExecutionContext) -> Iterator[DynamicOutput[int]]:
    for number in range(context.op_config["count"]):
        yield DynamicOutput(number, mapping_key=f"n{number}")


@job
def dynamic() -> None:
    total(numbers().map(add_one).collect())


@op(out=DynamicOut(int))
def below(x: int) -> Iterator[DynamicOutput[int]]:
    for number in range(2):
        yield DynamicOutput(x * 10 + number, mapping_key=f"m{number}")


@job
def nested_dynamic() -> None:
    total(numbers().map(lambda x: below(x).map(add_one)).collect())


@op
def fails_on_one(x: int) -> int:
    if x == 1:
        raise ValueError("one")
    return x


@job
def dynamic_failure() -> None:
    total(numbers().map(fails_on_one).collect())


# --- failures and retries --------------------------------------------------------------------------------------------


class Unpicklable(Exception):
    def __init__(self, message: str, *, thing: Any) -> None:
        super().__init__(message)
        self.thing = thing


@op
def raises() -> int:
    raise Unpicklable("no rows", thing=lambda: None)


@job
def failing() -> None:
    note(raises())
    free()


@op
def fails_with_metadata() -> None:
    raise Failure("bad data", metadata={"rows": 3})


@job
def failing_with_metadata() -> None:
    fails_with_metadata()


@op
def calls_exit() -> None:
    sys.exit(3)


@job
def exiting() -> None:
    calls_exit()


@op(retry_policy=RetryPolicy(max_retries=2))
def flaky(context: OpExecutionContext) -> int:
    trace("attempts", str(context.retry_number))
    if context.retry_number < 2:
        raise ValueError("not yet")
    return 5


@job
def retried() -> None:
    note(flaky())


@op(retry_policy=RetryPolicy(max_retries=2))
def hopeless(context: OpExecutionContext) -> int:
    trace("attempts", str(context.retry_number))
    raise ValueError("never")


@job
def retried_in_vain() -> None:
    note(hopeless())


@op
def asks_for_retry(context: OpExecutionContext) -> None:
    trace("attempts", str(context.retry_number))
    if context.retry_number == 0:
        raise RetryRequested(max_retries=1, seconds_to_wait=0.1)


@job
def retry_requested() -> None:
    asks_for_retry()


@op(retry_policy=RetryPolicy(max_retries=3))
def allows_no_retry() -> None:
    trace("attempts", "x")
    raise Failure("give up", allow_retries=False)


@job
def no_retry_allowed() -> None:
    allows_no_retry()


@op(retry_policy=RetryPolicy(max_retries=3, retry_on=(LookupError,)))
def retried_by_class() -> None:
    trace("attempts", "x")
    raise KeyError("x") if count("attempts") == 1 else ValueError("y")


@job
def retry_by_class() -> None:
    retried_by_class()


@op(retry_policy=RetryPolicy(max_retries=3, give_up_on="ValueError"))
def gives_up() -> None:
    trace("attempts", "x")
    raise ValueError("y")


@job
def giving_up() -> None:
    gives_up()


@op(out={"a": Out(is_required=False), "b": Out(is_required=False)}, retry_policy=RetryPolicy(max_retries=1))
def other_output_each_time(context: OpExecutionContext) -> Iterator[Output[int]]:
    if context.retry_number == 0:
        yield Output(1, "a")
        raise ValueError("after an output")
    yield Output(2, "b")


@job
def outputs_of_a_failed_attempt() -> None:
    a, b = other_output_each_time()
    on_yes(a)
    on_no(b)


@op(retry_policy=RetryPolicy(max_retries=1, delay=60))
def waits_long_for_retry() -> None:
    trace("here", "x")
    raise ValueError("later")


@job
def long_delay() -> None:
    waits_long_for_retry()


# --- the end of a process --------------------------------------------------------------------------------------------


@op
def killed(context: OpExecutionContext) -> int:
    context.log.info("last words")
    print("printed before", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@job
def crashing() -> None:
    note(killed())
    free()


@op
def leaves() -> None:
    os._exit(3)


@job
def leaving() -> None:
    leaves()


@op
def reads_address_zero() -> None:
    ctypes.string_at(0)


@job
def segfault() -> None:
    reads_address_zero()


@op(retry_policy=RetryPolicy(max_retries=1, retry_on="signaled"))
def killed_once() -> int:
    trace("attempts", "x")
    if count("attempts") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return 1


@job
def crash_retried() -> None:
    note(killed_once())


@op(retry_policy=RetryPolicy(max_retries=1, retry_on="signaled"))
def leaves_though_retried_for_signals() -> None:
    trace("attempts", "x")
    os._exit(4)


@job
def exit_not_retried() -> None:
    leaves_though_retried_for_signals()


@op
def kills_the_zygote() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    for_ever()


@job
def zygote_killed() -> None:
    kills_the_zygote()


# --- memory ----------------------------------------------------------------------------------------------------------

MIB = 1024 * 1024


def fill(mebibytes: int) -> list[bytearray]:
    """Takes memory in steps that somebody who watches can see."""
    taken = []
    for _ in range(mebibytes // 10):
        taken.append(bytearray(os.urandom(1024) * (10 * 1024)))
        time.sleep(0.01)
    return taken


@op(resources=ComputeResources(memory="150MiB"))
def hungry() -> None:
    fill(1000)


@job
def out_of_memory() -> None:
    hungry()


@op(resources=ComputeResources(memory="150MiB"), retry_policy=RetryPolicy(max_retries=1, retry_on="out_of_memory"))
def hungry_once() -> int:
    trace("attempts", "x")
    if count("attempts") == 1:
        fill(1000)
    return 1


@job
def out_of_memory_once() -> None:
    hungry_once()


@op(resources=ComputeResources(memory="150MiB"))
def asks_for_all_at_once() -> None:
    bytearray(10 * 1024 * MIB)


@job
def memory_refused() -> None:
    asks_for_all_at_once()


@op(resources=ComputeResources(memory="150MiB"))
def hungry_child() -> None:
    subprocess.run([sys.executable, "-c", "x = bytearray(b'x' * (400 << 20)); import time; time.sleep(30)"], check=True)


@job
def out_of_memory_in_child() -> None:
    hungry_child()


@op(resources=ComputeResources(memory="500MiB", cpus=1))
def modest() -> None:
    kept = fill(100)
    if hasattr(os, "sched_getaffinity"):
        trace("cpus", str(len(os.sched_getaffinity(0))))
    del kept


@job
def within_limits() -> None:
    modest()


# --- time ------------------------------------------------------------------------------------------------------------


@op(timeout_seconds=0.5)
def endless() -> None:
    try:
        for_ever()
    finally:
        trace("torn down", "x")


@job
def timing_out() -> None:
    endless()


@op(tags={"dagster/max_runtime": "0.5"})
def endless_by_tag() -> None:
    for_ever()


@job
def timing_out_by_tag() -> None:
    endless_by_tag()


@op(timeout_seconds=0.5, retry_policy=RetryPolicy(max_retries=1, retry_on="timed_out"))
def endless_once() -> int:
    trace("attempts", "x")
    if count("attempts") == 1:
        for_ever()
    return 1


@job
def timeout_retried() -> None:
    note(endless_once())


@op(timeout_seconds=0.5)
def endless_with_child() -> None:
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    trace("child", str(child.pid))
    for_ever()


@job
def timing_out_with_child() -> None:
    endless_with_child()


@op(timeout_seconds=0.5)
def swallows_everything() -> None:
    while True:
        try:
            time.sleep(1000)
        except BaseException:  # noqa: BLE001, S112  # what is tested
            continue


@job
def timing_out_stubbornly() -> None:
    swallows_everything()


@op(timeout_seconds=30)
def quick_enough() -> int:
    return 1


@job
def in_time() -> None:
    note(quick_enough())


# --- cancel ----------------------------------------------------------------------------------------------------------


@op
def cooperative() -> None:
    trace("here", "x")
    try:
        for_ever()
    finally:
        trace("torn down", "x")


@job
def cancelled() -> None:
    note(cooperative())


@op
def uncooperative() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    trace("child", str(child.pid))
    trace("here", "x")
    for_ever()


@job
def stubborn() -> None:
    uncooperative()


@op
def with_detached_child() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "import os, time; os.setsid() if os.fork() == 0 else os._exit(0); time.sleep(1000)"]
    )
    child.wait()
    trace("here", str(os.getpid()))
    for_ever()


@job
def cancelled_with_detached_child() -> None:
    with_detached_child()


# --- output ----------------------------------------------------------------------------------------------------------


@op
def talks(context: OpExecutionContext) -> None:
    print("to stdout")
    print("to stderr", file=sys.stderr)
    subprocess.run(["echo", "from a child"], check=True)
    context.log.info("a line of the log")
    context.log.warning("%s with %d arguments", "one", 2)


@job
def talking() -> None:
    talks()
    free()


@op
def talks_and_waits(context: OpExecutionContext) -> None:
    print("now", flush=True)
    context.log.info("waiting")
    trace("here", "x")
    wait_for("go on")


@job
def talking_live() -> None:
    talks_and_waits()


LINES = 50_000


@op
def talks_much(context: OpExecutionContext) -> None:
    for number in range(LINES):
        print(f"line {number} " + "x" * 80)
    for number in range(2000):
        context.log.info("event %d", number)


@job
def talking_much() -> None:
    talks_much()


# --- hooks -----------------------------------------------------------------------------------------------------------


@success_hook
def on_success(context: HookContext) -> None:
    trace("hooks", f"success {context.op.name}")


@failure_hook
def on_failure(context: HookContext) -> None:
    trace("hooks", f"failure {context.op.name} {type(context.op_exception).__name__}")


@failure_hook(required_resource_keys={"counter"})
def on_failure_with_resource(context: HookContext) -> None:
    trace("hooks", f"counter {context.resources.counter}")


@success_hook
def broken_hook(context: HookContext) -> None:
    raise ValueError("hook")


@job(hooks={on_success, on_failure})
def hooked() -> None:
    one()
    hopeless()


@job(hooks={on_failure})
def hooked_crash() -> None:
    killed()


@job(hooks={on_failure})
def hooked_timeout() -> None:
    endless()


@job(hooks={broken_hook})
def hook_that_fails() -> None:
    one()


# --- resources -------------------------------------------------------------------------------------------------------


@resource
def counter(context: InitResourceContext) -> Iterator[int]:
    trace("resources", f"up {os.getpid()}")
    try:
        yield 7
    finally:
        trace("resources", f"down {os.getpid()}")


@resource
def broken(context: InitResourceContext) -> int:
    raise ValueError("no connection")


@resource
def breaks_at_teardown(context: InitResourceContext) -> Iterator[int]:
    yield 1
    raise ValueError("teardown")


class Greeter(ConfigurableResource):
    greeting: str

    def greet(self, name: str) -> str:
        return f"{self.greeting}, {name}"


@op(required_resource_keys={"counter"})
def uses_counter(context: OpExecutionContext) -> None:
    trace("note", str(context.resources.counter))


@op(required_resource_keys={"counter"})
def uses_counter_and_fails(context: OpExecutionContext) -> None:
    raise ValueError("after the resource")


@op(required_resource_keys={"broken"})
def needs_broken(context: OpExecutionContext) -> None: ...


@op(required_resource_keys={"breaks_at_teardown"})
def needs_bad_teardown(context: OpExecutionContext) -> None: ...


@op
def greets(greeter: Greeter) -> None:
    trace("note", greeter.greet("world"))


@job(resource_defs={"counter": counter})
def with_resource() -> None:
    uses_counter()


@job(resource_defs={"counter": counter})
def failing_with_resource() -> None:
    uses_counter_and_fails()


@job(resource_defs={"broken": broken})
def with_broken_resource() -> None:
    needs_broken()


@job(resource_defs={"breaks_at_teardown": breaks_at_teardown})
def with_bad_teardown() -> None:
    note(one())
    needs_bad_teardown()


@job(resource_defs={"greeter": Greeter(greeting="Hello")})
def with_configured_resource() -> None:
    greets()


@job(resource_defs={"counter": counter}, hooks={on_failure_with_resource})
def hook_with_resource() -> None:
    raises()


# --- the instance ----------------------------------------------------------------------------------------------------

letters = DynamicPartitionsDefinition(name="letters")


@op
def adds_partition(context: OpExecutionContext) -> None:
    context.instance.add_dynamic_partitions("letters", ["a", "b"])


@op(ins={"start": In(Nothing)})
def reads_partitions(context: OpExecutionContext) -> None:
    trace("note", ",".join(sorted(context.instance.get_dynamic_partitions("letters"))))


@job
def with_instance() -> None:
    reads_partitions(start=adds_partition())


@op
def tells_of_itself(context: OpExecutionContext) -> None:
    trace("note", f"{context.run.job_name} {context.run.tags.get('team')} {context.retry_number}")


@job(tags={"team": "data"})
def with_run() -> None:
    tells_of_itself()


# --- assets ----------------------------------------------------------------------------------------------------------


@asset(code_version="1")
def source_table() -> Output[list[int]]:
    return Output([1, 2, 3], metadata={"rows": 3}, data_version=DataVersion("v-source"))


@asset(code_version="1")
def derived_table(source_table: list[int]) -> list[int]:
    return [x * 2 for x in source_table]


@asset_check(asset=source_table, blocking=True)
def source_is_good(source_table: list[int]) -> AssetCheckResult:
    return AssetCheckResult(passed=len(source_table) == 3, metadata={"rows": len(source_table)})


@multi_asset(specs=[AssetSpec("m1"), AssetSpec("m2", deps=["m1"])])
def several() -> Iterator[MaterializeResult]:
    yield MaterializeResult(asset_key="m1", metadata={"n": 1})
    yield MaterializeResult(asset_key="m2", metadata={"n": 2})


@asset
def bad_table() -> int:
    return 0


@asset_check(asset=bad_table, blocking=True)
def never_good() -> AssetCheckResult:
    return AssetCheckResult(passed=False, severity=AssetCheckSeverity.ERROR)


@asset
def below_bad(bad_table: int) -> int:
    trace("note", "below_bad")
    return bad_table


days = DailyPartitionsDefinition("2024-01-01")


@asset(partitions_def=days)
def daily(context: AssetExecutionContext) -> str:
    return context.partition_key


@asset(partitions_def=days)
def daily_below(context: AssetExecutionContext, daily: str) -> str:
    trace("note", f"{context.partition_key} {daily}")
    return daily


@asset
def killed_asset(context: AssetExecutionContext) -> None:
    context.log.info("about to go")
    os.kill(os.getpid(), signal.SIGKILL)


@asset(check_specs=[AssetCheckSpec("own", asset="checked")])
def checked() -> Iterator[Any]:
    yield Output(1)
    yield AssetCheckResult(check_name="own", passed=True)


@asset
def needs_go(source_table: list[int]) -> int:
    trace("here", "x")
    wait_for("go on")
    return len(source_table)


DEFS = Definitions(
    assets=[
        source_table,
        derived_table,
        several,
        bad_table,
        below_bad,
        daily,
        daily_below,
        killed_asset,
        checked,
        needs_go,
    ],
    asset_checks=[source_is_good, never_good],
    jobs=[
        values,
        several_outputs,
        branching,
        fan_in,
        only_order,
        big_output,
        async_values,
        configured,
        metadata,
        nested_graph,
        skipping,
        together,
        four_busy,
        tagged,
        tagged_by_value,
        with_priorities,
        pooled_steps,
        pooled_after_failure,
        pooled_after_crash,
        pooled_retry,
        pooled_and_free,
        pooled_endless,
        dynamic,
        nested_dynamic,
        dynamic_failure,
        failing,
        failing_with_metadata,
        exiting,
        retried,
        retried_in_vain,
        retry_requested,
        no_retry_allowed,
        retry_by_class,
        giving_up,
        outputs_of_a_failed_attempt,
        long_delay,
        crashing,
        leaving,
        segfault,
        crash_retried,
        exit_not_retried,
        zygote_killed,
        out_of_memory,
        out_of_memory_once,
        memory_refused,
        out_of_memory_in_child,
        within_limits,
        timing_out,
        timing_out_by_tag,
        timeout_retried,
        timing_out_with_child,
        timing_out_stubbornly,
        in_time,
        cancelled,
        stubborn,
        cancelled_with_detached_child,
        talking,
        talking_live,
        talking_much,
        hooked,
        hooked_crash,
        hooked_timeout,
        hook_that_fails,
        with_resource,
        failing_with_resource,
        with_broken_resource,
        with_bad_teardown,
        with_configured_resource,
        hook_with_resource,
        with_instance,
        with_run,
        define_asset_job("tables", selection=["source_table", "derived_table"]),
        define_asset_job("several_assets", selection=["m1", "m2"]),
        define_asset_job("blocked", selection=["bad_table", "below_bad"]),
        define_asset_job("by_day", selection=["daily", "daily_below"], partitions_def=days),
        define_asset_job("crashing_asset", selection=["killed_asset"]),
        define_asset_job("own_check", selection=["checked"]),
        define_asset_job("resumable", selection=["source_table", "needs_go"]),
    ],
)
