"""Collecting what modules declare: assets, checks, and everything else that `Definitions` takes.

Every function here comes in four forms: for modules, for one package with all modules below it (given as a module or by name), and for the
module that calls. What one module imports from another is the same object and is taken once. Two objects that declare one key are told with
both places when the definitions are resolved.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from weft.definitions.asset_checks import AssetChecksDefinition
from weft.definitions.asset_spec import AssetSpec
from weft.definitions.assets import AssetsDefinition, renamed_deps
from weft.definitions.definitions import Definitions
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.lazy_definitions import LazyDefinitions
from weft.definitions.names import check_each
from weft.definitions.schedules import ScheduleDefinition
from weft.definitions.sensors import SensorDefinition
from weft.definitions.source import OWN_FOLDER
from weft.definitions.source_asset import SourceAsset
from weft.errors import DefinitionError
from weft.model.keys import AssetKey

if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import Unpack

    from weft.definitions.automation_condition import AutomationCondition
    from weft.model.backfill import BackfillPolicy
    from weft.model.freshness import FreshnessPolicy

    class AssetLoading(TypedDict, total=False):
        """How loaded assets are changed.

        group_name: the group of those that have none.
        key_prefix: parts before the keys of those that are made here, and of the dependencies on them.
        source_key_prefix: parts before the keys of external assets, and of the dependencies on them.
        automation_condition, freshness_policy, backfill_policy: of those that are made here and have none.
        include_specs: whether specs at the top level of modules are taken too; `SourceAsset` always is.
        """

        group_name: str | None
        key_prefix: str | Sequence[str] | None
        source_key_prefix: str | Sequence[str] | None
        automation_condition: AutomationCondition | None
        freshness_policy: FreshnessPolicy | None
        backfill_policy: BackfillPolicy | None
        include_specs: bool


# --- assets ----------------------------------------------------------------------------------------------------------


def load_assets_from_modules(modules: Iterable[ModuleType], **options: Unpack[AssetLoading]) -> list[Any]:
    """The assets that `modules` declare at their top level, lists of assets included, each once and in the order of declaration.

    >>> Definitions(assets=load_assets_from_modules([orders, customers], group_name="shop"))
    """
    include_specs = bool(options.get("include_specs", False))
    kinds: tuple[type, ...] = (AssetsDefinition, AssetSpec) if include_specs else (AssetsDefinition, SourceAsset)
    found = [item for item in _found_in(modules, kinds) if not isinstance(item, AssetChecksDefinition)]
    return _changed(found, options)


def load_assets_from_current_module(**options: Unpack[AssetLoading]) -> list[Any]:
    """As `load_assets_from_modules`, of the module that calls: what it has declared up to there."""
    return load_assets_from_modules([_calling_module()], **options)


def load_assets_from_package_module(package_module: ModuleType, **options: Unpack[AssetLoading]) -> list[Any]:
    """As `load_assets_from_modules`, of a package and every module below it, which are imported."""
    return load_assets_from_modules(_modules_of(package_module), **options)


def load_assets_from_package_name(package_name: str, **options: Unpack[AssetLoading]) -> list[Any]:
    """As `load_assets_from_package_module`, of the package of that name."""
    return load_assets_from_package_module(importlib.import_module(package_name), **options)


# --- checks ----------------------------------------------------------------------------------------------------------


def load_asset_checks_from_modules(
    modules: Iterable[ModuleType], *, asset_key_prefix: str | Sequence[str] | None = None
) -> list[Any]:
    """The checks that `modules` declare at their top level, each once and in the order of declaration.

    Args:
        modules: where to look.
        asset_key_prefix: parts before the keys of the assets that they are about, as assets loaded with ``key_prefix`` have them.
    """
    found = list(_found_in(modules, (AssetChecksDefinition,)))
    if not asset_key_prefix:
        return found
    keys = {key.asset_key: key.asset_key.with_prefix(asset_key_prefix) for item in found for key in item.check_keys}
    return [item.with_upstream_keys(keys) for item in found]


def load_asset_checks_from_current_module(*, asset_key_prefix: str | Sequence[str] | None = None) -> list[Any]:
    """As `load_asset_checks_from_modules`, of the module that calls."""
    return load_asset_checks_from_modules([_calling_module()], asset_key_prefix=asset_key_prefix)


def load_asset_checks_from_package_module(
    package_module: ModuleType, *, asset_key_prefix: str | Sequence[str] | None = None
) -> list[Any]:
    """As `load_asset_checks_from_modules`, of a package and every module below it, which are imported."""
    return load_asset_checks_from_modules(_modules_of(package_module), asset_key_prefix=asset_key_prefix)


def load_asset_checks_from_package_name(
    package_name: str, *, asset_key_prefix: str | Sequence[str] | None = None
) -> list[Any]:
    """As `load_asset_checks_from_package_module`, of the package of that name."""
    return load_asset_checks_from_package_module(
        importlib.import_module(package_name), asset_key_prefix=asset_key_prefix
    )


# --- everything ------------------------------------------------------------------------------------------------------


def load_definitions_from_modules(
    modules: Iterable[ModuleType], *, resources: Mapping[str, Any] | None = None
) -> Definitions:
    """Everything that `modules` declare at their top level, `Definitions` included, as one.

    Args:
        modules: where to look.
        resources: key to resource, beside those of `Definitions` that are found.
    """
    modules = list(modules)
    made = _found_in(modules, (Definitions, LazyDefinitions))
    parts = [part.load() if isinstance(part, LazyDefinitions) else part for part in made]
    # What is in a Definitions object already is not taken again.
    taken = {
        id(item)
        for part in parts
        for item in _flat([*part.assets, *part.asset_checks, *part.jobs, *part.schedules, *part.sensors])
    }
    kinds = (AssetsDefinition, AssetSpec, JobDefinition, AssetJobDefinition, ScheduleDefinition, SensorDefinition)
    found = [item for item in _found_in(modules, kinds) if id(item) not in taken]
    loose = Definitions(
        [item for item in found if isinstance(item, (AssetsDefinition, AssetSpec)) and not _is_check(item)],
        asset_checks=[item for item in found if _is_check(item)],
        jobs=[item for item in found if isinstance(item, (JobDefinition, AssetJobDefinition))],
        schedules=[item for item in found if isinstance(item, ScheduleDefinition)],
        sensors=[item for item in found if isinstance(item, SensorDefinition)],
        resources=resources,
    )
    return Definitions.merge(*parts, loose)


def load_definitions_from_module(module: ModuleType, *, resources: Mapping[str, Any] | None = None) -> Definitions:
    """As `load_definitions_from_modules`, of one module."""
    return load_definitions_from_modules([module], resources=resources)


def load_definitions_from_current_module(*, resources: Mapping[str, Any] | None = None) -> Definitions:
    """As `load_definitions_from_modules`, of the module that calls."""
    return load_definitions_from_modules([_calling_module()], resources=resources)


def load_definitions_from_package_module(
    package_module: ModuleType, *, resources: Mapping[str, Any] | None = None
) -> Definitions:
    """As `load_definitions_from_modules`, of a package and every module below it, which are imported."""
    return load_definitions_from_modules(_modules_of(package_module), resources=resources)


def load_definitions_from_package_name(package_name: str, *, resources: Mapping[str, Any] | None = None) -> Definitions:
    """As `load_definitions_from_package_module`, of the package of that name."""
    return load_definitions_from_package_module(importlib.import_module(package_name), resources=resources)


# --- looking ---------------------------------------------------------------------------------------------------------


def _found_in(modules: Iterable[ModuleType], kinds: tuple[type, ...]) -> Iterator[Any]:
    """What is of one of `kinds` at the top level of modules, lists and tuples of such things included; each object once."""
    seen: set[int] = set()
    for module in check_each(modules, ModuleType, "modules", "a call that loads definitions"):
        for value in list(vars(module).values()):
            several = isinstance(value, (list, tuple)) and all(isinstance(item, kinds) for item in value)
            for item in value if several else (value,):
                if isinstance(item, kinds) and id(item) not in seen:
                    seen.add(id(item))
                    yield item


def _modules_of(package: ModuleType) -> Iterator[ModuleType]:
    """A package and every module below it, in the order of their names."""
    yield package
    for info in sorted(
        pkgutil.walk_packages(getattr(package, "__path__", []), f"{package.__name__}."), key=lambda info: info.name
    ):
        yield importlib.import_module(info.name)


def _calling_module() -> ModuleType:
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(OWN_FOLDER) and frame.f_back is not None:
        frame = frame.f_back
    module = sys.modules.get(frame.f_globals.get("__name__", ""))
    if module is None or vars(module) is not frame.f_globals:
        raise DefinitionError(
            "the module that calls cannot be told.",
            code="WEFT-D411",
            facts={"called in": frame.f_code.co_filename},
            fix="name it: load_assets_from_modules([module])",
        )
    return module


def _flat(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, (list, tuple)):
            yield from _flat(item)
        else:
            yield item


def _is_check(item: Any) -> bool:
    return isinstance(item, AssetChecksDefinition)


# --- changing --------------------------------------------------------------------------------------------------------


def _changed(found: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    prefix, source_prefix = options.get("key_prefix"), options.get("source_key_prefix")
    keys: dict[AssetKey, AssetKey] = {}
    for item in found:
        if isinstance(item, AssetsDefinition) and prefix:
            keys.update({key: key.with_prefix(prefix) for key in item.keys})
        elif isinstance(item, AssetSpec) and source_prefix:
            keys[item.key] = item.key.with_prefix(source_prefix)
    names = ("automation_condition", "freshness_policy", "backfill_policy")
    defaults = {name: options[name] for name in names if options.get(name) is not None}
    group = options.get("group_name")

    def change(spec: AssetSpec, *, made_here: bool) -> AssetSpec:
        changes = {name: value for name, value in defaults.items() if made_here and getattr(spec, name) is None}
        if group is not None:
            _refuse_second_group(spec, group)
            changes["group_name"] = group
        if spec.key in keys:
            changes["key"] = keys[spec.key]
        if any(dep.asset_key in keys for dep in spec.deps):
            changes["deps"] = renamed_deps(spec.deps, keys)
        return spec.replace_attributes(**changes) if changes else spec

    changed: list[Any] = []
    for item in found:
        if isinstance(item, AssetsDefinition):
            made = item.map_asset_specs(lambda spec: change(spec, made_here=True))
            changed.append(made.with_upstream_keys(keys) if keys else made)
        else:
            changed.append(change(item, made_here=False))
    return changed


def _refuse_second_group(spec: AssetSpec, group: str) -> None:
    if spec.group_name is not None and spec.group_name != group:
        raise DefinitionError(
            f'asset "{spec.key.to_user_string()}" is loaded into the group "{group}", but has one already.',
            code="WEFT-D412",
            facts={"its group": spec.group_name, "declared in": spec.declared_at or "?"},
            fix="leave one of the two groups out",
        )
