"""Settings in a file hold in every process of an instance: that of the daemon, of a run, of a step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.daemon.served import Served, until

from weft.model.run import RunStatus

CODE = """
    def told(context, name):
        print("printed by", name)
        get_weft_logger().info("info of %s", name)
        get_weft_logger().warning("warning of %s", name)
        mark(name, context.instance.settings.queue.poll_seconds)

    @op
    def near(context): told(context, "near")

    @job(executor_def=in_process_executor)
    def near_job(): near()

    @op
    def far(context): told(context, "far")

    @job(executor_def=multiprocess_executor)
    def far_job(): far()

    defs = Definitions(jobs=[near_job, far_job])
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "data").mkdir()
    (home / "weft.yaml").write_text(
        f"queue: {{poll: 7s}}\nlogs: {{folder: ../printed, level: warning}}\nstorage: {{url: {tmp_path / 'data'}}}\n"
    )
    served = Served(tmp_path, CODE)
    yield served
    served.instance.close()


@pytest.mark.parametrize("name", ["near", "far"])
def test_settings_hold_in_the_worker(name: str, served: Served, tmp_path: Path) -> None:
    with served.daemon():
        run_id = served.submit(f"{name}_job")
        until(lambda: served.run(run_id).status.is_finished, "the end of the run")

    assert served.run(run_id).status is RunStatus.SUCCESS
    assert (served.marks / name).read_text() == "7.0"
    logged = [getattr(stored.event.body, "message", "") for stored in served.instance.events.read(run_id)]
    assert f"warning of {name}" in logged
    assert f"info of {name}" not in logged
    printed = "".join(path.read_text() for path in (tmp_path / "printed" / run_id).glob("*.out"))
    assert f"printed by {name}" in printed
    assert (tmp_path / "data" / "weft.db").is_file()
    assert not (tmp_path / "home" / "weft.db").exists()


def test_runs_are_recorded_in_the_database_that_a_variable_names(
    new_postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "weft.yaml").write_text("storage: {url: {env: SHOP_DATABASE}}\n")
    monkeypatch.setenv("SHOP_DATABASE", new_postgres_database)
    served = Served(tmp_path, CODE)
    try:
        with served.daemon():
            runs = [served.submit(job) for job in ("near_job", "far_job")]
            for run_id in runs:
                until(lambda run_id=run_id: served.run(run_id).status.is_finished, "the end of the run")
        assert {served.run(run_id).status for run_id in runs} == {RunStatus.SUCCESS}
        assert served.instance.describe()["kind"] == "postgresql"
        assert not (home / "weft.db").exists()
    finally:
        served.instance.close()
