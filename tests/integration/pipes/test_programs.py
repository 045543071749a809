"""Programs as steps: the package of others unchanged, ours, and what both may report."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from tests.integration.pipes.world import DAGSTER, WEFT, program, run

from weft import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetSpec,
    DailyPartitionsDefinition,
    Instance,
    MaterializeResult,
    PipesEnvContextInjector,
    PipesFileContextInjector,
    PipesFileMessageReader,
    PipesSocketMessageReader,
    PipesStdioMessageReader,
    PipesSubprocessClient,
    PipesTempFileContextInjector,
    PipesTempFileMessageReader,
    asset,
    materialize,
    multi_asset,
)

BOTH = pytest.mark.parametrize("head", [DAGSTER, WEFT], ids=["dagster_pipes", "weft_pipes"])

REPORTS = """
    with open_pipes() as pipes:
        pipes.log.info("hello %s", pipes.asset_key)
        pipes.log.warning("careful")
        pipes.report_asset_materialization(
            metadata={
                "rows": 3,
                "share": 0.5,
                "note": {"type": "md", "raw_value": "*x*"},
                "page": {"type": "url", "raw_value": "https://example.com"},
                "of": {"type": "asset", "raw_value": "shop/orders"},
                "shape": {"type": "json", "raw_value": {"a": [1, None]}},
                "rows_seen": {"type": "table", "raw_value": {
                    "records": [{"a": 1}], "schema": [{"name": "a", "type": "int"}]}},
                "at": {"type": "timestamp", "raw_value": 1.5},
                "nothing": {"type": "null", "raw_value": None},
            },
            data_version="v7",
        )
        pipes.report_custom_message({"any": ["json"]})
"""


@BOTH
def test_a_program_reports_its_asset_and_its_log(head: str, tmp_path: Path) -> None:
    custom = []

    def give(done):
        custom.extend(done.get_custom_messages())
        return done.get_materialize_result()

    told = run(program(tmp_path, REPORTS, head), give=give)

    assert told.result.success
    assert "hello made" in told.logs_at(logging.INFO)
    assert "careful" in told.logs_at(logging.WARNING)
    made = told.materializations["made"]
    assert made.data_version == "v7"
    assert {label: made.metadata[label].value for label in ("rows", "share", "note", "page", "at")} == {
        "rows": 3,
        "share": 0.5,
        "note": "*x*",
        "page": "https://example.com",
        "at": 1.5,
    }
    assert made.metadata["of"].value.to_user_string() == "shop/orders"
    assert made.metadata["shape"].value == {"a": [1, None]}
    assert custom == [{"any": ["json"]}]


@BOTH
@pytest.mark.parametrize("injector", ["env", "file", "temp"])
@pytest.mark.parametrize("reader", ["file", "temp", "stdout", "stderr"])
def test_every_injector_works_with_every_reader(head: str, injector: str, reader: str, tmp_path: Path) -> None:
    injectors = {
        "env": PipesEnvContextInjector,
        "file": lambda: PipesFileContextInjector(tmp_path / "context.json"),
        "temp": PipesTempFileContextInjector,
    }
    readers = {
        "file": lambda: PipesFileMessageReader(tmp_path / "messages"),
        "temp": PipesTempFileMessageReader,
        "stdout": lambda: PipesStdioMessageReader("stdout"),
        "stderr": lambda: PipesStdioMessageReader("stderr"),
    }
    client = PipesSubprocessClient(context_injector=injectors[injector](), message_reader=readers[reader]())
    text = """
        with open_pipes() as pipes:
            print("not a message")
            pipes.report_asset_materialization({"n": pipes.get_extra("n")})
    """

    told = run(program(tmp_path, text, head), client, extras={"n": 41})

    assert told.result.success, told.failure
    assert told.materializations["made"].metadata["n"].value == 41
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"], "files are removed in the end"


@BOTH
def test_the_program_sees_all_of_its_context(head: str, tmp_path: Path) -> None:
    text = """
        with open_pipes() as pipes:
            pipes.report_custom_message({
                "asset_keys": pipes.asset_keys, "code": pipes.code_version, "provenance": pipes.provenance,
                "key": pipes.partition_key, "range": [pipes.partition_key_range["start"], pipes.partition_key_range["end"]]
                if isinstance(pipes.partition_key_range, dict) else list(pipes.partition_key_range),
                "window": [pipes.partition_time_window["start"], pipes.partition_time_window["end"]]
                if isinstance(pipes.partition_time_window, dict) else list(pipes.partition_time_window),
                "job": pipes.job_name, "run": pipes.run_id, "retry": pipes.retry_number, "extras": dict(pipes.extras),
            })
    """
    seen = []

    def give(done):
        seen.extend(done.get_custom_messages())
        return done.get_results()

    definition = {
        "partitions_def": DailyPartitionsDefinition("2026-01-01"),
        "code_version": "c1",
        "key_prefix": ["shop"],
    }
    told = run(
        program(tmp_path, text, head),
        definition=definition,
        give=give,
        partition_key="2026-01-03",
        extras={"list": [1, 2]},
    )

    assert told.result.success, told.failure
    assert seen[0].pop("run") == told.result.run_id
    assert seen[0].pop("job")
    assert seen == [
        {
            "asset_keys": ["shop/made"],
            "code": "c1",
            "provenance": None,
            "key": "2026-01-03",
            "range": ["2026-01-03", "2026-01-03"],
            "window": ["2026-01-03T00:00:00+00:00", "2026-01-04T00:00:00+00:00"],
            "retry": 0,
            "extras": {"list": [1, 2]},
        }
    ]
    assert told.materializations["shop/made"].partition == "2026-01-03"


@BOTH
def test_the_program_knows_of_what_its_asset_was_made(head: str, tmp_path: Path) -> None:
    text = """
        import json
        with open_pipes() as pipes:
            found = pipes.provenance
            if found is not None and not isinstance(found, dict):
                found = found._asdict()
            pipes.report_asset_materialization({"provenance": {"type": "json", "raw_value": found or {}}})
    """
    with Instance.at(tmp_path / "home") as instance:
        definition = {"code_version": "c1"}
        first = run(program(tmp_path, text, head), definition=definition, instance=instance)
        again = run(program(tmp_path, text, head), definition=definition, instance=instance)

    assert first.materializations["made"].metadata["provenance"].value == {}
    assert again.materializations["made"].metadata["provenance"].value["code_version"] == "c1"


@BOTH
def test_checks_of_the_program_are_answers_of_the_asset(head: str, tmp_path: Path) -> None:
    text = """
        with open_pipes() as pipes:
            pipes.report_asset_materialization({"rows": 0})
            pipes.report_asset_check("not_empty", False, "WARN", {"rows": 0})
            pipes.report_asset_check(check_name="fresh", passed=True)
    """
    definition = {"check_specs": [AssetCheckSpec("not_empty", asset="made"), AssetCheckSpec("fresh", asset="made")]}

    told = run(program(tmp_path, text, head), definition=definition, give=lambda done: done.get_materialize_result())

    assert told.result.success, told.failure
    assert {(check.check_key.name, check.passed, check.severity.name) for check in told.checks} == {
        ("not_empty", False, "WARN"),
        ("fresh", True, "ERROR"),
    }


def test_assets_that_were_not_reported_are_taken_as_made(tmp_path: Path) -> None:
    command = program(
        tmp_path,
        'with open_pipes() as pipes:\n    pipes.report_asset_materialization({"n": 1}, asset_key="a")\n',
        DAGSTER,
    )

    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")])
    def two(context: AssetExecutionContext):
        done = PipesSubprocessClient().run(command=command, context=context)
        results = done.get_results()
        assert [result.asset_key.to_user_string() for result in results] == ["a", "b"]
        assert len(done.get_results(implicit_materializations=False)) == 1
        return results

    assert materialize([two]).success


def test_a_program_that_reports_no_asset_needs_no_reports(tmp_path: Path) -> None:
    told = run(program(tmp_path, "with open_pipes() as pipes: pass\n", DAGSTER))

    assert told.result.success
    assert "made" in told.materializations


def test_an_asset_that_gives_away_nothing_is_told_so(tmp_path: Path) -> None:
    command = program(tmp_path, "with open_pipes() as pipes: pass\n", DAGSTER)

    told = run(command, give=lambda done: None)

    assert not told.result.success
    assert "WEFT-X211" in told.failure
    assert "get_results()" in told.failure


def test_metadata_of_the_invocation_is_below_that_of_the_program(tmp_path: Path) -> None:
    command = program(
        tmp_path, 'with open_pipes() as pipes:\n    pipes.report_asset_materialization({"n": 1})\n', DAGSTER
    )

    def give(done):
        done.metadata = {"n": 2, "job": "x-1"}
        return done.get_results()

    made = run(command, give=give).materializations["made"]

    assert {label: value.value for label, value in made.metadata.items() if label in ("n", "job")} == {
        "n": 1,
        "job": "x-1",
    }


@BOTH
def test_what_the_program_prints_is_the_output_of_the_step(head: str, tmp_path: Path) -> None:
    text = """
        import subprocess, sys
        with open_pipes() as pipes:
            print("to stdout")
            print("to stderr", file=sys.stderr)
            subprocess.run(["echo", "of a child"], check=True)
    """
    with Instance.at(tmp_path / "home") as instance:
        told = run(program(tmp_path, text, head), instance=instance)

        assert "to stdout\nof a child\n" in told.printed("stdout")
        assert "to stderr\n" in told.printed("stderr")


@BOTH
def test_printed_text_comes_as_messages_where_it_is_asked_for(head: str, tmp_path: Path) -> None:
    text = """
        import os, sys
        with open_pipes() as pipes:
            print("to stdout", flush=True)
            os.write(2, b"to stderr\\n")
    """
    client = PipesSubprocessClient(
        message_reader=PipesTempFileMessageReader(include_stdio_in_messages=True), forward_stdio=False
    )
    with Instance.at(tmp_path / "home") as instance:
        told = run(program(tmp_path, text, head), client, instance=instance)

        assert told.result.success, told.failure
        assert "to stdout\n" in told.printed("stdout")
        assert "to stderr\n" in told.printed("stderr")


def test_a_message_may_be_large(tmp_path: Path) -> None:
    text = """
        with open_pipes() as pipes:
            pipes.report_custom_message("x" * 20_000_000)
            pipes.report_asset_materialization({"n": 1})
    """
    sizes = []

    def give(done):
        sizes.extend(map(len, done.get_custom_messages()))
        return done.get_results()

    told = run(program(tmp_path, text, DAGSTER), give=give)

    assert told.result.success
    assert sizes == [20_000_000]


def test_a_large_context_goes_through_a_file(tmp_path: Path) -> None:
    text = 'with open_pipes() as pipes:\n    pipes.report_asset_materialization({"n": len(pipes.get_extra("text"))})\n'

    told = run(program(tmp_path, text, DAGSTER), extras={"text": "é" * 3_000_000})

    assert told.materializations["made"].metadata["n"].value == 3_000_000


def test_extras_that_are_not_json_are_refused_before_anything_runs(tmp_path: Path) -> None:
    told = run(["false"], extras={"at": object()})

    assert "WEFT-I200" in told.failure


@BOTH
def test_an_exception_of_the_program_is_shown_and_its_exit_code_fails_the_step(head: str, tmp_path: Path) -> None:
    text = """
        with open_pipes() as pipes:
            pipes.report_asset_materialization()
            raise ValueError("no rows")
    """
    told = run(program(tmp_path, text, head))

    assert not told.result.success
    assert "WEFT-X215" in told.failure
    assert "no rows" in told.failure
    closed = [event for event in told.engine if event.error is not None]
    assert closed[0].error is not None
    assert closed[0].error.class_name == "ValueError"
    assert any(frame.file.endswith("program.py") for frame in closed[0].error.frames)
    assert told.materializations == {}


def test_a_program_that_closes_with_an_exception_and_ends_well_is_a_success(tmp_path: Path) -> None:
    """Whether a step failed is said by its exit code alone."""
    text = """
        try:
            with open_pipes() as pipes:
                raise ValueError("handled")
        except ValueError:
            pass
    """
    told = run(program(tmp_path, text, DAGSTER))

    assert told.result.success
    assert [event.error.class_name for event in told.engine if event.error] == ["ValueError"]


def test_a_program_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    told = run([str(tmp_path / "nothing_here")])

    assert "WEFT-X214" in told.failure
    assert "No such file" in told.failure


def test_a_program_that_never_opened_the_channel_is_diagnosed(tmp_path: Path) -> None:
    told = run(program(tmp_path, "print('who are you?')\n"))

    assert told.result.success
    [warning] = told.logs_at(logging.WARNING)
    assert "WEFT-X201" in warning
    assert "in a temporary file" in warning
    assert "DAGSTER_PIPES_CONTEXT" in warning


def test_a_program_that_did_not_close_is_diagnosed(tmp_path: Path) -> None:
    told = run(program(tmp_path, "import os\nopen_pipes()\nos._exit(0)\n", DAGSTER))

    assert told.result.success
    assert any("WEFT-X210" in line for line in told.logs_at(logging.WARNING))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("this is no json", "WEFT-X202"),
        ("[1, 2]", "WEFT-X202"),
        ('{"method": "log", "params": {}}', "WEFT-X202"),
        ('{"__dagster_pipes_version": "0.1", "method": "dance", "params": null}', "WEFT-X205"),
        ('{"__dagster_pipes_version": "0.1", "method": "log", "params": {"level": "INFO"}}', "WEFT-X206"),
        ('{"__dagster_pipes_version": "0.1", "method": "log", "params": [1]}', "WEFT-X202"),
        ('{"__dagster_pipes_version": "0.1", "method": "report_custom_message", "params": {}}', "WEFT-X206"),
    ],
)
def test_a_message_that_cannot_be_understood_is_an_error_in_the_log(line: str, code: str, tmp_path: Path) -> None:
    text = f"""
        import os
        with open_pipes() as pipes:
            where = pipes._message_channel._path
            with open(where, "a") as file:
                file.write({line!r} + "\\n")
            pipes.report_asset_materialization({{"after": 1}})
    """
    told = run(program(tmp_path, text, DAGSTER))

    assert told.result.success, told.failure
    assert [code in line for line in told.logs_at(logging.ERROR)] == [True]
    assert told.materializations["made"].metadata["after"].value == 1


def test_a_result_that_cannot_be_understood_fails_the_step(tmp_path: Path) -> None:
    line = json.dumps(
        {
            "__dagster_pipes_version": "0.1",
            "method": "report_asset_materialization",
            "params": {"asset_key": "made", "data_version": None, "metadata": {"n": {"type": "int", "raw_value": "x"}}},
        }
    )
    text = f"""
        with open_pipes() as pipes:
            with open(pipes._message_channel._path, "a") as file:
                file.write({line!r} + "\\n")
    """
    told = run(program(tmp_path, text, DAGSTER))

    assert not told.result.success
    assert "WEFT-X203" in told.failure


def test_messages_of_a_killed_program_are_handled(tmp_path: Path) -> None:
    text = """
        import os, signal
        with open_pipes() as pipes:
            for number in range(500):
                pipes.log.info("line %s", number)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    told = run(program(tmp_path, text, DAGSTER))

    assert not told.result.success
    assert [line for line in told.logs if line.startswith("line ")] == [f"line {number}" for number in range(500)]
    assert "SIGKILL" in told.failure


def test_a_line_that_a_kill_cut_short_is_reported(tmp_path: Path) -> None:
    text = """
        import os, signal
        with open_pipes() as pipes:
            with open(pipes._message_channel._path, "a") as file:
                file.write('{"__dagster_pipes_version": "0.1", "meth')
            os.kill(os.getpid(), signal.SIGKILL)
    """
    told = run(program(tmp_path, text, DAGSTER))

    assert any("WEFT-X209" in line for line in told.logs_at(logging.ERROR))


@pytest.mark.parametrize("host", [None, "127.0.0.1"])
def test_messages_over_a_socket_survive_a_kill(host: str | None, tmp_path: Path) -> None:
    text = """
        import os, signal
        with open_pipes() as pipes:
            for number in range(3000):
                pipes.log.info("line %s", number)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    told = run(program(tmp_path, text, WEFT), PipesSubprocessClient(message_reader=PipesSocketMessageReader(host)))

    assert [line for line in told.logs if line.startswith("line ")] == [f"line {number}" for number in range(3000)]


def test_a_step_that_only_checks_gives_its_one_answer(tmp_path: Path) -> None:
    command = program(tmp_path, 'with open_pipes() as pipes:\n    pipes.report_asset_check("ok", True)\n', DAGSTER)
    from weft import asset_check

    @asset
    def table() -> int:
        return 1

    @asset_check(asset=table, name="ok")
    def ok(context):
        return PipesSubprocessClient().run(command=command, context=context).get_asset_check_result()

    told = materialize([table, ok])

    assert told.success
    assert [check.passed for check in told.get_asset_check_evaluations()] == [True]


def test_an_op_may_run_a_program_and_take_its_messages(tmp_path: Path) -> None:
    from weft import job, op

    command = program(tmp_path, "with open_pipes() as pipes:\n    pipes.report_custom_message(6 * 7)\n", DAGSTER)

    @op
    def answer(context) -> int:
        return PipesSubprocessClient().run(command=command, context=context).get_custom_messages()[-1]

    @job
    def asked() -> None:
        answer()

    assert asked.execute_in_process().output_for_node("answer") == 42


def test_a_client_is_a_resource(tmp_path: Path) -> None:
    command = program(tmp_path, "with open_pipes() as pipes: pass\n", DAGSTER)

    @asset
    def made(context: AssetExecutionContext, pipes: PipesSubprocessClient) -> MaterializeResult:
        return pipes.run(command=command, context=context).get_materialize_result()

    assert materialize([made], resources={"pipes": PipesSubprocessClient()}).success
