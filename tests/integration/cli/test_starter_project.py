"""From nothing to a project that has run, as a new user goes."""

from __future__ import annotations

import subprocess
import sys

from tests.integration.cli.conftest import Weft


def test_a_starter_project_is_checked_tested_run_and_looked_at(bare_weft: Weft) -> None:
    made = bare_weft("init", "My Shop")
    assert "my_shop/definitions.py" in made.stdout
    assert "cd 'My Shop'" in made.stdout

    weft = Weft(bare_weft.folder / "My Shop")
    assert weft("check").stdout == "no problems in my_shop.definitions:defs: 3 assets, 1 check, 1 job\n"
    assert weft("check", "--json").json["counts"] == {
        "assets": 3,
        "external_assets": 0,
        "checks": 1,
        "jobs": 1,
        "schedules": 0,
        "sensors": 0,
        "resources": 0,
    }
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=weft.folder,
        env=weft.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout

    assert [one["key"] for one in weft("asset", "list", "--json").json["assets"]] == [
        "orders",
        "daily_revenue",
        "report",
    ]
    before = weft("asset", "show", "daily_revenue").stdout
    assert "never" in before

    made = weft("asset", "materialize", "--select", "*")
    assert "made 3 assets" in made.stdout
    assert "checks: 1 passed" in made.stdout
    assert "The best day was 2024-03-01" in made.stdout
    assert made.stderr == ""

    run = weft.latest_run()
    assert (run["status"], run["job"]) == ("SUCCESS", "__ASSET_JOB")
    assert run["assets"] == ["daily_revenue", "orders", "report"]

    shown = weft("run", "show", run["id"]).stdout
    assert f"run {run['id']} succeeded" in shown
    assert "daily_revenue" in shown

    printed = weft("run", "logs", run["id"], "--json").json_lines
    text = "The best day was 2024-03-01, with a revenue of 42.50.\n"
    assert printed == [{"step": "report", "stream": "stdout", "text": text}]
    assert weft("run", "logs", run["id"], "--step", "report", "--stream", "stdout").stdout == text

    types = [event["type"] for event in weft("run", "events", run["id"], "--json").json_lines]
    assert types[0] == "RUN_START"
    assert types[-1] == "RUN_SUCCESS"
    assert types.count("STEP_SUCCESS") == 4

    after = weft("asset", "show", "daily_revenue").stdout
    assert "2024-03-02  30.0" in after
    weft(
        "job",
        "execute",
        "daily_report",
        "--config-json",
        '{"ops": {"daily_revenue": {"config": {"smallest_amount": 10}}}}',
    )
    metadata = weft("asset", "show", "daily_revenue", "--json").json["latest_materialization"]["metadata"]
    assert metadata["table"]["value"]["records"] == [
        {"day": "2024-03-01", "revenue": 42.5},
        {"day": "2024-03-02", "revenue": 18.0},
        {"day": "2024-03-03", "revenue": 22.0},
    ]


def test_no_file_is_overwritten(bare_weft: Weft) -> None:
    readme = bare_weft.folder / "README.md"
    readme.write_text("mine", "utf-8")
    refused = bare_weft("init", code=2)
    assert "WEFT-U024" in refused.stderr
    assert "README.md" in refused.stderr
    assert readme.read_text("utf-8") == "mine"
    assert [file.name for file in bare_weft.folder.iterdir()] == ["README.md"]


def test_a_project_is_made_in_a_folder_that_has_other_files(bare_weft: Weft) -> None:
    (bare_weft.folder / "notes.txt").write_text("mine", "utf-8")
    document = bare_weft("init", "--json").json
    assert "pyproject.toml" in document["files"]
    bare_weft("check")
