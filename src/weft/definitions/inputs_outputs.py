"""Declarations of inputs and outputs: of ops, of graphs, of assets."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from weft.definitions.asset_settings import SplitSettings
from weft.definitions.names import check_each, check_mapping
from weft.definitions.value_type import Nothing
from weft.errors import DefinitionError
from weft.model.keys import AssetKey, CoercibleToAssetKey
from weft.model.plan import EdgeRule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from weft.definitions.asset_settings import AssetOutSettings
    from weft.model.partitions.mappings import PartitionMapping

_NO_METADATA: Mapping[str, Any] = {}


class _NoDefault:
    """The class of `NO_DEFAULT`; ``inspect.Parameter.empty`` would make signatures that nothing can read."""

    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT: Any = _NoDefault()
"""Marks an input without a default value (None is a value)."""

DEFAULT_IO_MANAGER_KEY = "io_manager"


class In:
    """An input of an op.

    Args:
        value_type: the type; taken from the annotation where it is not given. `Nothing` only orders.
        description: what it means.
        default_value: used where nothing is connected.
        metadata: for the I/O manager that loads it.
        asset_key: the asset whose stored value is loaded where no op is connected.
        input_manager_key: the resource that loads it, instead of the I/O manager of the output it comes from.
        rule: when it lets the op run, given how the steps above ended.
    """

    __slots__ = (
        "asset_key",
        "default_value",
        "description",
        "input_manager_key",
        "metadata",
        "rule",
        "value_type",
    )

    def __init__(
        self,
        value_type: Any = NO_DEFAULT,
        description: str | None = None,
        default_value: Any = NO_DEFAULT,
        metadata: Mapping[str, Any] | None = None,
        asset_key: CoercibleToAssetKey | None = None,
        input_manager_key: str | None = None,
        *,
        rule: EdgeRule = EdgeRule.ALL_SUCCEEDED,
    ) -> None:
        self.value_type = value_type
        self.description = description
        # What inspect says of a parameter without a default counts as none, too.
        self.default_value = NO_DEFAULT if default_value is inspect.Parameter.empty else default_value
        self.metadata: Mapping[str, Any] = check_mapping(metadata, "metadata", "In") if metadata else _NO_METADATA
        self.asset_key = AssetKey.of(asset_key) if asset_key is not None else None
        self.input_manager_key = input_manager_key
        self.rule = rule

    def with_default(self, value: Any) -> In:
        """A copy with a default value."""
        return In(
            self.value_type,
            self.description,
            value,
            self.metadata,
            self.asset_key,
            self.input_manager_key,
            rule=self.rule,
        )

    @property
    def is_nothing(self) -> bool:
        """Whether it only orders."""
        return self.value_type is Nothing

    @property
    def has_default(self) -> bool:
        """Whether it has a default value."""
        return self.default_value is not NO_DEFAULT


class Out:
    """An output of an op.

    Args:
        value_type: the type; taken from the return annotation of a single output where it is not given.
        description: what it means.
        is_required: not yielding a required output fails the step; not yielding another skips what needs it.
        io_manager_key: the resource that stores it.
        metadata: for the I/O manager.
        code_version: the version of the code that makes it.
    """

    is_dynamic = False

    __slots__ = ("code_version", "description", "io_manager_key", "is_required", "metadata", "value_type")

    def __init__(
        self,
        value_type: Any = NO_DEFAULT,
        description: str | None = None,
        is_required: bool = True,
        io_manager_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        code_version: str | None = None,
    ) -> None:
        self.value_type = value_type
        self.description = description
        self.is_required = is_required
        self.io_manager_key = io_manager_key or DEFAULT_IO_MANAGER_KEY
        self.metadata: Mapping[str, Any] = check_mapping(metadata, "metadata", "Out") if metadata else _NO_METADATA
        self.code_version = code_version

    @property
    def is_nothing(self) -> bool:
        """Whether it only orders."""
        return self.value_type is Nothing


class DynamicOut(Out):
    """An output of which there are several values at run time, each with a mapping key."""

    is_dynamic = True

    __slots__ = ()


class GraphIn:
    """An input of a graph.

    Args:
        description: what it means.
        rule: when it lets the ops run that it is handed to, for those inputs that have no rule of their own.
    """

    __slots__ = ("description", "rule")

    def __init__(self, description: str | None = None, *, rule: EdgeRule = EdgeRule.ALL_SUCCEEDED) -> None:
        self.description = description
        self.rule = rule


class GraphOut:
    """An output of a graph."""

    __slots__ = ("description",)

    def __init__(self, description: str | None = None) -> None:
        self.description = description


class AssetIn:
    """How an asset's argument is loaded: from which upstream asset, through which mapping of partitions."""

    __slots__ = ("input_manager_key", "key", "key_prefix", "metadata", "partition_mapping", "rule", "value_type")

    def __init__(
        self,
        key: CoercibleToAssetKey | None = None,
        metadata: Mapping[str, Any] | None = None,
        key_prefix: str | Sequence[str] | None = None,
        input_manager_key: str | None = None,
        partition_mapping: PartitionMapping | None = None,
        value_type: Any = NO_DEFAULT,
        *,
        rule: EdgeRule = EdgeRule.ALL_SUCCEEDED,
    ) -> None:
        if key is not None and key_prefix is not None:
            raise DefinitionError(
                "AssetIn has both a key and a key_prefix.",
                code="WEFT-D012",
                facts={"key": key, "key_prefix": key_prefix},
                fix="give the whole key, or the prefix to put before the argument's name",
            )
        self.key = AssetKey.of(key) if key is not None else None
        self.key_prefix = (key_prefix,) if isinstance(key_prefix, str) else tuple(key_prefix or ())
        self.metadata: Mapping[str, Any] = check_mapping(metadata, "metadata", "AssetIn")
        self.input_manager_key = input_manager_key
        self.partition_mapping = partition_mapping
        self.value_type = value_type
        self.rule = rule

    def resolved_key(self, argument: str, prefix: Sequence[str] = ()) -> AssetKey:
        """The upstream key for the argument of that name; `prefix` is the asset's own, used where none is given here."""
        return self.key or AssetKey((*(self.key_prefix or prefix), argument))


class AssetOut:
    """One asset of a multi-asset whose values go through an I/O manager.

    Args:
        key_prefix: parts before the name of the output, which together are the key.
        key: the whole key instead.
        value_type: the type of the value.
        description: what it is.
        is_required: whether not yielding it fails the step.
        io_manager_key: the resource that stores it.
        settings: what is said of the asset: see `AssetSettings`.
    """

    __slots__ = ("io_manager_key", "is_required", "key", "key_prefix", "settings", "value_type")

    def __init__(
        self,
        key_prefix: str | Sequence[str] | None = None,
        key: CoercibleToAssetKey | None = None,
        value_type: Any = NO_DEFAULT,
        description: str | None = None,
        is_required: bool = True,
        io_manager_key: str | None = None,
        **settings: Unpack[AssetOutSettings],
    ) -> None:
        self.key_prefix = (key_prefix,) if isinstance(key_prefix, str) else tuple(key_prefix or ())
        self.key = AssetKey.of(key) if key is not None else None
        self.value_type = value_type
        self.is_required = is_required
        self.io_manager_key = io_manager_key
        # Their values are checked where the spec is made, which knows the asset.
        self.settings: Mapping[str, Any] = SplitSettings(settings, "AssetOut", step=frozenset()).asset
        if description is not None:
            self.settings = {**self.settings, "description": description}


class AssetDep:
    """A dependency that orders without loading a value.

    Args:
        asset: what it depends on: anything that names one asset.
        partition_mapping: which partitions of it belong together.
        metadata: facts for the reader.
        rule: when it lets the step run, given how the steps that make the asset ended.
    """

    __slots__ = ("asset_key", "metadata", "partition_mapping", "rule")

    def __init__(
        self,
        asset: Any,
        *,
        partition_mapping: PartitionMapping | None = None,
        metadata: Mapping[str, Any] | None = None,
        rule: EdgeRule = EdgeRule.ALL_SUCCEEDED,
    ) -> None:
        self.asset_key = asset_key_of(asset)
        self.rule = rule
        self.partition_mapping = partition_mapping
        self.metadata: Mapping[str, Any] = check_mapping(metadata, "metadata", "AssetDep") if metadata else _NO_METADATA

    @staticmethod
    def of(value: Any) -> AssetDep:
        """`value` as a dependency: one already, or anything that names one asset (definition, spec, key, string)."""
        return value if isinstance(value, AssetDep) else AssetDep(value)

    @staticmethod
    def each(values: Iterable[Any] | None, where: str) -> tuple[AssetDep, ...]:
        """`values` as dependencies, each asset once, in order. A definition of several assets stands for all of them.

        Raises:
            DefinitionError: (WEFT-D070) `values` is no list; (WEFT-D013) one of them names no asset; (WEFT-D077) an asset is named twice,
                with different partition mappings.
        """
        if values is None or values == ():
            return ()
        found: dict[AssetKey, AssetDep] = {}
        # A set has no order of its own, and definitions must describe themselves in the same way each time.
        listed = check_each(values, object, "deps", where)
        for value in sorted(listed, key=str) if isinstance(values, (set, frozenset)) else listed:
            several = getattr(value, "specs", None)
            parts = several if isinstance(several, tuple) and len(several) > 1 else (value,)
            for dep in map(AssetDep.of, parts):
                other = found.setdefault(dep.asset_key, dep)
                if other is not dep and other.partition_mapping != dep.partition_mapping:
                    raise DefinitionError(
                        f'deps of {where} name "{dep.asset_key.to_user_string()}" twice.',
                        code="WEFT-D077",
                        facts={"mappings": f"{other.partition_mapping!r}\n{dep.partition_mapping!r}"},
                        fix="name it once, with the partition mapping that is meant",
                    )
        return tuple(found.values())


def asset_key_of(value: Any) -> AssetKey:
    """The key of anything that names exactly one asset: a key, a string, a spec, a definition.

    Raises:
        DefinitionError: (WEFT-D013) it names none, or several.
    """
    if isinstance(value, (AssetKey, str)):
        return AssetKey.of(value)
    key = getattr(value, "key", None)
    if isinstance(key, AssetKey):
        return key
    if isinstance(value, (list, tuple)) and value and all(isinstance(part, str) for part in value):
        return AssetKey(value)
    is_function = callable(value) and hasattr(value, "__qualname__") and not isinstance(value, type)
    raise DefinitionError(
        f"{value.__qualname__ if is_function else f'{value!r:.80}'} does not name an asset.",
        code="WEFT-D013",
        facts={
            "found": "a function without @asset" if is_function else type(value).__name__,
            "expected": "an asset definition, an AssetSpec, an AssetKey or a string",
        },
        fix="decorate it with @asset" if is_function else "pass the decorated function itself, or its key",
    )
