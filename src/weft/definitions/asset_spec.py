"""Specs: what is said of an asset or a check, without what computes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
from weft.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from weft.model.metadata import AnyMetadataValue, metadata_values

if TYPE_CHECKING:
    from weft.model.partitions.definitions import PartitionsDefinition

MOST_KINDS = 10

_NONE: Mapping[str, Any] = {}


class AssetSpec:
    """An asset as described. On its own in ``Definitions(assets=[...])`` it is an external asset: known, but not computed here.

    Args:
        key: the name.
        deps: upstream assets: definitions, specs, keys, strings or `AssetDep`.
        description: what it is.
        metadata: facts for the reader.
        group_name: words joined by ``/``; "default" by default.
        code_version: the version of the code that makes it; another version makes it stale.
        owners: e-mail addresses or ``team:<name>``.
        tags: short labels to select by.
        kinds: at most 10 words for what it is made with, such as ``{"duckdb", "table"}``.
        partitions_def: how it is divided.
        skippable: whether a run may leave it out without failing.
        is_virtual: whether it is a view that is never made by itself.
    """

    __slots__ = (
        "_declared_at",
        "code_version",
        "deps",
        "description",
        "group_name",
        "is_virtual",
        "key",
        "kinds",
        "metadata",
        "owners",
        "partitions_def",
        "skippable",
        "tags",
    )

    def __init__(
        self,
        key: CoercibleToAssetKey,
        *,
        deps: Sequence[Any] = (),
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        group_name: str | None = None,
        code_version: str | None = None,
        owners: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
        kinds: Sequence[str] | set[str] = (),
        partitions_def: PartitionsDefinition | None = None,
        skippable: bool = False,
        is_virtual: bool = False,
        declared_at: str | None = None,
    ) -> None:
        self.key = AssetKey.of(key)
        where = f'asset "{self.key.to_user_string()}"'
        self.deps = AssetDep.each(deps, where) if deps else ()
        self.description: str | None = check_optional(description, str, "description", where)
        self.metadata: Mapping[str, Any] = check_mapping(metadata, "metadata", where) if metadata else _NONE
        self.group_name = check_group_name(group_name) if group_name is not None else None
        self.code_version: str | None = check_optional(code_version, str, "code_version", where)
        self.owners = check_owners(owners, where) if owners else ()
        self.tags: Mapping[str, str] = check_tags(tags, where) if tags else _NONE
        self.kinds = tuple(sorted(set(check_each(kinds, str, "kinds", where)))) if kinds else ()
        if len(self.kinds) > MOST_KINDS:
            raise DefinitionError(
                f'asset "{self.key.to_user_string()}" has {len(self.kinds)} kinds.',
                code="WEFT-D007",
                facts={"kinds": ", ".join(self.kinds), "allowed": f"at most {MOST_KINDS}"},
                fix="use tags for the others",
            )
        self.partitions_def = check_partitions_def(partitions_def, where) if partitions_def is not None else None
        self.skippable = skippable
        self.is_virtual = is_virtual
        self._declared_at = declared_at or called_at()

    @property
    def declared_at(self) -> str | None:
        """Where it was declared, where that is known."""
        return self._declared_at

    def replace_attributes(self, **changes: Any) -> AssetSpec:
        """A copy with other attributes; the names are those of the constructor."""
        settings: dict[str, Any] = {
            "key": self.key,
            "deps": self.deps,
            "description": self.description,
            "metadata": self.metadata,
            "group_name": self.group_name,
            "code_version": self.code_version,
            "owners": self.owners,
            "tags": self.tags,
            "kinds": self.kinds,
            "partitions_def": self.partitions_def,
            "skippable": self.skippable,
            "is_virtual": self.is_virtual,
            "declared_at": self._declared_at,
        }
        for name in changes.keys() - settings.keys():
            raise DefinitionError(
                f"an AssetSpec has no attribute {name!r}.",
                code="WEFT-D085",
                facts={"attributes": ", ".join(settings)},
                fix=did_you_mean(name, settings, "use the names of its constructor"),
            )
        return AssetSpec(**{**settings, **changes})

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

    __slots__ = ("additional_deps", "asset_key", "blocking", "description", "metadata", "name", "partitions_def")

    def __init__(
        self,
        name: str,
        *,
        asset: Any,
        description: str | None = None,
        additional_deps: Sequence[Any] = (),
        blocking: bool = False,
        metadata: Mapping[str, Any] | None = None,
        partitions_def: PartitionsDefinition | None = None,
    ) -> None:
        self.name = check_name(name, "a check")
        self.asset_key = asset_key_of(asset)
        where = f'check "{name}"'
        self.description: str | None = check_optional(description, str, "description", where)
        self.additional_deps = AssetDep.each(additional_deps, where)
        self.blocking = blocking
        self.metadata: Mapping[str, Any] = check_mapping(metadata, "metadata", where) if metadata else _NONE
        self.partitions_def = check_partitions_def(partitions_def, where) if partitions_def is not None else None

    def with_asset(self, asset: CoercibleToAssetKey) -> AssetCheckSpec:
        """The same check of another asset."""
        return AssetCheckSpec(
            self.name,
            asset=AssetKey.of(asset),
            description=self.description,
            additional_deps=self.additional_deps,
            blocking=self.blocking,
            metadata=self.metadata,
            partitions_def=self.partitions_def,
        )

    @property
    def key(self) -> AssetCheckKey:
        """The asset and the name."""
        return AssetCheckKey(self.asset_key, self.name)

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
        )

    def __repr__(self) -> str:
        return f"AssetCheckSpec({self.name!r}, asset={self.asset_key.to_user_string()!r})"
