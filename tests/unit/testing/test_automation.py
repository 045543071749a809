"""What automation conditions request, evaluated over an instance as runs change it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import weft
from weft import AutomationCondition as When
from weft.model.automation import DepsMatch
from weft.model.keys import AssetCheckKey, AssetKey
from weft.planning.automation.state import AutomationCursor

START = datetime(2024, 5, 10, 12, 30, tzinfo=timezone.utc)
DAYS = weft.DailyPartitionsDefinition(start_date="2024-05-01")


class Project:
    """Definitions that are evaluated again and again, as the daemon will do it."""

    def __init__(self, *assets: Any) -> None:
        self.defs = weft.Definitions(assets)
        self.instance = weft.Instance.ephemeral()
        self.assets = assets
        self.now = START
        self.cursor: AutomationCursor | None = None

    def tick(self, minutes: float = 1) -> dict[str, int]:
        """The targets that one more evaluation requests, with the number of partitions."""
        self.now += timedelta(minutes=minutes)
        result = self.evaluate()
        return {
            key.to_user_string(): result.get_num_requested(key)
            for key in [*self.defs.get_asset_graph().keys, *self.defs.get_asset_graph().checks]
            if result.get_num_requested(key)
        }

    def evaluate(self) -> weft.EvaluateAutomationConditionsResult:
        result = weft.evaluate_automation_conditions(
            self.defs, self.instance, evaluation_time=self.now, cursor=self.cursor
        )
        # As it comes back from storage.
        self.cursor = AutomationCursor.from_bytes(result.cursor.to_bytes())
        return result

    def make(self, *names: str, partition: str | None = None, tags: dict[str, str] | None = None) -> None:
        """Run some assets."""
        selection = weft.AssetSelection.keys(*names)
        weft.materialize(
            self.assets,
            instance=self.instance,
            selection=selection,
            partition_key=partition,
            tags=tags,
            raise_on_error=False,
        )


def asset(name: str, *deps: Any, when: When | None = None, **settings: Any) -> Any:
    @weft.asset(name=name, deps=list(deps), automation_condition=when, **settings)
    def made() -> None: ...

    return made


@pytest.fixture
def pair() -> Iterator[Project]:
    project = Project(asset("raw"), asset("clean", "raw", when=When.eager()))
    yield project
    project.instance.close()


class TestEager:
    def test_asks_for_nothing_that_was_missing_before_it_was_put_on(self, pair: Project) -> None:
        assert pair.tick() == {}
        assert pair.tick() == {}

    def test_requests_once_for_each_update_upstream(self, pair: Project) -> None:
        pair.tick()
        pair.make("raw")
        assert pair.tick() == {"clean": 1}
        assert pair.tick() == {}
        pair.make("clean")
        assert pair.tick() == {}
        pair.make("raw")
        assert pair.tick() == {"clean": 1}

    def test_does_not_react_to_a_run_that_made_both(self, pair: Project) -> None:
        pair.tick()
        pair.make("raw", "clean")
        assert pair.tick() == {}

    def test_waits_for_what_is_missing_upstream_and_does_not_forget_meanwhile(self) -> None:
        project = Project(asset("a"), asset("b"), asset("c", "a", "b", when=When.eager()))
        project.tick()
        project.make("a")
        assert project.tick() == {}
        project.make("b")
        assert project.tick() == {"c": 1}

    def test_requests_a_chain_at_once(self) -> None:
        project = Project(asset("a"), asset("b", "a", when=When.eager()), asset("c", "b", when=When.eager()))
        project.tick()
        project.make("a")
        assert project.tick() == {"b": 1, "c": 1}

    def test_looks_at_the_latest_window_only(self) -> None:
        project = Project(
            asset("raw", partitions_def=DAYS), asset("clean", "raw", partitions_def=DAYS, when=When.eager())
        )
        project.tick()
        project.make("raw", partition="2024-05-03")
        assert project.tick() == {}
        project.make("raw", partition="2024-05-09")
        result_of = project.evaluate()
        assert result_of.get_requested_partitions(AssetKey("clean")) == {"2024-05-09"}

    def test_without_the_window_it_takes_all_partitions_that_were_updated(self) -> None:
        when = When.eager().without(When.in_latest_time_window())
        project = Project(asset("raw", partitions_def=DAYS), asset("clean", "raw", partitions_def=DAYS, when=when))
        project.tick()
        for day in ("2024-05-03", "2024-05-05"):
            project.make("raw", partition=day)
        result = project.evaluate()
        assert result.get_requested_partitions(AssetKey("clean")) == {"2024-05-03", "2024-05-05"}
        assert result.total_requested == 2

    def test_waits_for_upstream_partitions_that_do_not_exist(self) -> None:
        # Yesterday is needed together with the day before the first one: it never comes.
        mapping = weft.TimeWindowPartitionMapping(start_offset=-1)
        late = weft.DailyPartitionsDefinition(start_date="2024-05-09")
        when = When.eager().without(When.in_latest_time_window())
        project = Project(
            asset("raw", partitions_def=late),
            asset("clean", weft.AssetDep("raw", partition_mapping=mapping), partitions_def=DAYS, when=when),
        )
        project.tick()
        project.make("raw", partition="2024-05-09")
        assert project.tick() == {}

    def test_requests_a_window_that_has_come_into_existence_once_its_source_is_there(self) -> None:
        project = Project(
            asset("raw", partitions_def=DAYS), asset("clean", "raw", partitions_def=DAYS, when=When.eager())
        )
        project.tick()
        assert project.tick(minutes=24 * 60) == {}
        project.make("raw", partition="2024-05-10")
        assert project.tick() == {"clean": 1}


class TestOnCron:
    def test_requests_once_for_each_tick_when_everything_upstream_was_updated_since(self) -> None:
        project = Project(asset("raw"), asset("clean", "raw", when=When.on_cron("0 * * * *")))
        project.make("raw")
        assert project.tick() == {}
        assert project.tick(minutes=30) == {}, "13:00 has passed, but raw is older"
        project.make("raw")
        assert project.tick() == {"clean": 1}
        assert project.tick() == {}
        assert project.tick(minutes=60) == {}
        project.make("raw")
        assert project.tick() == {"clean": 1}

    def test_without_anything_upstream_the_tick_is_enough(self) -> None:
        project = Project(asset("raw", when=When.on_cron("@daily", "Europe/Berlin")))
        assert project.tick() == {}
        assert project.tick(minutes=60) == {}
        assert project.tick(minutes=24 * 60) == {"raw": 1}
        assert project.tick() == {}

    def test_refuses_what_is_no_schedule(self) -> None:
        with pytest.raises(weft.PartitionError):
            When.on_cron("every day")
        with pytest.raises(weft.PartitionError):
            When.cron_tick_passed("@daily", "Middle/Earth")


class TestOnMissing:
    def test_requests_a_partition_that_appears_as_soon_as_its_sources_are_there(self) -> None:
        project = Project(
            asset("raw", partitions_def=DAYS), asset("clean", "raw", partitions_def=DAYS, when=When.on_missing())
        )
        project.make("raw", partition="2024-05-09")
        assert project.tick() == {}, "it was missing before"
        project.tick(minutes=24 * 60)
        project.make("raw", partition="2024-05-10")
        assert project.tick() == {"clean": 1}
        assert project.tick() == {}

    def test_what_is_wiped_becomes_missing(self) -> None:
        project = Project(asset("raw", when=When.on_missing()))
        project.make("raw")
        assert project.tick() == {}
        project.instance.assets.wipe(AssetKey("raw"))
        assert project.tick() == {"raw": 1}


class TestOperands:
    @pytest.mark.parametrize(
        ("condition", "before", "after"),
        [
            (When.missing(), {"a": 1}, {}),
            (~When.missing(), {}, {"a": 1}),
            (When.newly_updated(), {}, {"a": 1}),
            (When.initial_evaluation(), {}, {}),
            (When.execution_failed(), {}, {}),
            (When.in_progress(), {}, {}),
        ],
        ids=str,
    )
    def test_after_an_update(self, condition: When, before: dict[str, int], after: dict[str, int]) -> None:
        project = Project(asset("a", when=condition))
        project.tick()
        assert project.tick() == before
        project.make("a")
        assert project.tick() == after

    def test_the_first_evaluation_of_a_changed_expression_is_initial_again(self) -> None:
        project = Project(asset("a", when=When.initial_evaluation()))
        assert project.tick() == {"a": 1}
        assert project.tick() == {}
        project.defs = weft.Definitions([asset("a", when=When.initial_evaluation() | When.newly_updated())])
        assert project.tick() == {"a": 1}

    def test_a_failure_counts_until_something_was_made(self) -> None:
        fails = [True]

        @weft.asset(automation_condition=When.execution_failed())
        def shaky() -> None:
            if fails[0]:
                raise ValueError

        project = Project(shaky)
        project.make("shaky")
        assert project.tick() == {"shaky": 1}
        fails[0] = False
        project.make("shaky")
        assert project.tick() == {}

    def test_tags_of_the_run_that_made_it(self) -> None:
        project = Project(
            asset("a", when=When.executed_with_tags(tag_values={"team": "x"})),
            asset("b", when=When.any_new_update_has_run_tags(tag_keys=["team"])),
            asset("c", when=When.all_new_updates_have_run_tags(tag_keys=["team"])),
        )
        project.tick()
        project.make("a", "b", "c", tags={"team": "x"})
        project.make("c")
        assert project.tick() == {"a": 1, "b": 1}
        assert project.tick() == {"a": 1}

    def test_versions(self) -> None:
        versions = ["1"]

        @weft.asset(automation_condition=When.data_version_changed())
        def data() -> weft.MaterializeResult[None]:
            return weft.MaterializeResult(data_version=weft.DataVersion(versions[0]))

        project = Project(data)
        project.make("data")
        project.tick()
        project.make("data")
        assert project.tick() == {}
        versions[0] = "2"
        project.make("data")
        assert project.tick() == {"data": 1}

        code = Project(asset("a", when=When.code_version_changed(), code_version="1"))
        assert code.tick() == {}
        code.defs = weft.Definitions([asset("a", when=When.code_version_changed(), code_version="2")])
        assert code.tick() == {"a": 1}
        assert code.tick() == {}

    def test_windows_of_time(self) -> None:
        project = Project(
            asset("last", partitions_def=DAYS, when=When.in_latest_time_window()),
            asset("two", partitions_def=DAYS, when=When.in_latest_time_window(timedelta(hours=48))),
            asset("any", when=When.in_latest_time_window()),
            asset(
                "both",
                partitions_def=weft.MultiPartitionsDefinition(
                    {"day": DAYS, "colour": weft.StaticPartitionsDefinition(["red", "blue", "green"])}
                ),
                when=When.in_latest_time_window(),
            ),
        )
        assert project.tick() == {"last": 1, "two": 2, "any": 1, "both": 3}

    def test_freshness(self) -> None:
        policy = weft.FreshnessPolicy.time_window(fail_window=timedelta(hours=2), warn_window=timedelta(hours=1))
        project = Project(
            asset("ok", when=When.freshness_passed(), freshness_policy=policy),
            asset("old", when=When.freshness_warned(), freshness_policy=policy),
            asset("late", when=When.freshness_failed(), freshness_policy=policy),
        )
        project.make("ok", "old", "late")
        project.now = datetime.now(timezone.utc)
        assert project.tick() == {"ok": 1}
        assert project.tick(minutes=61) == {"old": 1}
        assert project.tick(minutes=61) == {"late": 1}

    def test_a_run_that_has_not_ended_is_in_progress(self) -> None:
        seen: list[dict[str, int]] = []

        @weft.asset(automation_condition=When.in_progress())
        def slow() -> None:
            seen.append(project.tick())

        project = Project(slow)
        assert project.tick() == {}
        project.make("slow")
        assert seen == [{"slow": 1}]
        assert project.tick() == {}


class TestOtherTargets:
    def test_one_dependency_or_every_one(self) -> None:
        project = Project(
            asset("a"),
            asset("b"),
            asset("any", "a", "b", when=When.any_deps_match(When.newly_updated())),
            asset("all", "a", "b", when=When.all_deps_match(When.newly_updated())),
            asset("only_b", "a", "b", when=When.any_deps_match(When.newly_updated()).allow(["b"])),
            asset("not_b", "a", "b", when=When.any_deps_match(When.newly_updated()).ignore(["b"])),
        )
        project.tick()
        project.make("a")
        assert project.tick() == {"any": 1, "not_b": 1}
        project.make("a", "b")
        assert project.tick() == {"any": 1, "all": 1, "only_b": 1, "not_b": 1}

    def test_virtual_assets_are_looked_through_where_asked(self) -> None:
        seen = When.any_deps_match(When.newly_updated())
        project = Project(
            asset("table"),
            asset("view", "table", is_virtual=True),
            asset("plain", "view", when=seen),
            asset("through", "view", when=seen.resolve_through_virtual()),
        )
        project.tick()
        project.make("table")
        assert project.tick() == {"through": 1}

    def test_a_named_asset(self) -> None:
        project = Project(asset("a"), asset("b", when=When.asset_matches("a", When.newly_updated())))
        project.tick()
        project.make("a")
        assert project.tick() == {"b": 1}

    def test_checks(self) -> None:
        passes = [False]

        @weft.asset_check(asset="a", blocking=True)
        def good() -> bool:
            return passes[0]

        project = Project(
            asset("a"),
            good,
            asset("b", "a", when=When.any_deps_match(When.any_checks_match(When.check_failed()))),
            asset("c", "a", when=When.all_deps_blocking_checks_passed() & ~When.any_deps_missing()),
        )
        assert project.tick() == {}
        project.make("a")
        assert project.tick() == {"b": 1}
        passes[0] = True
        project.make("a")
        assert project.tick() == {"c": 1}

    def test_a_check_has_a_condition_of_its_own(self) -> None:
        @weft.asset_check(asset="a", automation_condition=When.eager())
        def good() -> bool:
            return True

        project = Project(asset("a"), good)
        project.tick()
        weft.materialize(
            project.assets, instance=project.instance, selection=weft.AssetSelection.all().without_checks()
        )
        result = project.evaluate()
        assert result.get_num_requested(AssetCheckKey("a", "good")) == 1

    def test_what_downstream_asks_for(self) -> None:
        project = Project(
            asset("a", when=When.any_downstream_conditions()),
            asset("b", "a", when=When.cron_tick_passed("0 * * * *")),
        )
        project.tick()
        assert project.tick(minutes=60) == {"a": 1, "b": 1}
        assert project.tick() == {}

    def test_what_is_made_together_is_requested_together(self) -> None:
        @weft.multi_asset(
            specs=[weft.AssetSpec("x", deps=["raw"], automation_condition=When.eager()), weft.AssetSpec("y")]
        )
        def both() -> None: ...

        project = Project(asset("raw"), both, asset("z", "y", when=When.eager()))
        project.tick()
        project.make("raw")
        assert project.tick() == {"x": 1, "y": 1, "z": 1}


class TestOwnConditions:
    def test_are_asked_with_what_they_said_before(self) -> None:
        class EveryOther(When):
            """True in every second evaluation."""

            def evaluate(self, context: weft.AutomationContext) -> weft.AutomationResult:
                count = int(context.cursor or 0)
                subset = context.candidate_subset if count % 2 else context.get_empty_subset()
                return weft.AutomationResult(context, subset, cursor=str(count + 1))

        project = Project(asset("a", when=EveryOther() & When.missing()))
        assert [project.tick() for _ in range(4)] == [{}, {"a": 1}, {}, {"a": 1}]

    def test_may_be_coroutines_and_know_the_time(self) -> None:
        class AtNoon(When):
            async def evaluate(self, context: weft.AutomationContext) -> weft.AutomationResult:
                noon = context.evaluation_time.hour == 12
                return weft.AutomationResult(context, context.candidate_subset if noon else context.get_empty_subset())

        project = Project(asset("a", when=AtNoon()))
        assert project.tick() == {"a": 1}
        assert project.tick(minutes=60) == {}

    def test_have_to_answer(self) -> None:
        class Silent(When):
            def evaluate(self, context: weft.AutomationContext) -> None:
                return None

        class Empty(When): ...

        with pytest.raises(weft.ExecutionError, match="AutomationResult"):
            Project(asset("a", when=Silent())).tick()
        with pytest.raises(weft.DefinitionError, match="has no evaluate"):
            Project(asset("a", when=Empty())).tick()


class TestTheAlgebra:
    def test_parts_are_replaced_by_equality_and_by_label(self) -> None:
        by_label = When.eager().replace("any_deps_updated", When.newly_updated())
        assert "any_deps_updated" not in repr(by_label.without(When.in_latest_time_window()))
        swapped = (When.missing() | When.newly_updated()).replace(When.missing(), When.newly_requested())
        assert swapped == When.newly_requested() | When.newly_updated()

    def test_a_condition_that_is_not_there_cannot_be_left_out(self) -> None:
        with pytest.raises(weft.DefinitionError) as caught:
            When.eager().without(When.cron_tick_passed("@daily"))
        assert caught.value.code == "WEFT-D502"

    def test_choosing_dependencies_reaches_every_condition_below(self) -> None:
        from weft.model.automation import nodes_of

        ignoring = When.eager().ignore(weft.AssetSelection.groups("slow"))
        deps = [node for node in nodes_of(ignoring.expression) if isinstance(node, DepsMatch)]
        assert len(deps) == 3
        assert all(node.ignore is not None for node in deps)

    def test_what_is_no_condition_is_refused(self) -> None:
        with pytest.raises(weft.DefinitionError) as caught:
            asset("a", when=When.eager)
        assert "AutomationCondition.eager()" in str(caught.value)
        with pytest.raises(weft.DefinitionError):
            When.any_deps_match("missing")  # type: ignore[arg-type]


class TestEarlierForms:
    def test_a_policy_is_a_condition(self) -> None:
        with pytest.warns(DeprecationWarning, match=r"use AutomationCondition\.eager"):
            policy = weft.AutoMaterializePolicy.eager()
        with pytest.warns(DeprecationWarning, match="auto_materialize_policy"):
            clean = asset("clean", "raw", auto_materialize_policy=policy)
        project = Project(asset("raw"), clean)
        project.tick()
        project.make("raw")
        assert project.tick() == {"clean": 1}
        assert project.tick() == {}

    def test_rules_are_added_and_left_out(self) -> None:
        rule = weft.AutoMaterializeRule
        policy = weft.AutoMaterializePolicy([rule.materialize_on_cron("0 * * * *")])
        changed = policy.with_rules(rule.skip_on_parent_missing()).without_rules(rule.skip_on_parent_missing())
        assert changed == policy
        with pytest.raises(weft.DefinitionError) as caught:
            policy.without_rules(rule.materialize_on_missing())
        assert caught.value.code == "WEFT-D505"
        with pytest.raises(weft.DefinitionError) as caught:
            weft.AutoMaterializePolicy([rule.skip_on_run_in_progress()]).to_automation_condition()
        assert caught.value.code == "WEFT-D506"

    def test_only_updates_by_runs_with_the_tags_count(self) -> None:
        rule = weft.AutoMaterializeRule.materialize_on_parent_updated(
            weft.AutoMaterializeAssetPartitionsFilter({"team": "x"})
        )
        condition = weft.AutoMaterializePolicy([rule]).to_automation_condition()
        project = Project(asset("raw"), asset("clean", "raw", when=condition))
        project.tick()
        project.make("raw")
        assert project.tick() == {}
        project.make("raw", tags={"team": "x"})
        assert project.tick() == {"clean": 1}


def test_a_job_of_assets_has_a_condition() -> None:
    job = weft.define_asset_job(
        "nightly",
        selection="raw+",
        automation_condition=When.any_job_root_assets_match(When.newly_updated()),
    )
    instance = weft.Instance.ephemeral()
    assets = [asset("raw"), asset("clean", "raw")]
    defs = weft.Definitions(assets, jobs=[job])
    first = weft.evaluate_automation_conditions(defs, instance)
    assert first.get_num_requested(weft.AssetJobKey("nightly")) == 0
    weft.materialize(assets, instance=instance, selection="raw")
    second = weft.evaluate_automation_conditions(defs, instance, cursor=first.cursor)
    assert second.get_num_requested(weft.AssetJobKey("nightly")) == 1


def test_checks_of_partitions_are_asked_for_the_partition() -> None:
    @weft.asset_check(asset="raw", partitions_def=DAYS, blocking=True)
    def good(context: weft.AssetCheckExecutionContext) -> bool:
        return context.partition_key != "2024-05-08"

    passing = When.newly_updated() & ~When.any_checks_match(When.check_failed())
    project = Project(asset("raw", partitions_def=DAYS, when=passing), good)
    project.tick()
    for day in ("2024-05-08", "2024-05-09"):
        weft.materialize(project.assets, instance=project.instance, partition_key=day, raise_on_error=False)
    result = project.evaluate()
    assert result.get_requested_partitions(AssetKey("raw")) == {"2024-05-09"}


class TestChangedPartitions:
    def keys(self, *keys: str) -> weft.Definitions:
        partitions = weft.StaticPartitionsDefinition(list(keys))
        return weft.Definitions(
            [
                asset("raw", partitions_def=partitions),
                asset("clean", "raw", partitions_def=partitions, when=When.eager()),
            ]
        )

    def report(self, project: Project, key: str) -> None:
        project.instance.report_runless_asset_event(weft.AssetMaterialization("raw", partition=key))

    def test_keys_that_are_appended_lose_nothing(self) -> None:
        project = Project()
        project.defs = self.keys("a")
        project.tick()
        project.defs = self.keys("a", "b")
        self.report(project, "b")
        assert project.evaluate().get_requested_partitions(AssetKey("clean")) == {"b"}

    def test_other_keys_begin_anew(self) -> None:
        project = Project()
        project.defs = self.keys("a", "b")
        self.report(project, "a")
        project.tick()
        project.defs = self.keys("b", "a")
        assert project.tick() == {}, "what was missing before does not count"
        self.report(project, "a")
        assert project.evaluate().get_requested_partitions(AssetKey("clean")) == {"a"}
