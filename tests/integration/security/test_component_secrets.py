"""What templates of components get from the environment is in no recorded event."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.unit.components.sandbox import project

from weft import Definitions, Instance

SECRET = "open sesame 4711"

YAML = """
    type: weft.TemplatedSqlComponent
    attributes:
      sql: "insert into nowhere values ('{{ env.FEED_TOKEN }}', '{{ env.REGION }}')"
      connection: db
      assets: [{key: feed, description: "fetched with {{ env.FEED_TOKEN }}"}]
"""

MODULE = """
    import os
    import weft

    @weft.asset
    def tells(context):
        context.log.info(f"fetched with {os.environ['FEED_TOKEN']} in {os.environ['REGION']}")
        return weft.MaterializeResult(metadata={"told": os.environ["FEED_TOKEN"]})

    @weft.op
    def says(context):
        raise ValueError(os.environ["FEED_TOKEN"])

    @weft.job(run_tags={"note": os.environ["FEED_TOKEN"]})
    def saying():
        says()

    everything = weft.define_asset_job("everything", run_tags={"note": os.environ["FEED_TOKEN"]})
"""


@pytest.fixture
def defs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Definitions:
    monkeypatch.setenv("FEED_TOKEN", SECRET)
    monkeypatch.setenv("REGION", "eu")
    made = project(tmp_path, feed__defs_yaml=YAML, more_py=MODULE).build_defs()
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    return Definitions.merge(made, Definitions(resources={"db": connection}))


def recorded(defs: Definitions, job: str, home: Path) -> bytes:
    """What a run of `job`, which fails, leaves in the database."""
    with Instance.at(home) as instance:
        assert not defs.get_job_def(job).execute_in_process(instance=instance, raise_on_error=False).success
    return b"".join(path.read_bytes() for path in sorted(home.glob("weft.db*")))


@pytest.mark.parametrize("job", ["everything", "saying"])
def test_values_from_the_environment_of_templates_are_hidden_in_what_runs_record(
    defs: Definitions, tmp_path: Path, job: str
) -> None:
    data = recorded(defs, job, tmp_path / "home")
    assert b"(hidden)" in data
    assert SECRET.encode() not in data


def test_short_values_stay_as_they_are(defs: Definitions, tmp_path: Path) -> None:
    assert b"in eu" in recorded(defs, "everything", tmp_path / "home")


def test_merged_and_changed_definitions_keep_what_is_to_be_hidden(defs: Definitions) -> None:
    assert SECRET in defs.secrets
    assert SECRET in defs.map_asset_specs(func=lambda spec: spec).secrets
    assert SECRET in Definitions.merge(Definitions(), defs).resolve().secrets
