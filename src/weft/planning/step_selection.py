"""Which steps of a plan a selection names, in the old syntax (`weft.planning.selection.legacy`).

A name is the key of a step, or of a graph for all the steps inside it. Walks follow what one step waits for in another: inputs, order,
blocking checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

from weft.errors import SelectionError, did_you_mean, some_of
from weft.model.plan import RunPlan, StepPlan, upstream_refs
from weft.planning.selection.legacy import Clause, parse_clauses


class StepGraph:
    """The steps of a plan with their edges."""

    __slots__ = ("_downstream", "_upstream")

    def __init__(self, plan: RunPlan) -> None:
        self._upstream = {step.key: _upstream_steps(step) for step in plan.steps}
        self._downstream: dict[str, list[str]] = {key: [] for key in self._upstream}
        for key, above in self._upstream.items():
            for one in above:
                if one in self._downstream:
                    self._downstream[one].append(key)

    def select(self, selection: Sequence[str]) -> set[str]:
        """The keys of the steps that `selection` names.

        Raises:
            SelectionError: (WEFT-S012) a clause cannot be read; (WEFT-S013) a name is no step, or there are no names.
        """
        chosen: set[str] = set()
        for text in selection:
            for clause in parse_clauses(text):
                chosen |= self.around(self.named(clause.name), clause)
        if not chosen:
            self.refuse("")
        return chosen

    def named(self, name: str) -> set[str]:
        """The step of that key, or the steps inside the graph of that name; all steps for an empty name.

        Raises:
            SelectionError: (WEFT-S013) there are none.
        """
        if not name:
            return set(self._upstream)
        if name in self._upstream:
            return {name}
        return {key for key in self._upstream if key.startswith(f"{name}.")} or self.refuse(name)

    def around(self, start: Iterable[str], clause: Clause) -> set[str]:
        """The steps of `start` and those as far above and below them as the clause says."""
        return _walk(start, clause.up, self._upstream) | _walk(start, clause.down, self._downstream)

    def refuse(self, name: str) -> NoReturn:
        """Say that there is no step of that name (or, for an empty name, that nothing is selected)."""
        raise SelectionError(
            f'there is no step "{name}".' if name else "no steps are selected.",
            code="WEFT-S013",
            facts={"known steps": some_of(self._upstream)},
            fix=did_you_mean(name, self._upstream, "use one of the known steps"),
        )


def _walk(start: Iterable[str], depth: int | None, beside: Mapping[str, Iterable[str]]) -> set[str]:
    found = set(start)
    level: Iterable[str] = list(found)
    while level and depth != 0:
        depth = None if depth is None else depth - 1
        level = {one for key in level for one in beside[key] if one in beside and one not in found}
        found |= level
    return found


def _upstream_steps(step: StepPlan) -> tuple[str, ...]:
    refs = [ref.step_key for item in step.inputs for ref in upstream_refs(item.source)]
    return tuple(dict.fromkeys([*refs, *(block.step_key for block in step.blocked_by)]))
