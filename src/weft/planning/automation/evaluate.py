"""One evaluation of automation: every condition once, in topological order, over the state of one moment.

Targets are evaluated after what they are made from, so that a condition may ask what this same evaluation requests upstream. Every node is
evaluated for *candidates*, the part of its target that still matters: each child of an ``&`` sees only what the ones before it left over. Nodes that
remember something (`Since`, `NewlyTrue`, changes of version) always look at the whole target, because a change that nobody asked about would
be lost.

A node is known by its target and its path in the expression. What it remembers is kept for the target whose condition it belongs to,
since a node below `DepsMatch` is evaluated for many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from weft.errors import InternalError
from weft.model.assets import AssetGraph
from weft.model.automation import (
    And,
    AnyDownstreamConditions,
    AssetMatches,
    BackfillInProgress,
    CheckResult,
    ChecksMatch,
    CodeVersionChanged,
    Condition,
    CronTickPassed,
    Custom,
    DataVersionChanged,
    DepsMatch,
    ExecutedWithRootTarget,
    ExecutedWithTags,
    ExecutionFailed,
    FreshnessIs,
    InitialEvaluation,
    InLatestTimeWindow,
    JobRootsMatch,
    Labelled,
    Missing,
    NewlyRequested,
    NewlyTrue,
    NewlyUpdated,
    NewUpdatesHaveTags,
    Not,
    Or,
    RunInProgress,
    Since,
    WillBeRequested,
)
from weft.model.codec import encode
from weft.model.cron_schedule import CronSchedule
from weft.model.keys import AssetCheckKey, AssetJobKey, AssetKey
from weft.model.partitions.definitions import PartitionsDefinition
from weft.model.partitions.mappings import PartitionMapping
from weft.planning.automation.dependencies import Dependencies, latest_windows
from weft.planning.automation.state import (
    AutomationCursor,
    AutomationState,
    MakingRun,
    NodeState,
    Target,
    TargetState,
    Update,
    target_name,
)
from weft.planning.automation.subset import Scope, Subset
from weft.planning.selection import Selector


class NodeEvaluation(Struct, frozen=True):
    """How one node came out: of how many candidates, for how many it is true, and the nodes below it."""

    node: Condition
    candidates: int
    true: Subset
    children: tuple[NodeEvaluation, ...] = ()
    # Which target it was evaluated for, where that is not the one above it.
    target: Target | None = None


class TargetEvaluation(Struct, frozen=True):
    """How the condition of one target came out."""

    target: Target
    requested: Subset
    tree: NodeEvaluation


class AutomationEvaluation(Struct, frozen=True):
    """What one evaluation requests. `evaluations` are those of the targets that have a condition; `requested` holds besides what can only be
    made together with them."""

    cursor: AutomationCursor
    requested: Mapping[Target, Subset]
    evaluations: Mapping[Target, TargetEvaluation]


class CustomQuestion(Struct, frozen=True):
    """What a condition of the user's own is asked: about which part of which target, when."""

    node: Custom
    target: Target
    candidates: Subset
    previous_true: Subset
    previous_text: str | None
    time: float
    graph: AssetGraph


class CustomAnswer(Struct, frozen=True):
    """Where a condition of the user's own is true, and what it wants to remember."""

    true: Subset
    text: str | None = None


AskCustom = Callable[[CustomQuestion], CustomAnswer]


def evaluate_automation(
    graph: AssetGraph,
    conditions: Mapping[Target, Condition],
    state: AutomationState,
    *,
    now: float,
    cursor: AutomationCursor | None = None,
    partitions: Mapping[Target, PartitionsDefinition] | None = None,
    custom_mappings: Mapping[tuple[AssetKey, AssetKey], PartitionMapping] | None = None,
    job_assets: Mapping[str, frozenset[AssetKey]] | None = None,
    ask_custom: AskCustom | None = None,
    dynamic: object | None = None,
) -> AutomationEvaluation:
    """Evaluate every condition once.

    Args:
        graph: all assets and checks.
        conditions: the targets to evaluate, with their conditions.
        state: the state of the world.
        now: the time of the evaluation, seconds since the epoch.
        cursor: what the previous evaluation left; None in the first one.
        partitions: definitions of partitions that `graph` cannot describe (of the user's own), by target.
        custom_mappings: partition mappings that `graph` cannot describe, by downstream and upstream key.
        job_assets: what each job makes, for conditions of jobs.
        ask_custom: evaluates conditions of the user's own, where the user's code is.
        dynamic: the store of dynamic partitions.
    """
    previous = cursor if cursor is not None else AutomationCursor()
    dependencies = Dependencies(graph, now, dynamic, partitions or {}, custom_mappings or {})
    evaluation = _Evaluation(graph, conditions, state, previous, now, dependencies, dict(job_assets or {}), ask_custom)
    return evaluation.run()


class _Place(Struct, frozen=True):
    """Where in whose expression a node stands, and for which target it is evaluated there."""

    root: Target
    path: str
    target: Target

    def child(self, number: int) -> _Place:
        return _Place(self.root, f"{self.path}.{number}", self.target)

    def at(self, target: Target) -> _Place:
        return _Place(self.root, f"{self.path}[{target_name(target)}]", target)


class _Evaluation:
    """The work of one evaluation."""

    def __init__(
        self,
        graph: AssetGraph,
        conditions: Mapping[Target, Condition],
        state: AutomationState,
        previous: AutomationCursor,
        now: float,
        dependencies: Dependencies,
        job_assets: Mapping[str, frozenset[AssetKey]],
        ask_custom: AskCustom | None,
    ) -> None:
        self._graph = graph
        self._conditions = conditions
        self._state = state
        self._previous = previous
        self._now = now
        self._deps = dependencies
        self._job_assets = job_assets
        self._ask_custom = ask_custom
        self._selector = Selector(graph, allow_missing=True)
        self._requested: dict[Target, Subset] = {}
        self._remembered: dict[Target, dict[str, NodeState]] = {}
        self._digests: dict[Target, str] = {}
        self._initial: dict[Target, bool] = {}
        # Downstream conditions that are being evaluated for an upstream target: they must not ask each other in a circle.
        self._asking: list[Target] = []

    def run(self) -> AutomationEvaluation:
        evaluations: dict[Target, TargetEvaluation] = {}
        for target in self._in_order():
            condition = self._conditions[target]
            scope = self._scope(target)
            tree = self._evaluate(condition, _Place(target, "0", target), scope.everything)
            requested = tree.true | self._requested[target] if target in self._requested else tree.true
            if requested:
                self._requested[target] = requested
                self._request_neighbours(target, requested)
            evaluations[target] = TargetEvaluation(target, requested, tree)
        for target, made in evaluations.items():
            whole = self._requested.get(target, made.requested)
            if whole is not made.requested:
                evaluations[target] = TargetEvaluation(target, whole, made.tree)
        targets = {
            target_name(target): TargetState(
                self._digest(target),
                self._scope(target).everything.encode(),
                self._requested[target].encode() if target in self._requested else self._scope(target).nothing.encode(),
                self._remembered.get(target, {}),
            )
            for target in self._conditions
        }
        for target in self._requested.keys() - self._conditions.keys():
            targets[target_name(target)] = TargetState("", requested=self._requested[target].encode())
        cursor = AutomationCursor(
            evaluation=self._previous.evaluation + 1,
            time=self._now,
            event_id=self._state.latest_event_id,
            targets=targets,
        )
        return AutomationEvaluation(cursor, self._requested, evaluations)

    def _in_order(self) -> Iterable[Target]:
        checks = {key for key in self._conditions if isinstance(key, AssetCheckKey)}
        for key in self._graph.keys:
            if key in self._conditions:
                yield key
            for check in self._graph.checks_of(key) if checks else ():
                if check in checks:
                    yield check
        yield from (key for key in self._conditions if isinstance(key, AssetJobKey))

    def _request_neighbours(self, target: Target, requested: Subset) -> None:
        """What one function makes as a whole is requested as a whole."""
        if not isinstance(target, AssetKey):
            return
        for neighbour in self._deps.made_together(target):
            scope = self._scope(neighbour)
            same = scope.of(requested.held) if scope.definition == requested.scope.definition else scope.everything
            held = self._requested.get(neighbour)
            self._requested[neighbour] = same if held is None else held | same

    # --- nodes -------------------------------------------------------------------------------------------------------

    def _evaluate(self, node: Condition, place: _Place, candidates: Subset) -> NodeEvaluation:
        """Where `node` is true, within `candidates`."""
        children: tuple[NodeEvaluation, ...] = ()
        if isinstance(node, Labelled):
            inner = self._evaluate(node.child, place.child(0), candidates)
            true, children = inner.true, (inner,)
        elif isinstance(node, And):
            true, children = self._and(node, place, candidates)
        elif isinstance(node, Or):
            found = [self._evaluate(child, place.child(i), candidates) for i, child in enumerate(node.children)]
            true, children = _union(candidates.scope.nothing, [one.true for one in found]), tuple(found)
        elif isinstance(node, Not):
            inner = self._evaluate(node.child, place.child(0), candidates)
            true, children = candidates - inner.true, (inner,)
        elif isinstance(node, NewlyTrue):
            inner = self._evaluate(node.child, place.child(0), candidates.scope.everything)
            before = candidates.scope.decode(self._recall(place).subset)
            self._remember(place, inner.true)
            true, children = (inner.true - before) & candidates, (inner,)
        elif isinstance(node, Since):
            true, children = self._since(node, place, candidates)
        elif isinstance(node, DepsMatch):
            true, children = self._deps_match(node, place, candidates)
        elif isinstance(node, ChecksMatch):
            true, children = self._checks_match(node, place, candidates)
        elif isinstance(node, AssetMatches):
            true, children = self._asset_matches(node, place, candidates)
        elif isinstance(node, JobRootsMatch):
            true, children = self._job_roots_match(node, place, candidates)
        elif isinstance(node, AnyDownstreamConditions):
            true, children = self._downstream_conditions(place, candidates)
        else:
            true = self._operand(node, place, candidates) & candidates
        return NodeEvaluation(node, candidates.size, true, children)

    def _and(self, node: And, place: _Place, candidates: Subset) -> tuple[Subset, tuple[NodeEvaluation, ...]]:
        left = candidates
        children = []
        for number, child in enumerate(node.children):
            # Nodes that remember look at everything by themselves, also where nothing is left over.
            found = self._evaluate(child, place.child(number), left)
            left = found.true
            children.append(found)
        return left, tuple(children)

    def _since(self, node: Since, place: _Place, candidates: Subset) -> tuple[Subset, tuple[NodeEvaluation, ...]]:
        scope = candidates.scope
        trigger = self._evaluate(node.trigger, place.child(0), scope.everything)
        reset = self._evaluate(node.reset, place.child(1), scope.everything)
        held = ((scope.decode(self._recall(place).subset) | trigger.true) - reset.true) & scope.everything
        self._remember(place, held)
        return held & candidates, (trigger, reset)

    def _deps_match(
        self, node: DepsMatch, place: _Place, candidates: Subset
    ) -> tuple[Subset, tuple[NodeEvaluation, ...]]:
        scope = candidates.scope
        true = candidates if node.require_all else scope.nothing
        children = []
        for key in self._upstream(node, place.target):
            link = self._deps.link(place.target, key, through_virtual=node.through_virtual)
            upstream, absent = link.upstream(candidates)
            inner = self._evaluate(node.child, place.at(key), upstream)
            children.append(NodeEvaluation(inner.node, inner.candidates, inner.true, inner.children, key))
            matching = link.downstream(inner.true) & candidates
            if absent and _holds_for_absent(node.child):
                matching = matching | absent
            true = true & matching if node.require_all else true | matching
        return true, tuple(children)

    def _upstream(self, node: DepsMatch, target: Target) -> Sequence[AssetKey]:
        keys = self._deps.upstream_of(target, through_virtual=node.through_virtual)
        if node.allow is not None:
            allowed = self._selector.assets(node.allow)
            keys = [key for key in keys if key in allowed]
        if node.ignore is not None:
            ignored = self._selector.assets(node.ignore)
            keys = [key for key in keys if key not in ignored]
        return keys

    def _checks_match(
        self, node: ChecksMatch, place: _Place, candidates: Subset
    ) -> tuple[Subset, tuple[NodeEvaluation, ...]]:
        scope = candidates.scope
        true = candidates if node.require_all else scope.nothing
        children = []
        for key in self._graph.checks_of(place.target) if isinstance(place.target, AssetKey) else ():
            if node.blocking_only and not self._graph.checks[key].blocking:
                continue
            check_scope = self._scope(key)
            there = _carried(candidates, check_scope)
            inner = self._evaluate(node.child, place.at(key), there)
            children.append(NodeEvaluation(inner.node, inner.candidates, inner.true, inner.children, key))
            matching = _carried(inner.true, scope) & candidates
            true = true & matching if node.require_all else true | matching
        return true, tuple(children)

    def _asset_matches(
        self, node: AssetMatches, place: _Place, candidates: Subset
    ) -> tuple[Subset, tuple[NodeEvaluation, ...]]:
        if self._graph.get(node.asset_key) is None:
            return candidates.scope.nothing, ()
        link = self._deps.link(place.target, node.asset_key)
        upstream, _ = link.upstream(candidates)
        inner = self._evaluate(node.child, place.at(node.asset_key), upstream)
        found = NodeEvaluation(inner.node, inner.candidates, inner.true, inner.children, node.asset_key)
        return link.downstream(inner.true) & candidates, (found,)

    def _job_roots_match(
        self, node: JobRootsMatch, place: _Place, candidates: Subset
    ) -> tuple[Subset, tuple[NodeEvaluation, ...]]:
        scope = candidates.scope
        made = self._job_assets.get(place.target.job_name, frozenset()) if isinstance(place.target, AssetJobKey) else ()
        roots = [
            key
            for key in self._graph.keys
            if key in made and not any(up in made and up != key for up in self._graph.upstream(key))
        ]
        true = candidates if node.require_all and roots else scope.nothing
        children = []
        for key in roots:
            inner = self._evaluate(node.child, place.at(key), _carried(candidates, self._scope(key)))
            children.append(NodeEvaluation(inner.node, inner.candidates, inner.true, inner.children, key))
            matching = _carried(inner.true, scope) & candidates
            true = true & matching if node.require_all else true | matching
        return true, tuple(children)

    def _downstream_conditions(self, place: _Place, candidates: Subset) -> tuple[Subset, tuple[NodeEvaluation, ...]]:
        target = place.target
        true = candidates.scope.nothing
        children = []
        if not isinstance(target, AssetKey) or target in self._asking:
            return true, ()
        self._asking.append(target)
        try:
            for key in self._graph.downstream(target):
                condition = self._conditions.get(key)
                if condition is None:
                    continue
                link = self._deps.link(key, target)
                inner = self._evaluate(condition, place.at(key), link.downstream(candidates))
                children.append(NodeEvaluation(inner.node, inner.candidates, inner.true, inner.children, key))
                true = true | (link.upstream(inner.true)[0] & candidates)
        finally:
            self._asking.pop()
        return true, tuple(children)

    # --- operands ----------------------------------------------------------------------------------------------------

    def _operand(self, node: Condition, place: _Place, candidates: Subset) -> Subset:
        target, scope, state = place.target, candidates.scope, self._state
        if isinstance(node, Missing):
            if isinstance(target, AssetKey) and not self._can_be_missing(target):
                return scope.nothing
            return scope.everything - state.made(target, scope)
        if isinstance(node, NewlyUpdated):
            return _union(scope.nothing, [update.subset for update in self._updates(target, scope)])
        if isinstance(node, NewlyRequested):
            before = self._previous.targets.get(target_name(target))
            return scope.decode(before.requested) if before is not None else scope.nothing
        if isinstance(node, WillBeRequested):
            return self._requested.get(target, scope.nothing)
        if isinstance(node, RunInProgress):
            return state.run_in_progress(target, scope)
        if isinstance(node, BackfillInProgress):
            return state.backfill_in_progress(target, scope)
        if isinstance(node, ExecutionFailed):
            return state.failed(target, scope)
        if isinstance(node, InitialEvaluation):
            return scope.of(self._is_initial(place.root))
        if isinstance(node, InLatestTimeWindow):
            return latest_windows(scope, node.lookback_seconds)
        if isinstance(node, CronTickPassed):
            latest = CronSchedule((node.cron_schedule,), node.timezone).latest(self._now)
            passed = self._previous.time is not None and latest is not None and latest > self._previous.time
            return scope.of(passed and not self._is_initial(place.root))
        if isinstance(node, CheckResult):
            return self._check_result(node, target, candidates)
        if isinstance(node, FreshnessIs):
            return scope.of(isinstance(target, AssetKey) and state.freshness(target) == node.state)
        return self._versions_and_runs(node, place, candidates)

    def _versions_and_runs(self, node: Condition, place: _Place, candidates: Subset) -> Subset:
        target, scope = place.target, candidates.scope
        if isinstance(node, CodeVersionChanged):
            return self._code_version_changed(place, scope)
        if isinstance(node, DataVersionChanged):
            changed = [update.changed for update in self._updates(target, scope) if update.changed is not None]
            return _union(scope.nothing, changed)
        if isinstance(node, ExecutedWithRootTarget):
            return self._by_run(target, candidates, lambda run: _makes(run, place.root))
        if isinstance(node, ExecutedWithTags):
            return self._by_run(target, candidates, lambda run: _has_tags(run, node.tag_keys, node.tag_values))
        if isinstance(node, NewUpdatesHaveTags):
            return self._new_updates_have_tags(node, target, scope)
        if isinstance(node, Custom):
            return self._custom(node, place, candidates)
        raise InternalError(f"automation cannot evaluate {type(node).__name__}")

    def _can_be_missing(self, key: AssetKey) -> bool:
        """Of an external asset of which nothing was ever recorded, nothing can be known: it does not hold others up."""
        node = self._graph.get(key)
        if node is None:
            return False
        return node.is_materializable or node.is_observable or self._state.has_records(key)

    def _updates(self, target: Target, scope: Scope) -> Sequence[Update]:
        if self._previous.time is None:
            return ()
        return self._state.updates(target, scope, self._previous.event_id)

    def _code_version_changed(self, place: _Place, scope: Scope) -> Subset:
        node = self._graph.get(place.target) if isinstance(place.target, AssetKey) else None
        version = (node.code_version if node is not None else None) or ""
        before = self._recall(place).text
        self._remembered.setdefault(place.root, {})[place.path] = NodeState(text=version)
        return scope.of(before is not None and before != version)

    def _by_run(self, target: Target, candidates: Subset, holds: Callable[[MakingRun], bool]) -> Subset:
        """Those candidates whose latest run `holds`."""
        scope = candidates.scope
        if scope.definition is None:
            run = self._state.latest_run(target, None) if candidates else None
            return scope.of(run is not None and holds(run))
        keys = []
        for key in candidates.partition_keys():
            run = self._state.latest_run(target, key)
            if run is not None and holds(run):
                keys.append(key)
        return scope.of_keys(keys)

    def _check_result(self, node: CheckResult, target: Target, candidates: Subset) -> Subset:
        scope = candidates.scope
        if not isinstance(target, AssetCheckKey):
            return scope.nothing
        if scope.definition is None:
            return scope.of(self._state.check_passed(target, None) is node.passed)
        keys = candidates.partition_keys()
        return scope.of_keys([key for key in keys if self._state.check_passed(target, key) is node.passed])

    def _new_updates_have_tags(self, node: NewUpdatesHaveTags, target: Target, scope: Scope) -> Subset:
        having, lacking = scope.nothing, scope.nothing
        for update in self._updates(target, scope):
            if update.run is not None and _has_tags(update.run, node.tag_keys, node.tag_values):
                having = having | update.subset
            else:
                lacking = lacking | update.subset
        return having - lacking if node.require_all else having

    def _custom(self, node: Custom, place: _Place, candidates: Subset) -> Subset:
        if self._ask_custom is None:
            raise InternalError(
                f'the condition "{node.name}" is the user\'s own and was evaluated without their code.',
                facts={"target": target_name(place.target)},
            )
        memory = self._recall(place)
        question = CustomQuestion(
            node,
            place.target,
            candidates,
            candidates.scope.decode(memory.subset),
            memory.text,
            self._now,
            self._graph,
        )
        answer = self._ask_custom(question)
        held = answer.true & candidates
        self._remembered.setdefault(place.root, {})[place.path] = NodeState(held.encode(), answer.text)
        return held

    # --- memory ------------------------------------------------------------------------------------------------------

    def _scope(self, target: Target) -> Scope:
        return self._deps.scope(target)

    def _digest(self, target: Target) -> str:
        found = self._digests.get(target)
        if found is None:
            data = encode(self._conditions[target])
            found = self._digests[target] = hashlib.sha256(data).hexdigest()[:32]
        return found

    def _is_initial(self, root: Target) -> bool:
        found = self._initial.get(root)
        if found is None:
            before = self._previous.targets.get(target_name(root))
            found = self._initial[root] = (
                before is None
                or before.expression != self._digest(root)
                # What was remembered of other partitions means nothing.
                or not self._scope(root).understands(before.existing)
            )
        return found

    def _recall(self, place: _Place) -> NodeState:
        if self._is_initial(place.root):
            return _NOTHING
        return self._previous.targets[target_name(place.root)].nodes.get(place.path, _NOTHING)

    def _remember(self, place: _Place, subset: Subset) -> None:
        if subset:
            self._remembered.setdefault(place.root, {})[place.path] = NodeState(subset.encode())


_NOTHING = NodeState()


def _union(nothing: Subset, parts: Iterable[Subset]) -> Subset:
    found = nothing
    for part in parts:
        found = found | part
    return found


def _carried(subset: Subset, scope: Scope) -> Subset:
    """A part of one target as the same part of another that is divided in the same way; otherwise all of it, where there is any."""
    if subset.scope.definition == scope.definition:
        return scope.of(subset.held)
    return scope.of(bool(subset))


def _makes(run: MakingRun, target: Target) -> bool:
    return target in run.assets or target in run.checks


def _has_tags(run: MakingRun, keys: Sequence[str], values: Sequence[tuple[str, str]]) -> bool:
    return all(key in run.tags for key in keys) and all(run.tags.get(key) == value for key, value in values)


def _holds_for_absent(node: Condition) -> bool:
    """Whether a condition is true of a partition that is needed but does not exist (yet): nothing is known of it but that it is missing."""
    if isinstance(node, Labelled):
        return _holds_for_absent(node.child)
    if isinstance(node, Not):
        return not _holds_for_absent(node.child)
    if isinstance(node, And):
        return all(_holds_for_absent(child) for child in node.children)
    if isinstance(node, Or):
        return any(_holds_for_absent(child) for child in node.children)
    return isinstance(node, Missing)
