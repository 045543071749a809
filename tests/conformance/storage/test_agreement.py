"""Every storage gives the same answers as the one in memory, whatever happens in whatever order."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.conformance.storage.building import plan_of, without_id
from tests.conformance.storage.databases import emptied

from weft.model.asset_state import AssetState
from weft.model.events import (
    EVENT_TYPES,
    AssetCheckEvaluated,
    AssetCheckSeverity,
    AssetFailedToMaterialize,
    AssetMaterialized,
    AssetObserved,
    EngineEvent,
    Event,
    EventBody,
    LogMessage,
    RunCanceled,
    RunCanceling,
    RunDequeued,
    RunEnqueued,
    RunFailed,
    RunStarted,
    RunStarting,
    RunSucceeded,
    StepCanceled,
    StepFailed,
    StepOutput,
    StepRestarted,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepUpForRetry,
)
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.run import FailureReason, Run, RunFilter, RunStatus
from weft.model.step import LogRange
from weft.storage.memory import MemoryStorage
from weft.storage.opening import open_storage
from weft.storage.ports import Storage

RUN_IDS = ["r1", "r2", "r3"]
STEP_KEYS = ["a", "b[x]"]
ASSETS = [AssetKey("a"), AssetKey(["a", "b"])]
PARTITIONS = ["p", "q", ""]
CHECKS = [AssetCheckKey(key, name) for key in ASSETS for name in ("c", "d")]
ERROR = ErrorInfo(message="no", class_name="ValueError")

numbers = st.integers(0, 3)
logs = st.none() | st.builds(LogRange, st.just("f"), numbers, numbers, numbers, numbers)
costs: dict[str, Any] = {"cpu_seconds": st.sampled_from([0.0, 0.25, 2.5]), "peak_memory_bytes": numbers, "logs": logs}
assets = st.sampled_from(ASSETS)
partitions = st.sampled_from([None, "p", "p", "q", ""])

run_bodies = st.sampled_from(
    [RunEnqueued(), RunDequeued(), RunStarting(), RunStarted(), RunSucceeded(), RunCanceling(), RunCanceled()]
) | st.builds(RunFailed, reason=st.sampled_from(FailureReason), error=st.none() | st.just(ERROR))
step_bodies = st.one_of(
    st.builds(StepStarted),
    st.builds(StepRestarted, attempt=st.integers(2, 3)),
    st.builds(StepOutput, output_name=st.sampled_from(["x", "y"]), mapping_key=st.none() | st.sampled_from("mn")),
    st.builds(StepSucceeded, **costs),
    st.builds(StepFailed, error=st.just(ERROR), **costs),
    st.builds(StepUpForRetry, error=st.none() | st.just(ERROR), **costs),
    st.builds(StepCanceled, **costs),
    st.builds(StepSkipped, reason=st.sampled_from(["one", "two"])),
)
asset_bodies = st.one_of(
    st.builds(
        AssetMaterialized,
        asset_key=assets,
        partition=partitions,
        data_version=st.none() | st.just("v"),
        tags=st.just({}) | st.just({"t": "u"}),
    ),
    st.builds(AssetFailedToMaterialize, asset_key=assets, partition=partitions),
    st.builds(AssetObserved, asset_key=assets, partition=partitions),
    st.builds(
        AssetCheckEvaluated,
        check_key=st.sampled_from(CHECKS),
        passed=st.booleans(),
        severity=st.sampled_from(AssetCheckSeverity),
        partition=partitions,
    ),
)
history_bodies = st.builds(LogMessage, message=st.text(max_size=3), level=st.just(20)) | st.just(
    EngineEvent(message="m")
)
# Flat, so that each family is drawn about as often as the others.
bodies = st.sampled_from([run_bodies, step_bodies, step_bodies, asset_bodies, asset_bodies, history_bodies]).flatmap(
    lambda family: family
)


class Draft(NamedTuple):
    """An event without its number: run, source, time, body, step, and how many numbers back it repeats one (0: a new one)."""

    run_id: str
    source: int
    time: float
    body: EventBody
    step_key: str | None
    back: int


drafts = st.builds(
    Draft,
    run_id=st.sampled_from(RUN_IDS),
    source=st.sampled_from([1, 1, 1, 0]),
    time=st.sampled_from([1.0, 2.0, 3.5]),
    body=bodies,
    step_key=st.sampled_from([*STEP_KEYS, *STEP_KEYS, None]),
    back=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 3]),
)
batches = st.lists(drafts, min_size=4, max_size=14)


class Numbering:
    """Gives drafts their numbers: each source of each run counts up, and now and then an event is delivered under an old number."""

    def __init__(self) -> None:
        self.last: dict[tuple[str, int], int] = {}

    def events(self, batch: list[Draft]) -> list[Event]:
        return [self._event(draft) for draft in batch]

    def _event(self, draft: Draft) -> Event:
        last = self.last.get((draft.run_id, draft.source), 0)
        seq = last + 1 if draft.back == 0 else max(1, last - draft.back)
        self.last[draft.run_id, draft.source] = max(last, seq)
        return Event(
            run_id=draft.run_id,
            source=draft.source,
            seq=seq,
            time=draft.time,
            body=draft.body,
            step_key=draft.step_key,
        )


FILTERS = [
    RunFilter(),
    RunFilter(statuses=(RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.NOT_STARTED)),
    RunFilter(statuses=(RunStatus.QUEUED,)),
    RunFilter(tags={"k": "1"}),
    RunFilter(tags={"k": "1", "l": "2"}, statuses=(RunStatus.STARTED, RunStatus.QUEUED)),
    RunFilter(asset_key=ASSETS[0]),
    RunFilter(asset_key=ASSETS[1], tags={"k": "2"}),
    RunFilter(job_name="y", created_after=1.0),
    RunFilter(updated_after=1.0, updated_before=3.5),
    RunFilter(run_ids=("r1", "r3")),
]


def pages(list_page: Any, *arguments: Any, **options: Any) -> list[Any]:
    found: list[Any] = []
    cursor = None
    while True:
        page = list_page(*arguments, limit=2, cursor=cursor, **options)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


def masked(found: Any) -> Any:
    return [without_id(state) if isinstance(state, AssetState) else state for state in found]


def answers(storage: Storage) -> dict[str, Any]:
    """Everything that a storage can be asked, ids of assets left out."""
    found: dict[str, Any] = {}
    for run_id in RUN_IDS:
        found[f"run {run_id}"] = storage.runs.get(run_id)
        found[f"plan {run_id}"] = storage.runs.plan(run_id)
        found[f"steps {run_id}"] = storage.runs.steps(run_id)
        found[f"events {run_id}"] = storage.events.read(run_id)
        found[f"seqs {run_id}"] = [storage.events.last_seq(run_id, source) for source in (0, 1, 2)]
        for step_key in STEP_KEYS:
            found[f"events {run_id} {step_key}"] = storage.events.read(run_id, step_key=step_key)
            found[f"some {run_id} {step_key}"] = storage.events.read(
                run_id, step_key=step_key, types=["STEP_START", "LOG_MESSAGE"], after_id=3
            )
    for number, filter in enumerate(FILTERS):
        found[f"filter {number}"] = pages(storage.runs.list, filter)
        found[f"filter {number} ascending"] = pages(storage.runs.list, filter, ascending=True)
        found[f"count {number}"] = storage.runs.count(filter)
    for key in ASSETS:
        found[f"asset {key}"] = without_id(storage.assets.get(key))
        found[f"partitions {key}"] = pages(storage.assets.partitions, key)
        found[f"counts {key}"] = storage.assets.partition_counts(key)
        found[f"of {key}"] = storage.events.of_asset(key)
        found[f"of {key} some"] = storage.events.of_asset(
            key, types=["ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION"], limit=3, after_id=2, ascending=True
        )
        for partition in PARTITIONS:
            found[f"partition {key} {partition}"] = storage.assets.partition(key, partition)
            found[f"of {key} {partition}"] = storage.events.of_asset(key, partition=partition, before_id=20)
    found["assets"] = masked(pages(storage.assets.list))
    found["below"] = masked(pages(storage.assets.list, prefix=["a", "b"]))
    found["checks"] = storage.checks.of_assets(ASSETS)
    found["all events"] = storage.events.of_types(EVENT_TYPES)
    found["some events"] = storage.events.of_types(
        ["RUN_START", "ASSET_OBSERVATION", "STEP_START"], after_id=1, limit=3
    )
    found["latest"] = storage.events.latest_id()
    return found


def runs_of(run_id: str) -> st.SearchStrategy[Run]:
    return st.builds(
        Run,
        id=st.just(run_id),
        job_name=st.sampled_from("xy"),
        status=st.sampled_from([RunStatus.NOT_STARTED, RunStatus.QUEUED, RunStatus.STARTED]),
        created_at=st.sampled_from([1.0, 2.0]),
        tags=st.dictionaries(st.sampled_from("kl"), st.sampled_from("12")),
        asset_selection=st.none() | st.lists(assets, unique=True).map(tuple),
        updated_at=st.none(),
        run_config=st.just({}),
        check_selection=st.none(),
        op_selection=st.none(),
        parent_run_id=st.none(),
        root_run_id=st.none(),
        snapshot_id=st.none(),
        started_at=st.none(),
        ended_at=st.none(),
        failure_reason=st.none(),
        error=st.none(),
    )


class Agreement(RuleBasedStateMachine):
    """Does the same to both storages and asks both the same."""

    def __init__(self, other: Storage) -> None:
        super().__init__()
        self.memory = MemoryStorage()
        self.other = other
        self.both: tuple[Storage, Storage] = (self.memory, other)
        self.numbering = Numbering()
        self.known: set[str] = set()

    def teardown(self) -> None:
        self.other.close()

    def same(self, *found: object) -> None:
        assert found[0] == found[1]

    @initialize(runs=st.tuples(*(runs_of(run_id) for run_id in RUN_IDS)))
    def begin(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            self.create(run)

    @rule(run=st.sampled_from(RUN_IDS).flatmap(runs_of))
    def create(self, run: Run) -> None:
        if run.id not in self.known:
            for storage in self.both:
                storage.runs.create(run, plan_of(run.job_name))
            self.known.add(run.id)

    @rule(batch=batches, again=st.integers(0, 12))
    def append(self, batch: list[Draft], again: int) -> None:
        events = self.numbering.events([draft for draft in batch if draft.run_id in self.known])
        self.same(*(storage.events.append(events) for storage in self.both))
        prefix = events[:again]
        before = answers(self.other) if prefix else {}
        for storage in self.both:
            appended = storage.events.append(prefix)
            assert (appended.stored, appended.refused) == ((), ()), "delivering a prefix again changes nothing"
        assert not prefix or answers(self.other) == before

    @rule(
        run_id=st.sampled_from(RUN_IDS),
        to=st.sampled_from(RunStatus),
        expected=st.sampled_from(RunStatus),
        at=st.sampled_from([1.0, 9.0]),
    )
    def transition(self, run_id: str, to: RunStatus, expected: RunStatus, at: float) -> None:
        self.same(*(storage.runs.transition(run_id, to, expected=expected, at=at) for storage in self.both))

    @rule(run_id=st.sampled_from(RUN_IDS), tags=st.dictionaries(st.sampled_from("klm"), st.sampled_from("123")))
    def tag(self, run_id: str, tags: dict[str, str]) -> None:
        if run_id in self.known:
            for storage in self.both:
                storage.runs.add_tags(run_id, tags)

    @rule(run_id=st.sampled_from(RUN_IDS))
    def delete(self, run_id: str) -> None:
        self.same(*(storage.runs.delete(run_id) for storage in self.both))
        self.known.discard(run_id)

    @rule(key=assets, partitions=st.none() | st.lists(st.sampled_from(PARTITIONS)))
    def wipe(self, key: AssetKey, partitions: list[str] | None) -> None:
        for storage in self.both:
            storage.assets.wipe(key, partitions=partitions)

    @invariant()
    def answers_are_equal(self) -> None:
        memory, other = (answers(storage) for storage in self.both)
        for question, answer in memory.items():
            assert other[question] == answer, question


# On a server each example takes a second.
@pytest.mark.parametrize(("kind", "examples"), [("sqlite", 40), ("postgres", 8), ("mariadb", 8)])
def test_all_give_the_same_answers(kind: str, examples: int, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    numbers = itertools.count()

    def other() -> Storage:
        if kind == "sqlite":
            return open_storage(tmp_path / str(next(numbers)))
        made = open_storage(request.getfixturevalue(f"{kind}_database"))
        emptied(made)
        return made

    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # hypothesis gives it no types
        lambda: Agreement(other()),
        settings=settings(
            max_examples=examples,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batch=st.lists(drafts, min_size=1, max_size=25), cuts=st.lists(st.integers(0, 25), max_size=4))
def test_a_batch_at_once_and_in_pieces_gives_the_same_state(batch: list[Draft], cuts: list[int]) -> None:
    events = Numbering().events(batch)
    whole, pieces = MemoryStorage(), MemoryStorage()
    for storage in (whole, pieces):
        for run_id in RUN_IDS:
            run = Run(id=run_id, job_name="x", status=RunStatus.NOT_STARTED, created_at=1.0)
            storage.runs.create(run, plan_of("x"))
    places = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    refused = whole.events.append(events).refused
    in_pieces = [pieces.events.append(events[a:b]).refused for a, b in zip(places, places[1:], strict=False)]
    assert [event for some in in_pieces for event in some] == list(refused)
    assert answers(whole) == answers(pieces)
