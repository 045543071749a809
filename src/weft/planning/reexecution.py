"""Running a run again, wholly or in part: which steps, and where the others' outputs come from.

The plan of a re-execution is the parent's plan with the steps to run again selected; what they read from steps that do not run again is the
value stored by the run that made it (`OutputRef.run_id`): the parent, or, where the parent itself took it from an earlier run, that one.

Each step of the parent's plan is looked at as its *instances*: itself, or the copies that its fan-out had in the parent, as far as they
are known. Known mapping keys are written out: a copy that runs again becomes a step of its own (``clean[eu]``), lists collected from the
fan-out name each copy. So only those copies run again that have to. Where the step that yields the mapping keys runs again itself, they are
not known, and the rest of the fan-out stays a template below the keys that are (``leaf[eu]``).

What was absent in the parent stays absent (`FromAbsent`): a step that runs again but needs an output which was not yielded is skipped
again, unless its rule can do without. A step that was skipped for such a reason, or by its own code, is left alone if nothing above it runs
again.

One pass over the plan in topological order; the cost is linear in its instances and their inputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from enum import Enum
from typing import TypeAlias

from msgspec.structs import replace

from weft.errors import InternalError, SelectionError, some_of
from weft.model.keys import AssetCheckKey
from weft.model.plan import (
    BlockedBy,
    EdgeRule,
    FromAbsent,
    FromAsset,
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
from weft.model.step import Step, StepStatus
from weft.planning.run_machine import BLOCKING_CHECK
from weft.planning.selection.legacy import parse_clauses
from weft.planning.step_selection import StepGraph


class ReexecutionStrategy(Enum):
    """What of a run is run again."""

    # Everything that the parent's plan selects.
    ALL = "all"
    # What failed, was cancelled or never ran, what was skipped because of that, and everything below these.
    FROM_FAILURE = "from_failure"
    # The steps that are named.
    SELECTED = "selected"


_Mapping: TypeAlias = tuple[str, ...]

_COPY = re.compile(r"(?P<template>[^\[\]]+)\[(?P<keys>[^\[\]]*(?:\]\[[^\[\]]*)*)\]")


class _State(Enum):
    AGAIN = "again"  # runs again
    STORED = "stored"  # its outputs are taken from the run that made them
    ABSENT = "absent"  # it was skipped because of a branch that was not taken, and would be again
    UNAVAILABLE = "unavailable"  # it has no outputs and does not run: it failed, or something above it did


class _Instance:
    """A step, a copy of it, or the part of its fan-out below some mapping keys that is not known, or never was."""

    __slots__ = ("key", "mapping", "outputs", "run_id", "state")

    def __init__(self, key: str, mapping: _Mapping, state: _State) -> None:
        self.key = key
        self.mapping = mapping
        self.state = state
        # Where it is STORED: what it yielded with mapping keys (None: not known), and the run that did.
        self.outputs: Mapping[str, tuple[str, ...]] | None = None
        self.run_id: str | None = None


class _Family:
    """All instances of one step of the plan, in the order of their mapping keys."""

    __slots__ = ("at", "by_prefix", "is_dynamic", "known", "levels", "step")

    def __init__(self, step: StepPlan) -> None:
        self.step = step
        # The levels of its fan-out that are known from the plan, and those that it is mapped over.
        self.known = tuple([ref for ref in step.fan_out if ref.mapping_key is not None])
        self.levels = step.fan_out[len(self.known) :]
        self.is_dynamic = {output.name: output.is_dynamic for output in step.outputs}
        # Mapping keys to the instance that ends there, and to all the instances at and below them.
        self.at: dict[_Mapping, _Instance] = {}
        self.by_prefix: dict[_Mapping, list[_Instance]] = {}

    def add(self, key: str, mapping: _Mapping, state: _State) -> _Instance:
        instance = self.at[mapping] = _Instance(key, mapping, state)
        for length in range(len(mapping) + 1):
            self.by_prefix.setdefault(mapping[:length], []).append(instance)
        return instance

    def below(self, mapping: _Mapping) -> list[_Instance]:
        """The instances at and below `mapping`, or the one that ends above it."""
        found = self.by_prefix.get(mapping)
        if found is not None:
            return found
        for length in range(len(mapping) - 1, -1, -1):
            if mapping[:length] in self.at:
                return [self.at[mapping[:length]]]
        return []


class _Place:
    """An instance about to be decided: its step, its mapping keys, and what they stand for."""

    __slots__ = ("bound", "family", "key", "mapping")

    def __init__(self, family: _Family, key: str, mapping: _Mapping, bound: tuple[OutputRef, ...]) -> None:
        self.family = family
        self.key = key
        self.mapping = mapping
        # For each mapping key, the value of the dynamic output that it stands for.
        self.bound = bound

    @property
    def is_whole(self) -> bool:
        return len(self.mapping) == len(self.family.levels)


class _Tally:
    """What the sources of one input come to."""

    __slots__ = ("absent", "broken", "is_again", "present")

    def __init__(self) -> None:
        self.present = 0
        self.absent = 0
        self.broken: list[str] = []
        self.is_again = False


class _Connected:
    """The inputs of an instance in the new run, and what is missing of them."""

    __slots__ = ("broken", "inputs", "is_absent", "is_again")

    def __init__(self) -> None:
        self.inputs: list[StepInput] = []
        # Whether something that it needs is absent.
        self.is_absent = False
        # Steps whose outputs it needs and that have none.
        self.broken: list[str] = []
        # Whether something that it waits for runs again.
        self.is_again = False


def plan_reexecution(
    plan: RunPlan,
    parent_steps: Sequence[Step],
    parent_run_id: str,
    *,
    strategy: ReexecutionStrategy,
    selection: Sequence[str] | None = None,
    failed_checks: AbstractSet[AssetCheckKey] | None = None,
    may_be_empty: bool = False,
) -> RunPlan:
    """The plan of a run that repeats another.

    Args:
        plan: the plan of the parent run. To repeat a chain of re-executions from its very beginning, give the plan of its first run.
        parent_steps: how each step of the parent ended; those that are missing never ran.
        parent_run_id: the parent.
        strategy: what runs again.
        selection: for SELECTED: names of steps, or of copies (``clean[eu]``), in the old syntax (`weft.planning.selection.legacy`). A
            walk from a copy keeps to copies with the same mapping keys as far as the fan-out is the same.
        failed_checks: the checks that the parent evaluated and that did not pass with severity ERROR. A step that was kept back runs
            again together with the blocking checks among them. None: not known; then with all the blocking checks that may have kept it back.
        may_be_empty: whether a plan that runs nothing is an answer: the parent was killed behind the success of its last step, and to repeat
            it is to find that all is done.

    Raises:
        SelectionError: (WEFT-S012, S013) the selection cannot be read or names no step; (WEFT-S015) a selected step needs an output
            that does not exist; (WEFT-S016) there is nothing to run again, unless `may_be_empty`.
    """
    if strategy is ReexecutionStrategy.ALL:
        return plan
    chosen = None
    if strategy is ReexecutionStrategy.SELECTED:
        chosen = _read_selection(plan, selection or (), {step.key for step in parent_steps})
    repeated = _Replanner(plan, parent_steps, parent_run_id, chosen, failed_checks).plan()
    if not repeated.selected and not may_be_empty:
        raise SelectionError(
            "there is nothing to run again.",
            code="WEFT-S016",
            facts={"run": parent_run_id},
            fix="name steps that should run again, or run all of them again",
        )
    return repeated


def _read_selection(plan: RunPlan, selection: Sequence[str], known: AbstractSet[str]) -> dict[str, list[_Mapping]]:
    """The selected steps, each with the mapping keys below which its copies are selected; ``()`` for all of them."""
    graph = StepGraph(plan)
    families = {step.key: _Family(step) for step in plan.steps}
    chosen: dict[str, list[_Mapping]] = {}
    for clause in [clause for text in selection for clause in parse_clauses(text)]:
        copy = _COPY.fullmatch(clause.name)
        if copy is None or clause.name in families:
            for key in graph.around(graph.named(clause.name), clause):
                chosen.setdefault(key, []).append(())
            continue
        start = families.get(copy["template"])
        mapping = tuple(copy["keys"].split("]["))
        if start is None or not any(one == clause.name or one.startswith(f"{clause.name}[") for one in known):
            graph.refuse(clause.name)
        for key in graph.around({start.step.key}, clause):
            chosen.setdefault(key, []).append(mapping[: _shared_levels(start, families[key])])
    if not chosen:
        graph.refuse("")
    return chosen


class _Replanner:
    def __init__(
        self,
        plan: RunPlan,
        parent_steps: Sequence[Step],
        parent_run_id: str,
        chosen: Mapping[str, Sequence[_Mapping]] | None,
        failed_checks: AbstractSet[AssetCheckKey] | None,
    ) -> None:
        self._plan = plan
        self._ended = {step.key: step for step in parent_steps}
        self._run_id = parent_run_id
        self._chosen = chosen
        self._ran = {step.key for step in plan.steps} if plan.selected is None else set(plan.selected)
        # The runs that steps of the plan which the parent did not run have their outputs from.
        self._older = {ref.step_key: ref.run_id for step in plan.steps for ref in _refs(step) if ref.run_id is not None}
        self._families: dict[str, _Family] = {}
        self._again: set[str] = set()
        self._planned: list[StepPlan] = []
        self._forced = self._checks_to_repeat(failed_checks) if chosen is None else set()

    def plan(self) -> RunPlan:
        steps: list[StepPlan] = []
        for step in self._plan.steps:
            family = self._families[step.key] = _Family(step)
            self._planned = []
            source = self._unfold(_Place(family, step.key, (), ())) or step
            if step.key not in self._again:
                steps.append(source)
            steps += self._planned
        selected = tuple([step.key for step in steps if step.key in self._again])
        return RunPlan(job_name=self._plan.job_name, steps=tuple(steps), selected=selected)

    # --- what runs again ---

    def _checks_to_repeat(self, failed: AbstractSet[AssetCheckKey] | None) -> set[str]:
        """The steps of blocking checks that have to run again for what they guard to run."""
        copies: dict[str, list[Step]] = {}
        for key, ended in self._ended.items():
            copies.setdefault(key.split("[", 1)[0], []).append(ended)
        found: set[str] = set()
        for step in self._plan.steps:
            if not step.blocked_by or step.key not in self._ran:
                continue
            ends = [self._ended[step.key]] if step.key in self._ended else copies.get(step.key, ())
            guilty = [block for block in step.blocked_by if failed is not None and block.check_key in failed]
            if not guilty and _may_be_held_back(ends, checks_are_known=failed is not None):
                guilty = list(step.blocked_by)
            found.update(block.step_key for block in guilty)
        return found

    def _unfold(self, place: _Place) -> StepPlan | None:
        """Find the instances at and below a place. Returns the step as a mere source of outputs, where it is one and is not a template."""
        if place.is_whole:
            return self._decide(place)
        level = place.family.levels[len(place.mapping)]
        producer = self._only(place, level.step_key)
        wanted = self._is_chosen(place) if self._chosen is not None else place.family.step.key in self._ran
        if producer.state is _State.AGAIN and wanted:
            self._decide(place)
            return None
        outputs, run_id = producer.outputs, producer.run_id
        ended = self._ended.get(producer.key)
        if producer.state is _State.AGAIN and ended is not None and ended.status is StepStatus.SUCCEEDED:
            # It runs again, but these copies do not: they are what they were in the parent.
            outputs, run_id = ended.outputs, self._run_id
        if outputs is not None:
            for mapping_key in outputs.get(level.output_name, ()):
                self._unfold(
                    _Place(
                        place.family,
                        f"{place.key}[{mapping_key}]",
                        (*place.mapping, mapping_key),
                        (*place.bound, OutputRef(producer.key, level.output_name, mapping_key, run_id)),
                    )
                )
            return None
        state = _State.ABSENT if producer.state is _State.ABSENT else _State.UNAVAILABLE
        place.family.add(place.key, place.mapping, state)
        if wanted and self._chosen is not None and state is _State.UNAVAILABLE:
            self._refuse(place.key, [producer.key])
        return None

    def _decide(self, place: _Place) -> StepPlan | None:
        family, key = place.family, place.key
        connected = self._connect(place)
        ended = self._ended.get(key)
        if self._chosen is not None:
            wanted = self._is_chosen(place)
        else:
            wanted = family.step.key in self._ran and (
                connected.is_again
                or family.step.key in self._forced
                or ended is None
                or (ended.status is StepStatus.SKIPPED and not connected.is_absent and not _skipped_itself(ended))
                or ended.status not in (StepStatus.SUCCEEDED, StepStatus.SKIPPED)
            )
        if wanted and connected.broken and self._chosen is not None:
            self._refuse(key, connected.broken)
        if wanted and not connected.broken:
            family.add(key, place.mapping, _State.AGAIN)
            self._again.add(key)
            self._planned.append(self._planned_step(place, connected))
            return None
        if not wanted and ended is not None and ended.status is StepStatus.SUCCEEDED:
            instance = family.add(key, place.mapping, _State.STORED)
            instance.outputs, instance.run_id = ended.outputs, self._run_id
        elif not wanted and ended is None and key in self._older:
            family.add(key, place.mapping, _State.STORED).run_id = self._older[key]
        else:
            is_absent = not connected.broken and (connected.is_absent or (ended is not None and _skipped_itself(ended)))
            family.add(key, place.mapping, _State.ABSENT if is_absent else _State.UNAVAILABLE)
        if connected.is_again or connected.broken or connected.is_absent or family.levels:
            return None
        return replace(family.step, inputs=tuple(connected.inputs))

    def _is_chosen(self, place: _Place) -> bool:
        """Whether the selection names the instance, or something below it."""
        assert self._chosen is not None
        mapping = place.mapping
        return any(mapping[: len(one)] == one[: len(mapping)] for one in self._chosen.get(place.family.step.key, ()))

    def _planned_step(self, place: _Place, connected: _Connected) -> StepPlan:
        family = place.family
        left = [
            OutputRef(self._only(place, level.step_key).key, level.output_name)
            for level in family.levels[len(place.mapping) :]
        ]
        blocked_by = [
            BlockedBy(instance.key, block.check_key)
            for block in family.step.blocked_by
            for instance in self._seen(place, block.step_key)
            if instance.state is _State.AGAIN
        ]
        return replace(
            family.step,
            key=place.key,
            inputs=tuple(connected.inputs),
            fan_out=(*family.known, *place.bound, *left),
            blocked_by=tuple(blocked_by),
        )

    def _refuse(self, key: str, missing: Sequence[str]) -> None:
        names = some_of(dict.fromkeys(missing))
        raise SelectionError(
            f'"{key}" cannot run again alone: it needs outputs that run {self._run_id} does not have.',
            code="WEFT-S015",
            facts={"without outputs": names},
            fix=f"run {names} again too, or everything from the failure",
        )

    # --- what it reads ---

    def _connect(self, place: _Place) -> _Connected:
        connected = _Connected()
        connected.is_again = not place.is_whole  # the step that yields the next mapping keys
        any_tally: _Tally | None = None
        originals = place.family.step.inputs
        for item in originals:
            tally = _Tally()
            bound = self._bound(place, item, tally)
            connected.inputs.append(item if bound == item.source else replace(item, source=bound))
            connected.is_again = connected.is_again or tally.is_again
            if item.rule is EdgeRule.ANY_SUCCEEDED:
                any_tally = any_tally or _Tally()
                any_tally.present += tally.present
                any_tally.absent += tally.absent
                any_tally.broken += tally.broken
            elif item.rule is EdgeRule.ALL_SUCCEEDED:
                connected.broken += tally.broken
                is_short_list = tally.present > 0 and isinstance(bound, (FromMany, FromCollected))
                connected.is_absent = connected.is_absent or (tally.absent > 0 and not is_short_list)
            elif item.rule is EdgeRule.OPTIONAL:
                connected.broken += tally.broken
        if any_tally is not None and not any_tally.present:
            connected.broken += any_tally.broken
            connected.is_absent = True
            connected.inputs = [
                _absent_group(item, original) for item, original in zip(connected.inputs, originals, strict=True)
            ]
        for block in place.family.step.blocked_by:
            instances = self._seen(place, block.step_key)
            connected.is_again = connected.is_again or any(one.state is _State.AGAIN for one in instances)
        return connected

    def _bound(self, place: _Place, item: StepInput, tally: _Tally) -> InputSource:
        source = item.source
        if isinstance(source, FromCollected):
            present = self._collect(place, source, tally)
            return present[0] if len(present) == 1 and isinstance(present[0], FromCollected) else FromMany(present)
        if isinstance(source, FromMany):
            return self._list(place, source, tally)
        if isinstance(source, OrderOnly):
            return self._ordered(place, item, source, tally)
        one = self._single(place, source, tally)
        if one is not None:
            return one
        if item.asset_key is not None and self._chosen is not None:
            # Whoever names a step wants it made from what there is: the asset may have been stored by any run.
            tally.broken = []
            tally.present = 1
            return FromAsset(item.asset_key)
        return FromDefault()  # broken: its rule does without, or the step does not run

    def _list(self, place: _Place, source: FromMany, tally: _Tally) -> FromMany:
        present: list[InputSource] = []
        for one in source.sources:
            if isinstance(one, FromCollected):
                present.extend(self._collect(place, one, tally))
            elif isinstance(one, FromMany):
                present.append(self._list(place, one, tally))
            elif (found := self._single(place, one, tally)) is not None:
                present.append(found)
        return FromMany(tuple(present))

    def _single(self, place: _Place, source: InputSource, tally: _Tally) -> InputSource | None:
        if isinstance(source, FromAbsent):
            tally.absent += 1
            return source
        if not isinstance(source, FromOutput):
            tally.present += not isinstance(source, FromDefault)
            return source
        ref = source.ref
        if ref.run_id is not None:  # from an earlier run, unless its step runs again now
            tally.present += 1
            if ref.step_key not in self._again:
                return source
            tally.is_again = True
            return FromOutput(OutputRef(ref.step_key, ref.output_name, ref.mapping_key))
        for level, bound in zip(place.family.levels, place.bound, strict=False):
            if (level.step_key, level.output_name) == (ref.step_key, ref.output_name):
                tally.present += 1
                return FromOutput(bound)
        instance = self._only(place, ref.step_key)
        found = self._value(instance, ref.output_name, ref.mapping_key, tally)
        return FromOutput(found) if isinstance(found, OutputRef) else found

    def _value(
        self, instance: _Instance, name: str, mapping_key: str | None, tally: _Tally
    ) -> OutputRef | FromAbsent | None:
        """The output of an instance in the new run; None where it cannot be had."""
        if instance.state is _State.AGAIN:
            tally.present += 1
            tally.is_again = True
            return OutputRef(instance.key, name, mapping_key)
        if instance.state is _State.STORED:
            outputs = instance.outputs
            if outputs is None or (name in outputs and (mapping_key is None or mapping_key in outputs[name])):
                tally.present += 1
                return OutputRef(instance.key, name, mapping_key, instance.run_id)
        elif instance.state is _State.UNAVAILABLE:
            tally.broken.append(instance.key)
            return None
        tally.absent += 1
        return FromAbsent(instance.key, name)

    def _collect(self, place: _Place, source: FromCollected, tally: _Tally) -> tuple[InputSource, ...]:
        """The sources of a collected fan-out: each known value, and the parts that are only known once they have run."""
        ref = source.ref
        family = self._family(ref.step_key)
        is_dynamic = family.is_dynamic[ref.output_name]
        found: list[InputSource] = []
        for instance in self._seen(place, ref.step_key):
            is_part = len(instance.mapping) < len(family.levels)
            if instance.state is _State.AGAIN and (is_part or is_dynamic):
                tally.present += 1
                tally.is_again = True
                found.append(FromCollected(OutputRef(instance.key, ref.output_name)))
            elif instance.state is _State.STORED and is_dynamic:
                keys = self._keys_of(instance, ref.output_name, tally)
                tally.present += len(keys)
                found += [FromOutput(OutputRef(instance.key, ref.output_name, key, instance.run_id)) for key in keys]
            elif (value := self._value(instance, ref.output_name, None, tally)) is not None:
                found.append(FromOutput(value) if isinstance(value, OutputRef) else value)
        return tuple(found)

    def _keys_of(self, instance: _Instance, name: str, tally: _Tally) -> tuple[str, ...]:
        if instance.outputs is None:
            tally.broken.append(instance.key)
            return ()
        return instance.outputs.get(name, ())

    def _ordered(self, place: _Place, item: StepInput, source: OrderOnly, tally: _Tally) -> OrderOnly | FromAbsent:
        """What is left to wait for. Of a fan-out that is a list: it came about if any of it did."""
        refs: list[OutputRef] = []
        absent: FromAbsent | None = None
        for ref in source.refs:
            if ref.run_id is not None:
                tally.present += 1
                refs.append(OutputRef(ref.step_key, ref.output_name) if ref.step_key in self._again else ref)
                tally.is_again = tally.is_again or ref.step_key in self._again
                continue
            inner = _Tally()
            is_dynamic = self._family(ref.step_key).is_dynamic[ref.output_name]
            for instance in self._seen(place, ref.step_key):
                if instance.state is _State.STORED and is_dynamic:
                    inner.present += 1  # even without values it has run
                    refs.append(OutputRef(instance.key, ref.output_name, None, instance.run_id))
                elif isinstance(value := self._value(instance, ref.output_name, None, inner), OutputRef):
                    refs.append(value)
            tally.present += inner.present > 0
            if inner.absent and not inner.present:
                tally.absent += 1
                absent = FromAbsent(ref.step_key, ref.output_name)
            tally.broken += inner.broken
            tally.is_again = tally.is_again or inner.is_again
        if tally.broken and item.asset_key is not None and self._chosen is not None:
            tally.broken = []  # as for a loaded asset
        needs_all = item.rule is EdgeRule.ALL_SUCCEEDED
        return absent if absent is not None and needs_all else OrderOnly(tuple(refs))

    # --- finding instances ---

    def _family(self, step_key: str) -> _Family:
        family = self._families.get(step_key)
        if family is None:
            raise InternalError("a plan names a step that does not come before", facts={"step": step_key})
        return family

    def _seen(self, place: _Place, step_key: str) -> list[_Instance]:
        """The instances of a step that one place can see: that with its own mapping keys, or all below them."""
        family = self._family(step_key)
        return family.below(place.mapping[: _shared_levels(place.family, family)])

    def _only(self, place: _Place, step_key: str) -> _Instance:
        """The one instance of a step with the mapping keys of a place."""
        found = self._seen(place, step_key)
        if len(found) == 1:
            return found[0]
        if not found:  # the parent ended before its mapping keys were known
            return _Instance(step_key, (), _State.UNAVAILABLE)
        raise InternalError("a step reads one value of a fan-out", facts={"step": place.key, "from": step_key})


def _absent_group(item: StepInput, original: StepInput) -> StepInput:
    """An input of a group of ANY_SUCCEEDED of which nothing was produced. Its list may be empty; that is no success either."""
    refs = upstream_refs(original.source)
    if item.rule is not EdgeRule.ANY_SUCCEEDED or not refs:
        return item
    return replace(item, source=FromAbsent(refs[0].step_key, refs[0].output_name))


def _may_be_held_back(ends: Sequence[Step], *, checks_are_known: bool) -> bool:
    """Whether a blocking check that is not known to have failed may have kept a step (or copies of it) from running."""
    if checks_are_known:  # it may have given no answer
        return any((ended.skip_reason or "").startswith(BLOCKING_CHECK) for ended in ends)
    return not ends or any(
        (ended.skip_reason or BLOCKING_CHECK).startswith(BLOCKING_CHECK)
        if ended.status is StepStatus.SKIPPED
        else ended.started_at is None  # one that was started was let pass
        for ended in ends
    )


def _skipped_itself(ended: Step) -> bool:
    """Whether the step's own code found nothing to do: only such a step was started and skipped."""
    return ended.status is StepStatus.SKIPPED and ended.started_at is not None


def _shared_levels(one: _Family, other: _Family) -> int:
    """How many levels two fan-outs have in common, from the outermost."""
    count = 0
    for mine, theirs in zip(one.levels, other.levels, strict=False):
        if (mine.step_key, mine.output_name) != (theirs.step_key, theirs.output_name):
            break
        count += 1
    return count


def _refs(step: StepPlan) -> Iterable[OutputRef]:
    for item in step.inputs:
        yield from upstream_refs(item.source)
    yield from step.fan_out
