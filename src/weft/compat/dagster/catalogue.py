"""The public names that code of this programming model imports, by area, and what each is here.

The catalogue is data: the import compatibility reads it, the parity page is made from it, a test keeps it true. A name that stands in `AREAS` and in no
other table is one of weft's own names.
"""

from __future__ import annotations

from collections.abc import Mapping

AREAS: Mapping[str, tuple[str, ...]] = {
    "Assets": (
        "asset", "multi_asset", "graph_asset", "graph_multi_asset", "AssetsDefinition", "AssetSpec", "AssetOut", "AssetIn", "AssetDep",
        "AssetKey", "AssetJobKey", "AssetOrCheckKey", "MaterializeResult", "ObserveResult", "observable_source_asset",
        "multi_observable_source_asset", "SourceAsset", "map_asset_specs", "AssetSelection",
        "load_assets_from_modules", "load_assets_from_current_module", "load_assets_from_package_module", "load_assets_from_package_name",
        "with_resources", "link_code_references_to_git", "with_source_code_references", "AnchorBasedFilePathMapping",
        "LocalFileCodeReference", "UrlCodeReference", "CodeReferencesMetadataValue", "CacheableAssetsDefinition", "AssetValueLoader",
        "AssetExecutionContext", "materialize", "materialize_to_memory",
    ),
    "Asset checks": (
        "asset_check", "multi_asset_check", "AssetCheckSpec", "AssetCheckKey", "AssetCheckResult", "AssetCheckSeverity",
        "AssetChecksDefinition", "AssetCheckEvaluation", "AssetCheckExecutionContext", "build_last_update_freshness_checks",
        "build_time_partition_freshness_checks", "build_sensor_for_freshness_checks", "build_metadata_bounds_checks",
        "build_column_schema_change_checks", "load_asset_checks_from_modules", "load_asset_checks_from_current_module",
        "load_asset_checks_from_package_module", "load_asset_checks_from_package_name",
    ),
    "Ops, graphs, jobs": (
        "op", "OpDefinition", "OpExecutionContext", "In", "Out", "Nothing", "graph", "GraphDefinition", "GraphIn", "GraphOut", "InputMapping",
        "OutputMapping", "DependencyDefinition", "MultiDependencyDefinition", "NodeInvocation", "PendingNodeInvocation", "job",
        "JobDefinition", "define_asset_job", "reconstructable", "build_reconstructable_job", "execute_job", "ReexecutionOptions",
        "validate_run_config", "DynamicOut", "DynamicOutput", "Output", "AssetMaterialization", "AssetObservation", "ExpectationResult",
        "TypeCheck", "Failure", "RetryRequested", "HookExecutionResult", "RetryPolicy", "Backoff", "Jitter", "success_hook", "failure_hook",
        "HookDefinition", "HookContext", "event_list_hook", "ExecuteInProcessResult", "JobExecutionResult", "ConfigMapping",
        "config_mapping", "configured", "StepLauncher", "StepRunRef", "StepExecutionContext", "run_step_from_ref",
        "external_instance_from_step_run_ref", "step_context_to_step_run_ref", "step_run_ref_to_step_context",
    ),
    "Resources": (
        "ConfigurableResource", "ConfigurableResourceFactory", "ConfigurableLegacyResourceAdapter", "ResourceDependency", "ResourceParam",
        "resource", "ResourceDefinition", "InitResourceContext", "make_values_resource", "build_resources",
        "build_init_resource_context", "EnvVar", "IAttachDifferentObjectToOpContext", "FileHandle", "LocalFileHandle",
        "local_file_manager",
    ),
    "Config": (
        "Config", "PermissiveConfig", "RunConfig", "Field", "Shape", "Permissive", "Selector", "Map", "Array", "Noneable", "ScalarUnion",
        "Enum", "EnumValue", "Int", "String", "Bool", "Float", "Any", "ConfigSchema", "StringSource", "IntSource", "BoolSource",
        "config_from_files", "config_from_yaml_strings", "config_from_pkg_resources", "PartitionedConfig", "partitioned_config",
        "hourly_partitioned_config", "daily_partitioned_config", "weekly_partitioned_config", "monthly_partitioned_config",
        "static_partitioned_config", "dynamic_partitioned_config",
    ),
    "I/O managers": (
        "IOManager", "IOManagerDefinition", "io_manager", "InputManager", "InputManagerDefinition", "input_manager",
        "ConfigurableIOManager", "ConfigurableIOManagerFactory", "ConfigurableLegacyIOManagerAdapter", "FilesystemIOManager",
        "fs_io_manager", "InMemoryIOManager", "mem_io_manager", "UPathIOManager", "custom_path_fs_io_manager", "InputContext",
        "OutputContext", "migrate_io_storage", "MigrateIOStorageResult",
    ),
    "Partitions and backfills": (
        "PartitionsDefinition", "DailyPartitionsDefinition", "HourlyPartitionsDefinition", "WeeklyPartitionsDefinition",
        "MonthlyPartitionsDefinition", "TimeWindowPartitionsDefinition", "StaticPartitionsDefinition", "DynamicPartitionsDefinition",
        "MultiPartitionsDefinition", "MultiPartitionKey", "PartitionKeyRange", "Partition", "TimeWindow", "PartitionMapping",
        "IdentityPartitionMapping", "AllPartitionMapping", "LastPartitionMapping", "StaticPartitionMapping",
        "SpecificPartitionsPartitionMapping", "TimeWindowPartitionMapping", "MultiPartitionMapping", "DimensionPartitionMapping",
        "MultiToSingleDimensionPartitionMapping", "partition_loading_context", "AddDynamicPartitionsRequest",
        "DeleteDynamicPartitionsRequest", "BackfillPolicy", "AssetPartitionStatus",
    ),
    "Schedules and sensors": (
        "schedule", "ScheduleDefinition", "ScheduleEvaluationContext", "build_schedule_from_partitioned_job", "DefaultScheduleStatus",
        "build_schedule_context", "sensor", "SensorDefinition", "SensorEvaluationContext", "SensorResult", "SensorReturnTypesUnion",
        "DefaultSensorStatus", "RunRequest", "SkipReason", "asset_sensor", "AssetSensorDefinition", "multi_asset_sensor",
        "MultiAssetSensorDefinition", "MultiAssetSensorEvaluationContext", "run_status_sensor", "RunStatusSensorDefinition",
        "RunStatusSensorContext", "run_failure_sensor", "RunFailureSensorContext", "JobSelector", "RepositorySelector",
        "CodeLocationSelector", "make_email_on_run_failure_sensor", "AutomationConditionSensorDefinition", "build_sensor_context",
        "build_multi_asset_sensor_context", "build_run_status_sensor_context",
    ),
    "Automation, freshness, versions": (
        "AutomationCondition", "AutomationContext", "AutomationResult", "evaluate_automation_conditions",
        "EvaluateAutomationConditionsResult", "AutoMaterializePolicy", "AutoMaterializeRule", "AutoMaterializeAssetPartitionsFilter",
        "FreshnessPolicy", "LegacyFreshnessPolicy", "apply_freshness_policy", "DataVersion", "DataVersionsByPartition", "DataProvenance",
    ),
    "Executors and loggers": (
        "executor", "Executor", "ExecutorDefinition", "ExecutorRequirement", "InitExecutorContext", "in_process_executor",
        "multiprocess_executor", "multi_or_in_process_executor", "multiple_process_executor_requirements", "local_executor", "logger",
        "LoggerDefinition", "InitLoggerContext", "build_init_logger_context", "colored_console_logger", "json_console_logger",
        "default_loggers", "default_system_loggers", "get_dagster_logger", "DagsterLogManager", "JsonLogFormatter",
    ),
    "Metadata and types": (
        "MetadataValue", "TableSchema", "TableColumn", "TableColumnConstraints", "TableConstraints", "TableRecord", "TableColumnLineage",
        "TableColumnDep", "MetadataEntry", "TextMetadataValue", "UrlMetadataValue", "PathMetadataValue", "NotebookMetadataValue",
        "JsonMetadataValue", "MarkdownMetadataValue", "PythonArtifactMetadataValue", "FloatMetadataValue", "IntMetadataValue",
        "BoolMetadataValue", "TimestampMetadataValue", "DagsterRunMetadataValue", "DagsterAssetMetadataValue",
        "DagsterJobMetadataValue", "TableMetadataValue", "TableSchemaMetadataValue", "TableColumnLineageMetadataValue",
        "NullMetadataValue", "PoolMetadataValue", "DagsterType", "PythonObjectDagsterType", "usable_as_dagster_type",
        "make_python_type_usable_as_dagster_type", "dagster_type_loader", "DagsterTypeLoader", "DagsterTypeLoaderContext",
        "TypeCheckContext", "check_dagster_type", "List", "Dict", "Set", "Tuple", "Optional",
    ),
    "Instance, runs, events": (
        "DagsterInstance", "DagsterRun", "DagsterRunStatus", "RunRecord", "RunsFilter", "DagsterEvent", "DagsterEventType", "EventLogEntry",
        "EventLogRecord", "EventRecordsFilter", "AssetRecordsFilter", "RunStatusChangeRecordsFilter", "EventRecordsResult",
        "RunShardedEventsCursor", "instance_for_test", "serialize_value", "deserialize_value", "MAX_RUNTIME_SECONDS_TAG",
    ),
    "Definitions and components": (
        "Definitions", "definitions", "load_from_defs_folder", "load_defs", "repository", "RepositoryDefinition", "RepositoryData",
        "create_repository_using_definitions_args", "BindResourcesToJobs", "load_definitions_from_module",
        "load_definitions_from_modules", "load_definitions_from_current_module", "load_definitions_from_package_module",
        "load_definitions_from_package_name", "Component", "Resolvable", "Model", "Resolver", "Injected", "ResolutionContext",
        "ComponentLoadContext", "ComponentTree", "ComponentTypeSpec", "component_instance", "template_var", "Scaffolder",
        "scaffold_with", "ScaffoldRequest", "scaffold_component", "AssetAttributesModel", "ResolvedAssetSpec", "ResolvedAssetKey",
        "ResolvedAssetCheckSpec", "ComponentFormConfig", "DefsFolderComponent", "DefinitionsComponent", "FunctionComponent",
        "PythonScriptComponent", "UvRunComponent", "SqlComponent", "TemplatedSqlComponent", "StateBackedComponent", "DefsStateConfig",
        "DefsStateConfigArgs", "DefsStateStorage", "UPathDefsStateStorage", "build_component_defs", "build_defs_for_component",
        "component_defs", "create_defs_folder_sandbox", "get_component_defs_within_project",
        "get_all_components_defs_within_project",
    ),
    "Testing": (
        "build_op_context", "build_asset_context", "build_asset_check_context", "build_input_context", "build_output_context",
        "build_hook_context",
    ),
    "External processes": (
        "PipesSubprocessClient", "PipesClient", "PipesSession", "open_pipes_session", "PipesContextInjector", "PipesEnvContextInjector",
        "PipesFileContextInjector", "PipesTempFileContextInjector", "PipesMessageReader", "PipesFileMessageReader",
        "PipesTempFileMessageReader", "PipesMessageHandler", "PipesLaunchedData", "PipesExecutionResult",
        "PipesBlobStoreMessageReader",
    ),
    "Launchers": ("DefaultRunLauncher", "SyncInMemoryRunLauncher", "DefaultRunCoordinator", "QueuedRunCoordinator", "SubmitRunContext"),
    "Errors": (
        "DagsterError", "DagsterConfigMappingFunctionError", "DagsterEventLogInvalidForRun", "DagsterExecutionInterruptedError",
        "DagsterExecutionStepExecutionError", "DagsterExecutionStepNotFoundError", "DagsterInvalidConfigDefinitionError",
        "DagsterInvalidConfigError", "DagsterInvalidDefinitionError", "DagsterInvalidInvocationError", "DagsterInvalidSubsetError",
        "DagsterInvariantViolationError", "DagsterResourceFunctionError", "DagsterRunNotFoundError",
        "DagsterStepOutputNotFoundError", "DagsterSubprocessError", "DagsterTypeCheckDidNotPass", "DagsterTypeCheckError",
        "DagsterUnknownPartitionError", "DagsterUnknownResourceError", "DagsterUnmetExecutorRequirementsError",
        "DagsterUserCodeExecutionError", "raise_execution_interrupts",
    ),
    "Words of before 1.0": (
        "solid", "lambda_solid", "composite_solid", "SolidDefinition", "CompositeSolidDefinition", "InputDefinition", "OutputDefinition",
        "SolidExecutionContext", "pipeline", "PipelineDefinition", "ModeDefinition", "PresetDefinition", "SystemStorageDefinition",
        "mem_system_storage", "fs_system_storage", "default_system_storage_defs", "execute_pipeline", "PipelineExecutionResult",
        "SolidExecutionResult", "PartitionSetDefinition", "schedules", "hourly_schedule", "daily_schedule", "weekly_schedule",
        "monthly_schedule",
    ),
    "Other": ("file_relative_path", "PreviewWarning", "BetaWarning", "SupersessionWarning", "ConfigArgumentWarning", "__version__"),
}  # fmt: skip
"""Every public name, by area."""

RENAMED: Mapping[str, str] = {
    "AssetPartitionStatus": "PartitionStatus",
    "DagsterEvent": "Event",
    "DagsterEventType": "EventType",
    "DagsterInstance": "Instance",
    "DagsterLogManager": "LogManager",
    "DagsterRun": "Run",
    "DagsterRunStatus": "RunStatus",
    "DagsterType": "ValueType",
    "DagsterTypeLoader": "ValueTypeLoader",
    "DagsterTypeLoaderContext": "ValueTypeLoaderContext",
    "EventLogEntry": "Event",
    "EventLogRecord": "StoredEvent",
    "PythonObjectDagsterType": "PythonObjectValueType",
    "PendingNodeInvocation": "PendingNode",
    "RepositoryDefinition": "Repository",
    "RunsFilter": "RunFilter",
    "check_dagster_type": "check_value_type",
    "dagster_type_loader": "value_type_loader",
    "get_dagster_logger": "get_weft_logger",
    "make_python_type_usable_as_dagster_type": "make_python_type_usable_as_value_type",
    "usable_as_dagster_type": "usable_as_value_type",
    "DagsterAssetMetadataValue": "AssetMetadataValue",
    "DagsterJobMetadataValue": "JobMetadataValue",
    "DagsterRunMetadataValue": "RunMetadataValue",
    # --- errors: an error of weft is caught by every foreign name that it may stand for
    "DagsterError": "WeftError",
    "DagsterConfigMappingFunctionError": "ConfigError",
    "DagsterEventLogInvalidForRun": "StorageError",
    "DagsterExecutionInterruptedError": "RunInterruptedError",
    "DagsterExecutionStepExecutionError": "ExecutionError",
    "DagsterExecutionStepNotFoundError": "SelectionError",
    "DagsterInvalidConfigDefinitionError": "DefinitionError",
    "DagsterInvalidConfigError": "ConfigError",
    "DagsterInvalidDefinitionError": "DefinitionError",
    "DagsterInvalidInvocationError": "InvocationError",
    "DagsterInvalidSubsetError": "SelectionError",
    "DagsterInvariantViolationError": "WeftError",
    "DagsterResourceFunctionError": "ResourceError",
    "DagsterRunNotFoundError": "RunNotFoundError",
    "DagsterStepOutputNotFoundError": "ExecutionError",
    "DagsterSubprocessError": "ExecutionError",
    "DagsterTypeCheckDidNotPass": "TypeCheckError",
    "DagsterTypeCheckError": "TypeCheckError",
    "DagsterUnknownPartitionError": "PartitionError",
    "DagsterUnknownResourceError": "ResourceError",
    "DagsterUnmetExecutorRequirementsError": "DefinitionError",
    "DagsterUserCodeExecutionError": "ExecutionError",
}
"""Names that are another one here."""

LEGACY: frozenset[str] = frozenset(AREAS["Words of before 1.0"]) | {"Partition"}
"""Names that `weft.compat.legacy` has."""

LATER: Mapping[str, str] = {
    **dict.fromkeys(AREAS["External processes"], "external processes come with the queue and the launchers"),
    **dict.fromkeys(AREAS["Launchers"], "runs leave the calling process with the queue and the launchers"),
}
"""Names that are planned, with what they come with."""

INSTEAD: Mapping[str, str] = {
    "CacheableAssetsDefinition": "build the assets in a function decorated with @definitions, or in a component",
    "StepLauncher": "start the process outside from an op or asset; a client for external processes reports what it says",
    "StepRunRef": "see StepLauncher",
    "StepExecutionContext": "use OpExecutionContext",
    "run_step_from_ref": "see StepLauncher",
    "external_instance_from_step_run_ref": "see StepLauncher",
    "step_context_to_step_run_ref": "see StepLauncher",
    "step_run_ref_to_step_context": "see StepLauncher",
    "RunShardedEventsCursor": "events are in one log: use EventRecordsFilter(after_cursor=<id of the event>)",
    "BindResourcesToJobs": "give the jobs as they are: resources of Definitions reach them",
    "event_list_hook": "use success_hook and failure_hook: they are told how the step ended; instance.all_logs(context.run_id) has its events",
    "FileHandle": "return the path from the op, or let an I/O manager store the value; a resource can wrap any file system",
    "LocalFileHandle": "see FileHandle",
    "local_file_manager": "see FileHandle",
    "ConfigurableLegacyResourceAdapter": "give the function decorated with @resource as it is, or write a ConfigurableResource",
    "with_source_code_references": "nothing to do: every definition knows the file and line where it is declared",
    "link_code_references_to_git": 'add the link as metadata: defs.map_asset_specs(func=lambda spec: spec.merge_attributes(metadata={"code": MetadataValue.url(...)}))',
    "AnchorBasedFilePathMapping": "see link_code_references_to_git",
    "LocalFileCodeReference": "see with_source_code_references",
    "UrlCodeReference": "use MetadataValue.url(...)",
    "CodeReferencesMetadataValue": "see with_source_code_references",
    "MetadataEntry": 'write metadata={"label": value}',
    "ComponentFormConfig": "components are edited as files",
}
"""Names that are not here and will not be, with what to use."""
