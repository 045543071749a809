"""Specs: what is said of an asset or a check, without what computes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weft.definitions.inputs_outputs import AssetDep, asset_key_of
from weft.definitions.names import check_group_name, check_name, check_owners, check_tags
from weft.errors import DefinitionError
from weft.model.assets import DEFAULT_GROUP, AssetCheckNode, AssetDependency, AssetNode
from weft.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from weft.model.metadata import metadata_values

if TYPE_CHECKING:
    from weft.model.partitions.definitions import PartitionsDefinition

MOST_KINDS = 10


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
        self.deps: tuple[AssetDep, ...] = tuple(AssetDep.of(dep) for dep in deps)
        self.description = description
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.group_name = check_group_name(group_name) if group_name is not None else None
        self.code_version = code_version
        self.owners = check_owners(tuple(owners), f'asset "{self.key.to_user_string()}"') if owners else ()
        self.tags = check_tags(dict(tags), f'asset "{self.key.to_user_string()}"') if tags else {}
        self.kinds = tuple(sorted(kinds)) if kinds else ()
        if len(self.kinds) > MOST_KINDS:
            raise DefinitionError(
                f'asset "{self.key.to_user_string()}" has {len(self.kinds)} kinds.',
                code="WEFT-D007",
                facts={"kinds": ", ".join(self.kinds), "allowed": f"at most {MOST_KINDS}"},
                fix="use tags for the others",
            )
        self.partitions_def = partitions_def
        self.skippable = skippable
        self.is_virtual = is_virtual
        self._declared_at = declared_at

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
        unknown = changes.keys() - settings.keys()
        if unknown:
            raise TypeError(f"AssetSpec has no attribute {sorted(unknown)[0]!r}")
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
        metadata=metadata_values(spec.metadata) if spec.metadata else {},
        code_version=spec.code_version,
        partitions=spec.partitions_def.to_spec() if spec.partitions_def is not None else None,
        is_virtual=spec.is_virtual,
        declared_at=spec.declared_at or declared_at,
        **more,
    )


def describe_dep(dep: AssetDep, input_name: str | None = None) -> AssetDependency:
    """The edge of a dependency."""
    return AssetDependency(
        dep.asset_key,
        input_name,
        dep.partition_mapping.to_spec() if dep.partition_mapping is not None else None,
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
        self.description = description
        self.additional_deps = tuple(AssetDep.of(dep) for dep in additional_deps)
        self.blocking = blocking
        self.metadata = dict(metadata or {})
        self.partitions_def = partitions_def

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
