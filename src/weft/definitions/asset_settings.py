"""What can be said of an asset, and of the step that makes it: one list for every way of declaring one.

`asset`, `multi_asset`, `graph_asset`, `graph_multi_asset`, `observable_source_asset`, `multi_observable_source_asset`, `AssetSpec`, `AssetOut` and
`SourceAsset` take these settings as ``**settings``, so that what one of them takes the others take as well; type checkers see the names
and types listed here. A setting is read in one place: those of the asset by `AssetSpec`, those of the step by `OpDefinition`.

Settings of several assets at once (of a multi-asset) hold for those that have none of their own; metadata and tags are merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from weft.definitions.deprecations import DEPRECATED_SETTINGS, with_current_names
from weft.errors import DefinitionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import TypedDict

    from weft.definitions.automation_condition import AutomationCondition
    from weft.definitions.hooks import HookDefinition
    from weft.model.backfill import BackfillPolicy
    from weft.model.compute import ComputeResources
    from weft.model.freshness import FreshnessPolicy, LegacyFreshnessPolicy
    from weft.model.keys import CoercibleToAssetKey
    from weft.model.partitions.definitions import PartitionsDefinition
    from weft.model.retry import RetryPolicy
else:

    class TypedDict:
        """Stands in for that of `typing`, which compiles every annotation: only the names are needed when a project is loaded."""

        def __init_subclass__(cls, total: bool = True) -> None:
            inherited = [getattr(base, "__optional_keys__", ()) for base in cls.__bases__]
            cls.__optional_keys__ = frozenset(cls.__annotations__).union(*inherited)


class AssetOutSettings(TypedDict, total=False):
    """What can be said of one asset, but for its description. None is the same as not given.

    metadata: facts for the reader.
    group_name: words joined by ``/``; "default" by default.
    code_version: the version of the code that makes it; another version makes it stale.
    owners: e-mail addresses or ``team:<name>``.
    tags: short labels to select by.
    kinds: at most 10 words for what it is made with, such as ``{"duckdb", "table"}``.
    partitions_def: how it is divided.
    is_virtual: whether it is a view that is never made by itself.
    automation_condition: when it is made without being asked for.
    freshness_policy: how fresh it has to be.
    backfill_policy: how many of its partitions one run of a backfill makes; one by default.
    renamed_from: the key, or keys, that it had before: its history, partitions and checks stay with it.
    cache: whether a step whose result exists for the same versions of code and data is skipped.

    Deprecated: compute_kind (one of kinds), auto_materialize_policy (automation_condition), legacy_freshness_policy (freshness_policy).
    """

    metadata: Mapping[str, Any] | None
    group_name: str | None
    code_version: str | None
    owners: Sequence[str] | None
    tags: Mapping[str, str] | None
    kinds: Sequence[str] | set[str] | frozenset[str] | None
    partitions_def: PartitionsDefinition | None
    is_virtual: bool
    automation_condition: AutomationCondition | None
    freshness_policy: FreshnessPolicy | None
    backfill_policy: BackfillPolicy | None
    renamed_from: CoercibleToAssetKey | Sequence[CoercibleToAssetKey] | None
    cache: bool | None
    compute_kind: str | None
    auto_materialize_policy: Any
    legacy_freshness_policy: LegacyFreshnessPolicy | None


class AssetSettings(AssetOutSettings, total=False):
    """What can be said of one asset: a description for the reader, and all of `AssetOutSettings`."""

    description: str | None


class StepSettings(TypedDict, total=False):
    """What can be said of the step that makes assets or evaluates checks.

    config_schema: the schema of the configuration where no `Config` class is used.
    required_resource_keys: resources read from ``context.resources``.
    resource_defs: resources for this step only.
    op_tags: for executors.
    retry_policy: what to do when it fails.
    pool: the pool whose slots limit how many run at once.
    timeout_seconds: the longest time that one attempt may take.
    resources: the memory and processors that it may have.
    hooks: called after the step.
    """

    config_schema: Any
    required_resource_keys: Collection[str]
    resource_defs: Mapping[str, Any] | None
    op_tags: Mapping[str, Any] | None
    retry_policy: RetryPolicy | None
    pool: str | None
    timeout_seconds: float | None
    resources: ComputeResources | None
    hooks: Collection[HookDefinition]


class GraphSettings(TypedDict, total=False):
    """Those of `StepSettings` that a graph has: defaults for the steps of its ops, which have settings of their own.

    resource_defs: resources for these steps only.
    retry_policy, pool, timeout_seconds: for those of its ops that have none.
    hooks: called after each of its steps.
    """

    resource_defs: Mapping[str, Any] | None
    retry_policy: RetryPolicy | None
    pool: str | None
    timeout_seconds: float | None
    hooks: Collection[HookDefinition]


class CheckSettings(TypedDict, total=False):
    """What can be said of a check, besides its name and what it checks.

    description: what it checks; the docstring by default.
    metadata: facts for the reader.
    automation_condition: when it is evaluated without being asked for.
    partitions_def: how it is divided.
    compute_kind: deprecated; a tag of its step.
    """

    description: str | None
    metadata: Mapping[str, Any] | None
    automation_condition: AutomationCondition | None
    partitions_def: PartitionsDefinition | None
    compute_kind: str | None


class CheckDecoratorSettings(CheckSettings, StepSettings, total=False):
    """What a decorator takes that makes one check of a function."""


class AssetDecoratorSettings(AssetSettings, StepSettings, total=False):
    """What a decorator takes that makes assets of a function.

    non_argument_deps: deprecated for deps.
    """

    non_argument_deps: Iterable[Any] | None


class GraphDecoratorSettings(AssetSettings, GraphSettings, total=False):
    """What a decorator takes that makes assets of a graph of ops."""

    non_argument_deps: Iterable[Any] | None


ASSET_SETTINGS = frozenset(AssetSettings.__optional_keys__)
"""The names of the settings of one asset, the deprecated ones included."""

STEP_SETTINGS = frozenset(StepSettings.__optional_keys__)
"""The names of the settings of a step."""

GRAPH_SETTINGS = frozenset(GraphSettings.__optional_keys__)
"""The names of the settings of the steps of a graph."""


CHECK_SETTINGS = frozenset(CheckSettings.__optional_keys__)
"""The names of the settings of one check."""


class SplitSettings:
    """Settings sorted by what they are about; a setting that was not given is not there."""

    __slots__ = ("asset", "deps", "step")

    def __init__(
        self,
        settings: Mapping[str, Any],
        where: str,
        *,
        asset: frozenset[str] = ASSET_SETTINGS,
        step: frozenset[str] = STEP_SETTINGS,
        deps: Any = None,
    ) -> None:
        """Sort `settings`, where `asset` and `step` are the names that there are here, and `deps` those given by their own name.

        Raises:
            DefinitionError: (WEFT-D400) one is unknown; (WEFT-D405) one is given by its old and its new name.
        """
        if not DEPRECATED_SETTINGS.isdisjoint(settings):
            renamed = with_current_names({**settings, "deps": deps}, where)
            deps = renamed.pop("deps")
            settings = renamed
        self.asset: dict[str, Any] = {}
        self.step: dict[str, Any] = {}
        self.deps = deps
        for name, value in settings.items():
            if name in asset:
                self.asset[name] = value
            elif name in step:
                self.step[name] = value
            else:
                raise unknown_setting(name, where, asset | step)


def unknown_setting(name: str, where: str, known: frozenset[str]) -> DefinitionError:
    """What to raise where `where` is given a setting that it does not have."""
    names = sorted(known - DEPRECATED_SETTINGS)
    return DefinitionError(
        f"{where} has no setting {name!r}.",
        code="WEFT-D400",
        facts={"settings": ", ".join(names)},
        fix=did_you_mean(name, names, "use one of these"),
    )
