"""Ready-made checks: of freshness, of numbers in metadata, of changes of the columns.

Each function gives one step that answers a check for each asset; a run may ask for some of them. They look at what the instance stores and load
no values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from weft.definitions.asset_checks import AssetChecksDefinition, multi_asset_check
from weft.definitions.asset_selection import AssetSelection
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.assets import AssetsDefinition
from weft.definitions.inputs_outputs import asset_key_of
from weft.definitions.results import AssetCheckResult
from weft.definitions.run_requests import RunRequest, SkipReason
from weft.definitions.sensors import DEFAULT_INTERVAL_SECONDS, DefaultSensorStatus, SensorDefinition
from weft.errors import DefinitionError
from weft.model.asset_state import PartitionStatus
from weft.model.cron_schedule import CronSchedule
from weft.model.freshness import FreshnessPolicy
from weft.model.keys import AssetKey
from weft.model.metadata import MetadataValue
from weft.model.partitions.definitions import TimeWindowPartitionsDefinition
from weft.model.severity import AssetCheckSeverity

_MADE = ("ASSET_MATERIALIZATION",)
_COLUMN_SCHEMA_KEYS = ("weft/column_schema", "dagster/column_schema")


def build_last_update_freshness_checks(
    assets: Iterable[Any],
    *,
    lower_bound_delta: timedelta,
    deadline_cron: str | None = None,
    timezone: str = "UTC",
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    blocking: bool = False,
) -> list[AssetChecksDefinition[..., Any]]:
    """Checks that each asset was made or observed lately.

    Args:
        assets: definitions, specs, keys or names.
        lower_bound_delta: how long ago the last update may be: before now, or before the last deadline.
        deadline_cron: when the asset has to be there; None: at any time.
        timezone: of the deadlines.
        severity: of a check that does not pass.
        blocking: whether what is downstream waits for the check in the same run.
    """
    schedule = CronSchedule((deadline_cron,), timezone) if deadline_cron is not None else None
    if schedule is not None:
        schedule.check()

    def answer(context: Any, key: AssetKey) -> AssetCheckResult:
        now = context.instance.clock.wall()
        state = context.instance.assets.get(key)
        pointers = [] if state is None else [state.latest_materialization, state.latest_observation]
        updated = max((pointer.time for pointer in pointers if pointer is not None), default=None)
        deadline = schedule.latest(now) if schedule is not None else now
        passed = updated is not None and (deadline is None or updated >= deadline - lower_bound_delta.total_seconds())
        metadata: dict[str, Any] = {"fresh_after_seconds": lower_bound_delta.total_seconds()}
        if updated is not None:
            metadata["last_updated"] = MetadataValue.timestamp(updated)
        return AssetCheckResult(
            passed, severity=severity, metadata=metadata, description=None if passed else "The last update is too old."
        )

    return _checks("freshness_check", assets, answer, blocking)


def build_time_partition_freshness_checks(
    assets: Iterable[Any],
    *,
    deadline_cron: str,
    timezone: str = "UTC",
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    blocking: bool = False,
) -> list[AssetChecksDefinition[..., Any]]:
    """Checks that of each asset the latest window of time that had ended at the last deadline was made.

    Args:
        assets: definitions or specs of assets whose partitions are windows of time.
        deadline_cron: when the latest window has to be there.
        timezone, severity, blocking: see `build_last_update_freshness_checks`.

    Raises:
        DefinitionError: (WEFT-D416) an asset is not divided by time.
    """
    schedule = CronSchedule((deadline_cron,), timezone)
    schedule.check()
    given = list(assets)
    windows = {asset_key_of(asset): _windows_of(asset) for asset in given}

    def answer(context: Any, key: AssetKey) -> AssetCheckResult:
        definition = windows[key]
        deadline = schedule.latest(context.instance.clock.wall())
        count = definition.count(deadline) if deadline is not None else 0
        if not count:
            return AssetCheckResult(True, severity=severity, description="No window had ended at the last deadline.")
        partition = definition.key_at(count - 1)
        row = context.instance.assets.partition(key, partition)
        passed = row is not None and row.status is PartitionStatus.MATERIALIZED
        return AssetCheckResult(
            passed,
            severity=severity,
            metadata={"latest_window": partition},
            description=None if passed else f"The window {partition} was not made by the deadline.",
        )

    return _checks("time_partition_freshness_check", given, answer, blocking)


def build_sensor_for_freshness_checks(
    *,
    freshness_checks: Sequence[AssetChecksDefinition[..., Any]],
    minimum_interval_seconds: float | None = None,
    name: str = "freshness_checks_sensor",
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    tags: Mapping[str, str] | None = None,
) -> SensorDefinition:
    """A sensor that has checks of freshness evaluated: those that nobody evaluated in the last interval.

    Args:
        freshness_checks: what the functions above gave.
        minimum_interval_seconds: how often a check is evaluated; 30 seconds by default.
        name: the name of the sensor.
        default_status: whether it runs before anybody has started it.
        tags: tags of its runs.
    """
    keys = [key for definition in freshness_checks for key in definition.check_keys]
    interval = DEFAULT_INTERVAL_SECONDS if minimum_interval_seconds is None else minimum_interval_seconds

    def due(context: Any) -> Any:
        now = context.instance.clock.wall()
        states = {key: context.instance.checks.get(key) for key in keys}
        chosen = [key for key, state in states.items() if state is None or now - state.latest.time >= interval]
        if not chosen:
            return SkipReason("every check was evaluated lately")
        return RunRequest(asset_selection=[], asset_check_keys=chosen, tags=tags or {})

    return SensorDefinition(
        name,
        evaluation_fn=due,
        asset_selection=AssetSelection.checks(*keys),
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
    )


def _windows_of(asset: Any) -> TimeWindowPartitionsDefinition:
    definition = getattr(asset, "partitions_def", None)
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return definition
    raise DefinitionError(
        f'asset "{asset_key_of(asset).to_user_string()}" is not divided by time.',
        code="WEFT-D416",
        facts={"partitions": definition.describe() if definition is not None else "(none)"},
        fix="give the definitions of assets with partitions of time; for others use build_last_update_freshness_checks",
    )


def build_metadata_bounds_checks(
    assets: Iterable[Any],
    *,
    metadata_key: str,
    min_value: float | None = None,
    max_value: float | None = None,
    exclusive_min: bool = False,
    exclusive_max: bool = False,
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    blocking: bool = False,
) -> list[AssetChecksDefinition[..., Any]]:
    """Checks that a number in the metadata of the latest materialisation of each asset is within bounds.

    Args:
        assets: definitions, specs, keys or names.
        metadata_key: the label of the number.
        min_value, max_value: the bounds; at least one.
        exclusive_min, exclusive_max: whether the bound itself is out of bounds.
        severity, blocking: see `build_last_update_freshness_checks`.

    Raises:
        DefinitionError: (WEFT-D415) there is no bound.
    """
    if min_value is None and max_value is None:
        raise DefinitionError(
            f'checks of the metadata "{metadata_key}" have no bounds.',
            code="WEFT-D415",
            fix="give min_value=..., max_value=... or both",
        )

    def answer(context: Any, key: AssetKey) -> AssetCheckResult:
        found = _latest_metadata(context, key, 1)
        value = getattr(found[0].get(metadata_key), "value", None) if found else None
        if not isinstance(value, (int, float)):
            return AssetCheckResult(False, severity=severity, description=f"There is no number {metadata_key!r}.")
        high_enough = min_value is None or (value > min_value if exclusive_min else value >= min_value)
        low_enough = max_value is None or (value < max_value if exclusive_max else value <= max_value)
        return AssetCheckResult(high_enough and low_enough, severity=severity, metadata={metadata_key: value})

    name = "".join(letter if letter.isalnum() else "_" for letter in metadata_key)
    return _checks(f"{name}_bounds_check", assets, answer, blocking)


def build_column_schema_change_checks(
    assets: Iterable[Any], *, severity: AssetCheckSeverity = AssetCheckSeverity.WARN, blocking: bool = False
) -> list[AssetChecksDefinition[..., Any]]:
    """Checks that the columns of each asset are those of the materialisation before. Columns come from the metadata ``weft/column_schema``.

    Args:
        assets: definitions, specs, keys or names.
        severity, blocking: see `build_last_update_freshness_checks`.
    """

    def answer(context: Any, key: AssetKey) -> AssetCheckResult:
        schemas = [_columns(metadata) for metadata in _latest_metadata(context, key, 2)]
        new, old = (*schemas, None, None)[:2]
        if new is None:
            return AssetCheckResult(False, severity=severity, description="The latest materialisation has no columns.")
        if old is None:
            return AssetCheckResult(True, severity=severity, description="There is nothing to compare with.")
        changes = {
            "added": sorted(new.keys() - old.keys()),
            "removed": sorted(old.keys() - new.keys()),
            "changed": sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
        }
        found = {label: names for label, names in changes.items() if names}
        return AssetCheckResult(not found, severity=severity, metadata=found)

    return _checks("column_schema_change", assets, answer, blocking)


def apply_freshness_policy(spec: AssetSpec, policy: FreshnessPolicy, overwrite_existing: bool = True) -> AssetSpec:
    """`spec` with the policy; one that has a policy keeps it unless `overwrite_existing`.

    >>> defs.map_asset_specs(func=lambda spec: apply_freshness_policy(spec, policy))
    """
    if spec.freshness_policy is not None and not overwrite_existing:
        return spec
    return spec.replace_attributes(freshness_policy=policy)


def _checks(name: str, assets: Iterable[Any], answer: Any, blocking: bool) -> list[AssetChecksDefinition[..., Any]]:
    keys = list(dict.fromkeys(key for item in assets for key in _keys_of(item)))
    if not keys:
        return []
    specs = [AssetCheckSpec(name, asset=key, blocking=blocking) for key in keys]

    @multi_asset_check(specs=specs, name=f"{keys[0].to_python_identifier()}_{name}", can_subset=True)
    def ready_made(context) -> Iterator[AssetCheckResult]:  # type: ignore[no-untyped-def]  # the class is above definitions
        for check_key in sorted(context.selected_asset_check_keys):
            result: AssetCheckResult = answer(context, check_key.asset_key)
            result.asset_key, result.check_name = check_key.asset_key, check_key.name
            yield result

    return [ready_made]


def _keys_of(item: Any) -> Sequence[AssetKey]:
    return tuple(item.keys) if isinstance(item, AssetsDefinition) else (asset_key_of(item),)


def _latest_metadata(context: Any, key: AssetKey, count: int) -> list[dict[str, Any]]:
    """The metadata of the latest materialisations, newest first."""
    found = context.instance.events.of_asset(key, types=_MADE, limit=count)
    return [dict(stored.event.body.metadata) for stored in found]


def _columns(metadata: dict[str, Any]) -> dict[str, str] | None:
    for key in _COLUMN_SCHEMA_KEYS:
        schema = getattr(metadata.get(key), "value", None)
        if schema is not None:
            return {column.name: column.type for column in schema.columns}
    return None
