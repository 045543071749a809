"""The builder of selections that users call. It only makes expressions (`weft.model.selection`); planning evaluates them."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

from weft.definitions.asset_spec import AssetCheckSpec, AssetSpec
from weft.definitions.assets import AssetsDefinition
from weft.definitions.inputs_outputs import asset_key_of
from weft.errors import SelectionError
from weft.model import selection as nodes
from weft.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey


class AssetSelection:
    """Which assets and checks are meant, as an expression that is resolved against definitions later.

    Combine with ``|`` (either), ``&`` (both), ``-`` (without).

    >>> AssetSelection.groups("raw") | AssetSelection.assets("orders").upstream()
    AssetSelection(...)
    """

    __slots__ = ("expression",)

    def __init__(self, expression: nodes.Selection) -> None:
        self.expression = expression

    @staticmethod
    def of(value: Any) -> AssetSelection:
        """`value` as a selection: one already, a selection string, an asset, or a list of assets, keys or strings.

        Raises:
            SelectionError: (WEFT-S001) it is none of these.
        """
        if isinstance(value, AssetSelection):
            return value
        if isinstance(value, str):
            return AssetSelection.from_string(value)
        if isinstance(value, AssetCheckKey):
            return AssetSelection(nodes.Checks((value,)))
        if isinstance(value, (AssetsDefinition, AssetSpec, AssetKey)):
            return _assets_and_checks([value])
        if isinstance(value, (Sequence, Set)):
            # A set has no order of its own, and equal selections must be equal values.
            value = sorted(value, key=str) if isinstance(value, Set) else value
            if value and all(isinstance(item, str) for item in value):
                parts = tuple(AssetSelection.from_string(item).expression for item in value)
                return AssetSelection(parts[0] if len(parts) == 1 else nodes.Or(parts))
            return _assets_and_checks(value)
        raise _no_selection(value, 'use AssetSelection, a selection string such as "*orders", or a list of assets')

    @staticmethod
    def all(include_sources: bool = False) -> AssetSelection:
        """Every asset; with `include_sources` the external ones too."""
        return AssetSelection(nodes.All(include_sources))

    @staticmethod
    def assets(*assets: Any) -> AssetSelection:
        """These assets: definitions, specs, keys or strings."""
        return _assets_and_checks(assets)

    @staticmethod
    def keys(*keys: CoercibleToAssetKey) -> AssetSelection:
        """These keys."""
        return AssetSelection(nodes.Keys(tuple(AssetKey.of(key) for key in keys)))

    @staticmethod
    def key_prefixes(*prefixes: str | Sequence[str], include_sources: bool = False) -> AssetSelection:
        """Assets whose keys start with one of the prefixes."""
        parts = tuple(
            (prefix,) if isinstance(prefix, str) else _texts(tuple(prefix), "a prefix") for prefix in prefixes
        )
        return AssetSelection(nodes.KeyPrefix(parts, include_sources))

    @staticmethod
    def key_substring(text: str, include_sources: bool = False) -> AssetSelection:
        """Assets whose name contains the text."""
        return AssetSelection(nodes.KeySubstring(text, include_sources))

    @staticmethod
    def groups(*names: str, include_sources: bool = False) -> AssetSelection:
        """Assets of these groups."""
        return AssetSelection(nodes.Groups(_texts(names, "the name of a group"), include_sources))

    @staticmethod
    def tag(key: str, value: str, include_sources: bool = False) -> AssetSelection:
        """Assets with this tag and value."""
        return AssetSelection(nodes.Tag(key, value, include_sources))

    @staticmethod
    def tag_string(text: str, include_sources: bool = False) -> AssetSelection:
        """Assets with the tag ``key`` or ``key=value``."""
        key, separator, value = text.partition("=")
        return AssetSelection(nodes.Tag(key, value if separator else None, include_sources))

    @staticmethod
    def kind(name: str | None, include_sources: bool = False) -> AssetSelection:
        """Assets of a kind; None for those without."""
        return AssetSelection(nodes.Kind(name, include_sources))

    @staticmethod
    def owner(owner: str | None) -> AssetSelection:
        """Assets of an owner; None for those without."""
        return AssetSelection(nodes.Owner(owner))

    @staticmethod
    def checks(*checks: Any) -> AssetSelection:
        """These checks, without their assets: keys, or definitions made by `asset_check`."""
        keys: list[AssetCheckKey] = []
        for check in checks:
            if isinstance(check, AssetCheckKey):
                keys.append(check)
            elif isinstance(check, AssetCheckSpec):
                keys.append(check.key)
            elif isinstance(check, AssetsDefinition) and check.check_keys:
                keys.extend(check.check_keys)
            else:
                raise _no_selection(check, "give an AssetCheckKey, or what @asset_check made")
        return AssetSelection(nodes.Checks(tuple(keys)))

    @staticmethod
    def checks_for_assets(*assets: Any) -> AssetSelection:
        """The checks of these assets, without the assets."""
        return AssetSelection(nodes.ChecksOf(AssetSelection.assets(*assets).expression))

    @staticmethod
    def all_asset_checks() -> AssetSelection:
        """Every check, without the assets."""
        return AssetSelection(nodes.ChecksOf(nodes.All(include_external=True)))

    @staticmethod
    def from_string(text: str) -> AssetSelection:
        """A selection in one of the string syntaxes: ``*orders``, ``orders+``, ``+key:"orders" and group:sales``."""
        return AssetSelection(nodes.Text(text))

    def upstream(self, depth: int | None = None, include_self: bool = True) -> AssetSelection:
        """This and what it depends on, `depth` levels up (all by default)."""
        return AssetSelection(nodes.Upstream(self.expression, depth, include_self))

    def downstream(self, depth: int | None = None, include_self: bool = True) -> AssetSelection:
        """This and what depends on it, `depth` levels down (all by default)."""
        return AssetSelection(nodes.Downstream(self.expression, depth, include_self))

    def sinks(self) -> AssetSelection:
        """Those that nothing else in the selection depends on."""
        return AssetSelection(nodes.Sinks(self.expression))

    def roots(self) -> AssetSelection:
        """Those that depend on nothing else in the selection."""
        return AssetSelection(nodes.Roots(self.expression))

    def materializable(self) -> AssetSelection:
        """Those that a run can make."""
        return AssetSelection(nodes.Materializable(self.expression))

    def required_multi_asset_neighbors(self) -> AssetSelection:
        """This and the assets that can only be made together with it."""
        return AssetSelection(nodes.RequiredNeighbours(self.expression))

    def upstream_source_assets(self) -> AssetSelection:
        """The external assets that the selection depends on directly."""
        return AssetSelection(nodes.External(nodes.Upstream(self.expression, 1, include_self=False)))

    def without_checks(self) -> AssetSelection:
        """The assets without their checks."""
        return AssetSelection(nodes.WithoutChecks(self.expression))

    def __or__(self, other: AssetSelection) -> AssetSelection:
        return AssetSelection(nodes.Or((self.expression, AssetSelection.of(other).expression)))

    def __and__(self, other: AssetSelection) -> AssetSelection:
        return AssetSelection(nodes.And((self.expression, AssetSelection.of(other).expression)))

    def __sub__(self, other: AssetSelection) -> AssetSelection:
        return AssetSelection(nodes.Difference(self.expression, AssetSelection.of(other).expression))

    def __invert__(self) -> AssetSelection:
        return AssetSelection(nodes.Not(self.expression))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetSelection) and self.expression == other.expression

    def __hash__(self) -> int:
        return hash(self.expression)

    def __repr__(self) -> str:
        return f"AssetSelection({self.expression!r})"


def _no_selection(value: object, fix: str) -> SelectionError:
    return SelectionError(
        f"{type(value).__name__} is not a selection.", code="WEFT-S001", facts={"found": f"{value!r:.80}"}, fix=fix
    )


def _texts(values: tuple[Any, ...], what: str) -> tuple[str, ...]:
    for value in values:
        if not isinstance(value, str):
            raise _no_selection(value, f"give {what} as a string; several as several arguments")
    return values


def _assets_and_checks(items: Sequence[Any]) -> AssetSelection:
    keys: list[AssetKey] = []
    checks: list[AssetCheckKey] = []
    for item in items:
        if isinstance(item, AssetCheckKey):
            checks.append(item)
        elif isinstance(item, AssetCheckSpec):
            checks.append(item.key)
        elif isinstance(item, AssetsDefinition):
            keys.extend(item.keys)
            if not item.keys:
                checks.extend(item.check_keys)
        else:
            keys.append(asset_key_of(item))
    parts: list[nodes.Selection] = []
    if keys or not checks:
        parts.append(nodes.Keys(tuple(dict.fromkeys(keys))))
    if checks:
        parts.append(nodes.Checks(tuple(dict.fromkeys(checks))))
    return AssetSelection(parts[0] if len(parts) == 1 else nodes.Or(tuple(parts)))
