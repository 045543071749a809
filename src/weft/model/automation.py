"""Automation conditions as expressions: plain values that say when an asset, a check or a job is to be requested.

The builder that users call (`weft.AutomationCondition`) gives these nodes; `weft.planning.automation` evaluates them. A node is true or false for
each partition of its target; a target without partitions counts as one partition.

Equal expressions are equal values: the state that a node keeps between evaluations belongs to the expression, and an expression that was
changed begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import fields, replace

from weft.model.keys import AssetKey
from weft.model.selection import Selection

# --- operands --------------------------------------------------------------------------------------------------------


class Missing(Struct, frozen=True, tag="missing"):
    """The target was never made (or observed, where it is external)."""


class NewlyUpdated(Struct, frozen=True, tag="newly_updated"):
    """The target was made or observed since the previous evaluation."""


class NewlyRequested(Struct, frozen=True, tag="newly_requested"):
    """The previous evaluation requested the target."""


class WillBeRequested(Struct, frozen=True, tag="will_be_requested"):
    """This evaluation requests the target. Known of targets that come before the one that asks."""


class RunInProgress(Struct, frozen=True, tag="run_in_progress"):
    """A run that has not ended is to make the target."""


class BackfillInProgress(Struct, frozen=True, tag="backfill_in_progress"):
    """A backfill that has not ended is to make the target."""


class ExecutionFailed(Struct, frozen=True, tag="execution_failed"):
    """The latest attempt to make the target failed."""


class CodeVersionChanged(Struct, frozen=True, tag="code_version_changed"):
    """The code version is not that of the previous evaluation."""


class DataVersionChanged(Struct, frozen=True, tag="data_version_changed"):
    """What was made since the previous evaluation has another data version than what was there."""


class InitialEvaluation(Struct, frozen=True, tag="initial_evaluation"):
    """The expression is evaluated for the first time for this target."""


class InLatestTimeWindow(Struct, frozen=True, omit_defaults=True, tag="in_latest_time_window"):
    """The partition ends within `lookback_seconds` before the end of the latest window; None: it is the latest.

    True for everything that is not divided by time.
    """

    lookback_seconds: float | None = None


class CronTickPassed(Struct, frozen=True, omit_defaults=True, tag="cron_tick_passed"):
    """A tick of the cron schedule passed since the previous evaluation."""

    cron_schedule: str
    timezone: str = "UTC"


class CheckResult(Struct, frozen=True, tag="check_result"):
    """The latest answer of the check is about the latest content of its asset, and it passed (or did not)."""

    passed: bool


class FreshnessIs(Struct, frozen=True, tag="freshness"):
    """The target is in this state of freshness: ``PASS``, ``WARN`` or ``FAIL``."""

    state: str


class ExecutedWithRootTarget(Struct, frozen=True, tag="executed_with_root_target"):
    """The run that made the target last was also to make the target of the whole expression."""


class ExecutedWithTags(Struct, frozen=True, omit_defaults=True, tag="executed_with_tags"):
    """The run that made the target last has all of these tags."""

    tag_keys: tuple[str, ...] = ()
    tag_values: tuple[tuple[str, str], ...] = ()


class NewUpdatesHaveTags(Struct, frozen=True, omit_defaults=True, tag="new_updates_have_tags"):
    """The runs that made the target since the previous evaluation (all of them, or any) have all of these tags."""

    require_all: bool
    tag_keys: tuple[str, ...] = ()
    tag_values: tuple[tuple[str, str], ...] = ()


class Custom(Struct, frozen=True, tag="custom"):
    """A condition of the user's own. It can be evaluated only where their code is; `key` says which object is meant."""

    name: str
    key: str


# --- operators -------------------------------------------------------------------------------------------------------


class And(Struct, frozen=True, tag="and"):
    """All of them are true."""

    children: tuple[Condition, ...]


class Or(Struct, frozen=True, tag="or"):
    """Any of them is true."""

    children: tuple[Condition, ...]


class Not(Struct, frozen=True, tag="not"):
    """The child is false."""

    child: Condition


class NewlyTrue(Struct, frozen=True, tag="newly_true"):
    """The child is true and was not in the previous evaluation."""

    child: Condition


class Since(Struct, frozen=True, tag="since"):
    """`trigger` was true more recently than `reset`. Where both become true at once, `reset` holds."""

    trigger: Condition
    reset: Condition


class DepsMatch(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="deps"):
    """The child is true for a partition of any upstream asset that the target is made from (or for one of every upstream asset).

    `allow` and `ignore` choose among the upstream assets. With `through_virtual` a virtual asset stands for what it is made from.
    """

    child: Condition
    require_all: bool = False
    allow: Selection | None = None
    ignore: Selection | None = None
    through_virtual: bool = False


class ChecksMatch(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="checks"):
    """The child is true for any (or every) check of the target."""

    child: Condition
    require_all: bool = False
    blocking_only: bool = False


class AssetMatches(Struct, frozen=True, tag="asset_matches"):
    """The child is true for a partition of this asset, which need not be upstream of the target."""

    asset_key: AssetKey
    child: Condition


class JobRootsMatch(Struct, frozen=True, omit_defaults=True, tag="job_roots"):
    """The child is true for any (or every) asset of the job that is downstream of no other asset of the job."""

    child: Condition
    require_all: bool = False


class AnyDownstreamConditions(Struct, frozen=True, tag="any_downstream_conditions"):
    """The condition of any asset downstream is true for a partition that is made from the target's."""


class Labelled(Struct, frozen=True, tag="labelled"):
    """The child, with a name for people."""

    child: Condition
    label: str


Condition: TypeAlias = (
    Missing
    | NewlyUpdated
    | NewlyRequested
    | WillBeRequested
    | RunInProgress
    | BackfillInProgress
    | ExecutionFailed
    | CodeVersionChanged
    | DataVersionChanged
    | InitialEvaluation
    | InLatestTimeWindow
    | CronTickPassed
    | CheckResult
    | FreshnessIs
    | ExecutedWithRootTarget
    | ExecutedWithTags
    | NewUpdatesHaveTags
    | Custom
    | And
    | Or
    | Not
    | NewlyTrue
    | Since
    | DepsMatch
    | ChecksMatch
    | AssetMatches
    | JobRootsMatch
    | AnyDownstreamConditions
    | Labelled
)
"""An expression: one of the nodes."""


def children_of(node: Condition) -> tuple[Condition, ...]:
    """The expressions directly below `node`, in order."""
    if isinstance(node, (And, Or)):
        return node.children
    if isinstance(node, Since):
        return (node.trigger, node.reset)
    child = getattr(node, "child", None)
    return (child,) if child is not None else ()


def nodes_of(node: Condition) -> Iterator[Condition]:
    """`node` and every expression below it, each before what is below it."""
    yield node
    for child in children_of(node):
        yield from nodes_of(child)


def rewrite(node: Condition, change: Callable[[Condition], Condition | None]) -> Condition:
    """The expression with what `change` gives in place of each node for which it does not give None. What it gives is not searched again."""
    changed = change(node)
    if changed is not None:
        return changed
    if isinstance(node, (And, Or)):
        return replace(node, children=tuple([rewrite(child, change) for child in node.children]))
    parts = {
        field.name: rewrite(value, change)
        for field in fields(node)
        if field.name in _CHILD_FIELDS and (value := getattr(node, field.name)) is not None
    }
    return replace(node, **parts) if parts else node


_CHILD_FIELDS = frozenset({"child", "trigger", "reset"})
