"""Specs: what is said of an asset or a check, without what computes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weft.definitions.asset_settings import ASSET_SETTINGS, AssetSettings, SplitSettings
from weft.definitions.deprecations import DEPRECATED_SETTINGS, with_current_names
from weft.definitions.inputs_outputs import AssetDep, asset_key_of
from weft.definitions.names import (
    check_each,
    check_group_name,
    check_mapping,
    check_name,
    check_optional,
    check_owners,
    check_tags,
)
from weft.definitions.source import called_at
from weft.errors import DefinitionError, did_you_mean
from weft.model.assets import DEFAULT_GROUP, AssetCheckNode, AssetDependency, AssetNode
from weft.model.backfill import BackfillPolicy
from weft.model.freshness import AnyFreshnessPolicy, FreshnessPolicy
from weft.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from weft.model.metadata import AnyMetadataValue, metadata_values

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from weft.definitions.automation_condition import AutomationCondition
    from weft.model.automation import Condition
    from weft.model.partitions.definitions import PartitionsDefinition

MOST_KINDS = 10

IO_MANAGER_KEY = "weft/io_manager_key"
"""The metadata key under which a spec keeps the I/O manager that loads it."""

CURRENT_SETTINGS = ASSET_SETTINGS - DEPRECATED_SETTINGS
"""The names of the settings of one asset, without the deprecated ones."""

_RARE_SETTINGS = frozenset({"automation_condition", "backfill_policy", "cache", "freshness_policy", "renamed_from"})

_NONE: Mapping[str, Any] = {}


class AssetSpec:
    """An asset as described. On its own in ``Definitions(assets=[...])`` it is an external asset: known, but not computed here.

    Args:
        key: the name.
        deps: upstream assets: definitions, specs, keys, strings or `AssetDep`.
        skippable: whether a run may leave it out without failing.
        settings: what is said of it: see `AssetSettings`.
    """

    __slots__ = (
        "_declared_at",
        "automation_condition",
        "backfill_policy",
        "cache",
        "code_version",
        "deps",
        "description",
        "freshness_policy",
        "group_name",
        "is_virtual",
        "key",
        "kinds",
        "metadata",
        "owners",
        "partitions_def",
        "renamed_from",
        "skippable",
        "tags",
    )

    def __init__(
        self,
        key: CoercibleToAssetKey,
        *,
        deps: Sequence[Any] = (),
        skippable: bool = False,
        declared_at: str | None = None,
        **settings: Unpack[AssetSettings],
    ) -> None:
        self.key = AssetKey.of(key)
        where = f'asset "{self.key.to_user_string()}"'
        given: Mapping[str, Any] = settings
        if not given.keys() <= CURRENT_SETTINGS:
            given = SplitSettings(given, where, step=frozenset()).asset
        get = given.get
        self.deps = AssetDep.each(deps, where) if deps else ()
        self.description: str | None = check_optional(get("description"), str, "description", where)
        metadata = get("metadata")
        self.metadata: Mapping[str, Any] = check_mapping(metadata, "metadata", where) if metadata else _NONE
        group_name = get("group_name")
        self.group_name = check_group_name(group_name) if group_name is not None else None
        self.code_version: str | None = check_optional(get("code_version"), str, "code_version", where)
        owners = get("owners")
        self.owners = check_owners(owners, where) if owners else ()
        tags = get("tags")
        self.tags: Mapping[str, str] = check_tags(tags, where) if tags else _NONE
        kinds = get("kinds")
        self.kinds = tuple(sorted(set(check_each(kinds, str, "kinds", where)))) if kinds else ()
        if len(self.kinds) > MOST_KINDS:
            raise DefinitionError(
                f'asset "{self.key.to_user_string()}" has {len(self.kinds)} kinds.',
                code="WEFT-D007",
                facts={"kinds": ", ".join(self.kinds), "allowed": f"at most {MOST_KINDS}"},
                fix="use tags for the others",
            )
        partitions_def = get("partitions_def")
        self.partitions_def = check_partitions_def(partitions_def, where) if partitions_def is not None else None
        self.skippable = skippable
        self.is_virtual: bool = get("is_virtual", False)
        self.automation_condition: AutomationCondition | None = None
        self.freshness_policy: AnyFreshnessPolicy | None = None
        self.backfill_policy: BackfillPolicy | None = None
        self.renamed_from: tuple[AssetKey, ...] = ()
        self.cache: bool | None = None
        if not _RARE_SETTINGS.isdisjoint(given):
            self._set_rare(given, where)
        self._declared_at = declared_at or called_at()

    def _set_rare(self, given: Mapping[str, Any], where: str) -> None:
        """Set what most assets have not: projects declare thousands of them, and each check takes time."""
        get = given.get
        self.automation_condition = check_automation_condition(get("automation_condition"), where)
        self.freshness_policy = check_optional(get("freshness_policy"), FreshnessPolicy, "freshness_policy", where)
        self.backfill_policy = check_optional(get("backfill_policy"), BackfillPolicy, "backfill_policy", where)
        renamed_from = get("renamed_from")
        self.renamed_from = _earlier_keys(renamed_from, self.key) if renamed_from else ()
        self.cache = check_optional(get("cache"), bool, "cache", where)

    @property
    def declared_at(self) -> str | None:
        """Where it was declared, where that is known."""
        return self._declared_at

    def attributes(self) -> dict[str, Any]:
        """Every attribute by the name that the constructor has for it."""
        return {name.lstrip("_"): getattr(self, name) for name in AssetSpec.__slots__}

    def replace_attributes(self, **changes: Any) -> AssetSpec:
        """A copy with other attributes; the names are those of the constructor. Values given replace those that there are."""
        attributes = self.attributes()
        for name in changes.keys() - attributes.keys() - DEPRECATED_SETTINGS:
            raise DefinitionError(
                f"an AssetSpec has no attribute {name!r}.",
                code="WEFT-D085",
                facts={"attributes": ", ".join(attributes)},
                fix=did_you_mean(name, attributes, "use the names of its constructor"),
            )
        if not DEPRECATED_SETTINGS.isdisjoint(changes):
            changes = with_current_names(changes, f'asset "{self.key.to_user_string()}"')
        return AssetSpec(**{**attributes, **changes})

    def merge_attributes(
        self,
        *,
        deps: Sequence[Any] = (),
        metadata: Mapping[str, Any] | None = None,
        owners: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
        kinds: Sequence[str] | set[str] = (),
    ) -> AssetSpec:
        """A copy with more dependencies, metadata, owners, tags and kinds. Under equal keys what is given here wins."""
        where = f'asset "{self.key.to_user_string()}"'
        more = AssetDep.each(deps, where)
        named = {dep.asset_key for dep in more}
        return self.replace_attributes(
            deps=(*(dep for dep in self.deps if dep.asset_key not in named), *more),
            metadata={**self.metadata, **check_mapping(metadata, "metadata", where)},
            owners=tuple(dict.fromkeys([*self.owners, *check_owners(owners, where)])),
            tags={**self.tags, **check_tags(tags, where)},
            kinds={*self.kinds, *check_each(kinds, str, "kinds", where)},
        )

    def with_io_manager_key(self, io_manager_key: str) -> AssetSpec:
        """A copy whose stored value is loaded by the I/O manager of that key, where something downstream takes it as an argument."""
        return self.merge_attributes(metadata={IO_MANAGER_KEY: io_manager_key})

    @property
    def io_manager_key(self) -> str | None:
        """The I/O manager that loads it, where one was named by `with_io_manager_key`."""
        found = self.metadata.get(IO_MANAGER_KEY)
        return getattr(found, "value", found) if found is not None else None

    def describe(self) -> AssetNode:
        """The spec as a node of an external asset."""
        return describe_spec(self)

    def __repr__(self) -> str:
        return f"AssetSpec({self.key.to_user_string()!r})"


def describe_spec(
    spec: AssetSpec, *, deps: tuple[AssetDependency, ...] | None = None, declared_at: str | None = None, **more: Any
) -> AssetNode:
    """The node of a spec; `more` are fields of `AssetNode` that only its computation knows."""
    return AssetNode(
        key=spec.key,
        deps=deps if deps is not None else tuple(describe_dep(dep) for dep in spec.deps),
        group_name=spec.group_name or DEFAULT_GROUP,
        description=spec.description,
        tags=spec.tags,
        kinds=spec.kinds,
        owners=spec.owners,
        metadata=_metadata(spec.metadata, spec, declared_at) if spec.metadata else _NONE,
        code_version=spec.code_version,
        partitions=spec.partitions_def.to_spec() if spec.partitions_def is not None else None,
        is_virtual=spec.is_virtual,
        automation_condition=_expression(spec.automation_condition),
        freshness_policy=spec.freshness_policy,
        backfill_policy=spec.backfill_policy,
        renamed_from=spec.renamed_from,
        cache=spec.cache,
        declared_at=declared_at or spec.declared_at,
        **more,
    )


def describe_dep(dep: AssetDep, input_name: str | None = None) -> AssetDependency:
    """The edge of a dependency."""
    return AssetDependency(
        dep.asset_key,
        input_name,
        dep.partition_mapping.to_spec() if dep.partition_mapping is not None else None,
    )


def _earlier_keys(value: Any, key: AssetKey) -> tuple[AssetKey, ...]:
    """`renamed_from` as keys: one key, or a list of several (a list of strings is several keys, as one key of parts is an `AssetKey`)."""
    where = f'asset "{key.to_user_string()}"'
    several: tuple[Any, ...] = (
        (value,) if isinstance(value, (str, AssetKey)) else check_each(value, object, "renamed_from", where)
    )
    earlier = tuple(AssetKey.of(one) for one in several)
    if key in earlier or len(set(earlier)) < len(earlier):
        raise DefinitionError(
            f"{where} was renamed from itself, or from one key twice.",
            code="WEFT-D406",
            facts={"renamed_from": ", ".join(one.to_user_string() for one in earlier)},
            fix="name the keys that it had before, each once",
        )
    return earlier


def check_automation_condition(value: Any, where: str) -> AutomationCondition | None:
    """`value` where it is None or a condition.

    Raises:
        DefinitionError: (WEFT-D504) it is something else.
    """
    if value is None or (getattr(value, "__weft_automation_condition__", False) and not isinstance(value, type)):
        return value  # its class is not imported here: most assets have none
    from weft.definitions.automation_condition import not_a_condition

    raise not_a_condition(value, where)


def _expression(condition: AutomationCondition | None) -> Condition | None:
    return condition.expression if condition is not None else None


def _metadata(raw: Mapping[str, Any], spec: AssetSpec, declared_at: str | None) -> dict[str, AnyMetadataValue]:
    try:
        return metadata_values(raw)
    except DefinitionError as error:
        error.facts["asset"] = spec.key.to_user_string()
        error.facts["declared in"] = declared_at or spec.declared_at or "?"
        raise


def check_partitions_def(value: Any, where: str) -> PartitionsDefinition:
    """`value` where it is a definition of partitions, not the class of one.

    Raises:
        DefinitionError: (WEFT-D086) it is not.
    """
    if not isinstance(value, type) and hasattr(value, "to_spec"):
        return value  # type: ignore[no-any-return]  # the classes are not imported here: most assets have no partitions
    raise DefinitionError(
        f"partitions_def of {where} is not a definition of partitions.",
        code="WEFT-D086",
        facts={"found": f"the class {value.__name__} itself" if isinstance(value, type) else f"{value!r:.80}"},
        fix=f"make an object of it: {value.__name__}(...)"
        if isinstance(value, type)
        else 'for example DailyPartitionsDefinition(start_date="2024-01-01")',
    )


class AssetCheckSpec:
    """A check as described: its name, the asset it is about, whether it blocks what is downstream."""

    __slots__ = (
        "additional_deps",
        "asset_key",
        "automation_condition",
        "blocking",
        "description",
        "key",
        "metadata",
        "name",
        "partitions_def",
    )

    def __init__(
        self,
        name: str,
        *,
        asset: Any,
        description: str | None = None,
        additional_deps: Sequence[Any] = (),
        blocking: bool = False,
        metadata: Mapping[str, Any] | None = None,
        automation_condition: AutomationCondition | None = None,
        partitions_def: PartitionsDefinition | None = None,
    ) -> None:
        self.name = check_name(name, "a check")
        self.asset_key = asset_key_of(asset)
        # The asset and the name. Made once: projects ask for it many times for each check.
        self.key = AssetCheckKey(self.asset_key, self.name)
        where = f'check "{name}"'
        self.description: str | None = check_optional(description, str, "description", where)
        self.additional_deps = AssetDep.each(additional_deps, where)
        self.blocking = blocking
        self.metadata: Mapping[str, Any] = check_mapping(metadata, "metadata", where) if metadata else _NONE
        self.automation_condition = check_automation_condition(automation_condition, where)
        self.partitions_def = check_partitions_def(partitions_def, where) if partitions_def is not None else None

    def replace_attributes(self, **changes: Any) -> AssetCheckSpec:
        """A copy with other attributes; the names are those of the constructor."""
        attributes = {name: getattr(self, name) for name in self.__slots__ if name not in ("name", "asset_key", "key")}
        return AssetCheckSpec(**{"name": self.name, "asset": self.asset_key, **attributes, **changes})

    def with_asset(self, asset: CoercibleToAssetKey) -> AssetCheckSpec:
        """The same check of another asset."""
        return self.replace_attributes(asset=AssetKey.of(asset))

    def get_python_identifier(self) -> str:
        """The name of the output, and of the op of a stand-alone check."""
        return self.key.to_python_identifier()

    def describe(self, op_name: str) -> AssetCheckNode:
        """The check as a node."""
        return AssetCheckNode(
            key=self.key,
            description=self.description,
            blocking=self.blocking,
            op_name=op_name,
            additional_deps=tuple(dep.asset_key for dep in self.additional_deps),
            metadata=metadata_values(self.metadata),
            partitions=self.partitions_def.to_spec() if self.partitions_def is not None else None,
            automation_condition=_expression(self.automation_condition),
        )

    def __repr__(self) -> str:
        return f"AssetCheckSpec({self.name!r}, asset={self.asset_key.to_user_string()!r})"
