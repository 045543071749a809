"""The state machine of a run: what happens next, given what has happened. Every executor drives this one machine.

It is pure: stimuli go in, instructions come out. No I/O, no clock, no threads; the only randomness is the `jitter` handed in. An executor
is this loop::

    machine = RunMachine(plan)
    carry_out(machine.start())
    while not machine.is_finished:
        for start in machine.take_ready(free_slots):  # 1 where steps run one after the other
            submit(start.step, start.attempt)
        carry_out(machine.handle(next_stimulus()))

`start` and `handle` never return `StartStep`: a step that may run becomes READY and stays with the machine until `take_ready` hands it out.
So the machine alone keeps the order (priority, then topological), an executor keeps no queue of its own, and a cancelled run has nothing to
call back.

Steps::

    PENDING -> READY -> RUNNING -> SUCCEEDED | FAILED | CANCELED | SKIPPED (its own code asked for it)
       |         |         |  ^
       |         |         v  |
       |         |    UP_FOR_RETRY -> READY | CANCELED | FAILED (the run was aborted)
       v         v
    SKIPPED | CANCELED

**When a step runs.** A step is decided once, when everything it waits for has ended. An output counts when the step that yielded it has
SUCCEEDED, not before: an attempt that yields, fails and is retried leaves no trace. Each input has a rule. What a source did is one of
three: it was *produced*; it is *absent* (its output was not yielded, or its step was skipped for such a reason or by its own code); or it is *broken* (its step
failed or was interrupted, or was skipped because of a failure, an interruption or a blocking check)::

    rule           produced   absent         broken
    ALL_SUCCEEDED  run        skip           skip
    ANY_SUCCEEDED  run        missing (*)    missing (*)
    ALL_DONE       run        missing        missing
    OPTIONAL       run        missing        skip

(*) All ANY_SUCCEEDED inputs of a step form one group: the step runs if at least one of their sources was produced. It still waits for all
of them, so that the same outcomes always give the same values.

*Missing* means that the step runs without it: the input's source in the `StartStep` is `FromDefault` (the executor uses the input's default,
or None). A list (`FromMany`, `FromCollected`) is handed over as a `FromMany` of the sources that are there, perhaps none. With
ALL_SUCCEEDED a list runs with what is there when some of its sources are absent, is skipped when all of them are, and is skipped when any is
broken: a failure never silently shortens a list. `OrderOnly` inputs load nothing and stay as they are planned.

A step guarded by a blocking check (`BlockedBy`) runs only if the check's step succeeded and the check gave answers, none of them a failure
of severity ERROR.

**Dynamic steps.** The copies of a template are made when the step that yields the dynamic output has succeeded, one for each mapping key in
the order of appearance. A copy is a `StepPlan` with the copied key (``clean[eu]``, ``clean[eu][2024]``), its inputs pointing at the copies it
reads, and `fan_out` naming its mapping keys (`OutputRef.mapping_key`), outermost first. A step that is planned with such bound levels (a
copy in a re-execution) is only mapped over the levels that are left. A collected input waits for the whole fan-out below
its own copy. Where there are no mapping keys the template is skipped under its own key (with the mapping keys of the levels that are known),
and a list collected from it is empty and runs.

**How the run ends.** FAILURE if a step failed or a blocking check kept a step from running; CANCELED if it was asked to cancel, or a step
was interrupted and none failed; otherwise SUCCESS. `FinishRun` comes once, as the last instruction, when nothing runs any more.

Laws: every instruction list follows from the plan and the stimuli alone; a step starts only after everything it waits for has ended;
terminal states absorb: a late stimulus changes nothing, is noted in `ignored`, and never raises. A stimulus that cannot be (an unknown
step, an unknown output, a step that never started) raises `InternalError`. Each edge and each stimulus costs O(1), amortised; a list costs
its length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from heapq import heappop, heappush
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from weft.errors import InternalError, some_of
from weft.model.keys import AssetCheckKey
from weft.model.plan import (
    EdgeRule,
    FromAbsent,
    FromCollected,
    FromDefault,
    FromMany,
    FromOutput,
    InputSource,
    OrderOnly,
    OutputRef,
    RunPlan,
    StepInput,
    StepPlan,
    upstream_refs,
)
from weft.model.run import FailureReason, RunStatus
from weft.model.severity import AssetCheckSeverity
from weft.model.step import StepStatus
from weft.planning.retries import AttemptFailure, RetryAsked, next_retry

PRIORITY_TAGS = ("weft/priority", "dagster/priority")
"""The tags of a step that order ready steps: a whole number, higher first; anything else counts as 0."""

BLOCKING_CHECK = "blocking check "
"""How the reason of a skip begins where a blocking check is among its causes."""

_MOST_IGNORED = 100
"""Ignored stimuli kept for people to look at; all are counted."""


# --- stimuli ---------------------------------------------------------------------------------------------------------


class OutputProduced(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """A running step yielded an output and it is stored. `mapping_key` is given for dynamic outputs, and only for them."""

    step_key: str
    output_name: str
    mapping_key: str | None = None


class CheckEvaluated(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """A running step evaluated a check. Of several answers for one check (one for each partition) the worst counts."""

    step_key: str
    check_key: AssetCheckKey
    passed: bool
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR


class StepSucceeded(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """A running step did all it should; comes after its outputs and checks."""

    step_key: str


class StepFailed(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """A running step failed. It is retried if `retry` asks for it or the step's policy says so, unless `allow_retries` is False."""

    step_key: str
    message: str = ""
    retry: RetryAsked | None = None
    allow_retries: bool = True
    # The class of the exception and those that it inherits from, each as ``module.Class``.
    classes: tuple[str, ...] = ()
    # What became of its process, where it is not an exception that failed it.
    exit_reason: FailureReason | None = None
    # Since its first attempt began.
    elapsed_seconds: float = 0.0


class OutputLeftOut(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """A running step will not yield this output, and says why. The output counts as not yielded."""

    step_key: str
    output_name: str
    reason: str


class SkipAsked(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """A running step found nothing to do. It ends as SKIPPED; what it yielded before does not count."""

    step_key: str
    reason: str


class RetryDue(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """The delay of a `RetryLater` is over."""

    step_key: str


class StepInterrupted(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """A running step was stopped from outside, because of a `CancelStep` or by itself."""

    step_key: str


class CancelRequested(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """The run shall end as soon as possible."""


class RunAborted(Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """The run cannot go on (a resource failed, the executor broke): nothing further starts, running steps may end."""

    reason: FailureReason
    message: str = ""


Stimulus: TypeAlias = (
    OutputProduced
    | CheckEvaluated
    | StepSucceeded
    | StepFailed
    | OutputLeftOut
    | SkipAsked
    | RetryDue
    | StepInterrupted
    | CancelRequested
    | RunAborted
)


class Ignored(Struct, frozen=True, gc=False):
    """A stimulus that came too late to change anything, and why."""

    stimulus: Stimulus
    why: str


# --- instructions ----------------------------------------------------------------------------------------------------


class StartStep(Struct, frozen=True, gc=False):
    """Start an attempt (1 for the first). `step` says where each input really comes from; its key may be that of a copy."""

    step: StepPlan
    attempt: int


class RetryLater(Struct, frozen=True, gc=False):
    """The attempt failed: send `RetryDue` after `delay_seconds` (perhaps 0); attempt number `attempt` will follow."""

    step_key: str
    attempt: int
    delay_seconds: float


class SkipStep(Struct, frozen=True, gc=False):
    """The step does not run: record it. `causes` are the steps directly above it that kept it from running; none where its own code asked.

    `by_failure` says whether it follows from a failure, an interruption or a blocking check, and not from a branch that was not taken.
    """

    step_key: str
    reason: str
    causes: tuple[str, ...] = ()
    by_failure: bool = False


class FailStep(Struct, frozen=True, gc=False):
    """The step has failed for good, no attempt follows: record it."""

    step_key: str


class CancelStep(Struct, frozen=True, gc=False):
    """Stop the step if `is_running`, and send how it ended; otherwise it never starts, and is to be recorded as cancelled."""

    step_key: str
    is_running: bool


class FinishRun(Struct, frozen=True, gc=False):
    """The run has ended: the last instruction. `failed_steps` in the order of their failure."""

    status: RunStatus
    reason: FailureReason | None = None
    message: str = ""
    failed_steps: tuple[str, ...] = ()


Instruction: TypeAlias = StartStep | RetryLater | SkipStep | FailStep | CancelStep | FinishRun


class StepCounts(Struct, frozen=True, gc=False, kw_only=True):
    """How many steps stand in each state. A template that was not yet copied counts as one; its copies count each."""

    pending: int
    ready: int
    running: int
    up_for_retry: int
    succeeded: int
    failed: int
    skipped: int
    canceled: int


# --- inner state -----------------------------------------------------------------------------------------------------

_Mapping: TypeAlias = tuple[str, ...]
"""The mapping keys of a copy, outermost first; empty for a plain step."""

_Token: TypeAlias = str | AssetCheckKey
"""What an edge waits to see: the name of an output, or a check that let pass."""


_WHOLE_STEP: tuple[tuple[int, ...], bool] = ((), False)
"""The view of an upstream that is a plain step: no mapping keys, nothing to collect."""

_NO_KEYS: dict[str, None] = {}
"""The mapping keys of an output that is not dynamic; shared, never written to."""

_NOTHING: dict[_Token, dict[str, None]] = {}
_NO_NODES: list[_Node] = []
_NO_TOKENS: list[_Token] = []
_NO_BRANCHES: list[_Branch] = []
"""What a step has before it has any; shared, never written to. Ten thousand copies are fewer objects thereby."""


class _Edge:
    """How the copies of one step find one upstream: the same copy (by `positions` of its mapping keys), or a whole fan-out."""

    __slots__ = ("is_group", "positions", "token", "upstream")

    def __init__(self, upstream: _Template, positions: tuple[int, ...], token: _Token, is_group: bool) -> None:
        self.upstream = upstream
        self.positions = positions
        self.token = token
        self.is_group = is_group


class _Template:
    """One step of the plan. A plain step has the one instance with no mapping keys."""

    __slots__ = (
        "bound",
        "branches",
        "edges",
        "fan_out",
        "index",
        "instances",
        "is_plain",
        "key",
        "lane",
        "levels",
        "outputs",
        "positions",
        "priority",
        "step",
        "views",
    )

    def __init__(self, index: int, step: StepPlan, lane: str | None) -> None:
        self.index = index
        self.step = step
        self.key = step.key
        self.lane = lane
        # The levels it is still mapped over, and those that are known already (copies planned by a re-execution).
        self.fan_out = tuple([ref for ref in step.fan_out if ref.mapping_key is None]) if step.fan_out else ()
        self.bound = step.fan_out[: len(step.fan_out) - len(self.fan_out)]
        self.priority = priority_of(step.tags) if step.tags else 0
        self.outputs = {output.name: output.is_dynamic for output in step.outputs}
        # Where in the mapping keys of a copy each dynamic output of the fan-out stands.
        self.positions: dict[tuple[str, str], int] = {}
        # For each level of the fan-out: the edge to the step that yields the mapping keys.
        self.levels: tuple[_Edge, ...] = ()
        self.edges: list[_Edge] = []
        # For each upstream step that is a template: where its mapping keys stand in those of a copy, and whether levels are left
        # over to be collected.
        self.views: dict[str, tuple[tuple[int, ...], bool]] = {}
        # Whether the step runs exactly as planned once every edge has seen its token.
        self.is_plain = True
        self.instances: dict[_Mapping, _Node] = {}
        self.branches: dict[_Mapping, _Branch] = {}


class _Node:
    """A step that can run: a plain step, or one copy of a template."""

    __slots__ = (
        "attempt",
        "blocking_failures",
        "branch",
        "branches",
        "dependents",
        "is_by_failure",
        "is_spoiled",
        "key",
        "left_out",
        "mapping",
        "plan",
        "produced",
        "refs",
        "root",
        "sequence",
        "status",
        "template",
        "tokens",
        "waiting",
    )

    def __init__(
        self,
        template: _Template,
        mapping: _Mapping,
        refs: tuple[OutputRef, ...],
        key: str,
        branch: _Branch | None,
        sequence: int,
    ) -> None:
        self.template = template
        self.mapping = mapping
        # For each mapping key, the value of the dynamic output that it stands for.
        self.refs = refs
        self.key = key
        self.branch = branch
        self.sequence = sequence
        self.status = StepStatus.PENDING
        self.attempt = 0
        # Edges whose upstream has not ended.
        self.waiting = 0
        # Whether an edge ended without its token, or the step must be weighed in any case.
        self.is_spoiled = not template.is_plain
        # What the current attempt yielded, with mapping keys in order; empty unless the step is running or succeeded. An edge
        # looks at it only after the end.
        self.produced = _NOTHING
        self.blocking_failures: set[AssetCheckKey] | None = None
        # Why outputs were not yielded, where the step said so.
        self.left_out: dict[str, str] | None = None
        # Who waits for this step, and the token each of them waits for: two lists, because pairs would cost an object for each edge.
        self.dependents = _NO_NODES
        self.tokens = _NO_TOKENS
        self.branches = _NO_BRANCHES
        # The step as it will start; made when it is decided or taken.
        self.plan: StepPlan | None = None
        self.is_by_failure = False
        # Why it was skipped in the first place, where it was.
        self.root = ""


_Entry: TypeAlias = "tuple[int, int, int, _Node]"
"""A ready step: negative priority, place in the plan, number in the order of creation (unique), and the step itself."""


class _Branch:
    """A template below some mapping keys, at a level that still has to fan out or already did."""

    __slots__ = (
        "children",
        "is_by_failure",
        "is_empty",
        "key",
        "mapping",
        "open",
        "parent",
        "refs",
        "root",
        "status",
        "template",
        "waiters",
    )

    def __init__(
        self,
        template: _Template,
        mapping: _Mapping,
        refs: tuple[OutputRef, ...],
        key: str,
        parent: _Branch | None,
    ) -> None:
        self.template = template
        self.mapping = mapping
        self.refs = refs
        self.key = key
        self.parent = parent
        # PENDING until its mapping keys are known; None once it fanned out; SKIPPED or CANCELED if it never will.
        self.status: StepStatus | None = StepStatus.PENDING
        self.children: list[_Branch | _Node] = []
        # Children not ended; 1 (itself) before it has any.
        self.open = 1
        self.waiters: list[_Node] = []
        # Whether it was skipped because there are no mapping keys.
        self.is_empty = False
        self.is_by_failure = False
        self.root = ""


class _Loss:
    """A source that was not produced, and the step that is to blame."""

    __slots__ = ("key", "root", "text")

    def __init__(self, key: str, text: str, root: str) -> None:
        self.key = key
        self.text = text
        self.root = root


class _Tally:
    """What the sources of one input did."""

    __slots__ = ("absent", "broken", "produced")

    def __init__(self) -> None:
        self.produced = 0
        self.absent: list[_Loss] = []
        self.broken: list[_Loss] = []


# --- the machine -----------------------------------------------------------------------------------------------------


class RunMachine:
    """One run of a plan, from its first step to `FinishRun`. The module says how it is driven and what it guarantees.

    Args:
        plan: the steps in topological order. Only the selected ones run; the others may be named as sources with a `run_id`.
        retries_enabled: False fails a step at its first failure, whatever its policy or code asks for.
        jitter: a random number in [0, 1) for retry policies with jitter. The default is the middle, so that a machine
            without it is deterministic.
        lane_of: steps of one lane are held back together by ``take_ready(closed=...)``; by default the lane of a step is its pool.

    Raises:
        InternalError: the plan contradicts itself (an unknown step or output, a step before one it depends on, a fan-out
            that does not nest).
    """

    def __init__(
        self,
        plan: RunPlan,
        *,
        retries_enabled: bool = True,
        jitter: Callable[[], float] = lambda: 0.5,
        lane_of: Callable[[StepPlan], str | None] = lambda step: step.pool,
    ) -> None:
        self._retries_enabled = retries_enabled
        self._jitter = jitter
        self._lane_of = lane_of
        self._templates: dict[str, _Template] = {}
        self._nodes: dict[str, _Node] = {}
        # Templates that wait to fan out, or never will; by key.
        self._branches: dict[str, _Branch] = {}
        self._sequence = 0
        # Nodes and branches that have not ended.
        self._open = 0
        self._ready: dict[str | None, list[_Entry]] = {}
        self._running: dict[str, _Node] = {}
        self._up_for_retry = self._succeeded = self._skipped = self._canceled = 0
        self._failed: list[str] = []
        self._interrupted: list[str] = []
        self._blocking: dict[AssetCheckKey, None] = {}
        self._is_started = False
        self._cancel_requested = False
        self._aborted: RunAborted | None = None
        self._finish: FinishRun | None = None
        self._ignored: deque[Ignored] = deque(maxlen=_MOST_IGNORED)
        self._ignored_count = 0
        self._first: list[_Node] = []
        chosen = None if plan.selected is None else frozenset(plan.selected)
        for step in plan.steps:
            if chosen is None or step.key in chosen:
                self._add(step)

    # --- driving it ---

    def start(self) -> list[Instruction]:
        """Begin. What can run becomes READY. A run without steps finishes at once; a run that is cancelled already gives nothing."""
        if self._is_started:
            raise InternalError("a run machine was started twice")
        self._is_started = True
        if self._finish is not None:
            return []
        out: list[Instruction] = []
        ended: list[_Node] = []
        for node in self._first:
            self._decide(node, ended, out)
        self._first = []
        self._spread(ended, out)
        self._finish_if_done(out)
        return out

    def take_ready(self, limit: int | None = None, *, closed: AbstractSet[str] = frozenset()) -> list[StartStep]:
        """Hand out up to `limit` ready steps (None: all), which are RUNNING from now on.

        Highest priority first, then in topological order, copies in the order of their mapping keys.

        Args:
            limit: how many steps the caller can start now.
            closed: lanes that have no room; their steps stay READY. A caller that keeps count of a lane takes one step at a time.
        """
        starts: list[StartStep] = []
        while limit is None or len(starts) < limit:
            best: list[_Entry] | None = None
            for lane, heap in self._ready.items():
                if heap and (best is None or heap[0] < best[0]) and lane not in closed:
                    best = heap
            if best is None:
                break
            node = heappop(best)[3]
            node.status = StepStatus.RUNNING
            node.attempt += 1
            self._running[node.key] = node
            if node.plan is None:
                node.plan = self._copy(node)
            starts.append(StartStep(node.plan, node.attempt))
        return starts

    def give_back(self, step_key: str) -> None:
        """Make a step READY again that `take_ready` handed out and that was not started, as if it had not been handed out.

        Raises:
            InternalError: it is not running.
        """
        node = self._running.pop(step_key, None)
        if node is None:
            raise InternalError("a step was given back that is not running", facts={"step": step_key})
        node.attempt -= 1
        self._make_ready(node)

    def handle(self, stimulus: Stimulus) -> list[Instruction]:
        """Take notice of what happened and say what follows; an empty list where nothing does.

        Raises:
            InternalError: the stimulus cannot be: an unknown step or output, or a step that never started.
        """
        if self._finish is not None:
            return self._ignore(stimulus, "the run has finished")
        if isinstance(stimulus, CancelRequested):
            return self._cancel(stimulus)
        if isinstance(stimulus, RunAborted):
            return self._abort(stimulus)
        node = self._nodes.get(stimulus.step_key)
        if node is None:
            raise InternalError("a stimulus names a step that is not in the run", facts={"step": stimulus.step_key})
        if node.status is StepStatus.RUNNING:
            if isinstance(stimulus, OutputProduced):
                return self._note_output(node, stimulus)
            if isinstance(stimulus, StepSucceeded):
                return self._succeed(node)
            if isinstance(stimulus, CheckEvaluated):
                return self._note_check(node, stimulus)
            if isinstance(stimulus, StepFailed):
                return self._fail(node, stimulus)
            if isinstance(stimulus, StepInterrupted):
                return self._interrupt(node)
            if isinstance(stimulus, OutputLeftOut):
                return self._note_left_out(node, stimulus)
            if isinstance(stimulus, SkipAsked):
                return self._skip_itself(node, stimulus)
        elif node.status is StepStatus.UP_FOR_RETRY and isinstance(stimulus, RetryDue):
            self._up_for_retry -= 1
            self._make_ready(node)
            return []
        elif node.attempt == 0 and not node.status.is_finished:
            raise InternalError(
                "a stimulus names a step that never started",
                facts={"step": node.key, "stimulus": type(stimulus).__name__},
            )
        return self._ignore(stimulus, f"the step is {node.status.value}")

    # --- reading it ---

    @property
    def is_finished(self) -> bool:
        """Whether `FinishRun` was given: nothing changes any more."""
        return self._finish is not None

    @property
    def result(self) -> FinishRun | None:
        """How the run ended, once it has."""
        return self._finish

    @property
    def is_closing(self) -> bool:
        """Whether nothing further starts, because the run was cancelled or aborted."""
        return self._cancel_requested or self._aborted is not None

    @property
    def has_ready(self) -> bool:
        """Whether `take_ready` would hand out a step if no lane were closed."""
        return any(self._ready.values())

    @property
    def running(self) -> tuple[str, ...]:
        """The keys of the running steps, in the order of their start."""
        return tuple(self._running)

    @property
    def failed(self) -> tuple[str, ...]:
        """The keys of the steps that failed for good, in the order of their failure."""
        return tuple(self._failed)

    @property
    def counts(self) -> StepCounts:
        """How many steps stand in each state; the cost does not depend on the number of steps."""
        ready = sum(map(len, self._ready.values()))
        return StepCounts(
            pending=self._open - ready - len(self._running) - self._up_for_retry,
            ready=ready,
            running=len(self._running),
            up_for_retry=self._up_for_retry,
            succeeded=self._succeeded,
            failed=len(self._failed),
            skipped=self._skipped,
            canceled=self._canceled,
        )

    @property
    def ignored(self) -> tuple[Ignored, ...]:
        """The latest stimuli that came too late (at most a hundred), oldest first."""
        return tuple(self._ignored)

    @property
    def ignored_count(self) -> int:
        """How many stimuli came too late, in all."""
        return self._ignored_count

    def status(self, step_key: str) -> StepStatus | None:
        """The state of a step, of a copy, or of a template that has not fanned out; None for a key that is none of these."""
        node = self._nodes.get(step_key)
        if node is not None:
            return node.status
        branch = self._branches.get(step_key)
        return None if branch is None else branch.status

    def statuses(self) -> dict[str, StepStatus]:
        """The state of every step by key, plain steps in the order of the plan; of a template that fanned out, its copies stand in its stead."""
        found = {key: node.status for key, node in self._nodes.items()}
        found.update({key: branch.status for key, branch in self._branches.items() if branch.status is not None})
        return found

    def attempt(self, step_key: str) -> int:
        """The number of the latest attempt of a step; 0 if it never started."""
        node = self._nodes.get(step_key)
        return 0 if node is None else node.attempt

    # --- building it ---

    def _add(self, step: StepPlan) -> None:
        if step.key in self._templates:
            raise InternalError("a plan has two steps of one key", facts={"step": step.key})
        template = _Template(len(self._templates), step, self._lane_of(step))
        if template.fan_out:
            template.positions = {(ref.step_key, ref.output_name): place for place, ref in enumerate(template.fan_out)}
            template.levels = tuple(self._level(template, place) for place in range(len(template.fan_out)))
        for item in step.inputs:
            for ref in upstream_refs(item.source):
                if ref.run_id is None:
                    self._add_edge(template, item, ref)
            if _has_collected(item.source) or _has_absent(item.source):
                template.is_plain = False
        for block in step.blocked_by:
            upstream = self._known(template, block.step_key)
            positions, is_group = self._view(template, upstream)
            template.is_plain = template.is_plain and not is_group
            template.edges.append(_Edge(upstream, positions, block.check_key, is_group))
        self._templates[step.key] = template
        if template.fan_out:
            self._add_branch(template, (), template.bound, step.key, None, [], [])
        else:
            node = self._add_node(template, (), (), step.key, None)
            if not node.waiting:
                self._first.append(node)

    def _known(self, template: _Template, step_key: str) -> _Template:
        upstream = self._templates.get(step_key)
        if upstream is None:
            raise InternalError(
                "a step of a plan depends on a step that is not in the run before it",
                facts={"step": template.key, "depends on": step_key},
            )
        return upstream

    def _level(self, template: _Template, place: int) -> _Edge:
        ref = template.fan_out[place]
        producer = self._known(template, ref.step_key)
        above = template.fan_out[:place]
        if not producer.outputs.get(ref.output_name, False) or not set(producer.positions) <= {
            (one.step_key, one.output_name) for one in above
        }:
            raise InternalError(
                "the fan-out of a step does not nest",
                facts={"step": template.key, "level": place, "dynamic output": f"{ref.step_key}.{ref.output_name}"},
            )
        positions = tuple(template.positions[of] for of in producer.positions)
        return _Edge(producer, positions, ref.output_name, is_group=False)

    def _view(self, template: _Template, upstream: _Template) -> tuple[tuple[int, ...], bool]:
        if not upstream.positions:
            return _WHOLE_STEP
        view = template.views.get(upstream.key)
        if view is not None:
            return view
        positions: list[int] = []
        for of in upstream.positions:
            place = template.positions.get(of)
            if place is None:
                break
            positions.append(place)
        left_over = list(upstream.positions)[len(positions) :]
        if positions != sorted(positions) or any(of in template.positions for of in left_over):
            raise InternalError(
                "the fan-outs of two steps are ordered differently",
                facts={"step": template.key, "depends on": upstream.key},
            )
        view = template.views[upstream.key] = (tuple(positions), bool(left_over))
        return view

    def _add_edge(self, template: _Template, item: StepInput, ref: OutputRef) -> None:
        upstream = self._known(template, ref.step_key)
        is_dynamic = upstream.outputs.get(ref.output_name)
        if is_dynamic is None:
            raise InternalError(
                "a step of a plan reads an output that its step does not have",
                facts={"step": template.key, "output": f"{ref.step_key}.{ref.output_name}"},
            )
        positions, is_group = self._view(template, upstream)
        mapped = is_dynamic and (ref.step_key, ref.output_name) in template.positions
        names_none = is_dynamic and ref.mapping_key is None and not mapped
        if (is_group or names_none) and not isinstance(item.source, OrderOnly) and not _has_collected(item.source):
            raise InternalError(
                "a step reads one value of a fan-out that it is not mapped over",
                facts={"step": template.key, "input": item.name, "output": f"{ref.step_key}.{ref.output_name}"},
            )
        if is_group or names_none or ref.mapping_key is not None:
            template.is_plain = False  # whether the source is there is more than whether the output was yielded
        if not mapped:  # otherwise the copies are only made once it was yielded
            template.edges.append(_Edge(upstream, positions, ref.output_name, is_group))

    def _add_node(
        self, template: _Template, mapping: _Mapping, refs: tuple[OutputRef, ...], key: str, branch: _Branch | None
    ) -> _Node:
        """A new instance, connected with what it waits for. All of that exists: upstream steps fan out before those below them."""
        self._sequence += 1
        node = _Node(template, mapping, refs, key, branch, self._sequence)
        template.instances[mapping] = node
        self._nodes[key] = node
        self._open += 1
        for edge in template.edges:
            own = _pick(mapping, edge.positions)
            if edge.is_group:
                group = edge.upstream.branches[own]
                if group.open:
                    group.waiters.append(node)
                    node.waiting += 1
                continue
            upstream = edge.upstream.instances[own]
            if not upstream.status.is_finished:
                if upstream.dependents is _NO_NODES:
                    upstream.dependents, upstream.tokens = [node], [edge.token]
                else:
                    upstream.dependents.append(node)
                    upstream.tokens.append(edge.token)
                node.waiting += 1
            elif edge.token not in upstream.produced:
                node.is_spoiled = True
        return node

    def _add_branch(
        self,
        template: _Template,
        mapping: _Mapping,
        refs: tuple[OutputRef, ...],
        key: str,
        parent: _Branch | None,
        ended: list[_Node],
        out: list[Instruction],
    ) -> _Branch:
        branch = _Branch(template, mapping, refs, key, parent)
        template.branches[mapping] = branch
        self._branches[key] = branch
        self._open += 1
        level = template.levels[len(mapping)]
        producer = level.upstream.instances[_pick(mapping, level.positions)]
        if producer.branches is _NO_BRANCHES:
            producer.branches = []
        producer.branches.append(branch)
        if producer.status.is_finished:
            # A level whose keys were known before this branch was: two fan-outs side by side.
            self._fan_out(branch, producer, ended, out)
        return branch

    # --- how steps end ---

    def _note_output(self, node: _Node, stimulus: OutputProduced) -> list[Instruction]:
        name, mapping_key = stimulus.output_name, stimulus.mapping_key
        is_dynamic = node.template.outputs.get(name)
        if is_dynamic is None or is_dynamic is (mapping_key is None):
            raise InternalError(
                "a step yielded an output that its plan does not have",
                facts={"step": node.key, "output": name, "mapping key": mapping_key},
            )
        if node.produced is _NOTHING:
            node.produced = {}
        if mapping_key is None:
            node.produced[name] = _NO_KEYS
        else:
            node.produced.setdefault(name, {})[mapping_key] = None
        return []

    def _note_left_out(self, node: _Node, stimulus: OutputLeftOut) -> list[Instruction]:
        if stimulus.output_name not in node.template.outputs:
            raise InternalError(
                "a step left out an output that its plan does not have",
                facts={"step": node.key, "output": stimulus.output_name},
            )
        if node.left_out is None:
            node.left_out = {}
        node.left_out[stimulus.output_name] = stimulus.reason
        return []

    def _note_check(self, node: _Node, stimulus: CheckEvaluated) -> list[Instruction]:
        check = stimulus.check_key
        if not stimulus.passed and stimulus.severity is AssetCheckSeverity.ERROR:
            if node.blocking_failures is None:
                node.blocking_failures = set()
            node.blocking_failures.add(check)
            node.produced.pop(check, None)
        elif node.blocking_failures is None or check not in node.blocking_failures:
            if node.produced is _NOTHING:
                node.produced = {}
            node.produced[check] = _NO_KEYS
        return []

    def _succeed(self, node: _Node) -> list[Instruction]:
        out: list[Instruction] = []
        del self._running[node.key]
        node.status = StepStatus.SUCCEEDED
        self._succeeded += 1
        self._open -= 1
        branch = node.branch
        if branch is not None and branch.open > 1 and node.dependents is _NO_NODES and node.branches is _NO_BRANCHES:
            branch.open -= 1  # one of many copies that only a list waits for
            node.plan = None
        else:
            self._spread([node], out)
        if not self._open:
            self._finish_if_done(out)
        return out

    def _fail(self, node: _Node, stimulus: StepFailed) -> list[Instruction]:
        out: list[Instruction] = []
        del self._running[node.key]
        node.produced = _NOTHING
        node.blocking_failures = None
        node.left_out = None
        delay = None
        if self._retries_enabled and stimulus.allow_retries and not self.is_closing:
            failure = AttemptFailure(stimulus.classes, stimulus.exit_reason, stimulus.elapsed_seconds)
            policy = node.template.step.retry_policy
            delay = next_retry(node.attempt, policy, stimulus.retry, self._jitter, failure)
        if delay is not None:
            node.status = StepStatus.UP_FOR_RETRY
            self._up_for_retry += 1
            return [RetryLater(node.key, node.attempt + 1, delay)]
        self._fail_for_good(node, out)
        self._spread([node], out)
        self._finish_if_done(out)
        return out

    def _skip_itself(self, node: _Node, stimulus: SkipAsked) -> list[Instruction]:
        del self._running[node.key]
        node.produced = _NOTHING
        node.left_out = None
        node.status = StepStatus.SKIPPED
        node.root = stimulus.reason
        self._skipped += 1
        self._open -= 1
        out: list[Instruction] = [SkipStep(node.key, stimulus.reason)]
        self._spread([node], out)
        self._finish_if_done(out)
        return out

    def _fail_for_good(self, node: _Node, out: list[Instruction]) -> None:
        node.status = StepStatus.FAILED
        self._failed.append(node.key)
        self._open -= 1
        out.append(FailStep(node.key))

    def _interrupt(self, node: _Node) -> list[Instruction]:
        out: list[Instruction] = []
        del self._running[node.key]
        node.produced = _NOTHING
        node.status = StepStatus.CANCELED
        self._interrupted.append(node.key)
        self._canceled += 1
        self._open -= 1
        self._spread([node], out)
        self._finish_if_done(out)
        return out

    # --- what follows ---

    def _spread(self, ended: list[_Node], out: list[Instruction]) -> None:
        """Carry the end of each step in `ended` to those that waited for it, and on to those that are skipped thereby."""
        for node in ended:  # grows while it is walked; no recursion, chains may be long
            node.plan = None
            for branch in node.branches:
                if branch.status is StepStatus.PENDING:
                    self._fan_out(branch, node, ended, out)
            produced = node.produced
            for dependent, token in zip(node.dependents, node.tokens, strict=True):
                if token not in produced:
                    dependent.is_spoiled = True
                dependent.waiting -= 1
                if not dependent.waiting:
                    self._decide(dependent, ended, out)
            node.dependents, node.tokens, node.branches = _NO_NODES, _NO_TOKENS, _NO_BRANCHES
            if node.branch is not None:
                self._close_child(node.branch, ended, out)

    def _close_child(self, branch: _Branch | None, ended: list[_Node], out: list[Instruction]) -> None:
        while branch is not None:
            branch.open -= 1
            if branch.open:
                return
            for waiter in branch.waiters:
                waiter.waiting -= 1
                if not waiter.waiting:
                    self._decide(waiter, ended, out)
            branch = branch.parent

    def _fan_out(self, branch: _Branch, producer: _Node, ended: list[_Node], out: list[Instruction]) -> None:
        """Make the copies of a branch whose mapping keys are known now, or skip it where there are none."""
        template = branch.template
        depth = len(branch.mapping)
        name = template.fan_out[depth].output_name
        if producer.status is StepStatus.SUCCEEDED:
            keys = producer.produced.get(name, {})
            if keys:
                branch.status = None
                del self._branches[branch.key]
                self._open -= 1
                branch.open = len(keys)
                is_leaf = depth + 1 == len(template.levels)
                for mapping_key in keys:
                    mapping = (*branch.mapping, mapping_key)
                    refs = (*branch.refs, OutputRef(producer.key, name, mapping_key))
                    key = f"{branch.key}[{mapping_key}]"
                    if not is_leaf:
                        branch.children.append(self._add_branch(template, mapping, refs, key, branch, ended, out))
                        continue
                    node = self._add_node(template, mapping, refs, key, branch)
                    branch.children.append(node)
                    if not node.waiting:
                        self._decide(node, ended, out)
                return
            branch.is_empty = True
            branch.root = f'dynamic output "{name}" of step "{producer.key}" is empty'
            text = branch.root
        else:
            loss, branch.is_by_failure = self._loss(producer, name)
            text, branch.root = loss.text, loss.root
        branch.status = StepStatus.SKIPPED
        self._skipped += 1
        self._open -= 1
        out.append(SkipStep(branch.key, text, (producer.key,), branch.is_by_failure))
        self._close_child(branch, ended, out)

    def _decide(self, node: _Node, ended: list[_Node], out: list[Instruction]) -> None:
        """Everything the step waits for has ended: it becomes ready or is skipped."""
        if node.status is not StepStatus.PENDING:
            return  # the run was cancelled meanwhile
        if node.is_spoiled:
            losses, by_failure = self._weigh(node)
            if losses:
                first = losses[0]
                causes = tuple(dict.fromkeys(loss.key for loss in losses))
                more = len(causes) - 1
                text = first.text + (f", and {more} more" if more else "")
                node.status = StepStatus.SKIPPED
                node.is_by_failure = by_failure
                node.root = first.root
                self._skipped += 1
                self._open -= 1
                out.append(SkipStep(node.key, text, causes, by_failure))
                ended.append(node)
                return
        elif not node.mapping:
            node.plan = node.template.step
        self._make_ready(node)

    def _make_ready(self, node: _Node) -> None:
        node.status = StepStatus.READY
        template = node.template
        heap = self._ready.get(template.lane)
        if heap is None:
            heap = self._ready[template.lane] = []
        heappush(heap, (-template.priority, template.index, node.sequence, node))

    # --- weighing the rules ---

    def _weigh(self, node: _Node) -> tuple[list[_Loss], bool]:
        """What keeps the step from running, and whether that is a failure. Where nothing does, its plan is set."""
        absent: list[_Loss] = []
        broken = self._blocks(node)
        is_any, any_produced = False, 0
        any_absent: list[_Loss] = []
        any_broken: list[_Loss] = []
        inputs: list[StepInput] = []
        for item in node.template.step.inputs:
            tally = _Tally()
            source = item.source
            bound: InputSource = source
            if isinstance(source, FromCollected):
                bound = FromMany(self._list(node, (source,), tally))
            elif isinstance(source, FromMany):
                bound = FromMany(self._list(node, source.sources, tally))
            elif isinstance(source, OrderOnly):
                if not source.refs:  # waits for nothing in this run: its rule has nothing to say
                    inputs.append(item)
                    continue
                for ref in source.refs:
                    self._ordered(node, ref, tally)
            else:
                bound = self._single(node, source, tally) or FromDefault()
            rule = item.rule
            if rule is EdgeRule.ALL_SUCCEEDED:
                broken += tally.broken
                if not (tally.produced and isinstance(bound, FromMany)):
                    absent += tally.absent
            elif rule is EdgeRule.ANY_SUCCEEDED:
                is_any = True
                any_produced += tally.produced
                any_absent += tally.absent
                any_broken += tally.broken
            elif rule is EdgeRule.OPTIONAL:
                broken += tally.broken
            inputs.append(item if bound is source else replace(item, source=bound))
        if is_any and not any_produced:
            absent += any_absent
            broken += any_broken
            if not any_absent and not any_broken:
                names = some_of(one.name for one in node.template.step.inputs if one.rule is EdgeRule.ANY_SUCCEEDED)
                text = f"nothing was produced for any of its inputs {names}"
                absent.append(_Loss(node.key, text, text))
        if not absent and not broken:
            node.plan = self._with_inputs(node, tuple(inputs))
        return broken + absent, bool(broken)

    def _blocks(self, node: _Node) -> list[_Loss]:
        losses: list[_Loss] = []
        for block in node.template.step.blocked_by:
            for upstream in self._ends_of(node, block.step_key):
                if block.check_key in _produced(upstream):
                    continue
                name = block.check_key.to_user_string()
                if isinstance(upstream, _Branch) and upstream.is_empty:
                    continue  # nothing was there to be checked
                if upstream.status is not StepStatus.SUCCEEDED:
                    loss, _ = self._loss(upstream, "")
                    losses.append(_Loss(loss.key, f'{BLOCKING_CHECK}"{name}" gave no answer: {loss.text}', loss.root))
                    continue
                failures = upstream.blocking_failures if isinstance(upstream, _Node) else None
                ended = "failed" if failures and block.check_key in failures else "gave no answer"
                text = f'{BLOCKING_CHECK}"{name}" {ended}'
                self._blocking[block.check_key] = None
                losses.append(_Loss(upstream.key, text, text))
        return losses

    def _single(self, node: _Node, source: InputSource, tally: _Tally) -> InputSource | None:
        """`source` as it is for this instance, or None if it is not there."""
        if isinstance(source, FromAbsent):
            text = f'output "{source.output_name}" of step "{source.step_key}" was absent in the run that is repeated'
            tally.absent.append(_Loss(source.step_key, text, text))
            return None
        if not isinstance(source, FromOutput) or source.ref.run_id is not None:
            tally.produced += not isinstance(source, FromDefault)  # a default is nothing that a step produced
            return source
        ref = source.ref
        upstream = self._instance(node, ref.step_key)
        keys = upstream.produced.get(ref.output_name)
        if keys is not None and (ref.mapping_key is None or ref.mapping_key in keys):
            tally.produced += 1
            return self._bind(node, source)
        self._count_loss(upstream, ref.output_name, tally)
        return None

    def _list(self, node: _Node, sources: Iterable[InputSource], tally: _Tally) -> tuple[InputSource, ...]:
        """The sources of a list that are there, in order, collected ones flattened in their place."""
        present: list[InputSource] = []
        for source in sources:
            if isinstance(source, FromCollected) and source.ref.run_id is None:
                self._collect(node, source.ref, present, tally)
            elif isinstance(source, FromMany):
                present.append(FromMany(self._list(node, source.sources, tally)))
            else:
                one = self._single(node, source, tally)
                if one is not None:
                    present.append(one)
        return tuple(present)

    def _collect(self, node: _Node, ref: OutputRef, present: list[InputSource], tally: _Tally) -> None:
        is_dynamic = self._templates[ref.step_key].outputs[ref.output_name]
        before = len(present)
        for upstream in self._ends_of(node, ref.step_key):
            keys = _produced(upstream).get(ref.output_name)
            if keys is None:
                if upstream.status is StepStatus.SUCCEEDED and is_dynamic:
                    continue  # empty
                self._count_loss(upstream, ref.output_name, tally)
            elif is_dynamic:
                present.extend(FromOutput(OutputRef(upstream.key, ref.output_name, key)) for key in keys)
            else:
                present.append(FromOutput(OutputRef(upstream.key, ref.output_name)))
        tally.produced += len(present) - before

    def _ordered(self, node: _Node, ref: OutputRef, tally: _Tally) -> None:
        """Whether what an order-only input waits for has come about: like a list for a fan-out, otherwise like a value."""
        if ref.run_id is not None:
            tally.produced += 1
            return
        is_dynamic = self._templates[ref.step_key].outputs[ref.output_name]
        inner = _Tally()
        for upstream in self._ends_of(node, ref.step_key):
            if ref.output_name in _produced(upstream) or (is_dynamic and upstream.status is StepStatus.SUCCEEDED):
                inner.produced += 1
            else:
                self._count_loss(upstream, ref.output_name, inner)
        tally.produced += 1 if inner.produced else 0
        tally.broken += inner.broken
        if not inner.produced:
            tally.absent += inner.absent

    def _count_loss(self, upstream: _Node | _Branch, output_name: str, tally: _Tally) -> None:
        if isinstance(upstream, _Branch) and upstream.is_empty:
            return
        loss, is_broken = self._loss(upstream, output_name)
        (tally.broken if is_broken else tally.absent).append(loss)

    def _loss(self, upstream: _Node | _Branch, output_name: str) -> tuple[_Loss, bool]:
        """Why `upstream` did not produce, and whether it is broken (True) or merely absent."""
        key, status = upstream.key, upstream.status
        if status is StepStatus.SKIPPED:
            return _Loss(key, f'step "{key}" was skipped ({upstream.root})', upstream.root), upstream.is_by_failure
        if status is StepStatus.SUCCEEDED:
            reason = upstream.left_out.get(output_name) if isinstance(upstream, _Node) and upstream.left_out else None
            if reason is not None:
                return _Loss(key, f'step "{key}" left out output "{output_name}" ({reason})', reason), False
            text = f'step "{key}" did not yield output "{output_name}"'
            return _Loss(key, text, text), False
        text = f'step "{key}" failed' if status is StepStatus.FAILED else f'step "{key}" was interrupted'
        return _Loss(key, text, text), True

    def _instance(self, node: _Node, step_key: str) -> _Node:
        return self._templates[step_key].instances[
            _pick(node.mapping, node.template.views.get(step_key, _WHOLE_STEP)[0])
        ]

    def _ends_of(self, node: _Node, step_key: str) -> Iterator[_Node | _Branch]:
        """The instances of a step that `node` can see, in order: its own copy, or all below it and the branches that never fanned out."""
        upstream = self._templates[step_key]
        positions, is_group = node.template.views.get(step_key, _WHOLE_STEP)
        own = _pick(node.mapping, positions)
        if not is_group:
            yield upstream.instances[own]
            return
        stack: list[_Node | _Branch] = [upstream.branches[own]]
        while stack:
            one = stack.pop()
            if isinstance(one, _Branch) and one.status is None:
                stack.extend(reversed(one.children))
            else:
                yield one

    # --- copies ---

    def _copy(self, node: _Node) -> StepPlan:
        """The plan of a copy all of whose sources were produced."""
        inputs = []
        for item in node.template.step.inputs:
            bound = self._bind(node, item.source)
            inputs.append(item if bound is item.source else replace(item, source=bound))
        return self._with_inputs(node, tuple(inputs))

    def _with_inputs(self, node: _Node, inputs: tuple[StepInput, ...]) -> StepPlan:
        step = node.template.step
        if not node.mapping:
            return replace(step, inputs=inputs)
        return replace(step, key=node.key, inputs=inputs, fan_out=node.refs)

    def _bind(self, node: _Node, source: InputSource) -> InputSource:
        """`source` as the instance `node` sees it: the keys of copies for those of templates. Collected sources never come here."""
        if not node.mapping:
            return source
        if isinstance(source, FromOutput):
            ref = source.ref
            if ref.run_id is not None or ref.mapping_key is not None:
                return source
            template = node.template
            place = template.positions.get((ref.step_key, ref.output_name))
            if place is not None:
                return FromOutput(node.refs[len(template.bound) + place])
            if ref.step_key not in template.views:
                return source  # a plain step
            return FromOutput(OutputRef(self._instance(node, ref.step_key).key, ref.output_name))
        if isinstance(source, FromMany):
            return FromMany(tuple([self._bind(node, one) for one in source.sources]))
        return source

    # --- ending the run ---

    def _cancel(self, stimulus: CancelRequested) -> list[Instruction]:
        if self._cancel_requested:
            return self._ignore(stimulus, "the run is being cancelled already")
        self._cancel_requested = True
        out: list[Instruction] = [CancelStep(key, is_running=True) for key in self._running]
        for unfinished in self._close():
            unfinished.status = StepStatus.CANCELED
            self._canceled += 1
            self._open -= 1
            out.append(CancelStep(unfinished.key, is_running=False))
        self._finish_if_done(out)
        return out

    def _abort(self, stimulus: RunAborted) -> list[Instruction]:
        if self.is_closing:
            return self._ignore(stimulus, "the run is ending already")
        self._aborted = stimulus
        reason = f"the run was aborted: {stimulus.message}" if stimulus.message else "the run was aborted"
        out: list[Instruction] = []
        for unfinished in self._close():
            if isinstance(unfinished, _Node) and unfinished.status is StepStatus.UP_FOR_RETRY:
                self._fail_for_good(unfinished, out)
                continue
            unfinished.status = StepStatus.SKIPPED
            unfinished.is_by_failure = True
            unfinished.root = reason
            self._skipped += 1
            self._open -= 1
            out.append(SkipStep(unfinished.key, reason, (), by_failure=True))
        self._finish_if_done(out)
        return out

    def _close(self) -> list[_Node | _Branch]:
        """Let nothing further start; what has neither ended nor is running is handed to the caller to end."""
        self._ready = {}
        self._up_for_retry = 0
        nodes = [
            node
            for node in self._nodes.values()
            if not node.status.is_finished and node.status is not StepStatus.RUNNING
        ]
        return [*nodes, *(one for one in self._branches.values() if one.status is StepStatus.PENDING)]

    def _finish_if_done(self, out: list[Instruction]) -> None:
        if self._open or self._finish is not None:
            return
        failed = tuple(self._failed)
        if self._aborted is not None:  # comes first: what broke the run says more than who gave it up
            finish = FinishRun(RunStatus.FAILURE, self._aborted.reason, self._aborted.message, failed)
        elif self._cancel_requested:
            finish = FinishRun(RunStatus.CANCELED, None, "the run was cancelled", failed)
        elif failed:
            finish = FinishRun(RunStatus.FAILURE, FailureReason.STEP_FAILED, _failure_text(failed), failed)
        elif self._blocking:
            names = some_of(key.to_user_string() for key in self._blocking)
            text = f"blocking checks did not pass: {names}"
            finish = FinishRun(RunStatus.FAILURE, FailureReason.CHECK_FAILED, text, failed)
        elif self._interrupted:
            finish = FinishRun(RunStatus.CANCELED, None, f"steps were interrupted: {some_of(self._interrupted)}")
        else:
            finish = FinishRun(RunStatus.SUCCESS)
        self._finish = finish
        out.append(finish)

    def _ignore(self, stimulus: Stimulus, why: str) -> list[Instruction]:
        self._ignored.append(Ignored(stimulus, why))
        self._ignored_count += 1
        return []


def _pick(mapping: _Mapping, positions: tuple[int, ...]) -> _Mapping:
    if not positions:
        return ()
    if len(positions) == len(mapping):
        return mapping  # positions grow, so these are all of them
    return tuple([mapping[place] for place in positions])


def _produced(end: _Node | _Branch) -> Mapping[_Token, dict[str, None]]:
    return end.produced if isinstance(end, _Node) else {}


def _has_collected(source: InputSource) -> bool:
    if isinstance(source, FromMany):
        return any(map(_has_collected, source.sources))
    return isinstance(source, FromCollected)


def _has_absent(source: InputSource) -> bool:
    if isinstance(source, FromMany):
        return any(map(_has_absent, source.sources))
    return isinstance(source, FromAbsent)


def priority_of(tags: Mapping[str, str]) -> int:
    """The priority of a step by its tags: see `PRIORITY_TAGS`."""
    for name in PRIORITY_TAGS:
        text = tags.get(name)
        if text is not None:
            digits = text[1:] if text[:1] in ("-", "+") else text
            return int(text) if digits.isdecimal() else 0
    return 0


def _failure_text(failed: Sequence[str]) -> str:
    if len(failed) == 1:
        return f'step "{failed[0]}" failed'
    return f"{len(failed)} steps failed: {some_of(failed)}"
