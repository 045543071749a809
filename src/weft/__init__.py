"""weft: define, run and observe data assets and workflows.

The public API is the list below, resolved when a name is first used (PEP 562), so that importing weft loads only what is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft._version import (
        __version__ as __version__,
    )
    from weft.config.env import (
        EnvVar as EnvVar,
    )
    from weft.config.models import (
        Config as Config,
    )
    from weft.config.models import (
        PermissiveConfig as PermissiveConfig,
    )
    from weft.config.run_config import (
        RunConfig as RunConfig,
    )
    from weft.definitions.asset_checks import (
        AssetChecksDefinition as AssetChecksDefinition,
    )
    from weft.definitions.asset_checks import (
        asset_check as asset_check,
    )
    from weft.definitions.asset_checks import (
        multi_asset_check as multi_asset_check,
    )
    from weft.definitions.asset_selection import (
        AssetSelection as AssetSelection,
    )
    from weft.definitions.asset_spec import (
        AssetCheckSpec as AssetCheckSpec,
    )
    from weft.definitions.asset_spec import (
        AssetSpec as AssetSpec,
    )
    from weft.definitions.assets import (
        AssetsDefinition as AssetsDefinition,
    )
    from weft.definitions.assets import (
        asset as asset,
    )
    from weft.definitions.assets import (
        multi_asset as multi_asset,
    )
    from weft.definitions.configurable_io_manager import (
        ConfigurableIOManager as ConfigurableIOManager,
    )
    from weft.definitions.configurable_io_manager import (
        ConfigurableIOManagerFactory as ConfigurableIOManagerFactory,
    )
    from weft.definitions.configurable_resource import (
        ConfigurableResource as ConfigurableResource,
    )
    from weft.definitions.configurable_resource import (
        ConfigurableResourceFactory as ConfigurableResourceFactory,
    )
    from weft.definitions.definitions import (
        Definitions as Definitions,
    )
    from weft.definitions.graph import (
        GraphDefinition as GraphDefinition,
    )
    from weft.definitions.graph import (
        graph as graph,
    )
    from weft.definitions.hooks import (
        HookDefinition as HookDefinition,
    )
    from weft.definitions.hooks import (
        failure_hook as failure_hook,
    )
    from weft.definitions.hooks import (
        success_hook as success_hook,
    )
    from weft.definitions.inputs_outputs import (
        AssetDep as AssetDep,
    )
    from weft.definitions.inputs_outputs import (
        AssetIn as AssetIn,
    )
    from weft.definitions.inputs_outputs import (
        AssetOut as AssetOut,
    )
    from weft.definitions.inputs_outputs import (
        DynamicOut as DynamicOut,
    )
    from weft.definitions.inputs_outputs import (
        GraphIn as GraphIn,
    )
    from weft.definitions.inputs_outputs import (
        GraphOut as GraphOut,
    )
    from weft.definitions.inputs_outputs import (
        In as In,
    )
    from weft.definitions.inputs_outputs import (
        Out as Out,
    )
    from weft.definitions.io_manager import (
        InputManager as InputManager,
    )
    from weft.definitions.io_manager import (
        InputManagerDefinition as InputManagerDefinition,
    )
    from weft.definitions.io_manager import (
        IOManager as IOManager,
    )
    from weft.definitions.io_manager import (
        IOManagerDefinition as IOManagerDefinition,
    )
    from weft.definitions.io_manager import (
        input_manager as input_manager,
    )
    from weft.definitions.io_manager import (
        io_manager as io_manager,
    )
    from weft.definitions.job import (
        AssetJobDefinition as AssetJobDefinition,
    )
    from weft.definitions.job import (
        JobDefinition as JobDefinition,
    )
    from weft.definitions.job import (
        define_asset_job as define_asset_job,
    )
    from weft.definitions.job import (
        job as job,
    )
    from weft.definitions.op import (
        OpDefinition as OpDefinition,
    )
    from weft.definitions.op import (
        op as op,
    )
    from weft.definitions.repository import (
        Repository as Repository,
    )
    from weft.definitions.resource_annotations import (
        ResourceDependency as ResourceDependency,
    )
    from weft.definitions.resource_annotations import (
        ResourceParam as ResourceParam,
    )
    from weft.definitions.resources import (
        InitResourceContext as InitResourceContext,
    )
    from weft.definitions.resources import (
        ResourceDefinition as ResourceDefinition,
    )
    from weft.definitions.resources import (
        make_values_resource as make_values_resource,
    )
    from weft.definitions.resources import (
        resource as resource,
    )
    from weft.definitions.results import (
        AssetCheckResult as AssetCheckResult,
    )
    from weft.definitions.results import (
        AssetMaterialization as AssetMaterialization,
    )
    from weft.definitions.results import (
        AssetObservation as AssetObservation,
    )
    from weft.definitions.results import (
        DataVersion as DataVersion,
    )
    from weft.definitions.results import (
        DynamicOutput as DynamicOutput,
    )
    from weft.definitions.results import (
        Failure as Failure,
    )
    from weft.definitions.results import (
        MaterializeResult as MaterializeResult,
    )
    from weft.definitions.results import (
        ObserveResult as ObserveResult,
    )
    from weft.definitions.results import (
        Output as Output,
    )
    from weft.definitions.results import (
        RetryRequested as RetryRequested,
    )
    from weft.definitions.value_type import (
        Nothing as Nothing,
    )
    from weft.definitions.value_type import (
        TypeCheck as TypeCheck,
    )
    from weft.definitions.value_type import (
        ValueType as ValueType,
    )
    from weft.errors import (
        ConfigError as ConfigError,
    )
    from weft.errors import (
        DefinitionError as DefinitionError,
    )
    from weft.errors import (
        ExecutionError as ExecutionError,
    )
    from weft.errors import (
        InvocationError as InvocationError,
    )
    from weft.errors import (
        IOManagerError as IOManagerError,
    )
    from weft.errors import (
        LoadError as LoadError,
    )
    from weft.errors import (
        PartitionError as PartitionError,
    )
    from weft.errors import (
        ResourceError as ResourceError,
    )
    from weft.errors import (
        RunNotFoundError as RunNotFoundError,
    )
    from weft.errors import (
        SelectionError as SelectionError,
    )
    from weft.errors import (
        StorageError as StorageError,
    )
    from weft.errors import (
        TypeCheckError as TypeCheckError,
    )
    from weft.errors import (
        WeftError as WeftError,
    )
    from weft.execution.contexts import (
        AssetCheckExecutionContext as AssetCheckExecutionContext,
    )
    from weft.execution.contexts import (
        AssetExecutionContext as AssetExecutionContext,
    )
    from weft.execution.contexts import (
        HookContext as HookContext,
    )
    from weft.execution.contexts import (
        OpExecutionContext as OpExecutionContext,
    )
    from weft.execution.io_contexts import (
        InputContext as InputContext,
    )
    from weft.execution.io_contexts import (
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
    from weft.instance import (
        Instance as Instance,
    )
    from weft.model.events import (
        Event as Event,
    )
    from weft.model.keys import (
        AssetCheckKey as AssetCheckKey,
    )
    from weft.model.keys import (
        AssetKey as AssetKey,
    )
    from weft.model.metadata import (
        MetadataValue as MetadataValue,
    )
    from weft.model.metadata import (
        TableColumn as TableColumn,
    )
    from weft.model.metadata import (
        TableColumnConstraints as TableColumnConstraints,
    )
    from weft.model.metadata import (
        TableColumnDep as TableColumnDep,
    )
    from weft.model.metadata import (
        TableColumnLineage as TableColumnLineage,
    )
    from weft.model.metadata import (
        TableConstraints as TableConstraints,
    )
    from weft.model.metadata import (
        TableRecord as TableRecord,
    )
    from weft.model.metadata import (
        TableSchema as TableSchema,
    )
    from weft.model.partitions.definitions import (
        DailyPartitionsDefinition as DailyPartitionsDefinition,
    )
    from weft.model.partitions.definitions import (
        DynamicPartitionsDefinition as DynamicPartitionsDefinition,
    )
    from weft.model.partitions.definitions import (
        HourlyPartitionsDefinition as HourlyPartitionsDefinition,
    )
    from weft.model.partitions.definitions import (
        MonthlyPartitionsDefinition as MonthlyPartitionsDefinition,
    )
    from weft.model.partitions.definitions import (
        MultiPartitionsDefinition as MultiPartitionsDefinition,
    )
    from weft.model.partitions.definitions import (
        PartitionsDefinition as PartitionsDefinition,
    )
    from weft.model.partitions.definitions import (
        StaticPartitionsDefinition as StaticPartitionsDefinition,
    )
    from weft.model.partitions.definitions import (
        TimeWindowPartitionsDefinition as TimeWindowPartitionsDefinition,
    )
    from weft.model.partitions.definitions import (
        WeeklyPartitionsDefinition as WeeklyPartitionsDefinition,
    )
    from weft.model.partitions.keys import (
        MultiPartitionKey as MultiPartitionKey,
    )
    from weft.model.partitions.keys import (
        PartitionKeyRange as PartitionKeyRange,
    )
    from weft.model.partitions.keys import (
        TimeWindow as TimeWindow,
    )
    from weft.model.partitions.mappings import (
        AllPartitionMapping as AllPartitionMapping,
    )
    from weft.model.partitions.mappings import (
        DimensionPartitionMapping as DimensionPartitionMapping,
    )
    from weft.model.partitions.mappings import (
        IdentityPartitionMapping as IdentityPartitionMapping,
    )
    from weft.model.partitions.mappings import (
        LastPartitionMapping as LastPartitionMapping,
    )
    from weft.model.partitions.mappings import (
        MultiPartitionMapping as MultiPartitionMapping,
    )
    from weft.model.partitions.mappings import (
        MultiToSingleDimensionPartitionMapping as MultiToSingleDimensionPartitionMapping,
    )
    from weft.model.partitions.mappings import (
        PartitionMapping as PartitionMapping,
    )
    from weft.model.partitions.mappings import (
        SpecificPartitionsPartitionMapping as SpecificPartitionsPartitionMapping,
    )
    from weft.model.partitions.mappings import (
        StaticPartitionMapping as StaticPartitionMapping,
    )
    from weft.model.partitions.mappings import (
        TimeWindowPartitionMapping as TimeWindowPartitionMapping,
    )
    from weft.model.plan import (
        EdgeRule as EdgeRule,
    )
    from weft.model.retry import (
        Backoff as Backoff,
    )
    from weft.model.retry import (
        Jitter as Jitter,
    )
    from weft.model.retry import (
        RetryPolicy as RetryPolicy,
    )
    from weft.model.run import (
        Run as Run,
    )
    from weft.model.run import (
        RunFilter as RunFilter,
    )
    from weft.model.run import (
        RunStatus as RunStatus,
    )
    from weft.model.severity import (
        AssetCheckSeverity as AssetCheckSeverity,
    )
    from weft.runs.in_process import (
        materialize as materialize,
    )
    from weft.runs.in_process import (
        materialize_to_memory as materialize_to_memory,
    )
    from weft.testing.contexts import (
        build_asset_check_context as build_asset_check_context,
    )
    from weft.testing.contexts import (
        build_asset_context as build_asset_context,
    )
    from weft.testing.contexts import (
        build_op_context as build_op_context,
    )

_WHERE = {
    "AllPartitionMapping": "weft.model.partitions.mappings",
    "AssetCheckExecutionContext": "weft.execution.contexts",
    "AssetCheckKey": "weft.model.keys",
    "AssetCheckResult": "weft.definitions.results",
    "AssetCheckSeverity": "weft.model.severity",
    "AssetCheckSpec": "weft.definitions.asset_spec",
    "AssetChecksDefinition": "weft.definitions.asset_checks",
    "AssetDep": "weft.definitions.inputs_outputs",
    "AssetExecutionContext": "weft.execution.contexts",
    "AssetIn": "weft.definitions.inputs_outputs",
    "AssetJobDefinition": "weft.definitions.job",
    "AssetKey": "weft.model.keys",
    "AssetMaterialization": "weft.definitions.results",
    "AssetObservation": "weft.definitions.results",
    "AssetOut": "weft.definitions.inputs_outputs",
    "AssetSelection": "weft.definitions.asset_selection",
    "AssetSpec": "weft.definitions.asset_spec",
    "AssetsDefinition": "weft.definitions.assets",
    "Backoff": "weft.model.retry",
    "Config": "weft.config.models",
    "ConfigError": "weft.errors",
    "ConfigurableIOManager": "weft.definitions.configurable_io_manager",
    "ConfigurableIOManagerFactory": "weft.definitions.configurable_io_manager",
    "ConfigurableResource": "weft.definitions.configurable_resource",
    "ConfigurableResourceFactory": "weft.definitions.configurable_resource",
    "DailyPartitionsDefinition": "weft.model.partitions.definitions",
    "DataVersion": "weft.definitions.results",
    "DefinitionError": "weft.errors",
    "Definitions": "weft.definitions.definitions",
    "DimensionPartitionMapping": "weft.model.partitions.mappings",
    "DynamicOut": "weft.definitions.inputs_outputs",
    "DynamicOutput": "weft.definitions.results",
    "DynamicPartitionsDefinition": "weft.model.partitions.definitions",
    "EdgeRule": "weft.model.plan",
    "EnvVar": "weft.config.env",
    "Event": "weft.model.events",
    "ExecuteInProcessResult": "weft.execution.results",
    "ExecutionError": "weft.errors",
    "Failure": "weft.definitions.results",
    "FilesystemIOManager": "weft.execution.io_managers.filesystem",
    "GraphDefinition": "weft.definitions.graph",
    "GraphIn": "weft.definitions.inputs_outputs",
    "GraphOut": "weft.definitions.inputs_outputs",
    "HookContext": "weft.execution.contexts",
    "HookDefinition": "weft.definitions.hooks",
    "HourlyPartitionsDefinition": "weft.model.partitions.definitions",
    "IOManager": "weft.definitions.io_manager",
    "IOManagerDefinition": "weft.definitions.io_manager",
    "IOManagerError": "weft.errors",
    "IdentityPartitionMapping": "weft.model.partitions.mappings",
    "In": "weft.definitions.inputs_outputs",
    "InMemoryIOManager": "weft.execution.io_managers.memory",
    "InitResourceContext": "weft.definitions.resources",
    "InputContext": "weft.execution.io_contexts",
    "InputManager": "weft.definitions.io_manager",
    "InputManagerDefinition": "weft.definitions.io_manager",
    "Instance": "weft.instance",
    "InvocationError": "weft.errors",
    "Jitter": "weft.model.retry",
    "JobDefinition": "weft.definitions.job",
    "LastPartitionMapping": "weft.model.partitions.mappings",
    "LoadError": "weft.errors",
    "MaterializeResult": "weft.definitions.results",
    "MetadataValue": "weft.model.metadata",
    "MonthlyPartitionsDefinition": "weft.model.partitions.definitions",
    "MultiPartitionKey": "weft.model.partitions.keys",
    "MultiPartitionMapping": "weft.model.partitions.mappings",
    "MultiPartitionsDefinition": "weft.model.partitions.definitions",
    "MultiToSingleDimensionPartitionMapping": "weft.model.partitions.mappings",
    "Nothing": "weft.definitions.value_type",
    "ObserveResult": "weft.definitions.results",
    "OpDefinition": "weft.definitions.op",
    "OpExecutionContext": "weft.execution.contexts",
    "Out": "weft.definitions.inputs_outputs",
    "Output": "weft.definitions.results",
    "OutputContext": "weft.execution.io_contexts",
    "PartitionError": "weft.errors",
    "PartitionKeyRange": "weft.model.partitions.keys",
    "PartitionMapping": "weft.model.partitions.mappings",
    "PartitionsDefinition": "weft.model.partitions.definitions",
    "PermissiveConfig": "weft.config.models",
    "Repository": "weft.definitions.repository",
    "ResourceDefinition": "weft.definitions.resources",
    "ResourceDependency": "weft.definitions.resource_annotations",
    "ResourceError": "weft.errors",
    "ResourceParam": "weft.definitions.resource_annotations",
    "RetryPolicy": "weft.model.retry",
    "RetryRequested": "weft.definitions.results",
    "Run": "weft.model.run",
    "RunConfig": "weft.config.run_config",
    "RunFilter": "weft.model.run",
    "RunNotFoundError": "weft.errors",
    "RunStatus": "weft.model.run",
    "SelectionError": "weft.errors",
    "SpecificPartitionsPartitionMapping": "weft.model.partitions.mappings",
    "StaticPartitionMapping": "weft.model.partitions.mappings",
    "StaticPartitionsDefinition": "weft.model.partitions.definitions",
    "StorageError": "weft.errors",
    "TableColumn": "weft.model.metadata",
    "TableColumnConstraints": "weft.model.metadata",
    "TableColumnDep": "weft.model.metadata",
    "TableColumnLineage": "weft.model.metadata",
    "TableConstraints": "weft.model.metadata",
    "TableRecord": "weft.model.metadata",
    "TableSchema": "weft.model.metadata",
    "TimeWindow": "weft.model.partitions.keys",
    "TimeWindowPartitionMapping": "weft.model.partitions.mappings",
    "TimeWindowPartitionsDefinition": "weft.model.partitions.definitions",
    "TypeCheck": "weft.definitions.value_type",
    "TypeCheckError": "weft.errors",
    "UPathIOManager": "weft.execution.io_managers.upath",
    "ValueType": "weft.definitions.value_type",
    "WeeklyPartitionsDefinition": "weft.model.partitions.definitions",
    "WeftError": "weft.errors",
    "__version__": "weft._version",
    "asset": "weft.definitions.assets",
    "asset_check": "weft.definitions.asset_checks",
    "build_asset_check_context": "weft.testing.contexts",
    "build_asset_context": "weft.testing.contexts",
    "build_op_context": "weft.testing.contexts",
    "define_asset_job": "weft.definitions.job",
    "failure_hook": "weft.definitions.hooks",
    "graph": "weft.definitions.graph",
    "input_manager": "weft.definitions.io_manager",
    "io_manager": "weft.definitions.io_manager",
    "job": "weft.definitions.job",
    "make_values_resource": "weft.definitions.resources",
    "materialize": "weft.runs.in_process",
    "materialize_to_memory": "weft.runs.in_process",
    "multi_asset": "weft.definitions.assets",
    "multi_asset_check": "weft.definitions.asset_checks",
    "op": "weft.definitions.op",
    "resource": "weft.definitions.resources",
    "success_hook": "weft.definitions.hooks",
}

__all__ = [  # the list is the table: a test compares both
    "AllPartitionMapping",
    "AssetCheckExecutionContext",
    "AssetCheckKey",
    "AssetCheckResult",
    "AssetCheckSeverity",
    "AssetCheckSpec",
    "AssetChecksDefinition",
    "AssetDep",
    "AssetExecutionContext",
    "AssetIn",
    "AssetJobDefinition",
    "AssetKey",
    "AssetMaterialization",
    "AssetObservation",
    "AssetOut",
    "AssetSelection",
    "AssetSpec",
    "AssetsDefinition",
    "Backoff",
    "Config",
    "ConfigError",
    "ConfigurableIOManager",
    "ConfigurableIOManagerFactory",
    "ConfigurableResource",
    "ConfigurableResourceFactory",
    "DailyPartitionsDefinition",
    "DataVersion",
    "DefinitionError",
    "Definitions",
    "DimensionPartitionMapping",
    "DynamicOut",
    "DynamicOutput",
    "DynamicPartitionsDefinition",
    "EdgeRule",
    "EnvVar",
    "Event",
    "ExecuteInProcessResult",
    "ExecutionError",
    "Failure",
    "FilesystemIOManager",
    "GraphDefinition",
    "GraphIn",
    "GraphOut",
    "HookContext",
    "HookDefinition",
    "HourlyPartitionsDefinition",
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
    "LastPartitionMapping",
    "LoadError",
    "MaterializeResult",
    "MetadataValue",
    "MonthlyPartitionsDefinition",
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
    "PartitionError",
    "PartitionKeyRange",
    "PartitionMapping",
    "PartitionsDefinition",
    "PermissiveConfig",
    "Repository",
    "ResourceDefinition",
    "ResourceDependency",
    "ResourceError",
    "ResourceParam",
    "RetryPolicy",
    "RetryRequested",
    "Run",
    "RunConfig",
    "RunFilter",
    "RunNotFoundError",
    "RunStatus",
    "SelectionError",
    "SpecificPartitionsPartitionMapping",
    "StaticPartitionMapping",
    "StaticPartitionsDefinition",
    "StorageError",
    "TableColumn",
    "TableColumnConstraints",
    "TableColumnDep",
    "TableColumnLineage",
    "TableConstraints",
    "TableRecord",
    "TableSchema",
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
    "build_asset_check_context",
    "build_asset_context",
    "build_op_context",
    "define_asset_job",
    "failure_hook",
    "graph",
    "input_manager",
    "io_manager",
    "job",
    "make_values_resource",
    "materialize",
    "materialize_to_memory",
    "multi_asset",
    "multi_asset_check",
    "op",
    "resource",
    "success_hook",
]


def __getattr__(name: str) -> Any:
    module_name = _WHERE.get(name)
    if module_name is None:
        from weft.errors import nearest

        near = nearest(name, _WHERE)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module 'weft' has no attribute {name!r}.{hint}")
    import importlib

    value = getattr(importlib.import_module(module_name), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
