"""What I/O managers are told: which value they store or load, for which asset and partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weft.errors import InvocationError
from weft.model.keys import AssetKey
from weft.model.metadata import AnyMetadataValue, RawMetadata, metadata_values

if TYPE_CHECKING:
    from weft.definitions.asset_spec import AssetSpec
    from weft.definitions.op import OpDefinition
    from weft.definitions.results import AssetMaterialization, AssetObservation
    from weft.execution.log_manager import LogManager
    from weft.model.partitions.definitions import PartitionsDefinition
    from weft.model.partitions.keys import PartitionKeyRange, TimeWindow


class IOContext:
    """What `InputContext` and `OutputContext` share."""

    __weft_context__ = True

    __slots__ = (
        "_metadata",
        "asset_key_or_none",
        "asset_partitions_def_or_none",
        "asset_spec",
        "config",
        "definition_metadata",
        "job_name",
        "log_or_none",
        "logged_events",
        "mapping_key",
        "name",
        "op_def",
        "op_name",
        "partition_keys",
        "resource_config",
        "resources",
        "run_id",
        "run_partition_key",
        "run_tags",
        "step_key",
        "value_type",
    )

    def __init__(
        self,
        *,
        name: str,
        step_key: str = "",
        run_id: str = "",
        job_name: str = "",
        op_name: str = "",
        asset_key: AssetKey | None = None,
        asset_spec: AssetSpec | None = None,
        asset_partitions_def: PartitionsDefinition | None = None,
        partition_keys: Sequence[str] = (),
        run_partition_key: str | None = None,
        run_tags: Mapping[str, str] | None = None,
        definition_metadata: Mapping[str, Any] | None = None,
        value_type: Any = None,
        mapping_key: str | None = None,
        resources: Any = None,
        resource_config: Mapping[str, Any] | None = None,
        config: Any = None,
        log: LogManager | None = None,
        op_def: OpDefinition[Any, Any] | None = None,
    ) -> None:
        self.name = name
        self.step_key = step_key
        self.run_id = run_id
        self.job_name = job_name
        self.op_name = op_name
        self.asset_key_or_none = asset_key
        self.asset_spec = asset_spec
        self.asset_partitions_def_or_none = asset_partitions_def
        # The partitions of the asset that are stored or loaded, in the order of the definition.
        self.partition_keys = partition_keys
        self.run_partition_key = run_partition_key
        self.run_tags: Mapping[str, str] = run_tags or {}
        self.definition_metadata: Mapping[str, Any] = definition_metadata or {}
        self.value_type = value_type
        self.mapping_key = mapping_key
        self.resources = resources
        self.resource_config: Mapping[str, Any] = resource_config or {}
        self.config = config
        self.log_or_none = log
        # The op that the value is an output or input of, where it has one.
        self.op_def = op_def
        # What `log_event` was told, in order.
        self.logged_events: tuple[AssetMaterialization | AssetObservation, ...] = ()
        self._metadata: dict[str, AnyMetadataValue] = {}

    @property
    def log(self) -> LogManager:
        """The logger of the step."""
        if self.log_or_none is None:
            from weft.execution.console import console_log

            self.log_or_none = console_log(self.step_key or None)
        return self.log_or_none

    @property
    def dagster_type(self) -> Any:
        """The declared type; the name that existing code uses for `value_type`."""
        return self.value_type

    @property
    def version(self) -> str | None:
        """The version of the code that makes the asset, where its definition says one."""
        return self.asset_spec.code_version if self.asset_spec is not None else None

    def log_event(self, event: AssetMaterialization | AssetObservation) -> None:
        """Record that something else was made or seen; it is recorded when the value is stored or loaded."""
        self.logged_events = (*self.logged_events, event)

    @property
    def asset_partition_key_or_none(self) -> str | None:
        """The partition of the asset, where it is one; None otherwise."""
        keys = self.partition_keys if self.asset_partitions_def_or_none is not None else ()
        return keys[0] if len(keys) == 1 else None

    @property
    def has_asset_partition_key(self) -> bool:
        """Whether exactly one partition of the asset is meant."""
        return self.asset_partition_key_or_none is not None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the definition says about the value for its I/O manager."""
        return self.definition_metadata

    @property
    def has_asset_key(self) -> bool:
        """Whether the value belongs to an asset."""
        return self.asset_key_or_none is not None

    @property
    def asset_key(self) -> AssetKey:
        """The asset of the value."""
        if self.asset_key_or_none is None:
            raise self._absent("asset key", "it belongs to an op, not to an asset", "test context.has_asset_key first")
        return self.asset_key_or_none

    @property
    def has_partition_key(self) -> bool:
        """Whether the run is about one partition."""
        return self.run_partition_key is not None

    @property
    def partition_key(self) -> str:
        """The partition of the run."""
        if self.run_partition_key is None:
            raise self._absent("partition key", "the run has none", "test context.has_partition_key first")
        return self.run_partition_key

    @property
    def has_asset_partitions(self) -> bool:
        """Whether the asset is partitioned."""
        return self.asset_partitions_def_or_none is not None

    @property
    def asset_partitions_def(self) -> PartitionsDefinition:
        """How the asset is divided."""
        if self.asset_partitions_def_or_none is None:
            raise self._absent("partitions", "the asset has none", "test context.has_asset_partitions first")
        return self.asset_partitions_def_or_none

    @property
    def asset_partition_keys(self) -> Sequence[str]:
        """The partitions of the asset that are meant, in order."""
        if self.asset_partitions_def_or_none is None:
            raise self._absent("partitions", "the asset has none", "test context.has_asset_partitions first")
        return self.partition_keys

    @property
    def asset_partition_key(self) -> str:
        """The partition of the asset, where it is one."""
        keys = self.asset_partition_keys
        if len(keys) != 1:
            raise self._absent("single partition", f"{len(keys)} partitions are meant", "use asset_partition_keys")
        return keys[0]

    @property
    def asset_partition_key_range(self) -> PartitionKeyRange:
        """The first and last partition of the asset that are meant."""
        from weft.model.partitions.keys import PartitionKeyRange

        keys = self.asset_partition_keys
        return PartitionKeyRange(keys[0], keys[-1])

    @property
    def asset_partitions_time_window(self) -> TimeWindow:
        """From the start of the first to the end of the last partition that is meant."""
        from weft.model.partitions.keys import TimeWindow

        definition: Any = self.asset_partitions_def
        keys = self.asset_partition_keys
        first = definition.time_window_for_partition_key(keys[0])
        last = definition.time_window_for_partition_key(keys[-1])
        return TimeWindow(first.start, last.end)

    def get_asset_identifier(self) -> list[str]:
        """Where the asset's value belongs: its key parts, then its partition where it is one."""
        parts = list(self.asset_key.parts)
        if self.asset_partitions_def_or_none is not None and len(self.partition_keys) == 1:
            parts.append(self.partition_keys[0])
        return parts

    def _absent(self, what: str, why: str, fix: str) -> InvocationError:
        return InvocationError(
            f'"{self.name}" has no {what}.', code="WEFT-I010", facts={"why": why, "step": self.step_key or "?"}, fix=fix
        )


class OutputContext(IOContext):
    """What `IOManager.handle_output` is told about the value that it stores."""

    __slots__ = ()

    def get_identifier(self) -> list[str]:
        """Where the value belongs: the asset's place, or run, step, output (and mapping key)."""
        if self.asset_key_or_none is not None:
            return self.get_asset_identifier()
        parts = [self.run_id, self.step_key, self.name]
        return [*parts, self.mapping_key] if self.mapping_key is not None else parts

    def add_output_metadata(self, metadata: RawMetadata) -> None:
        """Attach facts to the output, and to the materialisation where it is an asset."""
        self._metadata.update(metadata_values(metadata))

    @property
    def output_metadata(self) -> dict[str, AnyMetadataValue]:
        """What was attached."""
        return self._metadata

    @property
    def has_metadata(self) -> bool:
        """Whether anything was attached."""
        return bool(self._metadata)


class InputContext(IOContext):
    """What `IOManager.load_input` is told about the value that it loads."""

    __slots__ = ("upstream_output",)

    def __init__(self, *, upstream_output: OutputContext | None = None, **fields: Any) -> None:
        super().__init__(**fields)
        # What the upstream step was told when it stored the value; None for a value that no step of a run stored.
        self.upstream_output = upstream_output

    def get_identifier(self) -> list[str]:
        """Where the value was stored."""
        if self.asset_key_or_none is not None:
            return self.get_asset_identifier()
        if self.upstream_output is not None:
            return self.upstream_output.get_identifier()
        return [self.run_id, self.step_key, self.name]

    def add_input_metadata(self, metadata: RawMetadata, description: str | None = None) -> None:
        """Attach facts to the event of the loaded input."""
        self._metadata.update(metadata_values(metadata))
        if description is not None:
            self._metadata["description"] = metadata_values({"d": description})["d"]

    @property
    def input_metadata(self) -> dict[str, AnyMetadataValue]:
        """What was attached."""
        return self._metadata
