"""The context of a sensor of several assets: what has happened to each since the sensor last took note.

The cursor is one JSON text for all assets. For each it holds the id of the last event that was taken note of, its partition, and the partitions whose
events came before that one without being taken note of (*trailing*), so that taking note of one partition does not swallow the others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weft.errors import InvocationError, did_you_mean, some_of
from weft.execution.ticks.sensor_contexts import SensorEvaluationContext
from weft.model.asset_state import PartitionStatus
from weft.model.events import StoredEvent
from weft.model.keys import AssetKey, CoercibleToAssetKey

if TYPE_CHECKING:
    from weft.definitions.assets import AssetsDefinition
    from weft.definitions.tick_source import TickSource

_TYPES = ("ASSET_MATERIALIZATION",)
_PAGE = 1000


class MultiAssetSensorEvaluationContext(SensorEvaluationContext):
    """What the function of a sensor of several assets knows.

    Args:
        monitored_assets: the keys; those of the sensor by default.
        surroundings: see `SensorEvaluationContext`.
    """

    def __init__(self, *, monitored_assets: Sequence[CoercibleToAssetKey] | None = None, **surroundings: Any) -> None:
        super().__init__(**surroundings)
        self._monitored = tuple(AssetKey.of(key) for key in monitored_assets) if monitored_assets is not None else None

    @staticmethod
    def like(context: SensorEvaluationContext) -> MultiAssetSensorEvaluationContext:
        """`context` as one of several assets."""
        if isinstance(context, MultiAssetSensorEvaluationContext):
            return context
        copy = MultiAssetSensorEvaluationContext.__new__(MultiAssetSensorEvaluationContext)
        copy.__dict__.update(context.__dict__, _monitored=None)
        return copy

    def bind(self, source: TickSource) -> None:
        """Learn the assets of the sensor that the context is passed to."""
        super().bind(source)
        if self._monitored is not None:
            return
        self._monitored = getattr(source, "monitored_keys", None)
        selection = getattr(source, "monitored", None)
        if self._monitored is None and selection is not None:
            from weft.planning.selection import select

            keys, _ = select(selection.expression, self.repository_def.graph)
            self._monitored = tuple(sorted(keys))

    # --- the assets -----------------------------------------------------------------------------------------------------

    @property
    def asset_keys(self) -> Sequence[AssetKey]:
        """The assets that the sensor follows."""
        return self._monitored or ()

    @property
    def assets_defs_by_key(self) -> Mapping[AssetKey, AssetsDefinition[Any, Any] | None]:
        """What computes each of them; None for external ones."""
        return {key: self.repository_def.asset(key) for key in self.asset_keys}

    # --- what has happened ------------------------------------------------------------------------------------------------

    def latest_materialization_records_by_key(
        self, asset_keys: Sequence[CoercibleToAssetKey] | None = None
    ) -> dict[AssetKey, StoredEvent | None]:
        """For each asset the latest materialisation that has not been taken note of, or None."""
        keys = [self._known(key) for key in asset_keys] if asset_keys is not None else self.asset_keys
        found: dict[AssetKey, StoredEvent | None] = {}
        for key in keys:
            newest = self.instance.events.of_asset(key, types=_TYPES, after_id=self._entry(key)["id"], limit=1)
            found[key] = newest[0] if newest else None
        return found

    def materialization_records_for_key(
        self, asset_key: CoercibleToAssetKey, limit: int | None = None
    ) -> list[StoredEvent]:
        """The materialisations after the cursor of the asset, oldest first, `limit` at most."""
        key = self._known(asset_key)
        found: list[StoredEvent] = []
        after = self._entry(key)["id"]
        while limit is None or len(found) < limit:
            size = _PAGE if limit is None else min(_PAGE, limit - len(found))
            page = self.instance.events.of_asset(key, types=_TYPES, after_id=after, limit=size, ascending=True)
            found.extend(page)
            if len(page) < size:
                break
            after = page[-1].id
        return found

    def latest_materialization_records_by_partition(self, asset_key: CoercibleToAssetKey) -> dict[str, StoredEvent]:
        """For each partition the latest materialisation that has not been taken note of, trailing ones included, oldest first."""
        key = self._known(asset_key)
        newest: dict[str, StoredEvent] = {}
        for event in [*self.get_trailing_unconsumed_events(key), *self.materialization_records_for_key(key)]:
            if event.partition_key is not None:
                newest[event.partition_key] = event
        return dict(sorted(newest.items(), key=lambda item: item[1].id))

    def latest_materialization_records_by_partition_and_asset(self) -> dict[str, dict[AssetKey, StoredEvent]]:
        """The same for all assets: partition to asset to event."""
        found: dict[str, dict[AssetKey, StoredEvent]] = {}
        for key in self.asset_keys:
            for partition, event in self.latest_materialization_records_by_partition(key).items():
                found.setdefault(partition, {})[key] = event
        return found

    def get_trailing_unconsumed_events(self, asset_key: CoercibleToAssetKey) -> list[StoredEvent]:
        """Materialisations of partitions before the cursor of the asset that were passed over, oldest first."""
        trailing: Mapping[str, int] = self._entry(self._known(asset_key))["trailing"]
        events = (self.instance.events.get(number) for number in sorted(trailing.values()))
        return [event for event in events if event is not None]

    def get_cursor_partition(self, asset_key: CoercibleToAssetKey) -> str | None:
        """The partition of the last event of the asset that was taken note of."""
        partition: str | None = self._entry(self._known(asset_key))["partition"]
        return partition

    def all_partitions_materialized(
        self, asset_key: CoercibleToAssetKey, partitions: Sequence[str] | None = None
    ) -> bool:
        """Whether each of these partitions (of all, by default) is materialised."""
        key = self._known(asset_key)
        if partitions is None:
            spec = self.repository_def.spec(key)
            definition = spec.partitions_def if spec is not None else None
            if definition is None:
                raise InvocationError(
                    f'asset "{key.to_user_string()}" has no partitions.',
                    code="WEFT-I457",
                    fix="give its definition partitions_def=..., or read latest_materialization_records_by_key()",
                )
            partitions = definition.get_partition_keys(dynamic_partitions_store=self.instance.dynamic_partitions)
        states = (self.instance.assets.partition(key, partition) for partition in partitions)
        return all(state is not None and state.status is PartitionStatus.MATERIALIZED for state in states)

    # --- taking note ------------------------------------------------------------------------------------------------------

    def advance_cursor(self, records: Mapping[AssetKey, StoredEvent | None]) -> None:
        """Take note of one event of each of these assets; None leaves the asset as it is.

        Events of other partitions in between stay, as trailing ones.
        """
        entries = self._entries()
        for given, event in records.items():
            if event is None:
                continue
            key = self._known(given)
            entry = self._entry(key)
            trailing = dict(entry["trailing"])
            if event.id > entry["id"]:
                for other in self.materialization_records_for_key(key):
                    if other.id < event.id and other.partition_key is not None:
                        trailing[other.partition_key] = other.id
                entry = {"id": event.id, "partition": event.partition_key}
            if event.partition_key is not None and trailing.get(event.partition_key, event.id + 1) <= event.id:
                del trailing[event.partition_key]
            entries[key.to_user_string()] = {**entry, "trailing": trailing}
            self.update_cursor(json.dumps(entries))

    def advance_all_cursors(self) -> None:
        """Take note of everything that has happened to all assets, trailing events included."""
        entries = self._entries()
        for key in self.asset_keys:
            newest = self.instance.events.of_asset(key, types=_TYPES, limit=1)
            if newest:
                entries[key.to_user_string()] = {
                    "id": newest[0].id,
                    "partition": newest[0].partition_key,
                    "trailing": {},
                }
        self.update_cursor(json.dumps(entries))

    def _entries(self) -> dict[str, Any]:
        entries: dict[str, Any] = json.loads(self.cursor) if self.cursor else {}
        return entries

    def _entry(self, key: AssetKey) -> dict[str, Any]:
        entry: dict[str, Any] = self._entries().get(key.to_user_string(), {"id": 0, "partition": None, "trailing": {}})
        return entry

    def _known(self, given: CoercibleToAssetKey) -> AssetKey:
        key = AssetKey.of(given)
        if key not in self.asset_keys:
            names = [one.to_user_string() for one in self.asset_keys]
            raise InvocationError(
                f'the sensor does not follow asset "{key.to_user_string()}".',
                code="WEFT-I458",
                facts={"it follows": some_of(names)},
                fix=did_you_mean(key.to_user_string(), names, "add it to monitored_assets"),
            )
        return key
