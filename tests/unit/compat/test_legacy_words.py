"""Running one solid, and saying what it made, in the words of before 1.0."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import weft
from weft.compat.dagster import resolve
from weft.compat.legacy import (
    DynamicOutputDefinition,
    EventMetadataEntry,
    InputDefinition,
    Materialization,
    ModeDefinition,
    OutputDefinition,
    PipelineRun,
    PipelineRunStatus,
    build_solid_context,
    composite_solid,
    execute_solid,
    lambda_solid,
    pipeline,
    pipeline_failure_sensor,
    solid,
)
from weft.definitions.deprecations import DeprecatedNameWarning

pytestmark = pytest.mark.filterwarnings("ignore::weft.definitions.deprecations.DeprecatedNameWarning")


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecatedNameWarning)

    @solid(input_defs=[InputDefinition("value", int)], output_defs=[OutputDefinition(int)], config_schema={"by": int})
    def add(context: Any, value: int) -> int:
        return value + int(context.solid_config["by"])


def test_one_solid_runs_alone() -> None:
    result = execute_solid(add, input_values={"value": 1}, run_config={"solids": {"add": {"config": {"by": 2}}}})
    assert result.success
    assert result.output_value() == 3


def test_a_composite_solid_runs_alone_with_the_resources_of_a_mode() -> None:
    @solid(required_resource_keys={"start"})
    def begin(context: Any) -> int:
        return int(context.resources.start)

    @lambda_solid
    def double(value: int) -> int:
        return 2 * value

    @composite_solid
    def whole() -> Any:
        return double(begin())

    mode = ModeDefinition(resource_defs={"start": weft.ResourceDefinition.hardcoded_resource(4)})
    assert execute_solid(whole, mode_def=mode).output_value() == 8


def test_a_solid_is_called_with_a_context() -> None:
    assert add(build_solid_context(config={"by": 5}), 1) == 6
    assert add(build_solid_context(solid_config={"by": 6}), 1) == 7


def test_a_materialization_keeps_its_entries() -> None:
    entries = [
        EventMetadataEntry.text("a", "text"),
        EventMetadataEntry.url("https://example.com", "url"),
        EventMetadataEntry.path("/tmp/a", "path"),
        EventMetadataEntry.json({"a": 1}, "json"),
        EventMetadataEntry.md("**a**", "md"),
        EventMetadataEntry.int(1, "int"),
        EventMetadataEntry.float(0.5, "float", description="half"),
    ]

    @solid
    def write(_: Any) -> Any:
        yield Materialization("orders", metadata_entries=entries)
        yield weft.Output(1)

    result = execute_solid(write)
    [made] = result.materializations_during_compute
    assert made.asset_key == weft.AssetKey("orders")
    assert {label: value.value for label, value in made.metadata.items()} == {
        "text": "a",
        "url": "https://example.com",
        "path": "/tmp/a",
        "json": {"a": 1},
        "md": "**a**",
        "int": 1,
        "float": 0.5,
    }


def test_the_present_word_takes_entries_from_existing_code() -> None:
    there = resolve("AssetMaterialization")
    made = there(asset_key="orders", metadata_entries=[EventMetadataEntry.int(3, "rows")])
    assert isinstance(made, weft.AssetMaterialization)
    assert made.metadata["rows"].value == 3
    assert there("orders", metadata={"rows": 3}).metadata == made.metadata


def test_dynamic_outputs_have_names() -> None:
    @solid(output_defs=[DynamicOutputDefinition(int, name="each")])
    def several() -> Any:
        yield weft.DynamicOutput(1, "a", "each")
        yield weft.DynamicOutput(2, "b", "each")

    assert execute_solid(several).output_value("each") == {"a": 1, "b": 2}


def test_runs_of_pipelines_are_runs() -> None:
    assert (PipelineRun, PipelineRunStatus) == (weft.Run, weft.RunStatus)


def test_a_pipeline_that_fails_is_told() -> None:
    seen: list[str] = []

    @pipeline_failure_sensor
    def tell(context: Any) -> None:
        seen.append(f"{context.pipeline_run.job_name}: {context.failure_event.message}")

    @pipeline_failure_sensor(name="other", minimum_interval_seconds=90)
    def other(context: Any) -> None: ...

    @solid
    def broken() -> None:
        raise ValueError("no")

    @pipeline
    def nightly() -> None:
        broken()

    with weft.Instance.ephemeral() as instance:
        result = nightly.execute_in_process(instance=instance, raise_on_error=False)
        context = weft.build_run_status_sensor_context(
            sensor_name="tell", instance=instance, run=result.run, event=result.get_run_failure_event()
        )
        tell(context.for_run_failure())
    assert len(seen) == 1
    assert seen[0].startswith("nightly: ")
    assert (other.name, other.minimum_interval_seconds) == ("other", 90)


def test_every_word_says_what_to_use() -> None:
    with pytest.warns(DeprecatedNameWarning, match="AssetMaterialization"):
        Materialization("orders")
    with pytest.warns(DeprecatedNameWarning, match="build_op_context"):
        build_solid_context()
