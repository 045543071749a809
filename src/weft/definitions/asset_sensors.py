"""Sensors that follow the materialisations of assets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from weft.definitions.asset_selection import AssetSelection
from weft.definitions.assets import AssetsDefinition
from weft.definitions.decorated import check_called, check_decorated, decorated_description, decorated_name
from weft.definitions.inputs_outputs import asset_key_of
from weft.definitions.names import check_each
from weft.definitions.sensors import SensorDefinition, SensorType
from weft.errors import DefinitionError
from weft.model.keys import AssetKey, CoercibleToAssetKey
from weft.model.selection import Keys
from weft.model.snapshot import SensorSnapshot


class AssetSensorDefinition(SensorDefinition):
    """Called once for each new materialisation of an asset, with the context and the event.

    Several materialisations between two evaluations give one call, with the latest. The cursor is kept by weft.

    Args:
        name: the name; the function's own by default.
        asset_key: the asset.
        asset_materialization_fn: the function.
        settings: further arguments of `SensorDefinition`.
    """

    sensor_type = SensorType.ASSET
    takes = ("context", "event")

    def __init__(
        self,
        name: str | None = None,
        asset_key: CoercibleToAssetKey | AssetsDefinition[Any, Any] | None = None,
        *,
        asset_materialization_fn: Callable[..., Any],
        **settings: Any,
    ) -> None:
        super().__init__(name, evaluation_fn=asset_materialization_fn, **settings)
        if asset_key is None:
            raise DefinitionError(
                f'sensor "{self.name}" does not say which asset it follows.',
                code="WEFT-D469",
                fix="give it asset_key=...",
            )
        self.asset_key = asset_key_of(asset_key)

    def describe(self) -> SensorSnapshot:
        """The sensor as a value."""
        return SensorSnapshot(**self._described(), assets=Keys((self.asset_key,)))


class MultiAssetSensorDefinition(SensorDefinition):
    """Called with what has happened to several assets since it last took note, with one cursor for each of them.

    Args:
        name: the name; the function's own by default.
        monitored_assets: keys or definitions of assets, or an `AssetSelection`.
        asset_materialization_fn: the function; it takes a `MultiAssetSensorEvaluationContext`.
        settings: further arguments of `SensorDefinition`.
    """

    sensor_type = SensorType.MULTI_ASSET

    def __init__(
        self,
        name: str | None = None,
        monitored_assets: Sequence[Any] | AssetSelection | None = None,
        *,
        asset_materialization_fn: Callable[..., Any],
        request_assets: Any = None,
        **settings: Any,
    ) -> None:
        if request_assets is not None:
            settings["asset_selection"] = request_assets
        super().__init__(name, evaluation_fn=asset_materialization_fn, **settings)
        if monitored_assets is None:
            raise DefinitionError(
                f'sensor "{self.name}" does not say which assets it follows.',
                code="WEFT-D471",
                fix="give it monitored_assets=[...]",
            )
        # Known at once where they are listed; None where a selection is resolved against the definitions later.
        self.monitored_keys: tuple[AssetKey, ...] | None = None
        if isinstance(monitored_assets, AssetSelection):
            self.monitored = monitored_assets
        else:
            where = f'sensor "{self.name}"'
            given = check_each(monitored_assets, object, "monitored_assets", where)
            self.monitored_keys = tuple(
                [
                    key
                    for item in given
                    for key in (item.keys if isinstance(item, AssetsDefinition) else [asset_key_of(item)])
                ]
            )
            self.monitored = AssetSelection(Keys(self.monitored_keys))

    def describe(self) -> SensorSnapshot:
        """The sensor as a value."""
        return SensorSnapshot(**self._described(), assets=self.monitored.expression)


def asset_sensor(
    asset_key: CoercibleToAssetKey | AssetsDefinition[Any, Any],
    *,
    name: str | None = None,
    description: str | None = None,
    **settings: Any,
) -> Callable[[Callable[..., Any]], AssetSensorDefinition]:
    """Make a function of a context and an event a sensor of one asset. See `AssetSensorDefinition`.

    >>> @asset_sensor(asset_key="orders", job=report)
    ... def when_orders_change(context, event):
    ...     return RunRequest(run_key=str(event.id))
    """

    def make(fn: Callable[..., Any]) -> AssetSensorDefinition:
        check_decorated(fn, "asset_sensor")
        return AssetSensorDefinition(
            decorated_name(fn, name, "a sensor"),
            asset_key,
            asset_materialization_fn=fn,
            description=decorated_description(fn, description),
            **settings,
        )

    given: object = asset_key
    if isinstance(given, FunctionType):  # used bare
        check_called(given, "asset_sensor")
    return make


def multi_asset_sensor(
    monitored_assets: Sequence[Any] | AssetSelection,
    *,
    name: str | None = None,
    description: str | None = None,
    request_assets: Any = None,
    **settings: Any,
) -> Callable[[Callable[..., Any]], MultiAssetSensorDefinition]:
    """Make a function a sensor of several assets. See `MultiAssetSensorDefinition`; automation conditions often say the same in a line.

    >>> @multi_asset_sensor(monitored_assets=["orders", "customers"], job=report)
    ... def when_both_changed(context):
    ...     events = context.latest_materialization_records_by_key()
    ...     if all(events.values()):
    ...         context.advance_all_cursors()
    ...         return RunRequest()
    """

    def make(fn: Callable[..., Any]) -> MultiAssetSensorDefinition:
        check_decorated(fn, "multi_asset_sensor")
        return MultiAssetSensorDefinition(
            decorated_name(fn, name, "a sensor"),
            monitored_assets,
            asset_materialization_fn=fn,
            request_assets=request_assets,
            description=decorated_description(fn, description),
            **settings,
        )

    given: object = monitored_assets
    if isinstance(given, FunctionType):  # used bare
        check_called(given, "multi_asset_sensor")
    return make
