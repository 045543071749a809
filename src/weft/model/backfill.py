"""How many partitions one run of a backfill covers, as a value. Which runs that gives is decided in planning."""

from __future__ import annotations

from msgspec import Struct

from weft.errors import DefinitionError


class BackfillPolicy(Struct, frozen=True, gc=False, omit_defaults=True):
    """How a backfill divides the partitions of an asset among runs. Made by `single_run` and `multi_run`.

    Assets that are backfilled together are divided by the policy that covers the fewest partitions at once.
    """

    # None: one run takes all of them.
    max_partitions_per_run: int | None = None

    def __post_init__(self) -> None:
        count: object = self.max_partitions_per_run
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            raise DefinitionError(
                "a backfill policy gives each run at least one partition.",
                code="WEFT-D403",
                facts={"max_partitions_per_run": repr(count)},
                fix="give a whole number from 1 up, or use BackfillPolicy.single_run()",
            )

    @staticmethod
    def single_run() -> BackfillPolicy:
        """One run takes every partition: the function reads their range from its context."""
        return BackfillPolicy()

    @staticmethod
    def multi_run(max_partitions_per_run: int = 1) -> BackfillPolicy:
        """As many runs as are needed so that none takes more than `max_partitions_per_run` partitions."""
        return BackfillPolicy(max_partitions_per_run)

    @property
    def is_single_run(self) -> bool:
        """Whether one run takes every partition."""
        return self.max_partitions_per_run is None
