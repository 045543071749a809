"""The earlier form of automation: a policy is a set of rules. Each rule is a condition, and `to_automation_condition` says which.

Rules that ask for a run are joined by "or", rules that keep one from running by "and not". Policies are deprecated; an asset that has one is told what to
write instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from weft.definitions.automation_condition import AutomationCondition
from weft.definitions.deprecations import warn_deprecated
from weft.errors import DefinitionError


class AutoMaterializeAssetPartitionsFilter:
    """Which updates upstream count: those by runs with all of these tags."""

    def __init__(self, latest_run_required_tags: Mapping[str, str] | None = None) -> None:
        self.latest_run_required_tags = dict(latest_run_required_tags or {})


class AutoMaterializeRule:
    """One rule: it asks for a run, or keeps one from running. Made by the constructors below."""

    def __init__(self, name: str, condition: AutomationCondition, *, skips: bool = False) -> None:
        self.name = name
        self.condition = condition
        self.skips = skips

    @staticmethod
    def materialize_on_missing() -> AutoMaterializeRule:
        """Ask for what was never made."""
        condition = AutomationCondition.missing().newly_true().since_last_handled()
        return AutoMaterializeRule("materialize_on_missing", condition)

    @staticmethod
    def materialize_on_parent_updated(
        updated_parent_filter: AutoMaterializeAssetPartitionsFilter | None = None,
    ) -> AutoMaterializeRule:
        """Ask when something upstream was made anew."""
        updated = AutomationCondition.any_deps_updated()
        tags = updated_parent_filter.latest_run_required_tags if updated_parent_filter is not None else {}
        if tags:
            required = AutomationCondition.newly_updated() & AutomationCondition.executed_with_tags(tag_values=tags)
            updated = AutomationCondition.any_deps_match(required | AutomationCondition.will_be_requested())
        return AutoMaterializeRule("materialize_on_parent_updated", updated.since_last_handled())

    @staticmethod
    def materialize_on_cron(
        cron_schedule: str, timezone: str = "UTC", all_partitions: bool = False
    ) -> AutoMaterializeRule:
        """Ask once for each tick of a schedule; for the latest window of time, or for all partitions."""
        ticked = AutomationCondition.cron_tick_passed(cron_schedule, timezone).since_last_handled()
        latest = ticked if all_partitions else AutomationCondition.in_latest_time_window() & ticked
        return AutoMaterializeRule("materialize_on_cron", latest)

    @staticmethod
    def materialize_on_required_for_freshness() -> AutoMaterializeRule:
        """Ask when what there is has become too old by its freshness policy."""
        return AutoMaterializeRule(
            "materialize_on_required_for_freshness", AutomationCondition.freshness_failed().since_last_handled()
        )

    @staticmethod
    def skip_on_parent_missing() -> AutoMaterializeRule:
        """Not while something upstream is missing."""
        return AutoMaterializeRule("skip_on_parent_missing", AutomationCondition.any_deps_missing(), skips=True)

    @staticmethod
    def skip_on_required_but_nonexistent_parents() -> AutoMaterializeRule:
        """Not while a partition that is needed upstream does not exist; such a partition counts as missing."""
        return AutoMaterializeRule(
            "skip_on_required_but_nonexistent_parents", AutomationCondition.any_deps_missing(), skips=True
        )

    @staticmethod
    def skip_on_parent_outdated() -> AutoMaterializeRule:
        """Not while something upstream is about to be made, or is being made."""
        outdated = AutomationCondition.any_deps_in_progress()
        return AutoMaterializeRule("skip_on_parent_outdated", outdated, skips=True)

    @staticmethod
    def skip_on_not_all_parents_updated(require_update_for_all_parent_partitions: bool = False) -> AutoMaterializeRule:
        """Not before everything upstream was made since the target was requested last."""
        updated = AutomationCondition.newly_updated() | AutomationCondition.will_be_requested()
        waiting = ~AutomationCondition.all_deps_match(updated.since(AutomationCondition.newly_requested()))
        return AutoMaterializeRule("skip_on_not_all_parents_updated", waiting, skips=True)

    @staticmethod
    def skip_on_not_all_parents_updated_since_cron(cron_schedule: str, timezone: str = "UTC") -> AutoMaterializeRule:
        """Not before everything upstream was made since the latest tick of a schedule."""
        waiting = ~AutomationCondition.all_deps_updated_since_cron(cron_schedule, timezone)
        return AutoMaterializeRule("skip_on_not_all_parents_updated_since_cron", waiting, skips=True)

    @staticmethod
    def skip_on_backfill_in_progress(all_partitions: bool = False) -> AutoMaterializeRule:
        """Not while a backfill is to make the target."""
        return AutoMaterializeRule(
            "skip_on_backfill_in_progress", AutomationCondition.backfill_in_progress(), skips=True
        )

    @staticmethod
    def skip_on_run_in_progress() -> AutoMaterializeRule:
        """Not while a run is to make the target."""
        return AutoMaterializeRule("skip_on_run_in_progress", AutomationCondition.run_in_progress(), skips=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AutoMaterializeRule) and (self.name, self.condition) == (other.name, other.condition)

    def __hash__(self) -> int:
        return hash((self.name, self.condition))

    def __repr__(self) -> str:
        return f"AutoMaterializeRule.{self.name}"


class AutoMaterializePolicy:
    """A set of rules. `eager` and `lazy` make the usual ones; `with_rules` and `without_rules` change them."""

    def __init__(self, rules: Iterable[AutoMaterializeRule], max_materializations_per_minute: int | None = 1) -> None:
        self.rules = frozenset(rules)
        # Kept for the reader: conditions look at the latest window of time instead of counting.
        self.max_materializations_per_minute = max_materializations_per_minute

    @staticmethod
    def eager(max_materializations_per_minute: int | None = 1) -> AutoMaterializePolicy:
        """Keep the target up to date with what is upstream. Deprecated: use `AutomationCondition.eager`."""
        warn_deprecated("AutoMaterializePolicy.eager()", "AutomationCondition.eager()")
        rule = AutoMaterializeRule
        return AutoMaterializePolicy(
            [
                rule.materialize_on_missing(),
                rule.materialize_on_parent_updated(),
                rule.materialize_on_required_for_freshness(),
                rule.skip_on_parent_missing(),
                rule.skip_on_parent_outdated(),
                rule.skip_on_backfill_in_progress(),
            ],
            max_materializations_per_minute,
        )

    @staticmethod
    def lazy(max_materializations_per_minute: int | None = 1) -> AutoMaterializePolicy:
        """Make the target only where freshness asks for it. Deprecated: use a `FreshnessPolicy` and a condition."""
        warn_deprecated("AutoMaterializePolicy.lazy()", "AutomationCondition.freshness_failed().since_last_handled()")
        rule = AutoMaterializeRule
        return AutoMaterializePolicy(
            [
                rule.materialize_on_required_for_freshness(),
                rule.skip_on_parent_missing(),
                rule.skip_on_parent_outdated(),
                rule.skip_on_backfill_in_progress(),
            ],
            max_materializations_per_minute,
        )

    def with_rules(self, *rules: AutoMaterializeRule) -> AutoMaterializePolicy:
        """The policy with more rules."""
        return AutoMaterializePolicy(self.rules | set(rules), self.max_materializations_per_minute)

    def without_rules(self, *rules: AutoMaterializeRule) -> AutoMaterializePolicy:
        """The policy without some of its rules.

        Raises:
            DefinitionError: (WEFT-D505) it has not got one of them.
        """
        absent = set(rules) - self.rules
        if absent:
            raise DefinitionError(
                "an auto-materialize policy has not got a rule that it should lose.",
                code="WEFT-D505",
                facts={"to leave out": sorted(map(repr, absent)), "rules": sorted(map(repr, self.rules))},
                fix="leave out only rules that it has",
            )
        return AutoMaterializePolicy(self.rules - set(rules), self.max_materializations_per_minute)

    def to_automation_condition(self) -> AutomationCondition:
        """The condition that means the same."""
        asking = [rule.condition for rule in sorted(self.rules, key=repr) if not rule.skips]
        keeping = [rule.condition for rule in sorted(self.rules, key=repr) if rule.skips]
        if not asking:
            raise DefinitionError(
                "an auto-materialize policy has no rule that asks for a run.",
                code="WEFT-D506",
                facts={"rules": sorted(map(repr, self.rules))},
                fix="add one: AutoMaterializeRule.materialize_on_parent_updated()",
            )
        condition = asking[0]
        for other in asking[1:]:
            condition = condition | other
        # At most one partition of each asset a minute meant the latest window, in practice.
        if self.max_materializations_per_minute == 1:
            condition = AutomationCondition.in_latest_time_window() & condition
        for other in keeping:
            condition = condition & ~other
        return condition & ~AutomationCondition.in_progress()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AutoMaterializePolicy) and self.rules == other.rules

    def __hash__(self) -> int:
        return hash(self.rules)

    def __repr__(self) -> str:
        return f"AutoMaterializePolicy({', '.join(sorted(map(repr, self.rules)))})"
