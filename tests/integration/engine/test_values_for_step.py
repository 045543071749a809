"""Fields of resources that are functions of the step's context."""

from __future__ import annotations

from typing import Any

import pytest

from weft import (
    AssetExecutionContext,
    ConfigError,
    ConfigurableResource,
    DailyPartitionsDefinition,
    ExecuteInProcessResult,
    ResourceDependency,
    asset,
    job,
    materialize,
    op,
)
from weft.errors import ExecutionError

LIFE: list[str] = []


class SparkResource(ConfigurableResource):
    executor_instances: int
    memory: str = "2g"
    password: str = "none"

    def setup_for_execution(self, context: Any) -> None:
        LIFE.append(f"up {self.executor_instances}")

    def teardown_after_execution(self, context: Any) -> None:
        LIFE.append("down")


@pytest.fixture(autouse=True)
def fresh() -> None:
    LIFE.clear()


def made(result: ExecuteInProcessResult) -> dict[str, Any]:
    [event] = result.get_asset_materialization_events()
    return {label: value.value for label, value in event.body.metadata.items()}


def test_the_snippet_of_the_docs_works() -> None:
    @asset(
        kinds={"spark"},
        partitions_def=DailyPartitionsDefinition(start_date="2024-01-01"),
        resource_defs={
            "spark": SparkResource(executor_instances=lambda context: 10 if context.has_partition_key else 2)
        },
    )
    def processed(context, spark):  # type: ignore[no-untyped-def]
        return spark.executor_instances, context.asset_partition_key

    result = materialize([processed], partition_key="2024-01-02")

    assert result.asset_value("processed") == (10, "2024-01-02")
    assert made(result)["spark.executor_instances"] == 10
    assert LIFE == ["up 10", "down"]


def test_each_step_has_values_of_its_own() -> None:
    seen: dict[str, int] = {}

    def by_step(context: Any) -> int:
        return 1 if context.step.key == "first" else 7

    @op(required_resource_keys={"spark"})
    def first(context) -> int:  # type: ignore[no-untyped-def]
        seen["first"] = context.resources.spark.executor_instances
        return 0

    @op
    def second(spark: SparkResource, x: int) -> None:
        seen["second"] = spark.executor_instances

    @op
    def third() -> None:
        assert LIFE == ["up 1", "down", "up 7", "down"]

    @job(resource_defs={"spark": SparkResource(executor_instances=by_step)})
    def the_job() -> None:
        second(x=first())
        third()

    result = the_job.execute_in_process()

    assert seen == {"first": 1, "second": 7}
    told = [event.body for event in result.all_events if event.type == "ENGINE_EVENT"]
    assert [body.metadata["spark.executor_instances"].value for body in told] == [1, 7]


def test_the_configuration_of_the_run_wins() -> None:
    @asset
    def sized(spark: SparkResource) -> int:
        return spark.executor_instances

    result = materialize(
        [sized],
        {"resources": {"spark": {"config": {"executor_instances": 3}}}},
        resources={"spark": SparkResource(executor_instances=lambda context: 10)},
    )

    assert result.asset_value("sized") == 3


def test_tags_of_the_run_may_give_a_value() -> None:
    @asset
    def sized(spark: SparkResource) -> tuple[int, str]:
        return spark.executor_instances, spark.memory

    spark = SparkResource(executor_instances=lambda context: int(context.run.tags["size"]), memory="8g")

    result = materialize([sized], resources={"spark": spark}, tags={"size": "4"})

    assert result.asset_value("sized") == (4, "8g")


def test_a_function_that_raises_fails_the_step_and_says_which_it_was() -> None:
    @asset
    def sized(spark: SparkResource) -> None: ...

    def broken(context: AssetExecutionContext) -> int:
        raise KeyError("size")

    with pytest.raises(ExecutionError, match=r'"spark.executor_instances" for step "sized" raised KeyError') as caught:
        materialize([sized], resources={"spark": SparkResource(executor_instances=broken)})

    assert caught.value.code == "WEFT-X102"
    assert "test_values_for_step.py" in str(caught.value.facts["declared in"])


def test_a_value_that_does_not_fit_its_field_is_told() -> None:
    @asset
    def sized(spark: SparkResource) -> None: ...

    with pytest.raises(ConfigError, match="executor_instances"):
        materialize([sized], resources={"spark": SparkResource(executor_instances=lambda context: "many")})


def test_a_secret_is_not_recorded() -> None:
    @asset
    def sized(spark: SparkResource) -> str:
        return spark.password

    spark = SparkResource(executor_instances=1, password=lambda context: "s3cret")

    result = materialize([sized], resources={"spark": spark})

    assert result.asset_value("sized") == "s3cret"
    assert "s3cret" not in repr([event.body for event in result.all_events])


def test_a_resource_that_holds_one_for_a_step_is_set_up_for_the_step_as_well() -> None:
    class Cluster(ConfigurableResource):
        spark: ResourceDependency[SparkResource]

    @asset
    def sized(cluster: Cluster) -> int:
        return cluster.spark.executor_instances

    inner = SparkResource(executor_instances=lambda context: 5)

    assert materialize([sized], resources={"cluster": Cluster(spark=inner)}).asset_value("sized") == 5
    shared = {"cluster": Cluster(spark=inner), "spark": inner}
    assert materialize([sized], resources=shared).asset_value("sized") == 5
