"""Configuration that depends on the partition of the run: one function from a partition key to run configuration, and one to tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from weft.config.run_config import run_config_document
from weft.definitions.decorated import check_decorated
from weft.definitions.names import check_kind, tag_texts
from weft.definitions.source import declared_at
from weft.errors import DefinitionError
from weft.model.partitions.definitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

D = TypeVar("D", bound=PartitionsDefinition)


class PartitionedConfig(Generic[D]):
    """The ``config=`` of a job whose runs are configured by their partition.

    Args:
        partitions_def: the partitions of the job.
        run_config_for_partition_key_fn: from the key of a partition to the configuration of its run, as a dict or `RunConfig`.
        tags_for_partition_key_fn: from the key to tags of the run.
        decorated_fn: what calling the object calls.

    Raises:
        DefinitionError: (WEFT-D478) something given is no function.
    """

    def __init__(
        self,
        partitions_def: D,
        run_config_for_partition_key_fn: Callable[[str], Any],
        *,
        tags_for_partition_key_fn: Callable[[str], Mapping[str, Any]] | None = None,
        decorated_fn: Callable[..., Any] | None = None,
    ) -> None:
        self.partitions_def: D = check_kind(partitions_def, PartitionsDefinition, "partitions_def", "PartitionedConfig")
        for name, fn in (
            ("run_config_for_partition_key_fn", run_config_for_partition_key_fn),
            ("tags_for_partition_key_fn", tags_for_partition_key_fn),
        ):
            if fn is not None and not callable(fn):
                raise DefinitionError(
                    f"{name} of a PartitionedConfig is no function.",
                    code="WEFT-D478",
                    facts={"found": type(fn).__name__},
                    fix="give a function of the key of a partition",
                )
        self._config_fn = run_config_for_partition_key_fn
        self._tags_fn = tags_for_partition_key_fn
        self._decorated = decorated_fn or run_config_for_partition_key_fn
        self.declared_at = declared_at(self._decorated)

    def get_run_config_for_partition_key(self, partition_key: str) -> dict[str, Any]:
        """The configuration of the run of a partition, as plain data."""
        return run_config_document(self._config_fn(partition_key))

    def get_tags_for_partition_key(self, partition_key: str) -> dict[str, str]:
        """The tags of the run of a partition, besides those of the job."""
        return tag_texts(self._tags_fn(partition_key), "a PartitionedConfig") if self._tags_fn is not None else {}

    def get_partition_keys(self, current_time: datetime | float | None = None) -> Sequence[str]:
        """The keys of its partitions."""
        return self.partitions_def.get_partition_keys(current_time)

    def __call__(self, *args: Any) -> Any:
        """Call the decorated function itself, for tests."""
        return self._decorated(*args)

    def __repr__(self) -> str:
        return f"PartitionedConfig({self.partitions_def.describe()})"


ConfigDecorator = Callable[[Callable[..., Any]], PartitionedConfig[Any]]


def partitioned_config(
    partitions_def: PartitionsDefinition, tags_for_partition_key_fn: Callable[[str], Mapping[str, Any]] | None = None
) -> ConfigDecorator:
    """Make a function from a partition key to run configuration the ``config=`` of a job.

    >>> @partitioned_config(partitions_def=StaticPartitionsDefinition(["north", "south"]))
    ... def by_region(partition_key: str):
    ...     return {"ops": {"load": {"config": {"region": partition_key}}}}
    """

    def make(fn: Callable[[str], Any]) -> PartitionedConfig[Any]:
        check_decorated(fn, "partitioned_config")
        return PartitionedConfig(partitions_def, fn, tags_for_partition_key_fn=tags_for_partition_key_fn)

    return make


def static_partitioned_config(
    partition_keys: Sequence[str], tags_for_partition_key_fn: Callable[[str], Mapping[str, Any]] | None = None
) -> ConfigDecorator:
    """`partitioned_config` of fixed keys."""
    return partitioned_config(StaticPartitionsDefinition(partition_keys), tags_for_partition_key_fn)


def dynamic_partitioned_config(
    name: str, tags_for_partition_key_fn: Callable[[str], Mapping[str, Any]] | None = None
) -> ConfigDecorator:
    """`partitioned_config` of the keys that are stored under `name`."""
    return partitioned_config(DynamicPartitionsDefinition(name), tags_for_partition_key_fn)


def _of_windows(
    partitions_def: TimeWindowPartitionsDefinition, tags_fn: Callable[[datetime, datetime], Mapping[str, Any]] | None
) -> ConfigDecorator:
    def with_window(fn: Callable[[datetime, datetime], Any]) -> Callable[[str], Any]:
        def of_key(partition_key: str) -> Any:
            window = partitions_def.time_window_for_partition_key(partition_key)
            return fn(window.start, window.end)

        return of_key

    def make(fn: Callable[[datetime, datetime], Any]) -> PartitionedConfig[Any]:
        check_decorated(fn, "partitioned_config")
        return PartitionedConfig(
            partitions_def,
            with_window(fn),
            tags_for_partition_key_fn=with_window(tags_fn) if tags_fn is not None else None,
            decorated_fn=fn,
        )

    return make


def hourly_partitioned_config(
    start_date: datetime | str,
    minute_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: Callable[[datetime, datetime], Mapping[str, Any]] | None = None,
) -> ConfigDecorator:
    """Configuration of hourly partitions, from the start and end of the window. The arguments are those of `HourlyPartitionsDefinition`."""
    settings = {"minute_offset": minute_offset, "timezone": timezone, "fmt": fmt, "end_offset": end_offset}
    return _of_windows(HourlyPartitionsDefinition(start_date, **_given(settings)), tags_for_partition_fn)


def daily_partitioned_config(
    start_date: datetime | str,
    minute_offset: int = 0,
    hour_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: Callable[[datetime, datetime], Mapping[str, Any]] | None = None,
) -> ConfigDecorator:
    """Configuration of daily partitions, from the start and end of the window. The arguments are those of `DailyPartitionsDefinition`.

    >>> @daily_partitioned_config(start_date="2024-01-01")
    ... def by_day(start, end):
    ...     return {"ops": {"load": {"config": {"day": start.strftime("%Y-%m-%d")}}}}
    """
    settings = {
        "minute_offset": minute_offset,
        "hour_offset": hour_offset,
        "timezone": timezone,
        "fmt": fmt,
        "end_offset": end_offset,
    }
    return _of_windows(DailyPartitionsDefinition(start_date, **_given(settings)), tags_for_partition_fn)


def weekly_partitioned_config(
    start_date: datetime | str,
    minute_offset: int = 0,
    hour_offset: int = 0,
    day_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: Callable[[datetime, datetime], Mapping[str, Any]] | None = None,
) -> ConfigDecorator:
    """Configuration of weekly partitions, from the start and end of the window. The arguments are those of `WeeklyPartitionsDefinition`."""
    settings = {
        "minute_offset": minute_offset,
        "hour_offset": hour_offset,
        "day_offset": day_offset,
        "timezone": timezone,
        "fmt": fmt,
        "end_offset": end_offset,
    }
    return _of_windows(WeeklyPartitionsDefinition(start_date, **_given(settings)), tags_for_partition_fn)


def monthly_partitioned_config(
    start_date: datetime | str,
    minute_offset: int = 0,
    hour_offset: int = 0,
    day_offset: int = 1,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: Callable[[datetime, datetime], Mapping[str, Any]] | None = None,
) -> ConfigDecorator:
    """Configuration of monthly partitions, from the start and end of the window. The arguments are those of `MonthlyPartitionsDefinition`."""
    settings = {
        "minute_offset": minute_offset,
        "hour_offset": hour_offset,
        "day_offset": day_offset,
        "timezone": timezone,
        "fmt": fmt,
        "end_offset": end_offset,
    }
    return _of_windows(MonthlyPartitionsDefinition(start_date, **_given(settings)), tags_for_partition_fn)


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}
