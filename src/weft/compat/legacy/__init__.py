"""The words of the years before jobs and ops: solids, pipelines, modes, presets, partition sets.

Each is a thin layer over the present word; ``docs/howto/existing-code.md`` has the table. The names resolve from the import compatibility as well
(``from dagster import solid``). Everything here warns once for each place that uses it, with the word to use.
"""

from __future__ import annotations

from weft.compat.legacy.date_schedules import daily_schedule, hourly_schedule, monthly_schedule, weekly_schedule
from weft.compat.legacy.events import EventMetadataEntry, Materialization
from weft.compat.legacy.modes import (
    ModeDefinition,
    PresetDefinition,
    SystemStorageDefinition,
    fs_system_storage,
    mem_system_storage,
)
from weft.compat.legacy.partition_sets import Partition, PartitionSetDefinition
from weft.compat.legacy.pipelines import (
    PipelineDefinition,
    PipelineExecutionResult,
    SolidExecutionResult,
    execute_pipeline,
    execute_solid,
    pipeline,
    pipeline_failure_sensor,
)
from weft.compat.legacy.repositories import repository, schedules
from weft.compat.legacy.solids import (
    DynamicOutputDefinition,
    InputDefinition,
    OutputDefinition,
    build_solid_context,
    composite_solid,
    lambda_solid,
    solid,
)
from weft.definitions.graph import GraphDefinition as CompositeSolidDefinition
from weft.definitions.op import OpDefinition as SolidDefinition
from weft.execution.contexts import OpExecutionContext as SolidExecutionContext
from weft.model.run import Run as PipelineRun, RunStatus as PipelineRunStatus

default_system_storage_defs = [mem_system_storage, fs_system_storage]

__all__ = [
    "CompositeSolidDefinition",
    "DynamicOutputDefinition",
    "EventMetadataEntry",
    "InputDefinition",
    "Materialization",
    "ModeDefinition",
    "OutputDefinition",
    "Partition",
    "PartitionSetDefinition",
    "PipelineDefinition",
    "PipelineExecutionResult",
    "PipelineRun",
    "PipelineRunStatus",
    "PresetDefinition",
    "SolidDefinition",
    "SolidExecutionContext",
    "SolidExecutionResult",
    "SystemStorageDefinition",
    "build_solid_context",
    "composite_solid",
    "daily_schedule",
    "default_system_storage_defs",
    "execute_pipeline",
    "execute_solid",
    "fs_system_storage",
    "hourly_schedule",
    "lambda_solid",
    "mem_system_storage",
    "monthly_schedule",
    "pipeline",
    "pipeline_failure_sensor",
    "repository",
    "schedules",
    "solid",
    "weekly_schedule",
]
