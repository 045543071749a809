"""The queue, pools and settings from the command line."""

from __future__ import annotations

from pathlib import Path

from tests.integration.cli.conftest import Weft

from weft import Instance
from weft.ids import new_run_id
from weft.model.live import Lane, QueueEntry
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus

DEFS = """
    from weft import asset, define_asset_job

    @asset(pool="db")
    def orders():
        return 1

    everything = define_asset_job("everything", "*")
"""


def waiting_runs(weft: Weft, *, settings: str, tags: tuple[str, ...] = ("team=sales",), count: int = 2) -> list[str]:
    (weft.folder / ".weft").mkdir(exist_ok=True)
    (weft.folder / ".weft" / "weft.yaml").write_text(settings)
    weft.write(defs=DEFS)
    given = [part for tag in tags for part in ("--tags", tag)]
    return [weft("job", "launch", "-j", "everything", *given, "--json").json["id"] for _ in range(count)]


def test_every_run_that_waits_says_why(weft: Weft) -> None:
    first, second = waiting_runs(weft, settings="queue: {max_concurrent_runs: 0}\n")

    listed = weft("queue", "list").stdout
    assert "0 runs going on, of at most 0" in listed
    assert listed.index(first) < listed.index(second)
    assert "no daemon is alive" in listed

    told = weft("queue", "explain", second).stdout
    assert "number 2 in the queue, priority 0" in told
    assert "0 of 0 runs at a time are going on (queue.max_concurrent_runs)" in told

    document = weft("queue", "list", "--json").json
    assert [run["id"] for run in document["runs"]] == [first, second]
    assert (document["active"], document["max_concurrent_runs"]) == (0, 0)
    assert weft("queue", "explain", first, "--json").json["position"] == 1


def test_the_limit_of_a_tag_is_named(weft: Weft) -> None:
    [run] = waiting_runs(weft, settings="queue: {tag_limits: [{key: team, value: sales, limit: 0}]}\n", count=1)

    told = weft("queue", "explain", run).stdout
    assert "0 of 0 runs with the tag team=sales are going on (queue.tag_limits)" in told


def test_a_run_that_does_not_wait_says_how_it_stands(weft: Weft) -> None:
    weft.write(defs=DEFS)
    run = weft("asset", "materialize", "--select", "*", "--json").json

    assert "does not wait: it is success" in weft("queue", "explain", run["id"]).stdout
    assert weft("queue", "explain", run["id"], "--json").json == {
        "id": run["id"],
        "is_queued": False,
        "status": "SUCCESS",
    }
    assert "no run waits" in weft("queue", "list").stdout


def test_limits_of_pools_are_set_and_shown(weft: Weft) -> None:
    assert "no pool has a limit or is used; those that have none get no limit" in weft("pool", "list").stdout
    assert weft("pool", "set", "db", "3").stdout == "the limit of db is 3\n"
    assert weft("pool", "list", "--json").json["pools"] == [
        {"name": "db", "limit": 3, "is_default": False, "holders": [], "waiters": []}
    ]
    assert "db: 0 in use, 0 waiting, limit 3" in weft("pool", "show", "db").stdout
    assert weft("pool", "set", "db", "default").stdout == "the limit of db is no limit (default)\n"


def test_an_empty_request_key_is_refused(weft: Weft) -> None:
    weft.write(defs=DEFS)
    assert "WEFT-U088" in weft("job", "launch", "-j", "everything", "--request-key", "", code=2).stderr
    assert "no run waits" in weft("queue", "list").stdout


def test_a_limit_or_name_that_no_pool_can_have_is_refused(weft: Weft) -> None:
    for name, limit, code in (("db", "lots", "U086"), ("db", "99999999999999999999", "U086"), ("", "3", "U087")):
        assert f"WEFT-{code}" in weft("pool", "set", name, limit, code=2).stderr
    assert weft("pool", "list", "--json").json["pools"] == []


def test_holders_and_waiters_of_a_pool_are_shown(weft: Weft) -> None:
    [run_id] = waiting_runs(weft, settings="pools: {default_limit: 1}\n", count=1)
    with Instance.at(weft.folder / ".weft") as instance:
        other = Run(id=new_run_id(), job_name="other", status=RunStatus.NOT_STARTED, created_at=instance.clock.wall())
        plan = instance.runs.plan(run_id)
        assert isinstance(plan, RunPlan)
        instance.queue.submit(other, plan, QueueEntry(lane=Lane()))
        for number, run in enumerate((run_id, other.id)):
            taken = instance.pools.claim(
                "db", run, "orders", priority=number, default_limit=1, at=instance.clock.wall()
            )
            assert taken is (number == 0)

    shown = weft("pool", "show", "db").stdout
    assert "db: 1 in use, 1 waiting, limit 1 (default)" in shown
    assert shown.index("holds") < shown.index(run_id) < shown.index("waits") < shown.index(other.id)
    document = weft("pool", "show", "db", "--json").json
    assert [slot["run"] for slot in document["holders"]] == [run_id]
    assert [slot["priority"] for slot in document["waiters"]] == [1]


def test_settings_are_explained(weft: Weft) -> None:
    (weft.folder / "weft.yaml").write_text(
        "queue:\n  max_concurrent_runs: {env: MOST}\nstorage: {url: 'postgresql://ann:hunter2@h/d'}\n"
    )
    told = weft("instance", "config", "explain", environment={"MOST": "4"}).stdout

    lines = {line.split()[0]: " ".join(line.split()) for line in told.splitlines() if line.split()}
    assert lines["queue.max_concurrent_runs"] == "queue.max_concurrent_runs 4 $MOST (weft.yaml:2)"
    assert lines["storage.url"] == "storage.url postgresql://ann:(hidden)@h/d weft.yaml:3"
    assert lines["queue.poll_seconds"] == "queue.poll_seconds 5 default"
    assert "hunter2" not in told

    document = weft("instance", "config", "explain", "--json", environment={"MOST": "4"}).json
    assert document["settings"]["queue.max_concurrent_runs"] == {"value": 4, "from": "$MOST (weft.yaml:2)"}
    assert Path(document["file"]) == weft.folder / "weft.yaml"
    assert not (weft.folder / ".weft").exists(), "nothing is opened"


def test_what_became_of_other_settings_is_explained(weft: Weft, tmp_path: Path) -> None:
    home = tmp_path / "former"
    home.mkdir()
    (home / "dagster.yaml").write_text("run_queue: {max_concurrent_runs: 4}\ntelemetry: {enabled: true}\n")
    told = weft("instance", "config", "explain", environment={"DAGSTER_HOME": str(home)}).stdout

    assert "dagster.yaml:1  run_queue.max_concurrent_runs  queue.max_concurrent_runs" in told
    assert "passed over: weft sends nothing to anybody" in told
    info = weft("instance", "info", "--json", environment={"DAGSTER_HOME": str(home)}).json
    assert (info["home"], info["settings"]) == (str(home), str(home / "dagster.yaml"))
