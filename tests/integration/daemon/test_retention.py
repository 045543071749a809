"""The daemon deletes old history by itself."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from tests.integration.daemon.served import Served, until
from tests.integration.daemon.test_life_of_a_run import QUICK, SMALL

from weft.clock import SystemClock
from weft.config.instance_settings import RetentionSettings

Serve = Callable[..., Served]
DAY = 86_400.0


class LaterClock(SystemClock):
    """The machine's clock, a month ahead."""

    def wall(self) -> float:
        return super().wall() + 31 * DAY


def test_a_daemon_deletes_events_by_their_age_and_leaves_the_run(serve: Serve) -> None:
    served = serve(SMALL, replace(QUICK, retention=RetentionSettings(events_days=30.0, logs_days=30.0)))
    with served.daemon():
        run_id = served.submit("small")
        before = served.finished(run_id)
    assert served.types(run_id)
    served.instance.clock = LaterClock()
    with served.daemon():
        until(lambda: not served.types(run_id), "the end of the old events")
    assert served.run(run_id) == before
    assert {step.status.value for step in served.instance.runs.steps(run_id)} == {"SUCCEEDED"}
