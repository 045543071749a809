"""Assets that something else makes, looked at by runs that make nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

from weft import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetKey,
    AssetSpec,
    DataVersion,
    DataVersionsByPartition,
    Definitions,
    DeprecatedNameWarning,
    ExecutionError,
    InMemoryIOManager,
    ObserveResult,
    SourceAsset,
    StaticPartitionsDefinition,
    asset,
    define_asset_job,
    materialize,
    multi_observable_source_asset,
    observable_source_asset,
    observe,
)
from weft.model.events import AssetMaterialized, AssetObserved


@observable_source_asset(group_name="raw", io_manager_key="files")
def prices() -> DataVersion:
    """What things cost."""
    return DataVersion("v1")


@asset
def total() -> int:
    return 3


def observed(result: Any) -> list[tuple[str, str | None, str | None]]:
    bodies = [event.body for event in result.all_events]
    assert not any(isinstance(body, AssetMaterialized) for body in bodies)
    return [
        (body.asset_key.to_user_string(), body.partition, body.data_version)
        for body in bodies
        if isinstance(body, AssetObserved)
    ]


def test_a_run_that_observes_records_the_version_and_makes_nothing() -> None:
    assert observed(observe([prices, total])) == [("prices", None, "v1")]


def test_a_run_that_makes_assets_leaves_observed_ones_alone() -> None:
    result = materialize([prices, total])
    assert [event.body for event in result.all_events if isinstance(event.body, AssetObserved)] == []
    assert result.asset_value("total") == 3


def test_a_job_of_observed_assets_observes_them() -> None:
    defs = Definitions([prices, total], jobs=[define_asset_job("look", selection="prices")])
    job = defs.resolve().jobs["look"]
    assert observed(job.execute_in_process()) == [("prices", None, "v1")]


def test_the_node_says_that_it_is_observed() -> None:
    [node] = prices.describe_nodes()
    assert node.is_observable
    assert not node.is_materializable
    assert (node.group_name, node.description, node.io_manager_key) == ("raw", "What things cost.", "files")


def test_partitions_have_versions_of_their_own() -> None:
    @observable_source_asset(partitions_def=StaticPartitionsDefinition(["a", "b"]))
    def parts() -> DataVersionsByPartition:
        return DataVersionsByPartition({"a": "1", "b": DataVersion("2")})

    assert observed(observe([parts], partition_key="a")) == [("parts", "a", "1"), ("parts", "b", "2")]


def test_several_assets_are_observed_at_once() -> None:
    @multi_observable_source_asset(specs=[AssetSpec("a"), AssetSpec("b")], owners=["team:data"])
    def both() -> Iterator[ObserveResult]:
        yield ObserveResult(asset_key="a", data_version="1", metadata={"rows": 3})
        yield ObserveResult(asset_key="b", data_version="2")

    assert observed(observe([both])) == [("a", None, "1"), ("b", None, "2")]
    assert {spec.owners for spec in both.specs} == {("team:data",)}
    with refused("WEFT-D410", "declares no assets"):

        @multi_observable_source_asset()
        def none() -> None: ...


def test_an_observation_may_answer_checks() -> None:
    @observable_source_asset(check_specs=[AssetCheckSpec("fresh", asset="feed")])
    def feed() -> ObserveResult:
        return ObserveResult(data_version="1", check_results=[AssetCheckResult(True)])

    result = observe([feed])
    assert observed(result) == [("feed", None, "1")]


def test_a_value_is_refused_where_an_asset_is_only_observed() -> None:
    @observable_source_asset
    def mistaken() -> int:
        return 3

    with pytest.raises(ExecutionError) as caught:
        observe([mistaken])
    assert caught.value.code == "WEFT-X070"


def test_observing_what_cannot_be_observed_is_refused() -> None:
    with refused("WEFT-I040", "none of these assets"):
        observe([total])


def test_an_asset_may_take_the_value_of_an_observed_one() -> None:
    files = InMemoryIOManager()

    @observable_source_asset(io_manager_def=files)
    def stored() -> DataVersion:
        return DataVersion("1")

    @asset
    def reader(stored: Any) -> Any:
        return stored

    [node] = [node for node in Definitions([stored, reader]).resolve().graph if node.key == AssetKey("stored")]
    assert node.io_manager_key == "stored__io_manager"


def test_the_earlier_form_works_with_a_warning() -> None:
    with pytest.warns(DeprecatedNameWarning, match="use AssetSpec"):
        plain = SourceAsset(key="raw", io_manager_key="files", group_name="g", metadata={"a": 1})
    with pytest.warns(DeprecatedNameWarning):
        watched = SourceAsset(
            key=AssetKey(["shop", "feed"]),
            observe_fn=lambda: DataVersion("7"),
            auto_observe_interval_minutes=30,
            description="a feed",
        )
    assert plain.io_manager_key == "files"
    assert plain.replace_attributes(group_name="h").group_name == "h"
    repository = Definitions([plain, watched]).resolve()
    assert repository.graph[AssetKey("raw")].is_external
    node = repository.graph[AssetKey(["shop", "feed"])]
    assert node.is_observable
    assert node.automation_condition is not None
    assert node.description == "a feed"
    assert observed(observe([watched])) == [("shop/feed", None, "7")]


def test_a_manager_that_a_source_brings_itself_loads_it() -> None:
    class Three(InMemoryIOManager):
        def load_input(self, context: Any) -> int:
            return 3

    with pytest.warns(DeprecatedNameWarning):
        raw = SourceAsset("raw", io_manager_def=Three())

    @asset
    def plus_one(raw: int) -> int:
        return raw + 1

    assert materialize([raw, plus_one]).asset_value("plus_one") == 4


def test_an_asset_that_brings_its_manager_is_loaded_by_a_run_without_its_step() -> None:
    manager = InMemoryIOManager()

    @asset(io_manager_def=manager)
    def made() -> int:
        return 1

    @asset
    def reader(made: int) -> int:
        return made + 1

    assert materialize([made, reader]).success
    assert materialize([made, reader], selection="reader").asset_value("reader") == 2
