"""weft: define, run and observe data assets and workflows.

The public API is the list below, resolved when a name is first used (PEP 562), so that importing weft loads only what is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weft._version import (
        __version__ as __version__,
    )
    from weft.config.env import (
        EnvVar as EnvVar,
    )
    from weft.config.models import (
        Config as Config,
        PermissiveConfig as PermissiveConfig,
    )
    from weft.config.run_config import (
        RunConfig as RunConfig,
    )
    from weft.definitions.asset_checks import (
        AssetChecksDefinition as AssetChecksDefinition,
        asset_check as asset_check,
        multi_asset_check as multi_asset_check,
    )
    from weft.definitions.asset_selection import (
        AssetSelection as AssetSelection,
    )
    from weft.definitions.asset_sensors import (
        AssetSensorDefinition as AssetSensorDefinition,
        MultiAssetSensorDefinition as MultiAssetSensorDefinition,
        asset_sensor as asset_sensor,
        multi_asset_sensor as multi_asset_sensor,
    )
    from weft.definitions.asset_spec import (
        AssetCheckSpec as AssetCheckSpec,
        AssetSpec as AssetSpec,
    )
    from weft.definitions.assets import (
        AssetsDefinition as AssetsDefinition,
        asset as asset,
        multi_asset as multi_asset,
    )
    from weft.definitions.automation_condition import (
        AutomationCondition as AutomationCondition,
    )
    from weft.definitions.configurable_io_manager import (
        ConfigurableIOManager as ConfigurableIOManager,
        ConfigurableIOManagerFactory as ConfigurableIOManagerFactory,
    )
    from weft.definitions.configurable_resource import (
        ConfigurableResource as ConfigurableResource,
        ConfigurableResourceFactory as ConfigurableResourceFactory,
    )
    from weft.definitions.definitions import (
        Definitions as Definitions,
    )
    from weft.definitions.deprecations import (
        DeprecatedNameWarning as DeprecatedNameWarning,
    )
    from weft.definitions.failure_mail import (
        make_email_on_run_failure_sensor as make_email_on_run_failure_sensor,
    )
    from weft.definitions.graph import (
        GraphDefinition as GraphDefinition,
        graph as graph,
    )
    from weft.definitions.graph_assets import (
        graph_asset as graph_asset,
        graph_multi_asset as graph_multi_asset,
    )
    from weft.definitions.hooks import (
        HookDefinition as HookDefinition,
        failure_hook as failure_hook,
        success_hook as success_hook,
    )
    from weft.definitions.inputs_outputs import (
        AssetDep as AssetDep,
        AssetIn as AssetIn,
        AssetOut as AssetOut,
        DynamicOut as DynamicOut,
        GraphIn as GraphIn,
        GraphOut as GraphOut,
        In as In,
        Out as Out,
    )
    from weft.definitions.io_manager import (
        InputManager as InputManager,
        InputManagerDefinition as InputManagerDefinition,
        IOManager as IOManager,
        IOManagerDefinition as IOManagerDefinition,
        input_manager as input_manager,
        io_manager as io_manager,
    )
    from weft.definitions.job import (
        AssetJobDefinition as AssetJobDefinition,
        JobDefinition as JobDefinition,
        define_asset_job as define_asset_job,
        job as job,
    )
    from weft.definitions.lazy_definitions import (
        RepositoryDefinition as RepositoryDefinition,
        create_repository_using_definitions_args as create_repository_using_definitions_args,
        definitions as definitions,
        repository as repository,
    )
    from weft.definitions.loading import (
        load_asset_checks_from_current_module as load_asset_checks_from_current_module,
        load_asset_checks_from_modules as load_asset_checks_from_modules,
        load_asset_checks_from_package_module as load_asset_checks_from_package_module,
        load_asset_checks_from_package_name as load_asset_checks_from_package_name,
        load_assets_from_current_module as load_assets_from_current_module,
        load_assets_from_modules as load_assets_from_modules,
        load_assets_from_package_module as load_assets_from_package_module,
        load_assets_from_package_name as load_assets_from_package_name,
        load_definitions_from_current_module as load_definitions_from_current_module,
        load_definitions_from_module as load_definitions_from_module,
        load_definitions_from_modules as load_definitions_from_modules,
        load_definitions_from_package_module as load_definitions_from_package_module,
        load_definitions_from_package_name as load_definitions_from_package_name,
    )
    from weft.definitions.loop import (
        loop as loop,
    )
    from weft.definitions.observable_assets import (
        multi_observable_source_asset as multi_observable_source_asset,
        observable_source_asset as observable_source_asset,
    )
    from weft.definitions.op import (
        OpDefinition as OpDefinition,
        op as op,
    )
    from weft.definitions.partitioned_config import (
        PartitionedConfig as PartitionedConfig,
        daily_partitioned_config as daily_partitioned_config,
        dynamic_partitioned_config as dynamic_partitioned_config,
        hourly_partitioned_config as hourly_partitioned_config,
        monthly_partitioned_config as monthly_partitioned_config,
        partitioned_config as partitioned_config,
        static_partitioned_config as static_partitioned_config,
        weekly_partitioned_config as weekly_partitioned_config,
    )
    from weft.definitions.partitioned_schedule import (
        build_schedule_from_partitioned_job as build_schedule_from_partitioned_job,
    )
    from weft.definitions.repository import (
        Repository as Repository,
    )
    from weft.definitions.resource_annotations import (
        ResourceDependency as ResourceDependency,
        ResourceParam as ResourceParam,
    )
    from weft.definitions.resources import (
        InitResourceContext as InitResourceContext,
        ResourceDefinition as ResourceDefinition,
        make_values_resource as make_values_resource,
        resource as resource,
    )
    from weft.definitions.results import (
        AssetCheckResult as AssetCheckResult,
        AssetMaterialization as AssetMaterialization,
        AssetObservation as AssetObservation,
        DataVersion as DataVersion,
        DataVersionsByPartition as DataVersionsByPartition,
        DynamicOutput as DynamicOutput,
        Failure as Failure,
        MaterializeResult as MaterializeResult,
        ObserveResult as ObserveResult,
        Output as Output,
        RetryRequested as RetryRequested,
        Skip as Skip,
    )
    from weft.definitions.run_requests import (
        RunRequest as RunRequest,
        SensorResult as SensorResult,
        SkipReason as SkipReason,
    )
    from weft.definitions.run_status_sensors import (
        CodeLocationSelector as CodeLocationSelector,
        JobSelector as JobSelector,
        RepositorySelector as RepositorySelector,
        RunStatusSensorDefinition as RunStatusSensorDefinition,
        run_failure_sensor as run_failure_sensor,
        run_status_sensor as run_status_sensor,
    )
    from weft.definitions.schedules import (
        DefaultScheduleStatus as DefaultScheduleStatus,
        ScheduleDefinition as ScheduleDefinition,
        schedule as schedule,
    )
    from weft.definitions.scoped_resources import (
        IAttachDifferentObjectToOpContext as IAttachDifferentObjectToOpContext,
    )
    from weft.definitions.sensors import (
        AutomationConditionSensorDefinition as AutomationConditionSensorDefinition,
        DefaultSensorStatus as DefaultSensorStatus,
        SensorDefinition as SensorDefinition,
        SensorType as SensorType,
        sensor as sensor,
    )
    from weft.definitions.source_asset import (
        SourceAsset as SourceAsset,
    )
    from weft.definitions.spec_changes import (
        map_asset_specs as map_asset_specs,
        with_resources as with_resources,
    )
    from weft.definitions.value_type import (
        Nothing as Nothing,
        TypeCheck as TypeCheck,
        ValueType as ValueType,
    )
    from weft.errors import (
        ConfigError as ConfigError,
        DefinitionError as DefinitionError,
        ExecutionError as ExecutionError,
        InvocationError as InvocationError,
        IOManagerError as IOManagerError,
        LoadError as LoadError,
        PartitionError as PartitionError,
        ResourceError as ResourceError,
        RunNotFoundError as RunNotFoundError,
        SelectionError as SelectionError,
        StorageError as StorageError,
        TickError as TickError,
        TypeCheckError as TypeCheckError,
        WeftError as WeftError,
    )
    from weft.execution.automation import (
        AutomationContext as AutomationContext,
        AutomationResult as AutomationResult,
    )
    from weft.execution.contexts import (
        AssetCheckExecutionContext as AssetCheckExecutionContext,
        AssetExecutionContext as AssetExecutionContext,
        HookContext as HookContext,
        OpExecutionContext as OpExecutionContext,
    )
    from weft.execution.io_contexts import (
        InputContext as InputContext,
        OutputContext as OutputContext,
    )
    from weft.execution.io_managers.filesystem import (
        FilesystemIOManager as FilesystemIOManager,
    )
    from weft.execution.io_managers.memory import (
        InMemoryIOManager as InMemoryIOManager,
    )
    from weft.execution.io_managers.upath import (
        UPathIOManager as UPathIOManager,
    )
    from weft.execution.results import (
        ExecuteInProcessResult as ExecuteInProcessResult,
    )
    from weft.execution.ticks.contexts import (
        ScheduleEvaluationContext as ScheduleEvaluationContext,
    )
    from weft.execution.ticks.multi_asset_context import (
        MultiAssetSensorEvaluationContext as MultiAssetSensorEvaluationContext,
    )
    from weft.execution.ticks.outcome import (
        TickEvaluation as TickEvaluation,
    )
    from weft.execution.ticks.sensor_contexts import (
        RunFailureSensorContext as RunFailureSensorContext,
        RunStatusSensorContext as RunStatusSensorContext,
        SensorEvaluationContext as SensorEvaluationContext,
    )
    from weft.instance import (
        Instance as Instance,
    )
    from weft.model.asset_state import (
        PartitionStatus as PartitionStatus,
    )
    from weft.model.backfill import (
        BackfillPolicy as BackfillPolicy,
    )
    from weft.model.events import (
        Event as Event,
        EventType as EventType,
        StoredEvent as StoredEvent,
    )
    from weft.model.freshness import (
        FreshnessPolicy as FreshnessPolicy,
        LegacyFreshnessPolicy as LegacyFreshnessPolicy,
    )
    from weft.model.keys import (
        AssetCheckKey as AssetCheckKey,
        AssetJobKey as AssetJobKey,
        AssetKey as AssetKey,
    )
    from weft.model.metadata import (
        MetadataValue as MetadataValue,
        TableColumn as TableColumn,
        TableColumnConstraints as TableColumnConstraints,
        TableColumnDep as TableColumnDep,
        TableColumnLineage as TableColumnLineage,
        TableConstraints as TableConstraints,
        TableRecord as TableRecord,
        TableSchema as TableSchema,
    )
    from weft.model.partitions.definitions import (
        AddDynamicPartitionsRequest as AddDynamicPartitionsRequest,
        DailyPartitionsDefinition as DailyPartitionsDefinition,
        DeleteDynamicPartitionsRequest as DeleteDynamicPartitionsRequest,
        DynamicPartitionsDefinition as DynamicPartitionsDefinition,
        HourlyPartitionsDefinition as HourlyPartitionsDefinition,
        MonthlyPartitionsDefinition as MonthlyPartitionsDefinition,
        MultiPartitionsDefinition as MultiPartitionsDefinition,
        PartitionsDefinition as PartitionsDefinition,
        StaticPartitionsDefinition as StaticPartitionsDefinition,
        TimeWindowPartitionsDefinition as TimeWindowPartitionsDefinition,
        WeeklyPartitionsDefinition as WeeklyPartitionsDefinition,
    )
    from weft.model.partitions.keys import (
        MultiPartitionKey as MultiPartitionKey,
        PartitionKeyRange as PartitionKeyRange,
        TimeWindow as TimeWindow,
    )
    from weft.model.partitions.mappings import (
        AllPartitionMapping as AllPartitionMapping,
        DimensionPartitionMapping as DimensionPartitionMapping,
        IdentityPartitionMapping as IdentityPartitionMapping,
        LastPartitionMapping as LastPartitionMapping,
        MultiPartitionMapping as MultiPartitionMapping,
        MultiToSingleDimensionPartitionMapping as MultiToSingleDimensionPartitionMapping,
        PartitionMapping as PartitionMapping,
        SpecificPartitionsPartitionMapping as SpecificPartitionsPartitionMapping,
        StaticPartitionMapping as StaticPartitionMapping,
        TimeWindowPartitionMapping as TimeWindowPartitionMapping,
    )
    from weft.model.plan import (
        EdgeRule as EdgeRule,
    )
    from weft.model.retry import (
        Backoff as Backoff,
        Jitter as Jitter,
        RetryPolicy as RetryPolicy,
    )
    from weft.model.run import (
        Run as Run,
        RunFilter as RunFilter,
        RunStatus as RunStatus,
    )
    from weft.model.severity import (
        AssetCheckSeverity as AssetCheckSeverity,
    )
    from weft.runs.in_process import (
        materialize as materialize,
        materialize_to_memory as materialize_to_memory,
        observe as observe,
    )
    from weft.runs.instance_records import (
        AssetCheckRecord as AssetCheckRecord,
        AssetEntry as AssetEntry,
        AssetRecord as AssetRecord,
        AssetRecordsFilter as AssetRecordsFilter,
        EventRecordsFilter as EventRecordsFilter,
        EventRecordsResult as EventRecordsResult,
        PaginatedResults as PaginatedResults,
        RunRecord as RunRecord,
        RunStatusChangeRecordsFilter as RunStatusChangeRecordsFilter,
    )
    from weft.testing.automation import (
        EvaluateAutomationConditionsResult as EvaluateAutomationConditionsResult,
        evaluate_automation_conditions as evaluate_automation_conditions,
    )
    from weft.testing.contexts import (
        build_asset_check_context as build_asset_check_context,
        build_asset_context as build_asset_context,
        build_op_context as build_op_context,
    )
    from weft.testing.tick_contexts import (
        build_multi_asset_sensor_context as build_multi_asset_sensor_context,
        build_run_status_sensor_context as build_run_status_sensor_context,
        build_schedule_context as build_schedule_context,
        build_sensor_context as build_sensor_context,
    )

_WHERE = {
    "__version__": "weft._version",
    "AddDynamicPartitionsRequest": "weft.model.partitions.definitions",
    "AllPartitionMapping": "weft.model.partitions.mappings",
    "asset": "weft.definitions.assets",
    "asset_check": "weft.definitions.asset_checks",
    "asset_sensor": "weft.definitions.asset_sensors",
    "AssetCheckExecutionContext": "weft.execution.contexts",
    "AssetCheckKey": "weft.model.keys",
    "AssetCheckRecord": "weft.runs.instance_records",
    "AssetCheckResult": "weft.definitions.results",
    "AssetChecksDefinition": "weft.definitions.asset_checks",
    "AssetCheckSeverity": "weft.model.severity",
    "AssetCheckSpec": "weft.definitions.asset_spec",
    "AssetDep": "weft.definitions.inputs_outputs",
    "AssetEntry": "weft.runs.instance_records",
    "AssetExecutionContext": "weft.execution.contexts",
    "AssetIn": "weft.definitions.inputs_outputs",
    "AssetJobDefinition": "weft.definitions.job",
    "AssetJobKey": "weft.model.keys",
    "AssetKey": "weft.model.keys",
    "AssetMaterialization": "weft.definitions.results",
    "AssetObservation": "weft.definitions.results",
    "AssetOut": "weft.definitions.inputs_outputs",
    "AssetRecord": "weft.runs.instance_records",
    "AssetRecordsFilter": "weft.runs.instance_records",
    "AssetsDefinition": "weft.definitions.assets",
    "AssetSelection": "weft.definitions.asset_selection",
    "AssetSensorDefinition": "weft.definitions.asset_sensors",
    "AssetSpec": "weft.definitions.asset_spec",
    "AutomationCondition": "weft.definitions.automation_condition",
    "AutomationConditionSensorDefinition": "weft.definitions.sensors",
    "AutomationContext": "weft.execution.automation",
    "AutomationResult": "weft.execution.automation",
    "BackfillPolicy": "weft.model.backfill",
    "Backoff": "weft.model.retry",
    "build_asset_check_context": "weft.testing.contexts",
    "build_asset_context": "weft.testing.contexts",
    "build_multi_asset_sensor_context": "weft.testing.tick_contexts",
    "build_op_context": "weft.testing.contexts",
    "build_run_status_sensor_context": "weft.testing.tick_contexts",
    "build_schedule_context": "weft.testing.tick_contexts",
    "build_schedule_from_partitioned_job": "weft.definitions.partitioned_schedule",
    "build_sensor_context": "weft.testing.tick_contexts",
    "CodeLocationSelector": "weft.definitions.run_status_sensors",
    "Config": "weft.config.models",
    "ConfigError": "weft.errors",
    "ConfigurableIOManager": "weft.definitions.configurable_io_manager",
    "ConfigurableIOManagerFactory": "weft.definitions.configurable_io_manager",
    "ConfigurableResource": "weft.definitions.configurable_resource",
    "ConfigurableResourceFactory": "weft.definitions.configurable_resource",
    "create_repository_using_definitions_args": "weft.definitions.lazy_definitions",
    "daily_partitioned_config": "weft.definitions.partitioned_config",
    "DailyPartitionsDefinition": "weft.model.partitions.definitions",
    "DataVersion": "weft.definitions.results",
    "DataVersionsByPartition": "weft.definitions.results",
    "DefaultScheduleStatus": "weft.definitions.schedules",
    "DefaultSensorStatus": "weft.definitions.sensors",
    "define_asset_job": "weft.definitions.job",
    "DefinitionError": "weft.errors",
    "Definitions": "weft.definitions.definitions",
    "definitions": "weft.definitions.lazy_definitions",
    "DeleteDynamicPartitionsRequest": "weft.model.partitions.definitions",
    "DeprecatedNameWarning": "weft.definitions.deprecations",
    "DimensionPartitionMapping": "weft.model.partitions.mappings",
    "dynamic_partitioned_config": "weft.definitions.partitioned_config",
    "DynamicOut": "weft.definitions.inputs_outputs",
    "DynamicOutput": "weft.definitions.results",
    "DynamicPartitionsDefinition": "weft.model.partitions.definitions",
    "EdgeRule": "weft.model.plan",
    "EnvVar": "weft.config.env",
    "evaluate_automation_conditions": "weft.testing.automation",
    "EvaluateAutomationConditionsResult": "weft.testing.automation",
    "Event": "weft.model.events",
    "EventRecordsFilter": "weft.runs.instance_records",
    "EventRecordsResult": "weft.runs.instance_records",
    "EventType": "weft.model.events",
    "ExecuteInProcessResult": "weft.execution.results",
    "ExecutionError": "weft.errors",
    "Failure": "weft.definitions.results",
    "failure_hook": "weft.definitions.hooks",
    "FilesystemIOManager": "weft.execution.io_managers.filesystem",
    "FreshnessPolicy": "weft.model.freshness",
    "graph": "weft.definitions.graph",
    "graph_asset": "weft.definitions.graph_assets",
    "graph_multi_asset": "weft.definitions.graph_assets",
    "GraphDefinition": "weft.definitions.graph",
    "GraphIn": "weft.definitions.inputs_outputs",
    "GraphOut": "weft.definitions.inputs_outputs",
    "HookContext": "weft.execution.contexts",
    "HookDefinition": "weft.definitions.hooks",
    "hourly_partitioned_config": "weft.definitions.partitioned_config",
    "HourlyPartitionsDefinition": "weft.model.partitions.definitions",
    "IAttachDifferentObjectToOpContext": "weft.definitions.scoped_resources",
    "IdentityPartitionMapping": "weft.model.partitions.mappings",
    "In": "weft.definitions.inputs_outputs",
    "InitResourceContext": "weft.definitions.resources",
    "InMemoryIOManager": "weft.execution.io_managers.memory",
    "input_manager": "weft.definitions.io_manager",
    "InputContext": "weft.execution.io_contexts",
    "InputManager": "weft.definitions.io_manager",
    "InputManagerDefinition": "weft.definitions.io_manager",
    "Instance": "weft.instance",
    "InvocationError": "weft.errors",
    "io_manager": "weft.definitions.io_manager",
    "IOManager": "weft.definitions.io_manager",
    "IOManagerDefinition": "weft.definitions.io_manager",
    "IOManagerError": "weft.errors",
    "Jitter": "weft.model.retry",
    "job": "weft.definitions.job",
    "JobDefinition": "weft.definitions.job",
    "JobSelector": "weft.definitions.run_status_sensors",
    "LastPartitionMapping": "weft.model.partitions.mappings",
    "LegacyFreshnessPolicy": "weft.model.freshness",
    "load_asset_checks_from_current_module": "weft.definitions.loading",
    "load_asset_checks_from_modules": "weft.definitions.loading",
    "load_asset_checks_from_package_module": "weft.definitions.loading",
    "load_asset_checks_from_package_name": "weft.definitions.loading",
    "load_assets_from_current_module": "weft.definitions.loading",
    "load_assets_from_modules": "weft.definitions.loading",
    "load_assets_from_package_module": "weft.definitions.loading",
    "load_assets_from_package_name": "weft.definitions.loading",
    "load_definitions_from_current_module": "weft.definitions.loading",
    "load_definitions_from_module": "weft.definitions.loading",
    "load_definitions_from_modules": "weft.definitions.loading",
    "load_definitions_from_package_module": "weft.definitions.loading",
    "load_definitions_from_package_name": "weft.definitions.loading",
    "LoadError": "weft.errors",
    "loop": "weft.definitions.loop",
    "make_email_on_run_failure_sensor": "weft.definitions.failure_mail",
    "make_values_resource": "weft.definitions.resources",
    "map_asset_specs": "weft.definitions.spec_changes",
    "materialize": "weft.runs.in_process",
    "materialize_to_memory": "weft.runs.in_process",
    "MaterializeResult": "weft.definitions.results",
    "MetadataValue": "weft.model.metadata",
    "monthly_partitioned_config": "weft.definitions.partitioned_config",
    "MonthlyPartitionsDefinition": "weft.model.partitions.definitions",
    "multi_asset": "weft.definitions.assets",
    "multi_asset_check": "weft.definitions.asset_checks",
    "multi_asset_sensor": "weft.definitions.asset_sensors",
    "multi_observable_source_asset": "weft.definitions.observable_assets",
    "MultiAssetSensorDefinition": "weft.definitions.asset_sensors",
    "MultiAssetSensorEvaluationContext": "weft.execution.ticks.multi_asset_context",
    "MultiPartitionKey": "weft.model.partitions.keys",
    "MultiPartitionMapping": "weft.model.partitions.mappings",
    "MultiPartitionsDefinition": "weft.model.partitions.definitions",
    "MultiToSingleDimensionPartitionMapping": "weft.model.partitions.mappings",
    "Nothing": "weft.definitions.value_type",
    "observable_source_asset": "weft.definitions.observable_assets",
    "observe": "weft.runs.in_process",
    "ObserveResult": "weft.definitions.results",
    "op": "weft.definitions.op",
    "OpDefinition": "weft.definitions.op",
    "OpExecutionContext": "weft.execution.contexts",
    "Out": "weft.definitions.inputs_outputs",
    "Output": "weft.definitions.results",
    "OutputContext": "weft.execution.io_contexts",
    "PaginatedResults": "weft.runs.instance_records",
    "partitioned_config": "weft.definitions.partitioned_config",
    "PartitionedConfig": "weft.definitions.partitioned_config",
    "PartitionError": "weft.errors",
    "PartitionKeyRange": "weft.model.partitions.keys",
    "PartitionMapping": "weft.model.partitions.mappings",
    "PartitionsDefinition": "weft.model.partitions.definitions",
    "PartitionStatus": "weft.model.asset_state",
    "PermissiveConfig": "weft.config.models",
    "Repository": "weft.definitions.repository",
    "repository": "weft.definitions.lazy_definitions",
    "RepositoryDefinition": "weft.definitions.lazy_definitions",
    "RepositorySelector": "weft.definitions.run_status_sensors",
    "resource": "weft.definitions.resources",
    "ResourceDefinition": "weft.definitions.resources",
    "ResourceDependency": "weft.definitions.resource_annotations",
    "ResourceError": "weft.errors",
    "ResourceParam": "weft.definitions.resource_annotations",
    "RetryPolicy": "weft.model.retry",
    "RetryRequested": "weft.definitions.results",
    "Run": "weft.model.run",
    "run_failure_sensor": "weft.definitions.run_status_sensors",
    "run_status_sensor": "weft.definitions.run_status_sensors",
    "RunConfig": "weft.config.run_config",
    "RunFailureSensorContext": "weft.execution.ticks.sensor_contexts",
    "RunFilter": "weft.model.run",
    "RunNotFoundError": "weft.errors",
    "RunRecord": "weft.runs.instance_records",
    "RunRequest": "weft.definitions.run_requests",
    "RunStatus": "weft.model.run",
    "RunStatusChangeRecordsFilter": "weft.runs.instance_records",
    "RunStatusSensorContext": "weft.execution.ticks.sensor_contexts",
    "RunStatusSensorDefinition": "weft.definitions.run_status_sensors",
    "schedule": "weft.definitions.schedules",
    "ScheduleDefinition": "weft.definitions.schedules",
    "ScheduleEvaluationContext": "weft.execution.ticks.contexts",
    "SelectionError": "weft.errors",
    "sensor": "weft.definitions.sensors",
    "SensorDefinition": "weft.definitions.sensors",
    "SensorEvaluationContext": "weft.execution.ticks.sensor_contexts",
    "SensorResult": "weft.definitions.run_requests",
    "SensorType": "weft.definitions.sensors",
    "Skip": "weft.definitions.results",
    "SkipReason": "weft.definitions.run_requests",
    "SourceAsset": "weft.definitions.source_asset",
    "SpecificPartitionsPartitionMapping": "weft.model.partitions.mappings",
    "static_partitioned_config": "weft.definitions.partitioned_config",
    "StaticPartitionMapping": "weft.model.partitions.mappings",
    "StaticPartitionsDefinition": "weft.model.partitions.definitions",
    "StorageError": "weft.errors",
    "StoredEvent": "weft.model.events",
    "success_hook": "weft.definitions.hooks",
    "TableColumn": "weft.model.metadata",
    "TableColumnConstraints": "weft.model.metadata",
    "TableColumnDep": "weft.model.metadata",
    "TableColumnLineage": "weft.model.metadata",
    "TableConstraints": "weft.model.metadata",
    "TableRecord": "weft.model.metadata",
    "TableSchema": "weft.model.metadata",
    "TickError": "weft.errors",
    "TickEvaluation": "weft.execution.ticks.outcome",
    "TimeWindow": "weft.model.partitions.keys",
    "TimeWindowPartitionMapping": "weft.model.partitions.mappings",
    "TimeWindowPartitionsDefinition": "weft.model.partitions.definitions",
    "TypeCheck": "weft.definitions.value_type",
    "TypeCheckError": "weft.errors",
    "UPathIOManager": "weft.execution.io_managers.upath",
    "ValueType": "weft.definitions.value_type",
    "weekly_partitioned_config": "weft.definitions.partitioned_config",
    "WeeklyPartitionsDefinition": "weft.model.partitions.definitions",
    "WeftError": "weft.errors",
    "with_resources": "weft.definitions.spec_changes",
}

__all__ = [  # the list is the table: a test compares both
    "AddDynamicPartitionsRequest",
    "AllPartitionMapping",
    "AssetCheckExecutionContext",
    "AssetCheckKey",
    "AssetCheckRecord",
    "AssetCheckResult",
    "AssetCheckSeverity",
    "AssetCheckSpec",
    "AssetChecksDefinition",
    "AssetDep",
    "AssetEntry",
    "AssetExecutionContext",
    "AssetIn",
    "AssetJobDefinition",
    "AssetJobKey",
    "AssetKey",
    "AssetMaterialization",
    "AssetObservation",
    "AssetOut",
    "AssetRecord",
    "AssetRecordsFilter",
    "AssetSelection",
    "AssetSensorDefinition",
    "AssetSpec",
    "AssetsDefinition",
    "AutomationCondition",
    "AutomationConditionSensorDefinition",
    "AutomationContext",
    "AutomationResult",
    "BackfillPolicy",
    "Backoff",
    "CodeLocationSelector",
    "Config",
    "ConfigError",
    "ConfigurableIOManager",
    "ConfigurableIOManagerFactory",
    "ConfigurableResource",
    "ConfigurableResourceFactory",
    "DailyPartitionsDefinition",
    "DataVersion",
    "DataVersionsByPartition",
    "DefaultScheduleStatus",
    "DefaultSensorStatus",
    "DefinitionError",
    "Definitions",
    "DeleteDynamicPartitionsRequest",
    "DeprecatedNameWarning",
    "DimensionPartitionMapping",
    "DynamicOut",
    "DynamicOutput",
    "DynamicPartitionsDefinition",
    "EdgeRule",
    "EnvVar",
    "EvaluateAutomationConditionsResult",
    "Event",
    "EventRecordsFilter",
    "EventRecordsResult",
    "EventType",
    "ExecuteInProcessResult",
    "ExecutionError",
    "Failure",
    "FilesystemIOManager",
    "FreshnessPolicy",
    "GraphDefinition",
    "GraphIn",
    "GraphOut",
    "HookContext",
    "HookDefinition",
    "HourlyPartitionsDefinition",
    "IAttachDifferentObjectToOpContext",
    "IOManager",
    "IOManagerDefinition",
    "IOManagerError",
    "IdentityPartitionMapping",
    "In",
    "InMemoryIOManager",
    "InitResourceContext",
    "InputContext",
    "InputManager",
    "InputManagerDefinition",
    "Instance",
    "InvocationError",
    "Jitter",
    "JobDefinition",
    "JobSelector",
    "LastPartitionMapping",
    "LegacyFreshnessPolicy",
    "LoadError",
    "MaterializeResult",
    "MetadataValue",
    "MonthlyPartitionsDefinition",
    "MultiAssetSensorDefinition",
    "MultiAssetSensorEvaluationContext",
    "MultiPartitionKey",
    "MultiPartitionMapping",
    "MultiPartitionsDefinition",
    "MultiToSingleDimensionPartitionMapping",
    "Nothing",
    "ObserveResult",
    "OpDefinition",
    "OpExecutionContext",
    "Out",
    "Output",
    "OutputContext",
    "PaginatedResults",
    "PartitionError",
    "PartitionKeyRange",
    "PartitionMapping",
    "PartitionStatus",
    "PartitionedConfig",
    "PartitionsDefinition",
    "PermissiveConfig",
    "Repository",
    "RepositoryDefinition",
    "RepositorySelector",
    "ResourceDefinition",
    "ResourceDependency",
    "ResourceError",
    "ResourceParam",
    "RetryPolicy",
    "RetryRequested",
    "Run",
    "RunConfig",
    "RunFailureSensorContext",
    "RunFilter",
    "RunNotFoundError",
    "RunRecord",
    "RunRequest",
    "RunStatus",
    "RunStatusChangeRecordsFilter",
    "RunStatusSensorContext",
    "RunStatusSensorDefinition",
    "ScheduleDefinition",
    "ScheduleEvaluationContext",
    "SelectionError",
    "SensorDefinition",
    "SensorEvaluationContext",
    "SensorResult",
    "SensorType",
    "Skip",
    "SkipReason",
    "SourceAsset",
    "SpecificPartitionsPartitionMapping",
    "StaticPartitionMapping",
    "StaticPartitionsDefinition",
    "StorageError",
    "StoredEvent",
    "TableColumn",
    "TableColumnConstraints",
    "TableColumnDep",
    "TableColumnLineage",
    "TableConstraints",
    "TableRecord",
    "TableSchema",
    "TickError",
    "TickEvaluation",
    "TimeWindow",
    "TimeWindowPartitionMapping",
    "TimeWindowPartitionsDefinition",
    "TypeCheck",
    "TypeCheckError",
    "UPathIOManager",
    "ValueType",
    "WeeklyPartitionsDefinition",
    "WeftError",
    "__version__",
    "asset",
    "asset_check",
    "asset_sensor",
    "build_asset_check_context",
    "build_asset_context",
    "build_multi_asset_sensor_context",
    "build_op_context",
    "build_run_status_sensor_context",
    "build_schedule_context",
    "build_schedule_from_partitioned_job",
    "build_sensor_context",
    "create_repository_using_definitions_args",
    "daily_partitioned_config",
    "define_asset_job",
    "definitions",
    "dynamic_partitioned_config",
    "evaluate_automation_conditions",
    "failure_hook",
    "graph",
    "graph_asset",
    "graph_multi_asset",
    "hourly_partitioned_config",
    "input_manager",
    "io_manager",
    "job",
    "load_asset_checks_from_current_module",
    "load_asset_checks_from_modules",
    "load_asset_checks_from_package_module",
    "load_asset_checks_from_package_name",
    "load_assets_from_current_module",
    "load_assets_from_modules",
    "load_assets_from_package_module",
    "load_assets_from_package_name",
    "load_definitions_from_current_module",
    "load_definitions_from_module",
    "load_definitions_from_modules",
    "load_definitions_from_package_module",
    "load_definitions_from_package_name",
    "loop",
    "make_email_on_run_failure_sensor",
    "make_values_resource",
    "map_asset_specs",
    "materialize",
    "materialize_to_memory",
    "monthly_partitioned_config",
    "multi_asset",
    "multi_asset_check",
    "multi_asset_sensor",
    "multi_observable_source_asset",
    "observable_source_asset",
    "observe",
    "op",
    "partitioned_config",
    "repository",
    "resource",
    "run_failure_sensor",
    "run_status_sensor",
    "schedule",
    "sensor",
    "static_partitioned_config",
    "success_hook",
    "weekly_partitioned_config",
    "with_resources",
]


def __getattr__(name: str) -> object:
    module_name = _WHERE.get(name)
    if module_name is None:
        from weft.errors import nearest

        near = nearest(name, _WHERE)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module 'weft' has no attribute {name!r}.{hint}")
    import importlib

    module = importlib.import_module(module_name)
    if name in globals():  # `definitions`: a package of that name has just been loaded, which is the decorator as well
        return globals()[name]
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
