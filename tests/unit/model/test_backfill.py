"""Backfill policies."""

from __future__ import annotations

import pytest

from weft.errors import DefinitionError
from weft.model.backfill import BackfillPolicy


def test_one_run_takes_everything_or_several_take_a_few_each() -> None:
    assert BackfillPolicy.single_run().is_single_run
    assert BackfillPolicy.multi_run() == BackfillPolicy.multi_run(1)
    assert not BackfillPolicy.multi_run(max_partitions_per_run=7).is_single_run
    assert BackfillPolicy.multi_run(7).max_partitions_per_run == 7


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "3"])
def test_a_run_takes_a_whole_number_of_partitions(count: object) -> None:
    with pytest.raises(DefinitionError) as caught:
        BackfillPolicy.multi_run(count)  # type: ignore[arg-type]  # what is refused
    assert caught.value.code == "WEFT-D403"
