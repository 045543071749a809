"""How many steps of a run may go on at once, and for how long each: decided from the plan and the executor's settings alone.

`StepLimits` counts the running steps that a limit by tag is about. Steps that are held back by the same limits and use the same pool are of one
*lane*; the run machine leaves the ready steps of closed lanes alone, so a step that has to wait never keeps another one from running.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from msgspec import Struct

from weft.model.plan import StepPlan
from weft.model.run import native_tag

TIMEOUT_TAGS = ("weft/max_runtime_seconds", "weft/max_runtime")
"""Tags of a step with the longest time that an attempt may take, in seconds; what the op itself declares (``timeout_seconds=``) goes first."""


class TagLimit(Struct, frozen=True, kw_only=True):
    """At most `limit` steps at once with the tag `key`: of any value together, of the one `value`, or of each value apart (`per_value`)."""

    key: str
    limit: int
    value: str | None = None
    per_value: bool = False


def timeout_of(step: StepPlan) -> float | None:
    """The longest time in seconds that an attempt of a step may take; None: as long as it likes. A tag that is no positive number says nothing."""
    if step.timeout_seconds is not None or not step.tags:
        return step.timeout_seconds
    tags = {native_tag(key): value for key, value in step.tags.items()}
    for name in TIMEOUT_TAGS:
        try:
            seconds = float(tags[name])
        except (KeyError, ValueError):
            continue
        if seconds > 0 and isfinite(seconds):
            return seconds
    return None


def timeout_text(step_key: str, seconds: float) -> str:
    """What is said of an attempt that took longer."""
    return f'step "{step_key}" took longer than the {seconds:g} s that it may'


class StepLimits:
    """The limits by tag of one run, with what is running.

    Args:
        limits: the limits; a step must fit all of those that are about it.
    """

    def __init__(self, limits: Sequence[TagLimit] = ()) -> None:
        self._limits = tuple(limits)
        self._running: dict[tuple[int, str], int] = {}
        # Lane to what it counts towards: the place of a limit, and the value that is counted apart.
        self._lanes: dict[str, tuple[tuple[int, str], ...]] = {}
        self._pools: dict[str, str | None] = {}

    @property
    def has_lanes(self) -> bool:
        """Whether anything in the run can be held back."""
        return bool(self._lanes)

    def lane_of(self, step: StepPlan) -> str | None:
        """The lane of a step; None where nothing can hold it back."""
        counted = self._counted(step.tags) if self._limits and step.tags else ()
        if step.pool is None and not counted:
            return None
        lane = "\0".join([step.pool or "", *(f"{place}={value}" for place, value in counted)])
        self._lanes[lane] = counted
        self._pools[lane] = step.pool
        return lane

    def closed(self, full_pools: frozenset[str] | set[str]) -> frozenset[str]:
        """The lanes that have no room, for a limit by tag or because their pool is among `full_pools`."""
        if not self._lanes:
            return frozenset()
        return frozenset(
            lane
            for lane, counted in self._lanes.items()
            if self._pools[lane] in full_pools
            or any(self._running.get(one, 0) >= self._limits[one[0]].limit for one in counted)
        )

    def has_room(self, step: StepPlan) -> bool:
        """Whether the limits by tag let the step begin now."""
        counted = self._counted(step.tags) if self._limits and step.tags else ()
        return all(self._running.get(one, 0) < self._limits[one[0]].limit for one in counted)

    def started(self, step: StepPlan) -> None:
        """An attempt of the step runs."""
        for one in self._counted(step.tags) if self._limits and step.tags else ():
            self._running[one] = self._running.get(one, 0) + 1

    def ended(self, step: StepPlan) -> None:
        """It has ended."""
        for one in self._counted(step.tags) if self._limits and step.tags else ():
            self._running[one] -= 1

    def _counted(self, tags: Mapping[str, str]) -> tuple[tuple[int, str], ...]:
        native = {native_tag(key): value for key, value in tags.items()}
        found = []
        for place, limit in enumerate(self._limits):
            value = native.get(native_tag(limit.key))
            if value is None or (limit.value is not None and value != limit.value):
                continue
            found.append((place, value if limit.per_value else ""))
        return tuple(found)


def tag_limits(configured: Sequence[Mapping[str, object]] | None) -> tuple[TagLimit, ...]:
    """The limits as run configuration writes them: ``{key, limit, value}``, the value a text or ``{"applyLimitPerUniqueValue": true}``.

    Raises:
        ValueError: one has another form; the text says which.
    """
    found = []
    for entry in configured or ():
        key, limit, value = entry["key"], entry["limit"], entry.get("value")
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ValueError(f"the limit of tag {key!r} is {limit!r}; write a whole number of 1 or more")
        per_value = False
        if isinstance(value, Mapping):
            if set(value) != {"applyLimitPerUniqueValue"} or not isinstance(value["applyLimitPerUniqueValue"], bool):
                raise ValueError(
                    f'the value of tag {key!r} is {dict(value)!r}; write a text, or {{"applyLimitPerUniqueValue": true}}'
                )
            per_value, value = value["applyLimitPerUniqueValue"], None
        elif value is not None and not isinstance(value, str):
            raise ValueError(f"the value of tag {key!r} is {value!r}; write a text")
        found.append(TagLimit(key=str(key), limit=limit, value=value, per_value=per_value))
    return tuple(found)
