"""Who is alive, from leases alone. Pure.

A lease is renewed by counting (`weft.model.live.Lease.beats`). Whoever wants to know whether its holder lives looks twice and compares; how much time has passed
between the two looks is told by the clock of the one who looks. So no two clocks are ever compared, and none that is set forward declares anybody dead.
"""

from __future__ import annotations

from collections.abc import Iterable

from weft.model.live import Lease


class LeaseWatch:
    """What one observer knows of leases. Not for several threads.

    Args:
        lease_seconds: without a heartbeat for so long, a holder counts as dead.
    """

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        # Name to the lease as it was last seen to change, and when that was.
        self._seen: dict[str, tuple[Lease, float]] = {}
        # Since when it has looked without a break.
        self._since: float | None = None

    def look(self, leases: Iterable[Lease], now: float) -> None:
        """Take notice of all leases as they are; `now` is monotonic."""
        if self._since is None:
            self._since = now
        found: dict[str, tuple[Lease, float]] = {}
        for lease in leases:
            known = self._seen.get(lease.name)
            is_same = known is not None and (known[0].token, known[0].beats) == (lease.token, lease.beats)
            found[lease.name] = known if is_same and known is not None else (lease, now)
        self._seen = found

    def forget(self) -> None:
        """Start afresh: for a time nobody could be heard."""
        self._seen.clear()
        self._since = None

    def lives(self, name: str, now: float) -> bool:
        """Whether the holder of the lease may be alive, or was a moment ago.

        Only what was seen for a whole lease tells that somebody is dead: no heartbeat, no holder, or no such lease. Who has just let go may have
        begun things that others will hear of in that time.
        """
        known = self._seen.get(name)
        since = self._since if known is None else known[1]
        return since is None or now - since < self._lease_seconds

    def expired(self, now: float) -> list[Lease]:
        """The leases whose holders have been silent for too long, as they were seen."""
        return [
            lease
            for lease, since in self._seen.values()
            if lease.holder is not None and now - since >= self._lease_seconds
        ]
