"""The builder of automation conditions that users call. It only makes expressions (`weft.model.automation`); planning evaluates them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from weft.errors import DefinitionError
from weft.model import automation as nodes
from weft.model.keys import AssetKey, CoercibleToAssetKey
from weft.model.partitions.pattern import parse_cron
from weft.model.partitions.zones import zone_named

if TYPE_CHECKING:
    from weft.definitions.asset_selection import AssetSelection


class AutomationCondition:
    """When an asset, check or job is to be requested, as an expression that is evaluated again and again.

    Combine with ``&``, ``|`` and ``~``. Start from `eager`, `on_cron` or `on_missing`, and change parts of them with `without`, `replace`,
    `allow` and `ignore`.

    To write one of your own, subclass and implement ``evaluate(self, context)``, which returns an `AutomationResult`; such a condition is
    evaluated only where your code runs.

    >>> AutomationCondition.eager().without(AutomationCondition.in_latest_time_window())
    AutomationCondition(...)
    """

    __weft_automation_condition__ = True

    _expression: nodes.Condition | None = None
    _custom: Mapping[str, AutomationCondition] = {}

    @classmethod
    def _of(cls, expression: nodes.Condition, *parts: AutomationCondition) -> AutomationCondition:
        made = AutomationCondition()
        made._expression = expression
        custom = {key: condition for part in parts for key, condition in part.custom.items()}
        if custom:
            made._custom = custom
        return made

    @property
    def expression(self) -> nodes.Condition:
        """The expression as a plain value."""
        if self._expression is not None:
            return self._expression
        if type(self) is AutomationCondition:
            raise DefinitionError(
                "AutomationCondition() is no condition by itself.",
                code="WEFT-D500",
                fix="use one of its constructors: AutomationCondition.eager()",
            )
        return nodes.Custom(self.name, self._custom_key)

    @property
    def custom(self) -> Mapping[str, AutomationCondition]:
        """The conditions of the user's own in the expression, by the key of their node."""
        if self._expression is None and type(self) is not AutomationCondition:
            return {self._custom_key: self}
        return self._custom

    @property
    def name(self) -> str:
        """What a condition of the user's own is called."""
        return type(self).__name__

    @property
    def _custom_key(self) -> str:
        # What distinguishes two objects of one class are their attributes; the key must be the same in every process.
        attributes = {key: value for key, value in sorted(vars(self).items()) if not key.startswith("__")}
        return f"{type(self).__module__}.{type(self).__qualname__}({attributes!r})"

    def evaluate(self, context: Any) -> Any | Awaitable[Any]:
        """For which partitions a condition of the user's own is true; to be implemented by subclasses.

        Args:
            context: an `AutomationContext`: the target, the candidates, the time, the state.

        Returns:
            An `AutomationResult`, or an awaitable of one.
        """
        raise DefinitionError(
            f"{type(self).__name__} has no evaluate(self, context).",
            code="WEFT-D501",
            fix="implement it in the subclass; the conditions of weft are evaluated by weft.evaluate_automation_conditions(...)",
        )

    # --- the algebra -------------------------------------------------------------------------------------------------

    def __and__(self, other: AutomationCondition) -> AutomationCondition:
        return self._joined(nodes.And, other)

    def __or__(self, other: AutomationCondition) -> AutomationCondition:
        return self._joined(nodes.Or, other)

    def __invert__(self) -> AutomationCondition:
        return self._of(nodes.Not(self.expression), self)

    def _joined(self, operator: type[nodes.And] | type[nodes.Or], other: AutomationCondition) -> AutomationCondition:
        if not isinstance(other, AutomationCondition):
            return NotImplemented
        mine, theirs = self.expression, other.expression
        left = mine.children if isinstance(mine, operator) else (mine,)
        right = theirs.children if isinstance(theirs, operator) else (theirs,)
        return self._of(operator((*left, *right)), self, other)

    def since(self, reset_condition: AutomationCondition) -> AutomationCondition:
        """True from when this becomes true until `reset_condition` does."""
        return self._of(
            nodes.Since(self.expression, _condition(reset_condition).expression), self, _condition(reset_condition)
        )

    def newly_true(self) -> AutomationCondition:
        """True where this is true and was not in the previous evaluation."""
        return self._of(nodes.NewlyTrue(self.expression), self)

    def since_last_handled(self) -> AutomationCondition:
        """True from when this becomes true until the target is requested or updated. What was true before the first evaluation does not count."""
        handled = (
            AutomationCondition.newly_requested()
            | AutomationCondition.newly_updated()
            | AutomationCondition.initial_evaluation()
        )
        return self.since(handled.with_label("handled"))

    def with_label(self, label: str) -> AutomationCondition:
        """This, with a name for people, by which `replace` finds it too."""
        expression = self.expression
        inner = expression.child if isinstance(expression, nodes.Labelled) else expression
        return self._of(nodes.Labelled(inner, label), self)

    def get_label(self) -> str | None:
        """The name that `with_label` gave, or None."""
        expression = self.expression
        return expression.label if isinstance(expression, nodes.Labelled) else None

    def replace(self, old: AutomationCondition | str, new: AutomationCondition) -> AutomationCondition:
        """This with `new` wherever the condition `old`, or one with the label `old`, stands."""
        wanted = old if isinstance(old, str) else _condition(old).expression
        put = _condition(new).expression

        def change(node: nodes.Condition) -> nodes.Condition | None:
            if isinstance(wanted, str):
                return put if isinstance(node, nodes.Labelled) and node.label == wanted else None
            return put if node == wanted else None

        return self._of(nodes.rewrite(self.expression, change), self, new)

    def without(self, condition: AutomationCondition) -> AutomationCondition:
        """This, which joins conditions by ``&``, without one of them.

        Raises:
            DefinitionError: (WEFT-D502) it is none of them.
        """
        unwanted = _condition(condition).expression
        expression = self.expression
        joined = expression.child if isinstance(expression, nodes.Labelled) else expression
        children = joined.children if isinstance(joined, nodes.And) else ()
        kept = tuple([child for child in children if child != unwanted])
        if len(kept) == len(children) or not kept:
            raise DefinitionError(
                "the condition to leave out is none of those joined here.",
                code="WEFT-D502",
                facts={
                    "to leave out": condition_text(unwanted),
                    "joined": [condition_text(child) for child in children],
                },
                fix="pass one of the joined conditions as it is, such as ~AutomationCondition.any_deps_missing()",
            )
        left: nodes.Condition = nodes.And(kept) if len(kept) > 1 else kept[0]
        return self._of(left, self)

    def allow(self, selection: AssetSelection | Any) -> AutomationCondition:
        """This, with conditions on dependencies that look only at the upstream assets in `selection`."""
        return self._with_deps(allow=_selection(selection))

    def ignore(self, selection: AssetSelection | Any) -> AutomationCondition:
        """This, with conditions on dependencies that do not look at the upstream assets in `selection`."""
        return self._with_deps(ignore=_selection(selection))

    def resolve_through_virtual(self, resolve_through_virtual: bool = True) -> AutomationCondition:
        """This, with conditions on dependencies that look through virtual assets at what these are made from."""
        return self._with_deps(through_virtual=resolve_through_virtual)

    def _with_deps(self, **settings: Any) -> AutomationCondition:
        from msgspec.structs import replace

        def change(node: nodes.Condition) -> nodes.Condition | None:
            return replace(node, **settings) if isinstance(node, nodes.DepsMatch) else None

        return self._of(nodes.rewrite(self.expression, change), self)

    # --- operands ----------------------------------------------------------------------------------------------------

    @staticmethod
    def missing() -> AutomationCondition:
        """The target was never made or observed. An external asset of which nothing at all was recorded does not count as missing."""
        return _plain(nodes.Missing())

    @staticmethod
    def newly_missing() -> AutomationCondition:
        """The target became missing: a partition that has come into existence, or content that was wiped."""
        return AutomationCondition.missing().newly_true().with_label("newly_missing")

    @staticmethod
    def newly_updated() -> AutomationCondition:
        """The target was made or observed since the previous evaluation."""
        return _plain(nodes.NewlyUpdated())

    @staticmethod
    def newly_requested() -> AutomationCondition:
        """The previous evaluation requested the target."""
        return _plain(nodes.NewlyRequested())

    @staticmethod
    def will_be_requested() -> AutomationCondition:
        """This evaluation requests the target; upstream targets are evaluated first."""
        return _plain(nodes.WillBeRequested())

    @staticmethod
    def in_progress() -> AutomationCondition:
        """A run or a backfill that has not ended is to make the target."""
        return (AutomationCondition.run_in_progress() | AutomationCondition.backfill_in_progress()).with_label(
            "in_progress"
        )

    @staticmethod
    def run_in_progress() -> AutomationCondition:
        """A run that has not ended is to make the target."""
        return _plain(nodes.RunInProgress())

    @staticmethod
    def backfill_in_progress() -> AutomationCondition:
        """A backfill that has not ended is to make the target."""
        return _plain(nodes.BackfillInProgress())

    @staticmethod
    def execution_failed() -> AutomationCondition:
        """The latest attempt to make the target failed."""
        return _plain(nodes.ExecutionFailed())

    @staticmethod
    def code_version_changed() -> AutomationCondition:
        """The code version is not that of the previous evaluation."""
        return _plain(nodes.CodeVersionChanged())

    @staticmethod
    def data_version_changed() -> AutomationCondition:
        """What was made since the previous evaluation has another data version than what was there."""
        return _plain(nodes.DataVersionChanged())

    @staticmethod
    def initial_evaluation() -> AutomationCondition:
        """This expression is evaluated for the first time for the target."""
        return _plain(nodes.InitialEvaluation())

    @staticmethod
    def in_latest_time_window(lookback_delta: timedelta | None = None) -> AutomationCondition:
        """The partition is the latest window of time, or ends within `lookback_delta` before its end. True where time does not divide."""
        return _plain(nodes.InLatestTimeWindow(lookback_delta.total_seconds() if lookback_delta is not None else None))

    @staticmethod
    def cron_tick_passed(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """A tick of the schedule passed since the previous evaluation.

        Raises:
            PartitionError: the cron expression or the time zone cannot be read.
        """
        parse_cron(cron_schedule)
        zone_named(cron_timezone)
        return _plain(nodes.CronTickPassed(cron_schedule, cron_timezone))

    @staticmethod
    def check_passed() -> AutomationCondition:
        """The check passed on the latest content of its asset."""
        return _plain(nodes.CheckResult(True))

    @staticmethod
    def check_failed() -> AutomationCondition:
        """The check failed on the latest content of its asset."""
        return _plain(nodes.CheckResult(False))

    @staticmethod
    def freshness_passed() -> AutomationCondition:
        """The asset is fresh by its freshness policy."""
        return _plain(nodes.FreshnessIs("PASS"))

    @staticmethod
    def freshness_warned() -> AutomationCondition:
        """The asset is about to be late by its freshness policy."""
        return _plain(nodes.FreshnessIs("WARN"))

    @staticmethod
    def freshness_failed() -> AutomationCondition:
        """The asset is late by its freshness policy."""
        return _plain(nodes.FreshnessIs("FAIL"))

    @staticmethod
    def executed_with_root_target() -> AutomationCondition:
        """The run that made this asset last was also to make the target of the whole expression."""
        return _plain(nodes.ExecutedWithRootTarget())

    @staticmethod
    def executed_with_tags(
        tag_keys: Iterable[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """The run that made the target last has these tags (with any value), and these tags with these values."""
        return _plain(nodes.ExecutedWithTags(*_tags(tag_keys, tag_values)))

    @staticmethod
    def all_new_updates_have_run_tags(
        tag_keys: Iterable[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """All runs that made the target since the previous evaluation, of which there is one, have these tags."""
        return _plain(nodes.NewUpdatesHaveTags(True, *_tags(tag_keys, tag_values)))

    @staticmethod
    def any_new_update_has_run_tags(
        tag_keys: Iterable[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """Any run that made the target since the previous evaluation has these tags."""
        return _plain(nodes.NewUpdatesHaveTags(False, *_tags(tag_keys, tag_values)))

    # --- about other targets -----------------------------------------------------------------------------------------

    @staticmethod
    def any_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """`condition` is true for a partition of any upstream asset that the target is made from."""
        return AutomationCondition._of(nodes.DepsMatch(child=_condition(condition).expression), condition)

    @staticmethod
    def all_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """`condition` is true for a partition of every upstream asset that the target is made from."""
        return AutomationCondition._of(
            nodes.DepsMatch(child=_condition(condition).expression, require_all=True), condition
        )

    @staticmethod
    def any_checks_match(condition: AutomationCondition, blocking_only: bool = False) -> AutomationCondition:
        """`condition` is true for any check of the target."""
        node = nodes.ChecksMatch(child=_condition(condition).expression, blocking_only=blocking_only)
        return AutomationCondition._of(node, condition)

    @staticmethod
    def all_checks_match(condition: AutomationCondition, blocking_only: bool = False) -> AutomationCondition:
        """`condition` is true for every check of the target."""
        node = nodes.ChecksMatch(child=_condition(condition).expression, require_all=True, blocking_only=blocking_only)
        return AutomationCondition._of(node, condition)

    @staticmethod
    def asset_matches(key: CoercibleToAssetKey, condition: AutomationCondition) -> AutomationCondition:
        """`condition` is true for a partition of the asset `key` that belongs to the target's."""
        return AutomationCondition._of(
            nodes.AssetMatches(AssetKey.of(key), _condition(condition).expression), condition
        )

    @staticmethod
    def any_job_root_assets_match(condition: AutomationCondition) -> AutomationCondition:
        """`condition` is true for any asset of the job that is downstream of no other asset of the job."""
        return AutomationCondition._of(nodes.JobRootsMatch(_condition(condition).expression), condition)

    @staticmethod
    def all_job_root_assets_match(condition: AutomationCondition) -> AutomationCondition:
        """`condition` is true for every asset of the job that is downstream of no other asset of the job."""
        return AutomationCondition._of(nodes.JobRootsMatch(_condition(condition).expression, True), condition)

    @staticmethod
    def any_downstream_conditions() -> AutomationCondition:
        """The condition of any asset downstream is true for a partition that is made from the target's."""
        return _plain(nodes.AnyDownstreamConditions())

    # --- combinations ------------------------------------------------------------------------------------------------

    @staticmethod
    def any_deps_updated() -> AutomationCondition:
        """An upstream asset was updated, but not by a run that makes the target as well, or is about to be requested."""
        updated = AutomationCondition.newly_updated() & ~AutomationCondition.executed_with_root_target()
        return AutomationCondition.any_deps_match(updated | AutomationCondition.will_be_requested()).with_label(
            "any_deps_updated"
        )

    @staticmethod
    def any_deps_missing() -> AutomationCondition:
        """An upstream asset is missing and is not about to be requested."""
        missing = AutomationCondition.missing() & ~AutomationCondition.will_be_requested()
        return AutomationCondition.any_deps_match(missing).with_label("any_deps_missing")

    @staticmethod
    def any_deps_in_progress() -> AutomationCondition:
        """An upstream asset is being made."""
        return AutomationCondition.any_deps_match(AutomationCondition.in_progress()).with_label("any_deps_in_progress")

    @staticmethod
    def all_deps_blocking_checks_passed() -> AutomationCondition:
        """Every blocking check of every upstream asset passed, or is about to be evaluated again."""
        failed = AutomationCondition.any_checks_match(~AutomationCondition.check_passed(), blocking_only=True)
        return (~AutomationCondition.any_deps_match(failed & ~AutomationCondition.will_be_requested())).with_label(
            "all_deps_blocking_checks_passed"
        )

    @staticmethod
    def all_deps_updated_since_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """Every upstream asset was updated since the latest tick of the schedule, or is about to be requested."""
        updated = AutomationCondition.newly_updated().since(
            AutomationCondition.cron_tick_passed(cron_schedule, cron_timezone)
        )
        return AutomationCondition.all_deps_match(updated | AutomationCondition.will_be_requested()).with_label(
            f"all_deps_updated_since_cron({cron_schedule}, {cron_timezone})"
        )

    @staticmethod
    def eager() -> AutomationCondition:
        """Keep the target up to date: request it when an upstream asset was updated, or when it becomes missing.

        Not while anything upstream is missing or being made, nor while the target is; of windows of time only the latest. What was missing
        before the condition was put on does not count.
        """
        changed = AutomationCondition.newly_missing() | AutomationCondition.any_deps_updated()
        return (
            AutomationCondition.in_latest_time_window()
            & changed.since_last_handled()
            & ~AutomationCondition.any_deps_missing()
            & ~AutomationCondition.any_deps_in_progress()
            & ~AutomationCondition.in_progress()
        ).with_label("eager")

    @staticmethod
    def on_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """Request the target once for each tick of the schedule, as soon as everything upstream was updated since the tick."""
        ticked = AutomationCondition.cron_tick_passed(cron_schedule, cron_timezone).since_last_handled()
        return (
            AutomationCondition.in_latest_time_window()
            & ticked
            & AutomationCondition.all_deps_updated_since_cron(cron_schedule, cron_timezone)
        ).with_label(f"on_cron({cron_schedule}, {cron_timezone})")

    @staticmethod
    def on_missing() -> AutomationCondition:
        """Request what becomes missing as soon as nothing upstream is. What was missing before the condition was put on does not count."""
        missing = AutomationCondition.missing().newly_true().since_last_handled()
        return (
            AutomationCondition.in_latest_time_window()
            & missing.with_label("missing_since_last_handled")
            & ~AutomationCondition.any_deps_missing()
        ).with_label("on_missing")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AutomationCondition) and self.expression == other.expression

    def __hash__(self) -> int:
        return hash(self.expression)

    def __repr__(self) -> str:
        return f"AutomationCondition({condition_text(self.expression)})"


def condition_text(node: nodes.Condition) -> str:
    """An expression as one line for people. Labels stand for what they name."""
    if isinstance(node, nodes.Labelled):
        return node.label
    if isinstance(node, (nodes.And, nodes.Or)):
        sign = " & " if isinstance(node, nodes.And) else " | "
        return f"({sign.join(condition_text(child) for child in node.children)})"
    if isinstance(node, nodes.Not):
        return f"~{condition_text(node.child)}"
    if isinstance(node, nodes.Since):
        return f"{condition_text(node.trigger)}.since({condition_text(node.reset)})"
    if isinstance(node, nodes.NewlyTrue):
        return f"{condition_text(node.child)}.newly_true()"
    name = _names(node)
    below = ", ".join(condition_text(child) for child in nodes.children_of(node))
    return f"{name}({below})" if below or not name.endswith(")") else name


def _names(node: nodes.Condition) -> str:
    """What the constructor of a node is called."""
    if isinstance(node, nodes.DepsMatch):
        return "all_deps_match" if node.require_all else "any_deps_match"
    if isinstance(node, nodes.ChecksMatch):
        return "all_checks_match" if node.require_all else "any_checks_match"
    if isinstance(node, nodes.JobRootsMatch):
        return "all_job_root_assets_match" if node.require_all else "any_job_root_assets_match"
    if isinstance(node, nodes.AssetMatches):
        return f"asset_matches:{node.asset_key.to_user_string()}"
    if isinstance(node, nodes.CronTickPassed):
        return f"cron_tick_passed({node.cron_schedule}, {node.timezone})"
    if isinstance(node, nodes.CheckResult):
        return "check_passed" if node.passed else "check_failed"
    if isinstance(node, nodes.FreshnessIs):
        return f"freshness_is({node.state})"
    if isinstance(node, nodes.Custom):
        return node.name
    return str(type(node).__struct_config__.tag)


def _plain(node: nodes.Condition) -> AutomationCondition:
    return AutomationCondition._of(node)


def _condition(value: Any) -> AutomationCondition:
    if isinstance(value, AutomationCondition):
        return value
    raise DefinitionError(
        "an automation condition is expected.",
        code="WEFT-D503",
        facts={"found": f"{value!r:.80}"},
        fix="call its constructor: AutomationCondition.missing()",
    )


def _selection(value: Any) -> Any:
    from weft.definitions.asset_selection import AssetSelection

    return AssetSelection.of(value).expression


def _tags(
    keys: Iterable[str] | None, values: Mapping[str, str] | None
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    return tuple(sorted(keys or ())), tuple(sorted((values or {}).items()))


def not_a_condition(value: Any, where: str) -> DefinitionError:
    """The error of a definition whose automation condition is none, as when a constructor was named, but not called."""
    named = getattr(value, "__name__", "eager")
    return DefinitionError(
        f"the automation condition of {where} is not a condition.",
        code="WEFT-D504",
        facts={"found": f"{value!r:.80}"},
        fix=f"call it: AutomationCondition.{named}()"
        if callable(value)
        else "use AutomationCondition.eager(), .on_cron(...), .on_missing() or a combination of conditions",
    )
