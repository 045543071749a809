"""Runs from the command line: executed, listed, shown, repeated, deleted."""

from __future__ import annotations

from pathlib import Path

from tests.integration.cli.conftest import Weft

FAILING = """
import os
import sys
from pathlib import Path
from weft import asset, asset_check, AssetCheckResult, AssetCheckSeverity, MaterializeResult

def note(name):
    with open("calls.txt", "a") as file:
        file.write(name + " ")

@asset
def raw():
    note("raw")
    print("raw speaks")
    print("raw complains", file=sys.stderr)
    os.system("echo a child speaks")
    return [1, 2, 3]

@asset
def total(context, raw):
    note("total")
    context.log.info("adding %d numbers", len(raw))
    if not Path("fixed").exists():
        raise ValueError("the numbers do not add up")
    return sum(raw)

@asset
def report(total):
    note("report")
    return f"total {total}"

@asset
def beside(raw):
    note("beside")
    return MaterializeResult(metadata={"weft/row_count": 3})

@asset_check(asset=raw)
def is_long() -> AssetCheckResult:
    return AssetCheckResult(passed=False, severity=AssetCheckSeverity.WARN, description="only three")
"""


WRONG_LINE = next(number for number, line in enumerate(FAILING.splitlines(), 1) if "raise ValueError" in line)


def calls(weft: Weft) -> list[str]:
    file = weft.folder / "calls.txt"
    found = file.read_text("utf-8").split() if file.exists() else []
    file.unlink(missing_ok=True)
    return sorted(found)


def test_a_run_that_failed_is_shown_and_repeated_from_its_failure(weft: Weft) -> None:
    weft.write(defs=FAILING)
    failed = weft("asset", "materialize", "--select", "*", "--tags", "team=sales", code=1)
    assert f"defs.py:{WRONG_LINE}: ValueError: the numbers do not add up" in failed.stdout
    assert "frames of weft folded" in failed.stdout
    assert 'step "total" failed' in failed.stdout
    assert "checks: 0 passed, 1 did not pass" in failed.stdout
    assert calls(weft) == ["beside", "raw", "total"]

    run = weft.latest_run()
    assert (run["status"], run["failure_reason"]) == ("FAILURE", "step_failed")
    assert f"weft run retry {run['id']}" in failed.stdout
    shown = weft("run", "show", run["id"], "--json").json
    assert {step["key"]: step["status"] for step in shown["steps"]} == {
        "raw": "SUCCEEDED",
        "raw_is_long": "SUCCEEDED",
        "total": "FAILED",
        "report": "SKIPPED",
        "beside": "SUCCEEDED",
    }
    error = next(step["error"] for step in shown["steps"] if step["key"] == "total")
    assert (error["class"], error["message"]) == ("ValueError", "the numbers do not add up")
    assert (Path(error["at"]["file"]).name, error["at"]["line"], error["at"]["function"]) == (
        "defs.py",
        WRONG_LINE,
        "total",
    )
    assert [(one["name"], one["passed"], one["severity"]) for one in shown["check_results"]] == [
        ("is_long", False, "WARN")
    ]
    text = weft("run", "show", run["id"]).stdout
    assert "total failed" in text
    assert f"defs.py:{WRONG_LINE}: ValueError" in text

    (weft.folder / "fixed").touch()
    again = weft("run", "retry", run["id"][:-3])
    assert calls(weft) == ["report", "total"]
    assert "2 succeeded" in again.stdout
    repeated = weft.latest_run()
    assert (repeated["parent_run_id"], repeated["root_run_id"]) == (run["id"], run["id"])
    assert repeated["tags"]["team"] == "sales"
    assert repeated["tags"]["weft/retry_strategy"] == "from_failure"

    everything = weft("run", "retry", run["id"], "--all", "--json").json
    assert calls(weft) == ["beside", "raw", "report", "total"]
    assert everything["root_run_id"] == run["id"]
    weft("run", "retry", everything["id"], "--select", "total*")
    assert calls(weft) == ["report", "total"]
    assert weft.latest_run()["root_run_id"] == run["id"]
    assert weft.latest_run()["tags"]["weft/step_selection"] == "total*"
    assert "WEFT-S016" in weft("run", "retry", everything["id"], code=2).stderr


def test_a_run_is_not_repeated_without_the_code_that_it_needs(weft: Weft) -> None:
    weft.write(
        defs="from weft import op, job\n@op\ndef load():\n    raise ValueError\n@job\ndef nightly():\n    load()\n"
    )
    weft("job", "execute", "nightly", code=1)
    run = weft.latest_run()
    weft.write(defs="from weft import op, job\n@op\ndef loads(): ...\n@job\ndef nightly():\n    loads()\n")
    refused = weft("run", "retry", run["id"], code=2).stderr
    assert "WEFT-U022" in refused
    assert 'did you mean "loads"?' in refused
    weft.write(defs="from weft import op, job\n@op\ndef load(): ...\n@job\ndef nightlies_too():\n    load()\n")
    refused = weft("run", "retry", run["id"], code=2).stderr
    assert "WEFT-U021" in refused
    assert "nightlies_too" in refused


def test_what_steps_print_is_kept_by_step_and_stream(weft: Weft) -> None:
    weft.write(defs=FAILING)
    weft("asset", "materialize", "--select", "raw")
    run = weft.latest_run()["id"]
    assert weft("run", "logs", run, "--step", "raw", "--stream", "stdout").stdout == "raw speaks\na child speaks\n"
    assert weft("run", "logs", run, "--step", "raw", "--stream", "stderr").stdout == "raw complains\n"
    both = weft("run", "logs", run).stdout
    assert "--- raw, stdout ---\nraw speaks\na child speaks\n--- raw, stderr ---\nraw complains\n" in both
    assert {line["stream"] for line in weft("run", "logs", run, "--json").json_lines} == {"stdout", "stderr"}
    assert weft("run", "logs", run, "--step", "raw_is_long").stdout == ""
    assert 'did you mean "raw"?' in weft("run", "logs", run, "--step", "rwa", code=2).stderr


def test_output_stands_between_the_start_and_the_end_of_its_step(weft: Weft) -> None:
    weft.write(defs=FAILING)
    done = weft("asset", "materialize", "--select", "raw")
    # Without the time of day; up to the summary.
    lines = [" ".join(line.split()[1:]) for line in done.stdout.partition("\n\n")[0].splitlines()]
    start, end = lines.index("raw running"), next(n for n, line in enumerate(lines) if line.startswith("raw succeeded"))
    assert sorted(lines[start + 1 : end]) == ["raw | a child speaks", "raw | raw complains", "raw | raw speaks"]


def test_output_that_is_not_a_terminal_has_no_control_characters(weft: Weft) -> None:
    weft.write(
        defs='''
        from weft import asset

        @asset
        def colourful(context):
            """Writes what a progress bar writes."""
            print("\\x1b[31mred\\x1b[0m 10%\\r\\x1b[2Kblue 100%")
            context.log.warning("\\x1b]0;title\\x07careful")
        '''
    )
    done = weft("asset", "materialize", "--select", "*")
    assert "| blue 100%" in done.stdout
    assert "WARNING  careful" in done.stdout
    text = done.stdout + done.stderr + weft("run", "show", weft.latest_run()["id"]).stdout
    assert [char for char in text if ord(char) < 32 and char != "\n"] == []


def test_json_is_alone_on_stdout_whatever_steps_print(weft: Weft) -> None:
    weft.write(defs=FAILING)
    done = weft("asset", "materialize", "--select", "raw", "--json")
    assert done.json["status"] == "SUCCESS"
    assert [one["asset"] for one in done.json["materializations"]] == ["raw"]
    assert "raw speaks" in done.stderr
    failed = weft("asset", "materialize", "--select", "*", "--json", code=1)
    assert failed.json["status"] == "FAILURE"


def test_configuration_comes_from_files_in_order_and_then_from_json(weft: Weft) -> None:
    weft.write(
        defs="""
        from weft import Config, job, op

        class Settings(Config):
            rows: int
            name: str
            kind: str = "plain"

        @op
        def load(config: Settings):
            print(config.rows, config.name, config.kind)

        @job
        def nightly():
            load()
        """
    )
    (weft.folder / "base.yaml").write_text("ops:\n  load:\n    config: {rows: 1, name: base}\n", "utf-8")
    (weft.folder / "over.yaml").write_text("ops:\n  load:\n    config: {name: over}\n", "utf-8")
    done = weft("job", "execute", "-j", "nightly", "-c", "base.yaml", "-c", "over.yaml")
    assert "| 1 over plain" in done.stdout
    text = '{"ops": {"load": {"config": {"rows": 7}}}}'
    document = weft("job", "execute", "nightly", "-c", "base.yaml", "--config-json", text, "--json").json
    assert document["run_config"] == {"ops": {"load": {"config": {"rows": 7, "name": "base"}}}}
    refused = weft(
        "job", "execute", "nightly", "--config-json", '{"ops": {"load": {"config": {"rows": "x", "nam": 1}}}}', code=2
    )
    assert "problems were found" in refused.stderr
    assert "WEFT-U008" in weft("job", "execute", "nightly", "-c", "bass.yaml", code=2).stderr
    assert len(weft("run", "list", "--json").json["runs"]) == 2, "what is refused leaves no run"


def test_partitions_are_made_one_or_many(weft: Weft) -> None:
    weft.write(
        defs="""
        from weft import DailyPartitionsDefinition, asset

        @asset(partitions_def=DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01"))
        def daily(context):
            return {key: len(key) for key in context.partition_keys} if len(context.partition_keys) > 1 else 1
        """
    )
    assert (
        "partition 2024-01-05" in weft("asset", "materialize", "--select", "daily", "--partition", "2024-01-05").stdout
    )
    done = weft("asset", "materialize", "--select", "daily", "--partition-range", "2024-01-10...2024-01-12")
    assert "3 partitions" in done.stdout
    assert weft.latest_run()["partition_range"] == ["2024-01-10", "2024-01-12"]
    assert weft("asset", "show", "daily", "--json").json["partition_counts"] == {"MATERIALIZED": 4}
    assert "WEFT-P050" in weft("asset", "materialize", "--select", "daily", code=2).stderr
    assert "WEFT-P" in weft("asset", "materialize", "--select", "daily", "--partition", "2023-01-01", code=2).stderr
    assert "WEFT-U005" in weft("asset", "materialize", "--select", "daily", "--partition-range", "2024", code=2).stderr


def test_a_retried_step_is_shown_with_its_attempts(weft: Weft) -> None:
    weft.write(
        defs="""
        from weft import RetryPolicy, job, op

        @op(retry_policy=RetryPolicy(max_retries=2))
        def flaky(context):
            if context.retry_number < 1:
                raise OSError("no connection")

        @job
        def nightly():
            flaky()
        """
    )
    done = weft("job", "execute", "nightly")
    assert "up for retry" in done.stdout
    assert "succeeded" in done.stdout
    assert "attempt 2" in done.stdout
    shown = weft("run", "show", weft.latest_run()["id"], "--json").json
    assert [(step["key"], step["attempt"], step["status"]) for step in shown["steps"]] == [("flaky", 2, "SUCCEEDED")]


def test_events_are_filtered_by_type_and_step(weft: Weft) -> None:
    weft.write(defs=FAILING)
    weft("asset", "materialize", "--select", "*", code=1)
    run = weft.latest_run()["id"]
    found = weft("run", "events", run, "--json", "--type", "step_failure", "--type", "STEP_SKIPPED").json_lines
    assert [(event["type"], event["step"]) for event in found] == [
        ("STEP_FAILURE", "total"),
        ("STEP_SKIPPED", "report"),
    ]
    assert {event["step"] for event in weft("run", "events", run, "--json", "--step", "raw").json_lines} == {"raw"}
    made = weft("run", "events", run, "--json", "--type", "ASSET_MATERIALIZATION", "--step", "beside").json_lines[0]
    assert made["body"]["asset_key"] == "beside"
    assert made["body"]["metadata"]["weft/row_count"] == {"type": "int", "value": 3}
    assert made["time"].endswith("Z")
    assert "ValueError: the numbers do not add up" in weft("run", "events", run).stdout
    assert 'did you mean "STEP_FAILURE"?' in weft("run", "events", run, "--type", "STEP_FAILUR", code=2).stderr


def test_a_deleted_run_is_gone_and_its_assets_stay(weft: Weft) -> None:
    weft.write(defs=FAILING)
    weft("asset", "materialize", "--select", "raw")
    run = weft.latest_run()["id"]
    assert (weft.folder / ".weft" / "logs" / run).is_dir()
    assert weft("run", "delete", run).stdout == f"deleted run {run}\n"
    assert weft("run", "list", "--json").json == {"runs": []}
    assert not (weft.folder / ".weft" / "logs" / run).exists()
    assert weft("asset", "show", "raw", "--json").json["materialization_count"] == 1
    assert "WEFT-T010" in weft("run", "delete", run, code=2).stderr


def test_a_home_that_cannot_be_written_ends_with_1(weft: Weft) -> None:
    (weft.folder / "file").write_text("not a folder", "utf-8")
    refused = weft("run", "list", "--home", "file", code=1)
    assert refused.stderr.startswith("WEFT-T")
    assert "Traceback" not in refused.stderr


def test_the_instance_is_where_the_environment_says_or_in_the_project(weft: Weft) -> None:
    below = weft.folder / "some" / "folder"
    below.mkdir(parents=True)
    assert Weft(below)("instance", "info", "--json").json["home"] == str(weft.folder / ".weft")
    elsewhere = str(weft.folder / "elsewhere")
    assert weft("instance", "info", "--json", environment={"WEFT_HOME": elsewhere}).json["home"] == elsewhere
