"""`SourceAsset`: the earlier way of declaring an asset that something else makes. Use `AssetSpec`, or `observable_source_asset`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from weft.definitions.asset_settings import STEP_SETTINGS, SplitSettings
from weft.definitions.asset_spec import IO_MANAGER_KEY, AssetSpec
from weft.definitions.assets import AssetsDefinition, io_manager_of
from weft.definitions.deprecations import warn_deprecated
from weft.definitions.inputs_outputs import DEFAULT_IO_MANAGER_KEY
from weft.definitions.names import check_mapping
from weft.definitions.observable_assets import observable_source_asset
from weft.model.keys import AssetKey, CoercibleToAssetKey

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from weft.definitions.asset_settings import AssetDecoratorSettings

_MINUTES_OF_AN_HOUR = 60
_MINUTES_OF_A_DAY = 24 * _MINUTES_OF_AN_HOUR


class SourceAsset(AssetSpec):
    """An asset that something else makes (deprecated: use `AssetSpec`, and `observable_source_asset` to look at it).

    Args:
        key: the name.
        metadata: facts for the reader.
        io_manager_key, io_manager_def: what loads its value for assets that take it as an argument.
        observe_fn: a function that returns the version of the content that is there.
        auto_observe_interval_minutes: how often it is looked at without being asked for.
        settings: what is said of the asset (`AssetSettings`) and of the step that looks at it (`StepSettings`).
    """

    __slots__ = ("observe_fn", "resource_defs", "step_settings")

    def __init__(
        self,
        key: CoercibleToAssetKey,
        *,
        io_manager_key: str | None = None,
        io_manager_def: Any = None,
        observe_fn: Callable[..., Any] | None = None,
        auto_observe_interval_minutes: float | None = None,
        **settings: Unpack[AssetDecoratorSettings],
    ) -> None:
        warn_deprecated("SourceAsset", "AssetSpec, or observable_source_asset")
        asset_key = AssetKey.of(key)
        where = f'asset "{asset_key.to_user_string()}"'
        given = SplitSettings(settings, where)
        self.observe_fn = observe_fn
        self.resource_defs: dict[str, Any] = check_mapping(
            given.step.pop("resource_defs", None), "resource_defs", where
        )
        self.step_settings: Mapping[str, Any] = {name: given.step[name] for name in STEP_SETTINGS & given.step.keys()}
        manager_key = io_manager_of(asset_key, io_manager_def, io_manager_key, self.resource_defs)
        if manager_key != DEFAULT_IO_MANAGER_KEY:
            metadata = check_mapping(given.asset.get("metadata"), "metadata", where)
            given.asset["metadata"] = {**metadata, IO_MANAGER_KEY: manager_key}
        if auto_observe_interval_minutes is not None and not given.asset.get("automation_condition"):
            given.asset["automation_condition"] = observed_every(auto_observe_interval_minutes)
        super().__init__(asset_key, **given.asset)

    def replace_attributes(self, **changes: Any) -> SourceAsset:
        """A copy with other attributes; the names are those of `AssetSpec`."""
        copy = object.__new__(SourceAsset)
        copy.observe_fn, copy.resource_defs, copy.step_settings = (
            self.observe_fn,
            self.resource_defs,
            self.step_settings,
        )
        plain = super().replace_attributes(**changes)
        for name in AssetSpec.__slots__:
            setattr(copy, name, getattr(plain, name))
        return copy

    @property
    def is_observable(self) -> bool:
        """Whether a run can look at it."""
        return self.observe_fn is not None

    def to_observable(self) -> AssetsDefinition[..., Any]:
        """What looks at it, by `observe_fn`."""
        assert self.observe_fn is not None
        attributes = self.attributes()
        for name in ("skippable", "declared_at"):
            del attributes[name]
        return observable_source_asset(
            io_manager_key=self.io_manager_key, resource_defs=self.resource_defs, **self.step_settings, **attributes
        )(self.observe_fn)


def observed_every(minutes: float) -> Any:
    """The condition that comes true about every so many minutes; what no cron expression says evenly is rounded to what one says."""
    from weft.definitions.automation_condition import AutomationCondition  # few projects need it

    if minutes < _MINUTES_OF_AN_HOUR:
        cron = f"*/{max(1, round(minutes))} * * * *"
    elif minutes < _MINUTES_OF_A_DAY:
        cron = f"0 */{round(minutes / _MINUTES_OF_AN_HOUR)} * * *"
    else:
        cron = "0 0 * * *"
    return AutomationCondition.cron_tick_passed(cron)
