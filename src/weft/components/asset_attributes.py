"""Assets and checks as YAML says them, with the names that `AssetSpec` has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias, Union

from pydantic import Field

from weft.components.resolution import Model, ResolutionContext, Resolvable, Resolver
from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.automation_condition import AutomationCondition
from weft.model.freshness import FreshnessPolicy
from weft.model.keys import AssetKey
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

Key: TypeAlias = str | list[str]
"""A key in YAML: ``sales/orders``, or its parts as a list."""


class _Windows(Model):
    start_date: str
    end_date: str | None = None
    timezone: str | None = None
    minute_offset: int = 0
    end_offset: int = 0


class HourlyPartitions(_Windows):
    """One partition an hour."""

    type: Literal["hourly"]

    def definition(self) -> PartitionsDefinition:
        """What it stands for."""
        return HourlyPartitionsDefinition(**self.model_dump(exclude={"type"}, exclude_unset=True))


class DailyPartitions(_Windows):
    """One partition a day."""

    type: Literal["daily"]
    hour_offset: int = 0

    def definition(self) -> PartitionsDefinition:
        """What it stands for."""
        return DailyPartitionsDefinition(**self.model_dump(exclude={"type"}, exclude_unset=True))


class WeeklyPartitions(_Windows):
    """One partition a week."""

    type: Literal["weekly"]
    hour_offset: int = 0
    day_offset: int = 0

    def definition(self) -> PartitionsDefinition:
        """What it stands for."""
        return WeeklyPartitionsDefinition(**self.model_dump(exclude={"type"}, exclude_unset=True))


class MonthlyPartitions(_Windows):
    """One partition a month."""

    type: Literal["monthly"]
    hour_offset: int = 0
    day_offset: int = 1

    def definition(self) -> PartitionsDefinition:
        """What it stands for."""
        return MonthlyPartitionsDefinition(**self.model_dump(exclude={"type"}, exclude_unset=True))


class TimeWindowPartitions(Model):
    """One partition for each tick of a cron schedule."""

    type: Literal["time_window"]
    start_date: str
    fmt: str = "%Y-%m-%d-%H:%M"
    cron_schedule: str
    end_date: str | None = None
    timezone: str | None = None
    end_offset: int = 0

    def definition(self) -> PartitionsDefinition:
        """What it stands for."""
        given = self.model_dump(exclude={"type", "start_date", "end_date"}, exclude_unset=True)
        return TimeWindowPartitionsDefinition(start=self.start_date, end=self.end_date, **{"fmt": self.fmt, **given})


class StaticPartitions(Model):
    """The partitions of a list."""

    type: Literal["static"]
    partition_keys: list[str]

    def definition(self) -> PartitionsDefinition:
        """What it stands for."""
        return StaticPartitionsDefinition(self.partition_keys)


class DynamicPartitions(Model):
    """Partitions that are added while the project runs."""

    type: Literal["dynamic"]
    name: str

    def definition(self) -> PartitionsDefinition:
        """What it stands for."""
        return DynamicPartitionsDefinition(self.name)


WrittenPartitions: TypeAlias = Annotated[
    Union[  # noqa: UP007  # the discriminator needs the union as such
        HourlyPartitions,
        DailyPartitions,
        WeeklyPartitions,
        MonthlyPartitions,
        TimeWindowPartitions,
        StaticPartitions,
        DynamicPartitions,
    ],
    Field(discriminator="type"),
]


class FreshnessWindow(Model):
    """How old an asset may become, in seconds."""

    fail_seconds: float = Field(gt=0)
    warn_seconds: float | None = None

    def policy(self) -> FreshnessPolicy:
        """What it stands for."""
        warn = timedelta(seconds=self.warn_seconds) if self.warn_seconds is not None else None
        return FreshnessPolicy.time_window(fail_window=timedelta(seconds=self.fail_seconds), warn_window=warn)


class _Attributes(Model):
    """What can be said of assets. Conditions come by a template: ``"{{ automation_condition.on_cron('@daily') }}"``, or as a word."""

    deps: list[Key] = Field(default=[], description="Keys of the assets that it is made from.")
    description: str | None = None
    metadata: dict[str, Any] = {}
    group_name: str | None = None
    code_version: str | None = None
    owners: list[str] = Field(default=[], description="E-mail addresses, or team:<name>.")
    tags: dict[str, str] = {}
    kinds: list[str] = Field(default=[], description="Words for what it is made with.")
    skippable: bool = False
    automation_condition: Literal["eager", "on_missing"] | AutomationCondition | None = None
    partitions_def: PartitionsDefinition | WrittenPartitions | None = None
    freshness_policy: FreshnessPolicy | FreshnessWindow | None = None

    def settings(self) -> dict[str, Any]:
        """What is said, by the names that `AssetSpec` has."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if "deps" in given:
            given["deps"] = [key_of(dep) for dep in given["deps"]]
        if "key" in given:
            given["key"] = key_of(given["key"])
        condition = given.get("automation_condition")
        if isinstance(condition, str):
            given["automation_condition"] = getattr(AutomationCondition, condition)()
        partitions = given.get("partitions_def")
        if partitions is not None and not isinstance(partitions, PartitionsDefinition):
            given["partitions_def"] = partitions.definition()
        freshness = given.get("freshness_policy")
        if isinstance(freshness, FreshnessWindow):
            given["freshness_policy"] = freshness.policy()
        return given


class AssetAttributesModel(_Attributes, Resolvable):
    """Attributes of assets that a component has made: for fields of components that let their user change them."""

    key: Key | None = None

    def changed(self, spec: AssetSpec, *, merge: bool = True) -> AssetSpec:
        """`spec` with these attributes. Lists and mappings are added to those there are, or take their place."""
        given = self.settings()
        more: Mapping[str, Any] = (
            {name: given.pop(name) for name in ("deps", "metadata", "owners", "tags", "kinds") if name in given}
            if merge
            else {}
        )
        spec = spec.replace_attributes(**given) if given else spec
        return spec.merge_attributes(**more) if more else spec


class AssetSpecModel(_Attributes):
    """An asset: its key and what is said of it."""

    key: Key


class AssetCheckSpecModel(Model):
    """A check: its name, its asset, and what is said of it."""

    name: str
    asset: Key
    description: str | None = None
    additional_deps: list[Key] = []
    blocking: bool = False
    metadata: dict[str, Any] = {}
    automation_condition: Literal["eager", "on_missing"] | AutomationCondition | None = None


def key_of(written: Key) -> AssetKey:
    """The key that YAML writes as ``sales/orders`` or as a list."""
    return AssetKey.from_user_string(written) if isinstance(written, str) else AssetKey(written)


def _spec(context: ResolutionContext, model: AssetSpecModel) -> AssetSpec:
    return AssetSpec(declared_at=context.declared_at, **model.settings())


def _check_spec(context: ResolutionContext, model: AssetCheckSpecModel) -> AssetCheckSpec:
    condition = model.automation_condition
    return AssetCheckSpec(
        model.name,
        asset=key_of(model.asset),
        description=model.description,
        additional_deps=[key_of(dep) for dep in model.additional_deps],
        blocking=model.blocking,
        metadata=model.metadata,
        automation_condition=getattr(AutomationCondition, condition)() if isinstance(condition, str) else condition,
    )


ResolvedAssetKey: TypeAlias = Annotated[AssetKey, Resolver(lambda context, key: key_of(key), model_field_type=Key)]
"""A field that is an `AssetKey`, and a text or list in YAML."""

ResolvedAssetSpec: TypeAlias = Annotated[AssetSpec, Resolver(_spec, model_field_type=AssetSpecModel)]
"""A field that is an `AssetSpec`, and a mapping in YAML."""

ResolvedAssetCheckSpec: TypeAlias = Annotated[
    AssetCheckSpec, Resolver(_check_spec, model_field_type=AssetCheckSpecModel)
]
"""A field that is an `AssetCheckSpec`, and a mapping in YAML."""
