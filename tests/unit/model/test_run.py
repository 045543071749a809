"""A run as a value: which states end it, which partitions it makes."""

from __future__ import annotations

import pytest

from weft.model.codec import Decoder, encode
from weft.model.run import Run, RunStatus, RunTag


def run(**fields: object) -> Run:
    return Run(**{"id": "r1", "job_name": "nightly", "status": RunStatus.STARTED, "created_at": 1.0, **fields})  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize("status", RunStatus)
def test_only_success_failure_and_canceled_end_a_run(status: RunStatus) -> None:
    ended = status in (RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED)
    assert status.is_finished == ended
    assert run(status=status).is_finished == ended


def test_the_partition_is_in_the_tags() -> None:
    assert run().partition_key is None
    assert run(tags={RunTag.PARTITION: "2024-01-01"}).partition_key == "2024-01-01"


def test_a_range_of_partitions_needs_both_ends() -> None:
    first, last = {RunTag.PARTITION_RANGE_START: "a"}, {RunTag.PARTITION_RANGE_END: "b"}
    assert run(tags={**first, **last}).partition_range == ("a", "b")
    assert run(tags=first).partition_range is None
    assert run(tags=last).partition_range is None


def test_system_tags_are_found_under_their_foreign_names() -> None:
    run = Run(id="r", job_name="j", status=RunStatus.QUEUED, created_at=0.0, tags={"weft/partition": "a", "mine": "b"})

    assert run.tags["dagster/partition"] == run.tags["weft/partition"] == "a"
    assert "dagster/partition" in run.tags
    assert "dagster/other" not in run.tags
    assert run.tags.get("dagster/other", "none") == "none"
    assert run.tags == {"weft/partition": "a", "mine": "b"}
    with pytest.raises(KeyError, match="dagster/other"):
        run.tags["dagster/other"]
    assert Decoder(Run).decode(encode(run)) == run
