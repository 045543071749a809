"""From what is asked for to the plan of a run: which units run, in which order, what each step reads and waits for.

A `ComputeUnit` is written as if nothing else ran. Planning a run of assets chooses the units, points every input whose asset the same run
makes at the step that makes it, lets steps wait for the blocking checks of what they read, and orders everything topologically.

Units are ordered by Kahn's algorithm over *atoms*: a unit that runs as a whole is one atom; of a multi-asset that may be run in part each
output is one, because it has dependencies of its own. A unit is taken as soon as all its atoms are ready, in the order of declaration. Only
when no unit is, some unit has to run before and after another: then what is ready of a unit that may be split runs as one step, and
the rest later as another (``name``, ``name_2``). So nothing is ever split without need. Where nothing can be split there is a cycle.

All of it is linear in units, inputs and checks (splitting apart).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from heapq import heappop, heappush
from typing import NoReturn

from msgspec.structs import replace

from weft.errors import DefinitionError, SelectionError, some_of
from weft.model.assets import AssetGraph
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.plan import (
    BlockedBy,
    ComputeUnit,
    FromAsset,
    FromCollected,
    FromConfig,
    FromDefault,
    FromMany,
    FromOutput,
    InputSource,
    OrderOnly,
    OutputRef,
    RunPlan,
    StepInput,
    StepOutputPlan,
    StepPlan,
    upstream_refs,
)
from weft.planning.step_selection import StepGraph


class _Atom:
    """The smallest part of a unit that can be ordered on its own."""

    __slots__ = ("after", "assets", "checks", "needs", "part", "waiting")

    def __init__(
        self, part: _Part, assets: tuple[AssetKey, ...], checks: tuple[AssetCheckKey, ...], needs: Iterable[AssetKey]
    ) -> None:
        self.part = part
        self.assets = assets
        self.checks = checks
        # The assets it reads or is ordered after.
        self.needs = tuple(dict.fromkeys(needs))
        # Atoms of other units that wait for this one.
        self.after: list[_Atom] = []
        self.waiting = 0


class _Part:
    """What a run takes of one unit."""

    __slots__ = ("index", "is_splittable", "left", "pending", "steps_made", "unit")

    def __init__(self, index: int, unit: ComputeUnit) -> None:
        self.index = index
        self.unit = unit
        self.is_splittable = unit.can_subset and len(unit.steps) == 1
        self.left: list[_Atom] = []
        # How many of `left` wait for other units.
        self.pending = 0
        self.steps_made = 0


def plan_assets(
    units: Sequence[ComputeUnit],
    graph: AssetGraph,
    *,
    assets: AbstractSet[AssetKey],
    checks: AbstractSet[AssetCheckKey],
    job_name: str,
) -> RunPlan:
    """The plan of a run that makes `assets` and evaluates `checks`.

    Only the units that make any of these are taken. What no unit makes (external assets) is left out; inputs from assets that this run
    does not make stay `FromAsset`, to be loaded by their I/O managers. Of a unit that may run in part only the selected outputs are
    planned; of another, checks of the same step come along even where they are not selected.

    Args:
        units: everything that could run, in the order of declaration.
        graph: the assets and checks of the same definitions.
        assets: what to make.
        checks: what to evaluate.
        job_name: the job, for the record.

    Raises:
        SelectionError: (WEFT-S010) a unit that only runs as a whole is selected in part; (WEFT-S011) nothing is left to run.
        DefinitionError: (WEFT-D300) units that only run as a whole would each have to run before the other.
    """
    parts = _choose(units, graph, assets, checks)
    if not parts:
        selected = [*sorted(map(_name, assets)), *sorted(key.to_user_string() for key in checks)]
        raise SelectionError(
            "the selection holds nothing that a run can make.",
            code="WEFT-S011",
            facts={"selected": some_of(selected)},
            fix="select assets or checks that these definitions compute",
        )
    makers = _Makers(parts, graph)
    names = {step.key for part in parts for step in part.unit.steps}
    if any(part.is_splittable for part in parts):
        # A part of a step must not take the name of another definition either: its body is found by its name.
        names.update(node.op_name for node in graph if node.op_name is not None)
        names.update(check.op_name for check in graph.checks.values() if check.op_name is not None)
    wiring = _Wiring(makers)
    for part, atoms in _ordered(parts, makers):
        wiring.add(_steps_of(part, atoms, makers.by_asset, names))
    return RunPlan(job_name=job_name, steps=tuple(wiring.steps))


def select_ops(plan: RunPlan, selection: Sequence[str]) -> RunPlan:
    """The part of a job's plan that `selection` names, as a plan of its own.

    What a selected step reads from one that is not selected has to come from elsewhere: an asset is loaded from storage; any other input
    becomes `FromConfig`, so that the run configuration (or the input's default or manager) gives it. A list keeps the sources that are
    selected. Order and blocking checks of steps that are not selected no longer count.

    Args:
        plan: the plan of the whole job.
        selection: names of steps, or of graphs for all steps inside, in the old syntax (`weft.planning.selection.legacy`).

    Raises:
        SelectionError: (WEFT-S012) a clause cannot be read; (WEFT-S013) a name is no step; (WEFT-S014) a step is mapped over a
            dynamic output of a step that is not selected.
    """
    chosen = StepGraph(plan).select(selection)
    steps: list[StepPlan] = []
    for step in plan.steps:
        if step.key not in chosen:
            continue
        for ref in step.fan_out:
            if ref.step_key not in chosen:
                raise SelectionError(
                    f'"{step.key}" runs once for each value of "{ref.step_key}", which is not selected.',
                    code="WEFT-S014",
                    facts={"selection": some_of(selection)},
                    fix=f'select "{ref.step_key}" too',
                )
        inputs = tuple([_without_unselected(step, item, chosen) for item in step.inputs])
        blocked_by = tuple([block for block in step.blocked_by if block.step_key in chosen])
        steps.append(replace(step, inputs=inputs, blocked_by=blocked_by))
    return RunPlan(job_name=plan.job_name, steps=tuple(steps))


def _without_unselected(step: StepPlan, item: StepInput, chosen: AbstractSet[str]) -> StepInput:
    source = _selected_source(item.source, chosen)
    if source is item.source:
        return item
    if source is None:
        if item.asset_key is not None:
            source = FromAsset(item.asset_key)
        else:
            path = tuple(part for name in step.key.split(".") for part in ("ops", name))
            source = FromConfig((*path, "inputs", item.name))
    return replace(item, source=source)


def _selected_source(source: InputSource, chosen: AbstractSet[str]) -> InputSource | None:
    """`source` without steps that are not chosen; None where nothing is left."""
    if isinstance(source, (FromOutput, FromCollected)):
        return source if source.ref.step_key in chosen or source.ref.run_id is not None else None
    if isinstance(source, OrderOnly):
        refs = tuple([ref for ref in source.refs if ref.step_key in chosen or ref.run_id is not None])
        return source if len(refs) == len(source.refs) else OrderOnly(refs)
    if isinstance(source, FromMany):
        kept = [_selected_source(one, chosen) for one in source.sources]
        present = tuple([one for one in kept if one is not None])
        if present == source.sources:
            return source
        return FromMany(present) if present else None
    return source


# --- what runs -------------------------------------------------------------------------------------------------------


def _choose(
    units: Sequence[ComputeUnit], graph: AssetGraph, assets: AbstractSet[AssetKey], checks: AbstractSet[AssetCheckKey]
) -> list[_Part]:
    parts: list[_Part] = []
    for unit in units:
        chosen_assets = tuple(key for key in unit.asset_keys if key in assets)
        chosen_checks = tuple(key for key in unit.check_keys if key in checks)
        if not chosen_assets and not chosen_checks:
            continue
        if not unit.can_subset:
            _check_whole(unit, chosen_assets)
            chosen_checks = unit.check_keys
        part = _Part(len(parts), unit)
        if part.is_splittable:
            part.left = _atoms(part, graph, chosen_assets, chosen_checks)
        else:
            part.left = [_Atom(part, chosen_assets, chosen_checks, _read_by(unit))]
        parts.append(part)
    return parts


def _check_whole(unit: ComputeUnit, chosen: tuple[AssetKey, ...]) -> None:
    if len(chosen) == len(unit.asset_keys):
        return
    names = some_of(_name(key) for key in unit.asset_keys if key not in chosen)
    raise SelectionError(
        f'"{unit.name}" makes its assets together, and only some of them are selected.'
        if chosen
        else f'"{unit.name}" evaluates its checks together with its assets, and only checks are selected.',
        code="WEFT-S010",
        facts={"selected": some_of(map(_name, chosen)), "missing": names},
        fix=f"select {names} too, or declare the step with can_subset=True",
    )


def _atoms(
    part: _Part, graph: AssetGraph, assets: tuple[AssetKey, ...], checks: tuple[AssetCheckKey, ...]
) -> list[_Atom]:
    """One atom for each output. What the step reads for no output in particular is needed by all of them."""
    unit = part.unit
    needs = {key: graph.upstream(key) for key in unit.asset_keys}
    check_needs = {
        key: (key.asset_key, *(graph.checks[key].additional_deps if key in graph.checks else ()))
        for key in unit.check_keys
    }
    known = {key for some in (*needs.values(), *check_needs.values()) for key in some}
    common = [key for key in _read_by(unit) if key not in known]
    return [
        *(_Atom(part, (key,), (), [*(one for one in needs[key] if one != key), *common]) for key in assets),
        *(_Atom(part, (), (key,), [*check_needs[key], *common]) for key in checks),
    ]


def _read_by(unit: ComputeUnit) -> list[AssetKey]:
    own = frozenset(unit.asset_keys)
    return [key for step in unit.steps for item in step.inputs for key in _assets_of(item) if key not in own]


def _assets_of(item: StepInput) -> Sequence[AssetKey]:
    return (item.asset_key,) if item.asset_key is not None else _assets_in(item.source)


def _assets_in(source: InputSource) -> Sequence[AssetKey]:
    if isinstance(source, FromAsset):
        return (source.asset_key,)
    if isinstance(source, FromMany):
        return [key for one in source.sources for key in _assets_in(one)]
    return ()


# --- in which order --------------------------------------------------------------------------------------------------


class _Makers:
    """Which atom of the run makes an asset or evaluates a check, and which blocking checks an asset has in this run."""

    __slots__ = ("blocking", "by_asset", "by_check")

    def __init__(self, parts: Iterable[_Part], graph: AssetGraph) -> None:
        self.by_asset: dict[AssetKey, _Atom] = {}
        self.by_check: dict[AssetCheckKey, _Atom] = {}
        self.blocking: dict[AssetKey, list[AssetCheckKey]] = {}
        for part in parts:
            for atom in part.left:
                self.by_asset.update(dict.fromkeys(atom.assets, atom))
                for key in atom.checks:
                    self.by_check[key] = atom
                    node = graph.checks.get(key)
                    if node is not None and node.blocking:
                        self.blocking.setdefault(key.asset_key, []).append(key)

    def before(self, atom: _Atom) -> list[_Atom]:
        """The atoms of other units that come before `atom`: what makes what it needs, and the blocking checks of that."""
        found = []
        for key in atom.needs:
            maker = self.by_asset.get(key)
            if maker is not None and maker.part is not atom.part:
                found.append(maker)
            if atom.assets:
                checks = (self.by_check[check] for check in self.blocking.get(key, ()))
                found.extend(check for check in checks if check.part is not atom.part)
        return found


def _ordered(parts: Sequence[_Part], makers: _Makers) -> Iterator[tuple[_Part, list[_Atom]]]:
    """What runs together, in topological order; units in the order given where the edges leave a choice."""
    for part in parts:
        for atom in part.left:
            for before in makers.before(atom):
                before.after.append(atom)
                atom.waiting += 1
            part.pending += atom.waiting > 0
    whole = [part.index for part in parts if not part.pending]  # sorted, so a heap
    splittable = [part for part in parts if part.is_splittable]
    left = len(parts)
    while left:
        if whole:
            part = parts[heappop(whole)]
            batch, part.left = part.left, []
        else:
            part, batch = _split(splittable, makers.by_asset) or _raise_cycle(parts, makers)
            taken = set(map(id, batch))
            part.left = [atom for atom in part.left if id(atom) not in taken]
        left -= not part.left
        yield part, batch
        for atom in batch:
            for after in atom.after:
                after.waiting -= 1
                if not after.waiting:
                    after.part.pending -= 1
                    if not after.part.pending:
                        heappush(whole, after.part.index)


def _split(parts: Iterable[_Part], by_asset: Mapping[AssetKey, _Atom]) -> tuple[_Part, list[_Atom]] | None:
    """Everything that can run now of the first unit of which something can: what waits for no other unit, directly or within the unit."""
    for part in parts:
        inside = {id(atom): atom for atom in part.left}
        blocked = {key for key, atom in inside.items() if atom.waiting}
        after: dict[int, list[int]] = {}
        for key, atom in inside.items():
            for need in atom.needs:
                maker = by_asset.get(need)
                if maker is not None and maker is not atom and id(maker) in inside:
                    after.setdefault(id(maker), []).append(key)
        reached = list(blocked)
        for key in reached:  # grows while it is walked
            fresh = [one for one in after.get(key, ()) if one not in blocked]
            blocked.update(fresh)
            reached.extend(fresh)
        batch = [atom for key, atom in inside.items() if key not in blocked]
        if batch:
            return part, batch
    return None


def _raise_cycle(parts: Iterable[_Part], makers: _Makers) -> NoReturn:
    """Every atom that waits has one before it that waits as well, directly or within its unit: walking up ends in a cycle."""
    left = {id(atom): atom for part in parts for atom in part.left}
    path: list[_Part] = []
    place: dict[int, int] = {}
    atom = next(iter(left.values()))
    while True:
        atom = next((one for one in _inside(atom, makers, left) if one.waiting), atom)
        if atom.part.index in place:
            break
        place[atom.part.index] = len(path)
        path.append(atom.part)
        atom = next(one for one in makers.before(atom) if id(one) in left)
    cycle = path[place[atom.part.index] :][::-1]
    first = min(range(len(cycle)), key=lambda number: cycle[number].index)
    names = [part.unit.name for part in (*cycle[first:], *cycle[: first + 1])]
    raise DefinitionError(
        "steps of one run would each have to run before the other.",
        code="WEFT-D300",
        facts={"path": " -> ".join(names)},
        fix="declare the multi-asset with can_subset=True so that it can run in parts, split it, or run the assets in several runs",
    )


def _inside(atom: _Atom, makers: _Makers, left: Mapping[int, _Atom]) -> Iterator[_Atom]:
    """`atom` and what it depends on within its own unit."""
    seen = {id(atom)}
    stack = [atom]
    while stack:
        one = stack.pop()
        yield one
        for key in one.needs:
            maker = makers.by_asset.get(key)
            if maker is not None and maker.part is atom.part and id(maker) in left and id(maker) not in seen:
                seen.add(id(maker))
                stack.append(maker)


# --- steps -----------------------------------------------------------------------------------------------------------


def _steps_of(part: _Part, atoms: Sequence[_Atom], made_in_run: Container[AssetKey], names: set[str]) -> list[StepPlan]:
    """The steps that make these atoms of a unit, not yet connected with others."""
    unit = part.unit
    assets = {key for atom in atoms for key in atom.assets}
    checks = {key for atom in atoms for key in atom.checks}
    if len(assets) == len(unit.asset_keys) and len(checks) == len(unit.check_keys):
        return list(unit.steps)
    if not part.is_splittable:
        return _pruned(unit.steps, assets, checks)
    [step] = unit.steps
    needs = {key for atom in atoms for key in atom.needs}
    inputs: list[StepInput] = []
    for item in step.inputs:
        if needs.issuperset(_assets_of(item)):
            inputs.append(item)
        elif not isinstance(item.source, OrderOnly):
            # A parameter that these outputs do not depend on: the function is called without it.
            inputs.append(replace(item, source=FromDefault(), asset_key=None))
    ordered = {item.asset_key for item in inputs}
    inputs.extend(  # outputs of the same unit that another step of it makes
        StepInput(name=f"dep {_name(key)}", source=OrderOnly(()), asset_key=key)
        for key in unit.asset_keys
        if key in needs and key in made_in_run and key not in ordered and key not in assets
    )
    return [
        replace(
            step,
            key=_free_name(step.key, part, names),
            inputs=tuple(inputs),
            outputs=tuple(one for one in step.outputs if _is_wanted(one, assets, checks)),
        )
    ]


def _free_name(key: str, part: _Part, names: set[str]) -> str:
    part.steps_made += 1
    if part.steps_made == 1:
        return key
    while (name := f"{key}_{part.steps_made}") in names:
        part.steps_made += 1
    names.add(name)
    return name


def _is_wanted(output: StepOutputPlan, assets: AbstractSet[AssetKey], checks: AbstractSet[AssetCheckKey]) -> bool:
    if output.asset_key is not None:
        return output.asset_key in assets
    return output.check_key is None or output.check_key in checks


def _pruned(
    steps: Sequence[StepPlan], assets: AbstractSet[AssetKey], checks: AbstractSet[AssetCheckKey]
) -> list[StepPlan]:
    """The steps of a graph that lead to the wanted outputs. An unwanted output that another step reads is kept as a plain value."""
    read: set[tuple[str, str]] = set()
    kept: list[StepPlan] = []
    for step in reversed(steps):
        outputs: list[StepOutputPlan] = []
        is_needed = False
        for output in step.outputs:
            is_own = output.asset_key is not None or output.check_key is not None
            if _is_wanted(output, assets, checks):
                is_needed = is_needed or is_own or (step.key, output.name) in read
                outputs.append(output)
            elif (step.key, output.name) in read:
                is_needed = True
                outputs.append(replace(output, asset_key=None, check_key=None))
        if is_needed:
            kept.append(replace(step, outputs=tuple(outputs)))
            read.update(
                (ref.step_key, ref.output_name)
                for source in (*(item.source for item in step.inputs), OrderOnly(step.fan_out))
                for ref in upstream_refs(source)
            )
    return kept[::-1]


class _Wiring:
    """Connects steps in topological order: what an earlier step of the run makes is read from that step."""

    def __init__(self, makers: _Makers) -> None:
        self._makers = makers
        # The step that makes an asset and the source that gives its value.
        self._made: dict[AssetKey, FromOutput | FromCollected] = {}
        self._checked_by: dict[AssetCheckKey, str] = {}
        self.steps: list[StepPlan] = []

    def add(self, steps: Iterable[StepPlan]) -> None:
        """The steps of one unit that run together."""
        fresh = [self._connected(step) for step in steps]
        self.steps += fresh
        for step in fresh:
            for output in step.outputs:
                if output.asset_key is not None:
                    ref = OutputRef(step.key, output.name)
                    self._made[output.asset_key] = FromCollected(ref) if step.fan_out else FromOutput(ref)
                if output.check_key is not None:
                    self._checked_by[output.check_key] = step.key

    def _connected(self, step: StepPlan) -> StepPlan:
        inputs = tuple([self._input(item) for item in step.inputs])
        blocked_by = self._blocked_by(step) if any(output.asset_key is not None for output in step.outputs) else ()
        return replace(step, inputs=inputs, blocked_by=(*step.blocked_by, *blocked_by))

    def _input(self, item: StepInput) -> StepInput:
        source = item.source
        if isinstance(source, OrderOnly):
            made = self._made.get(item.asset_key) if item.asset_key is not None else None
            return item if made is None else replace(item, source=OrderOnly((*source.refs, made.ref)))
        bound = self._source(source)
        return item if bound is source else replace(item, source=bound)

    def _source(self, source: InputSource) -> InputSource:
        if isinstance(source, FromAsset):
            return self._made.get(source.asset_key, source)
        if isinstance(source, FromMany):
            return FromMany(tuple([self._source(one) for one in source.sources]))
        return source

    def _blocked_by(self, step: StepPlan) -> tuple[BlockedBy, ...]:
        blocking = self._makers.blocking
        if not blocking:
            return ()
        checks = dict.fromkeys(
            check for item in step.inputs for key in _assets_of(item) for check in blocking.get(key, ())
        )
        return tuple(BlockedBy(self._checked_by[check], check) for check in checks if check in self._checked_by)


def _name(key: AssetKey) -> str:
    return key.to_user_string()
