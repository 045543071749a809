"""Commands about stored runs and the instance, called in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weft.cli.main import run
from weft.instance import Instance
from weft.model.keys import AssetKey
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus


class Home:
    """An instance in a folder, and the command over it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def store(self, *runs: Run) -> None:
        with Instance.at(self.folder) as instance:
            for one in runs:
                instance.runs.create(one, RunPlan(job_name=one.job_name, steps=()))

    def __call__(self, *arguments: str, code: int = 0) -> str:
        found = run([*arguments, "--home", str(self.folder)])
        shown = self._capsys.readouterr()
        assert found == code, shown.err
        assert shown.err == "" or code
        return shown.out if code == 0 else shown.err

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Home:
    return Home(tmp_path / "home", capsys)


def a_run(id: str, status: RunStatus = RunStatus.SUCCESS, **fields: Any) -> Run:
    return Run(**{"id": id, "job_name": "nightly", "status": status, "created_at": 1.7e9, **fields})


def test_runs_are_listed_by_what_they_are(home: Home) -> None:
    home.store(
        a_run("first", tags={"team": "sales", "cost": "low"}),
        a_run("second", RunStatus.FAILURE, created_at=1.7e9 + 1, asset_selection=(AssetKey(["shop", "orders"]),)),
        a_run("third", RunStatus.CANCELED, created_at=1.7e9 + 2, job_name="weekly"),
    )

    def ids(*filters: str) -> list[str]:
        return [one["id"] for one in home.json("run", "list", *filters)["runs"]]

    assert ids() == ["third", "second", "first"]
    assert ids("--limit", "2") == ["third", "second"]
    assert ids("--status", "success") == ["first"]
    assert ids("--status", "SUCCESS", "--status", "failure") == ["second", "first"]
    assert ids("--tag", "team=sales", "--tag", "cost=low") == ["first"]
    assert ids("--tag", "team=sales", "--tag", "cost=high") == []
    assert ids("--asset", "shop/orders") == ["second"]
    assert ids("--job", "weekly") == ["third"]
    assert home("run", "list", "--job", "other").splitlines()[-1] == "There are no such runs."
    assert [line.split()[:2] for line in home("run", "list").splitlines()[1:]] == [
        ["third", "canceled"],
        ["second", "failed"],
        ["first", "succeeded"],
    ]


def test_more_runs_than_a_page_are_listed(home: Home) -> None:
    home.store(*(a_run(f"run-{number:03}", created_at=1.7e9 + number) for number in range(250)))
    assert len(home.json("run", "list", "--limit", "230")["runs"]) == 230
    assert len(home.json("run", "list")["runs"]) == 20


def test_a_run_is_named_by_the_beginning_of_its_id(home: Home) -> None:
    home.store(a_run("abc-1"), a_run("abd-2"))
    assert home.json("run", "show", "abd")["id"] == "abd-2"
    assert "WEFT-U018" in home("run", "show", "ab", code=2)
    assert "WEFT-T010" in home("run", "show", "x", code=2)
    assert "WEFT-U010" in home("run", "show", "../etc", code=2)


@pytest.mark.parametrize("status", [RunStatus.STARTED, RunStatus.NOT_STARTED])
def test_a_run_that_has_not_ended_is_deleted_by_force_only(home: Home, status: RunStatus) -> None:
    home.store(a_run("still-running", status))
    assert "WEFT-U019" in home("run", "delete", "still", code=2)
    assert home.json("run", "delete", "still", "--force") == {"deleted": "still-running"}
    assert home.json("run", "list") == {"runs": []}


def test_a_run_without_output_says_so(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.store(a_run("quiet"))
    assert run(["run", "logs", "quiet", "--home", str(home.folder)]) == 0
    assert capsys.readouterr() == ("", "Nothing was printed.\n")
    assert home("run", "logs", "quiet", "--json") == ""
    assert home("run", "events", "quiet") == ""


def test_an_instance_is_described(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.store(a_run("one"))
    info = home.json("instance", "info")
    assert (info["home"], info["kind"], info["runs"]) == (str(home.folder), "sqlite", 1)
    assert "schema version" in home("instance", "info")


def test_an_instance_is_migrated(home: Home) -> None:
    fresh = home.json("instance", "migrate")
    assert (fresh["home"], fresh["from"]) == (str(home.folder), None)
    again = home.json("instance", "migrate")
    assert again["from"] == again["to"] == fresh["to"]
    assert home("instance", "migrate").endswith(f"has the newest schema already: {fresh['to']}\n")
