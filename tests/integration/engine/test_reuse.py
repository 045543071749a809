"""Steps that do not run because their result exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from weft import (
    AssetDep,
    AssetIn,
    AssetSpec,
    Config,
    ConfigurableResource,
    DailyPartitionsDefinition,
    Definitions,
    EnvVar,
    ExecuteInProcessResult,
    Instance,
    MaterializeResult,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    asset,
    define_asset_job,
    materialize,
    multi_asset,
)


@pytest.fixture
def instance(tmp_path: Path) -> Any:
    with Instance.at(tmp_path / "home") as one:
        yield one


def ran(result: ExecuteInProcessResult) -> list[str]:
    """The steps whose function was called."""
    return [
        event.step_key for event in result.all_events if event.type == "STEP_SUCCESS" and event.body.reused_from is None
    ]


def reused(result: ExecuteInProcessResult) -> dict[str, str]:
    return {
        event.step_key: event.body.reused_from
        for event in result.all_events
        if event.type == "STEP_SUCCESS" and event.body.reused_from is not None
    }


def chain(first: str | None = "1", second: str | None = "1", cache: bool | None = True) -> list[Any]:
    @asset(code_version=first, cache=cache)
    def raw() -> int:
        return 1

    @asset(code_version=second, cache=cache)
    def clean(raw: int) -> int:
        return raw + 1

    return [raw, clean]


def test_what_was_made_by_the_same_versions_is_not_made_again(instance: Instance) -> None:
    first = materialize(chain(), instance=instance)
    second = materialize(chain(), instance=instance)

    assert ran(first) == ["raw", "clean"]
    assert ran(second) == []
    assert reused(second) == {"raw": first.run_id, "clean": first.run_id}
    [event, _] = [event for event in second.all_events if event.type == "STEP_SUCCESS"]
    assert event.body.reason == f"made by run {first.run_id} from the same versions of code and data"
    assert second.get_asset_materialization_events() == []


def test_another_version_of_the_code_is_run_and_what_is_below_it_too(instance: Instance) -> None:
    materialize(chain(), instance=instance)

    assert ran(materialize(chain(first="2"), instance=instance)) == ["raw", "clean"]
    assert ran(materialize(chain(first="2", second="2"), instance=instance)) == ["clean"]


def test_an_asset_without_a_code_version_is_always_run(instance: Instance) -> None:
    materialize(chain(first=None), instance=instance)

    assert ran(materialize(chain(first=None), instance=instance)) == ["raw", "clean"]


def test_nothing_is_reused_unless_somebody_asks_for_it(instance: Instance) -> None:
    materialize(chain(cache=None), instance=instance)

    assert ran(materialize(chain(cache=None), instance=instance)) == ["raw", "clean"]
    assert ran(materialize(chain(cache=None), instance=instance, cache=True)) == []
    assert ran(materialize(chain(cache=None), instance=instance, tags={"dagster/cache": "true"})) == []
    assert ran(materialize(chain(cache=False), instance=instance, cache=True)) == ["raw", "clean"]


def test_a_job_may_ask_for_it(instance: Instance) -> None:
    defs = Definitions(chain(cache=None), jobs=[define_asset_job("nightly", cache=True)])
    job = defs.get_job_def("nightly")

    assert ran(job.execute_in_process(instance=instance)) == ["raw", "clean"]
    assert ran(job.execute_in_process(instance=instance)) == []
    assert ran(job.execute_in_process(instance=instance, tags={"weft/cache": "false"})) == ["raw", "clean"]


def test_a_result_whose_value_is_gone_is_made_again(instance: Instance, tmp_path: Path) -> None:
    materialize(chain(), instance=instance)
    stored = [path for path in tmp_path.rglob("*") if path.is_file() and path.stem == "raw"]
    assert stored
    for path in stored:
        path.unlink()

    assert ran(materialize(chain(), instance=instance)) == ["raw"]


def test_an_asset_that_stores_its_value_itself_is_reused_by_its_record(instance: Instance) -> None:
    @asset(code_version="1", cache=True)
    def table() -> MaterializeResult[Any]:
        return MaterializeResult(metadata={"rows": 3})

    materialize([table], instance=instance)

    assert ran(materialize([table], instance=instance)) == []


def test_a_multi_asset_is_reused_only_as_a_whole(instance: Instance) -> None:
    def declared(version: str) -> Any:
        @multi_asset(
            specs=[AssetSpec("a", code_version="1", cache=True), AssetSpec("b", code_version=version, cache=True)]
        )
        def both() -> Any:
            yield MaterializeResult(asset_key="a")
            yield MaterializeResult(asset_key="b")

        return both

    materialize([declared("1")], instance=instance)

    assert ran(materialize([declared("1")], instance=instance)) == []
    assert ran(materialize([declared("2")], instance=instance)) == ["both"]


def test_each_partition_has_versions_of_its_own(instance: Instance) -> None:
    shops = StaticPartitionsDefinition(["north", "south"])
    version = {"north": "n1", "south": "s1"}

    @asset(partitions_def=shops)
    def sales(context: Any) -> MaterializeResult[int]:
        return MaterializeResult(value=1, data_version=version[context.partition_key])

    @asset(partitions_def=shops, code_version="1", cache=True)
    def report(sales: int) -> int:
        return sales

    for key in version:
        materialize([sales, report], partition_key=key, instance=instance)
    version["north"] = "n2"

    assert ran(materialize([sales, report], partition_key="south", instance=instance)) == ["sales"]
    assert ran(materialize([sales, report], partition_key="north", instance=instance)) == ["sales", "report"]


def test_several_upstream_partitions_have_one_version(instance: Instance) -> None:
    days = DailyPartitionsDefinition(start_date="2024-01-01")
    version = {"2024-01-01": "a", "2024-01-02": "b"}

    @asset(partitions_def=days)
    def raw(context: Any) -> MaterializeResult[int]:
        return MaterializeResult(value=1, data_version=version[context.partition_key])

    @asset(
        partitions_def=days,
        ins={"raw": AssetIn(partition_mapping=TimeWindowPartitionMapping(start_offset=-1))},
        code_version="1",
        cache=True,
    )
    def moving(raw: Any) -> int:
        return len(raw)

    for key in version:
        materialize([raw], partition_key=key, instance=instance)

    def make() -> ExecuteInProcessResult:
        return materialize([raw, moving], selection="moving", partition_key="2024-01-02", instance=instance)

    assert ran(make()) == ["moving"]
    assert ran(make()) == []
    version["2024-01-01"] = "a2"
    materialize([raw], partition_key="2024-01-01", instance=instance)
    assert ran(make()) == ["moving"]


def test_only_what_is_stale_is_made(instance: Instance) -> None:
    @asset
    def source() -> int:
        return 1

    @asset(deps=[AssetDep(source)])
    def below() -> None: ...

    @asset
    def other() -> None: ...

    everything = [source, below, other]
    materialize(everything, instance=instance)
    assert ran(materialize(everything, instance=instance, stale_assets_only=True)) == []

    materialize([source], instance=instance)

    result = materialize(everything, instance=instance, stale_assets_only=True)
    assert ran(result) == ["below"]
    assert set(reused(result)) == {"source", "other"}


class Rows(Config):
    count: int = 1


class Shop(ConfigurableResource):  # type: ignore[type-arg]
    url: str = "here"
    password: str = "unknown"


def configured(instance: Instance, count: int = 1, shop: Shop | None = None) -> list[str]:
    @asset(code_version="1", cache=True)
    def raw(config: Rows, shop: Shop) -> int:
        return config.count

    @asset(code_version="1", cache=True)
    def clean(raw: int) -> int:
        return raw + 1

    return ran(
        materialize(
            [raw, clean],
            instance=instance,
            resources={"shop": shop or Shop()},
            run_config={"ops": {"raw": {"config": {"count": count}}}},
        )
    )


def test_another_configuration_is_run_and_what_is_below_it_too(instance: Instance) -> None:
    assert configured(instance) == ["raw", "clean"]
    assert configured(instance) == []
    assert configured(instance, count=2) == ["raw", "clean"]
    assert configured(instance, count=2) == []


def test_another_resource_is_run(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(instance)

    assert configured(instance, shop=Shop(url="there")) == ["raw", "clean"]
    assert configured(instance, shop=Shop(url="there")) == []
    assert configured(instance, shop=Shop(url="there", password="another")) == ["raw", "clean"]
    monkeypatch.setenv("SHOP_URL", "one")
    assert configured(instance, shop=Shop(url=EnvVar("SHOP_URL"))) == ["raw", "clean"]
    assert configured(instance, shop=Shop(url=EnvVar("SHOP_URL"))) == []
    monkeypatch.setenv("SHOP_URL", "two")
    assert configured(instance, shop=Shop(url=EnvVar("SHOP_URL"))) == ["raw", "clean"]
