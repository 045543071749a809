"""What runs in the calling process do: order, values, skips, retries, hooks, checks, resources, endings."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from weft import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    AssetOut,
    AssetSelection,
    AssetSpec,
    ConfigError,
    DataVersion,
    Definitions,
    DynamicOut,
    DynamicOutput,
    ExecutionError,
    Failure,
    HookContext,
    In,
    Instance,
    InvocationError,
    MaterializeResult,
    MetadataValue,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    PartitionError,
    RetryPolicy,
    RetryRequested,
    RunStatus,
    SelectionError,
    StaticPartitionsDefinition,
    TypeCheckError,
    asset,
    asset_check,
    define_asset_job,
    failure_hook,
    graph,
    job,
    materialize,
    multi_asset,
    op,
    resource,
    success_hook,
)


def types_of(result: Any, step_key: str) -> list[str]:
    return [event.type for event in result.all_events if event.step_key == step_key]


# --- values and order ------------------------------------------------------------------------------------------------


def test_an_argument_loads_what_the_upstream_asset_returned() -> None:
    @asset
    def numbers() -> list[int]:
        return [1, 2, 3]

    @asset
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    result = materialize([total, numbers])

    assert result.success
    assert result.asset_value("total") == 6
    assert [event.body.asset_key.to_user_string() for event in result.get_asset_materialization_events()] == [
        "numbers",
        "total",
    ]


def test_deps_order_without_loading() -> None:
    made: list[str] = []

    @asset
    def table() -> None:
        made.append("table")

    @asset(deps=[table])
    def view() -> None:
        made.append("view")

    result = materialize([view, table])

    assert made == ["table", "view"]
    assert "LOADED_INPUT" not in types_of(result, "view")


def test_an_asset_that_returns_none_stores_nothing() -> None:
    @asset
    def side_effect() -> None:
        pass

    result = materialize([side_effect])

    assert "HANDLED_OUTPUT" not in types_of(result, "side_effect")
    assert types_of(result, "side_effect") == ["STEP_START", "STEP_OUTPUT", "ASSET_MATERIALIZATION", "STEP_SUCCESS"]


def test_none_is_a_value_between_ops() -> None:
    @op
    def nothing() -> None:
        return None

    @op
    def is_none(value: Any) -> bool:
        return value is None

    @job
    def pipeline() -> None:
        is_none(nothing())

    assert pipeline.execute_in_process().output_for_node("is_none") is True


def test_a_materialize_result_carries_metadata_version_and_tags() -> None:
    @asset
    def table() -> MaterializeResult[Any]:
        return MaterializeResult(
            metadata={"rows": 3, "link": MetadataValue.url("http://localhost")},
            data_version=DataVersion("v1"),
            tags={"kind": "full"},
        )

    [event] = materialize([table]).get_asset_materialization_events()

    assert event.body.metadata["rows"].value == 3
    assert event.body.data_version == "v1"
    assert event.body.tags == {"kind": "full"}


def test_a_materialize_result_with_a_value_is_stored() -> None:
    @asset
    def table() -> MaterializeResult[list[int]]:
        return MaterializeResult(value=[1, 2])

    @asset
    def length(table: list[int]) -> int:
        return len(table)

    assert materialize([table, length]).asset_value("length") == 2


def test_metadata_added_through_the_context_reaches_the_materialisation() -> None:
    @asset
    def table(context: AssetExecutionContext) -> int:
        context.add_output_metadata({"a": 1})
        context.add_asset_metadata({"b": 2})
        return 5

    [event] = materialize([table]).get_asset_materialization_events()

    assert {label: value.value for label, value in event.body.metadata.items()} == {"a": 1, "b": 2}


def test_data_versions_follow_code_and_inputs() -> None:
    @asset(code_version="1")
    def source() -> int:
        return 1

    @asset(code_version="1")
    def derived(source: int) -> int:
        return source

    def versions() -> list[str | None]:
        return [event.body.data_version for event in materialize([source, derived]).get_asset_materialization_events()]

    assert versions() == versions()


def test_a_multi_asset_yields_each_of_its_assets() -> None:
    @multi_asset(outs={"left": AssetOut(), "right": AssetOut()})
    def both() -> Iterator[Output[int]]:
        yield Output(1, "left")
        yield Output(2, "right", metadata={"n": 2})

    @asset
    def total(left: int, right: int) -> int:
        return left + right

    assert materialize([both, total]).asset_value("total") == 3


def test_a_multi_asset_may_return_a_tuple_in_the_order_of_its_outputs() -> None:
    @multi_asset(outs={"left": AssetOut(), "right": AssetOut()})
    def both() -> tuple[int, int]:
        return 1, 2

    result = materialize([both])

    assert (result.asset_value("left"), result.asset_value("right")) == (1, 2)


def test_a_multi_asset_of_specs_without_results_is_materialised_whole() -> None:
    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b", deps=["a"])])
    def both() -> None:
        pass

    result = materialize([both])

    assert [event.body.asset_key for event in result.get_asset_materialization_events()] == [
        AssetKey("a"),
        AssetKey("b"),
    ]


def test_a_subsettable_multi_asset_makes_only_what_is_selected() -> None:
    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")], can_subset=True)
    def both(context: AssetExecutionContext) -> Iterator[MaterializeResult[Any]]:
        for key in sorted(context.selected_asset_keys):
            yield MaterializeResult(asset_key=key)

    result = materialize([both], selection="b")

    assert [event.body.asset_key for event in result.get_asset_materialization_events()] == [AssetKey("b")]


def test_an_external_asset_is_not_made() -> None:
    @asset(deps=[AssetSpec("lake")])
    def table() -> None:
        pass

    result = materialize([table, AssetSpec("lake")])

    assert [event.body.asset_key for event in result.get_asset_materialization_events()] == [AssetKey("table")]


def test_selected_assets_load_the_stored_values_of_others() -> None:
    calls: list[str] = []

    @asset
    def source() -> int:
        calls.append("source")
        return 7

    @asset
    def derived(source: int) -> int:
        return source + 1

    with Instance.ephemeral() as instance:
        materialize([source, derived], instance=instance)
        again = materialize([source, derived], instance=instance, selection="derived")

    assert again.asset_value("derived") == 8
    assert calls == ["source"]


def test_a_selection_that_names_nothing_says_so() -> None:
    @asset
    def orders() -> int:
        return 1

    with pytest.raises(SelectionError, match="ordes"):
        materialize([orders], selection="ordes")


def test_ops_pass_values_and_fan_in_lists() -> None:
    @op
    def one() -> int:
        return 1

    @op
    def double(value: int) -> int:
        return 2 * value

    @op
    def total(values: list[int]) -> int:
        return sum(values)

    @job
    def pipeline() -> None:
        value = one()
        total([double(value), double(value), value])

    assert pipeline.execute_in_process().output_for_node("total") == 5


def test_nothing_inputs_only_order() -> None:
    order: list[str] = []

    @op(out=Out(Nothing))
    def prepare() -> None:
        order.append("prepare")

    @op(ins={"ready": In(Nothing)})
    def run() -> None:
        order.append("run")

    @job
    def pipeline() -> None:
        run(prepare())

    result = pipeline.execute_in_process()

    assert order == ["prepare", "run"]
    assert "LOADED_INPUT" not in types_of(result, "run")


def test_dynamic_outputs_are_mapped_and_collected() -> None:
    @op(out=DynamicOut())
    def numbers() -> Iterator[DynamicOutput[int]]:
        for number in range(3):
            yield DynamicOutput(number, mapping_key=f"n{number}")

    @op
    def square(number: int) -> int:
        return number * number

    @op
    def total(values: list[int]) -> int:
        return sum(values)

    @job
    def pipeline() -> None:
        total(numbers().map(square).collect())

    result = pipeline.execute_in_process()

    assert result.output_for_node("total") == 5
    assert result.output_for_node("square") == {"n0": 0, "n1": 1, "n2": 4}


def test_nested_dynamic_outputs_collect_level_by_level() -> None:
    @op(out=DynamicOut())
    def letters() -> Iterator[DynamicOutput[str]]:
        for letter in "ab":
            yield DynamicOutput(letter, mapping_key=letter)

    @op(out=DynamicOut())
    def words(letter: str) -> Iterator[DynamicOutput[str]]:
        for number in range(2):
            yield DynamicOutput(f"{letter}{number}", mapping_key=str(number))

    @op
    def upper(word: str) -> str:
        return word.upper()

    @op
    def join(parts: list[str]) -> str:
        return "+".join(parts)

    @graph
    def per_letter(letter: str) -> Any:
        return join(words(letter).map(upper).collect())

    @job
    def pipeline() -> None:
        join.alias("all")(letters().map(per_letter).collect())

    assert pipeline.execute_in_process().output_for_node("all") == "A0+A1+B0+B1"


def test_inputs_come_from_the_caller_configuration_or_default() -> None:
    @op
    def add(a: int, b: int, c: int = 5) -> int:
        return a + b + c

    @graph
    def sum_up(a: int) -> Any:
        return add(a)

    result = sum_up.to_job().execute_in_process(
        input_values={"a": 1}, run_config={"ops": {"add": {"inputs": {"b": 10}}}}
    )

    assert result.output_for_node("add") == 16


def test_an_op_selected_without_its_upstream_uses_the_default_of_its_input() -> None:
    @op
    def one() -> int:
        return 1

    @op
    def double(value: int = 21) -> int:
        return 2 * value

    @job
    def pipeline() -> None:
        double(one())

    assert pipeline.execute_in_process().output_for_node("double") == 2
    assert pipeline.execute_in_process(op_selection=["double"]).output_for_node("double") == 42


def test_an_async_op_runs_to_its_end() -> None:
    @op
    async def later() -> int:
        return 4

    @job
    def pipeline() -> None:
        later()

    assert pipeline.execute_in_process().output_for_node("later") == 4


# --- failing, skipping, retrying --------------------------------------------------------------------------------------


def test_the_users_own_exception_is_raised() -> None:
    @asset
    def broken() -> None:
        raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError, match="by zero") as caught:
        materialize([broken])

    assert caught.traceback[-1].name == "broken"


def test_a_failure_skips_what_is_downstream_and_nothing_else() -> None:
    @asset
    def broken() -> int:
        raise ValueError("no")

    @asset
    def after(broken: int) -> None: ...

    @asset
    def beside() -> None: ...

    result = materialize([broken, after, beside], raise_on_error=False)

    assert result.run.status is RunStatus.FAILURE
    assert result.get_failed_step_keys() == {"broken"}
    assert result.is_node_skipped("after")
    assert result.is_node_success("beside")


def test_an_optional_output_that_is_not_yielded_skips_what_needs_it() -> None:
    @op(out={"even": Out(is_required=False), "odd": Out(is_required=False)})
    def route() -> Iterator[Output[int]]:
        yield Output(3, "odd")

    @op
    def handle(value: int) -> int:
        return value

    @job
    def pipeline() -> None:
        even, odd = route()
        handle.alias("handle_even")(even)
        handle.alias("handle_odd")(odd)

    result = pipeline.execute_in_process()

    assert result.success
    assert result.is_node_skipped("handle_even")
    assert result.output_for_node("handle_odd") == 3


def test_a_required_output_that_is_not_yielded_fails_the_step() -> None:
    @op(out={"a": Out(), "b": Out()})
    def half() -> Iterator[Output[int]]:
        yield Output(1, "a")

    @job
    def pipeline() -> None:
        half()

    with pytest.raises(ExecutionError, match='without its output "b"'):
        pipeline.execute_in_process()


def test_a_policy_retries_until_the_step_succeeds() -> None:
    attempts: list[int] = []

    @op(retry_policy=RetryPolicy(max_retries=3))
    def flaky(context: OpExecutionContext) -> int:
        attempts.append(context.retry_number)
        if len(attempts) < 3:
            raise ConnectionError("not yet")
        return 1

    @job
    def pipeline() -> None:
        flaky()

    result = pipeline.execute_in_process()

    assert attempts == [0, 1, 2]
    assert result.retry_attempts_for_node("flaky") == 2
    assert types_of(result, "flaky").count("STEP_UP_FOR_RETRY") == 2


def test_retries_end_and_the_last_exception_is_raised() -> None:
    @asset(retry_policy=RetryPolicy(max_retries=2))
    def broken() -> None:
        raise ConnectionError("never")

    with pytest.raises(ConnectionError):
        materialize([broken])


def test_an_explicit_request_retries_without_a_policy() -> None:
    calls: list[int] = []

    @asset
    def flaky() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RetryRequested(max_retries=1)

    assert materialize([flaky]).success
    assert len(calls) == 2


def test_a_failure_may_forbid_retries() -> None:
    calls: list[int] = []

    @asset(retry_policy=RetryPolicy(max_retries=5))
    def broken() -> None:
        calls.append(1)
        raise Failure("wrong file", metadata={"file": "a.csv"}, allow_retries=False)

    result = materialize([broken], raise_on_error=False)

    assert len(calls) == 1
    [event] = result.get_step_failure_events()
    assert event.body.error.metadata["file"].value == "a.csv"
    assert "wrong file" in event.body.error.message


def test_sys_exit_in_a_step_fails_that_step_only() -> None:
    @asset
    def leaves() -> None:
        raise SystemExit(3)

    @asset
    def beside() -> None: ...

    result = materialize([leaves, beside], raise_on_error=False)

    assert result.is_node_failed("leaves")
    assert result.is_node_success("beside")


# --- types ------------------------------------------------------------------------------------------------------------


def test_a_wrong_return_value_fails_with_both_types() -> None:
    @asset
    def number() -> int:
        return "three"  # type: ignore[return-value]  # the mistake under test

    with pytest.raises(TypeCheckError) as caught:
        materialize([number])

    assert caught.value.facts["declared"] == "int"
    assert "str" in str(caught.value.facts["found"])


def test_a_wrong_input_value_names_where_it_came_from() -> None:
    @asset
    def number():  # type: ignore[no-untyped-def]  # without annotation, so that only the input is checked
        return "three"

    @asset
    def double(number: int) -> int:
        return 2 * number

    with pytest.raises(TypeCheckError) as caught:
        materialize([number, double])

    assert "number" in str(caught.value.facts["comes from"])


# --- checks -----------------------------------------------------------------------------------------------------------


def test_a_check_runs_after_its_asset_and_gives_its_answer() -> None:
    @asset
    def orders() -> list[int]:
        return [1]

    @asset_check(asset=orders)
    def not_empty(orders: list[int]) -> AssetCheckResult:
        return AssetCheckResult(passed=bool(orders), metadata={"rows": len(orders)})

    [evaluation] = materialize([orders, not_empty]).get_asset_check_evaluations()

    assert evaluation.passed
    assert evaluation.metadata["rows"].value == 1


@pytest.mark.parametrize(("severity", "expected"), [(AssetCheckSeverity.ERROR, True), (AssetCheckSeverity.WARN, False)])
def test_a_blocking_check_stops_downstream_only_when_it_fails_with_error(
    severity: AssetCheckSeverity, expected: bool
) -> None:
    @asset
    def orders() -> int:
        return 0

    @asset_check(asset=orders, blocking=True)
    def positive(orders: int) -> AssetCheckResult:
        return AssetCheckResult(passed=orders > 0, severity=severity)

    @asset
    def report(orders: int) -> int:
        return orders

    result = materialize([orders, positive, report], raise_on_error=False)

    assert result.is_node_skipped("report") is expected
    assert result.success is not expected


def test_checks_of_the_same_function_come_with_the_asset() -> None:
    @asset(check_specs=[AssetCheckSpec("fine", asset="orders")])
    def orders() -> Iterator[Any]:
        yield Output(1)
        yield AssetCheckResult(passed=True, check_name="fine")

    [evaluation] = materialize([orders]).get_asset_check_evaluations()

    assert evaluation.check_key.name == "fine"


def test_a_check_without_an_answer_fails() -> None:
    @asset
    def orders() -> int:
        return 1

    @asset_check(asset=orders)
    def silent() -> Any:
        return None

    with pytest.raises(ExecutionError, match="instead of an answer"):
        materialize([orders, silent])


# --- resources --------------------------------------------------------------------------------------------------------


def test_resources_are_set_up_once_and_torn_down_in_reverse_whatever_happens() -> None:
    order: list[str] = []

    @resource
    def outer() -> Iterator[str]:
        order.append("outer up")
        yield "outer"
        order.append("outer down")

    @resource(required_resource_keys={"outer"})
    def inner(context: Any) -> Iterator[str]:
        order.append("inner up")
        yield f"inner in {context.resources.outer}"
        order.append("inner down")

    @asset(required_resource_keys={"inner"})
    def first(context: AssetExecutionContext) -> None:
        order.append(context.resources.inner)

    @asset(required_resource_keys={"inner"}, deps=[first])
    def second() -> None:
        raise ValueError("boom")

    result = materialize([first, second], resources={"outer": outer, "inner": inner}, raise_on_error=False)

    assert not result.success
    assert order == ["outer up", "inner up", "inner in outer", "inner down", "outer down"]


def test_resources_nobody_needs_are_not_set_up() -> None:
    def explode() -> None:
        raise AssertionError("set up without need")

    @asset
    def table() -> None: ...

    assert materialize([table], resources={"unused": resource(explode)}).success


def test_a_resource_that_cannot_be_set_up_fails_the_run_and_tears_down_the_others() -> None:
    order: list[str] = []

    @resource
    def good() -> Iterator[int]:
        yield 1
        order.append("good down")

    @resource(required_resource_keys={"good"})
    def bad() -> int:
        raise ConnectionError("refused")

    @asset(required_resource_keys={"bad"})
    def table() -> None: ...

    result = materialize([table], resources={"good": good, "bad": bad}, raise_on_error=False)

    assert result.run.status is RunStatus.FAILURE
    assert result.run.failure_reason is not None
    assert result.run.failure_reason.value == "resource_failed"
    assert order == ["good down"]
    assert types_of(result, "table") == []


# --- hooks ------------------------------------------------------------------------------------------------------------


def test_hooks_see_how_their_step_ended() -> None:
    seen: list[str] = []

    @success_hook
    def on_success(context: HookContext) -> None:
        seen.append(f"{context.step_key} gave {context.op_output_values['result']}")

    @failure_hook
    def on_failure(context: HookContext) -> None:
        seen.append(f"{context.step_key} raised {type(context.op_exception).__name__}")

    @op
    def good() -> int:
        return 1

    @op
    def bad() -> int:
        raise KeyError("k")

    @job(hooks={on_success, on_failure})
    def pipeline() -> None:
        good()
        bad()

    pipeline.execute_in_process(raise_on_error=False)

    assert seen == ["good gave 1", "bad raised KeyError"]


def test_a_failing_hook_never_fails_its_step() -> None:
    @success_hook
    def broken_hook(context: HookContext) -> None:
        raise RuntimeError("hook")

    @asset(hooks={broken_hook})
    def table() -> None: ...

    result = materialize([table])

    assert result.success
    assert "HOOK_ERRORED" in types_of(result, "table")


# --- configuration ----------------------------------------------------------------------------------------------------


def test_wrong_configuration_is_refused_before_anything_runs() -> None:
    ran: list[str] = []

    @op(config_schema={"limit": int})
    def limited(context: OpExecutionContext) -> None:
        ran.append("limited")

    @job
    def pipeline() -> None:
        limited()

    with pytest.raises(ConfigError) as caught:
        pipeline.execute_in_process(run_config={"ops": {"limited": {"config": {"limit": "x", "extra": 1}}}})

    assert len(caught.value.problems) == 2
    assert ran == []


def test_the_configuration_of_an_asset_stands_under_its_op_name() -> None:
    @asset(key=["shop", "orders"], config_schema={"limit": int})
    def orders(context: AssetExecutionContext) -> int:
        return int(context.op_config["limit"])

    result = materialize([orders], run_config={"ops": {"shop__orders": {"config": {"limit": 4}}}})

    assert result.asset_value(["shop", "orders"]) == 4


# --- endings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_as_cancelled_with_teardown_done(number: signal.Signals) -> None:
    order: list[str] = []

    @resource
    def connection() -> Iterator[int]:
        yield 1
        order.append("down")

    @asset(required_resource_keys={"connection"})
    def slow() -> None:
        os.kill(os.getpid(), number)
        order.append("went on")

    @asset(deps=[slow])
    def after() -> None:
        order.append("after")

    with Instance.ephemeral() as instance:
        with pytest.raises(KeyboardInterrupt):
            materialize([slow, after], resources={"connection": connection}, instance=instance, run_id="r1")
        run = instance.runs.get("r1")
        steps = {step.key: step.status.value for step in instance.runs.steps("r1")}

    assert order == ["down"]
    assert run is not None
    assert run.status is RunStatus.CANCELED
    assert steps == {"slow": "CANCELED", "after": "CANCELED"}


def test_a_signal_between_steps_is_noticed() -> None:
    @success_hook
    def interrupt(context: HookContext) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    @asset(hooks={interrupt})
    def first() -> None: ...

    @asset(deps=[first])
    def second() -> None: ...

    result = materialize([first, second], raise_on_error=False)

    assert result.run.status is RunStatus.CANCELED
    assert result.is_node_success("first")
    assert not result.is_node_success("second")


def test_the_run_is_recorded_on_the_instance() -> None:
    @asset
    def table() -> int:
        return 1

    with Instance.ephemeral() as instance:
        result = materialize([table], instance=instance, tags={"team": "data"})
        run = instance.runs.get(result.run_id)
        state = instance.assets.get(AssetKey("table"))
        stored = instance.events.read(result.run_id)

    assert run is not None
    assert run.status is RunStatus.SUCCESS
    assert run.tags["team"] == "data"
    assert run.started_at is not None
    assert run.ended_at is not None
    assert state is not None
    assert state.latest_materialization is not None
    assert [item.event for item in stored] == list(result.all_events)


def test_foreign_system_tags_are_ours() -> None:
    @asset
    def table() -> None: ...

    result = materialize([table], tags={"dagster/priority": "3"})

    assert result.run.tags == {"weft/priority": "3"}


def test_log_lines_are_events() -> None:
    @asset
    def table(context: AssetExecutionContext) -> None:
        context.log.warning("only %d rows", 3)
        try:
            raise ValueError("inner")
        except ValueError:
            context.log.exception("could not parse")

    lines = [event.body for event in materialize([table]).all_events if event.type == "LOG_MESSAGE"]

    assert [line.message for line in lines] == ["only 3 rows", "could not parse"]
    assert lines[1].error is not None
    assert lines[1].error.class_name == "ValueError"


def test_log_event_records_what_was_made_beside() -> None:
    @asset
    def table(context: AssetExecutionContext) -> None:
        context.log_event(AssetMaterialization("other", metadata={"rows": 1}))

    keys = [event.body.asset_key for event in materialize([table]).get_asset_materialization_events()]

    assert keys == [AssetKey("other"), AssetKey("table")]


def test_an_asset_job_makes_its_selection() -> None:
    @asset(group_name="bronze")
    def raw() -> int:
        return 1

    @asset(group_name="silver")
    def clean(raw: int) -> int:
        return raw

    bronze = define_asset_job("bronze_job", selection="group:bronze")
    defs = Definitions([raw, clean], jobs=[bronze])

    result = defs.get_job_def("bronze_job").execute_in_process()

    assert [event.body.asset_key for event in result.get_asset_materialization_events()] == [AssetKey("raw")]
    with pytest.raises(InvocationError):
        bronze.execute_in_process()


def test_nothing_is_left_on_disk_without_an_instance(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    @asset
    def table() -> int:
        print("hello")
        return 1

    materialize([table])

    assert list(tmp_path.iterdir()) == []


def test_a_partitioned_check_can_be_evaluated_by_itself() -> None:
    days = StaticPartitionsDefinition(["mon", "tue"])

    @asset(partitions_def=days)
    def table(context: AssetExecutionContext) -> str:
        return context.partition_key

    @asset_check(asset=table, partitions_def=days)
    def is_monday(table: str) -> bool:
        return table == "mon"

    with Instance.ephemeral() as instance:
        for key in ("mon", "tue"):
            materialize([table], partition_key=key, instance=instance)
        answers = [
            materialize(
                [table, is_monday], selection=AssetSelection.checks(is_monday), partition_key=key, instance=instance
            ).get_asset_check_evaluations()
            for key in ("mon", "tue")
        ]
        with pytest.raises(PartitionError, match='check "table:is_monday" is partitioned'):
            materialize([table, is_monday], selection=AssetSelection.checks(is_monday), instance=instance)

    assert [[(one.partition, one.passed) for one in each] for each in answers] == [[("mon", True)], [("tue", False)]]
