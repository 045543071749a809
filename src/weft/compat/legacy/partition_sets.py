"""Partition sets: the partitions of a pipeline, declared beside it. Now the partitioned configuration of a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weft.definitions.job import JobDefinition
from weft.definitions.partitioned_config import PartitionedConfig
from weft.definitions.schedules import ScheduleDefinition
from weft.errors import DefinitionError
from weft.model.partitions.definitions import PartitionsDefinition, StaticPartitionsDefinition


class PartitionSetDefinition:
    """Partitions for a pipeline, with the configuration and tags of the run of each.

    A repository that holds both gives the pipeline's job that configuration.
    """

    def __init__(
        self,
        name: str,
        pipeline_name: str | None = None,
        partition_fn: Callable[[], Sequence[Any]] | None = None,
        solid_selection: Sequence[str] | None = None,
        mode: str | None = None,
        run_config_fn_for_partition: Callable[[Any], Mapping[str, Any]] | None = None,
        tags_fn_for_partition: Callable[[Any], Mapping[str, Any]] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        job_name: str | None = None,
    ) -> None:
        if (partition_fn is None) == (partitions_def is None):
            raise DefinitionError(
                f'partition set "{name}" needs its partitions, once.',
                code="WEFT-D570",
                facts={"given": "both" if partition_fn is not None else "neither"},
                fix="give partition_fn or partitions_def",
            )
        self.name = name
        self.job_name = job_name or pipeline_name
        self.mode = mode
        self.solid_selection = solid_selection
        self._partitions = (
            {_name(one): one for one in partition_fn()} if partition_fn is not None and partitions_def is None else {}
        )
        self.partitions_def = partitions_def or StaticPartitionsDefinition(list(self._partitions))
        self._run_config_fn = run_config_fn_for_partition or (lambda partition: {})
        self._tags_fn = tags_fn_for_partition or (lambda partition: {})

    def get_partitions(self) -> list[Any]:
        """The partitions as the user made them; of a partitions definition as `Partition`."""
        return list(self._partitions.values()) or [Partition(key) for key in self.partitions_def.get_partition_keys()]

    def get_partition_names(self) -> list[str]:
        """Their names."""
        return list(self.partitions_def.get_partition_keys())

    def run_config_for_partition(self, partition: Any) -> Mapping[str, Any]:
        """The configuration of the run of a partition."""
        return self._run_config_fn(partition)

    def to_partitioned_config(self) -> PartitionedConfig[Any]:
        """The same as configuration of a job."""
        return PartitionedConfig(
            self.partitions_def,
            lambda key: self._run_config_fn(self._partition(key)),
            tags_for_partition_key_fn=lambda key: self._tags_fn(self._partition(key)),
        )

    def attach(self, job: JobDefinition) -> JobDefinition:
        """`job` with the partitions of this set."""
        return JobDefinition(
            job.graph,
            name=job.name,
            description=job.description,
            resource_defs=job.resource_defs,
            config=self.to_partitioned_config(),
            tags=job.tags,
            hooks=tuple(job.hooks),
            op_retry_policy=job.op_retry_policy,
            executor_def=job.executor_def,
            logger_defs=job.logger_defs or None,
        )

    def create_schedule_definition(
        self,
        schedule_name: str,
        cron_schedule: str,
        partition_selector: Callable[[Any, PartitionSetDefinition], Any] | None = None,
        execution_timezone: str | None = None,
        description: str | None = None,
        **more: Any,
    ) -> ScheduleDefinition:
        """A schedule that runs the partition that `partition_selector` picks; the last one by default."""

        def requests(context: Any) -> Any:
            picked = partition_selector(context, self) if partition_selector is not None else self.get_partitions()[-1]
            chosen = picked if isinstance(picked, (list, tuple)) else [picked]
            from weft.definitions.run_requests import RunRequest

            return [RunRequest(run_key=_name(one), partition_key=_name(one), job_name=self.job_name) for one in chosen]

        return ScheduleDefinition(
            schedule_name,
            cron_schedule=cron_schedule,
            job_name=self.job_name,
            execution_fn=requests,
            execution_timezone=execution_timezone,
            description=description,
            **more,
        )

    def _partition(self, key: str) -> Any:
        return self._partitions.get(key) or Partition(key)


class Partition:
    """A partition with a value of the user's; its name is the key."""

    def __init__(self, value: Any = None, name: str | None = None) -> None:
        self.value = value
        self.name = name or str(value)

    def __repr__(self) -> str:
        return f"Partition({self.value!r}, {self.name!r})"


def _name(partition: Any) -> str:
    return str(getattr(partition, "name", partition))
