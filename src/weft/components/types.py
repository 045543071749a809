"""Component types by their names: what ``type: shop.components.Export`` means, and which types there are.

Types are found in ``weft``, in the package ``components`` of the project, and in modules that installed packages name by the entry point groups
``weft.components`` and ``dagster_dg_cli.registry_modules``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from importlib.metadata import entry_points
from types import ModuleType

from msgspec import Struct

from weft.components.component import Component
from weft.components.project import DefsProject

ENTRY_POINT_GROUPS = ("weft.components", "dagster_dg_cli.registry_modules")

BUILT_IN: Mapping[str, str] = {
    "DefinitionsComponent": "weft.components.folder",
    "DefsFolderComponent": "weft.components.folder",
    "FunctionComponent": "weft.components.steps",
    "PythonScriptComponent": "weft.components.steps",
    "TemplatedSqlComponent": "weft.components.sql",
    "UvRunComponent": "weft.components.steps",
}
"""Names in ``weft`` that a project fills in as they are, with the modules that define them."""


class FoundType(Struct, frozen=True, kw_only=True):
    """A component type with the name that documents have for it."""

    name: str
    cls: type[Component]

    @property
    def summary(self) -> str:
        """The first line of what it is."""
        return (self.cls.get_spec().description or "").partition("\n")[0]


def known_types(project: DefsProject | None) -> list[FoundType]:
    """Every type that can be found, by name. Modules that do not import are passed over: loading the project reports them."""
    found: dict[str, type[Component]] = {
        f"weft.{name}": getattr(importlib.import_module(module), name) for name, module in BUILT_IN.items()
    }
    modules: list[ModuleType] = []
    if project is not None and project.components_folder.is_dir():
        modules += _modules_below(project.components_module)
    for group in ENTRY_POINT_GROUPS:
        for point in entry_points(group=group):
            modules += _modules_below(point.value)
    for module in modules:
        for name, cls in own_types(module).items():
            found[f"{module.__name__}.{name}"] = cls
    # The shortest name of each class: packages give names to what their modules define.
    shortest: dict[type[Component], str] = {}
    for name, cls in sorted(found.items(), key=lambda item: (len(item[0]), item[0])):
        shortest.setdefault(cls, name)
    return sorted((FoundType(name=name, cls=cls) for cls, name in shortest.items()), key=lambda one: one.name)


def own_types(module: ModuleType) -> dict[str, type[Component]]:
    """The component types that can be used by a name in `module`."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Component)
        and not inspect.isabstract(value)
        and value.__module__.partition(".")[0] == module.__name__.partition(".")[0]
    }


def _modules_below(name: str) -> list[ModuleType]:
    found: list[ModuleType] = []
    try:
        package = importlib.import_module(name)
    except Exception:  # noqa: BLE001  # reported where the project is loaded; a list goes on
        return found
    found.append(package)
    for info in pkgutil.walk_packages(getattr(package, "__path__", []), f"{name}."):
        try:
            found.append(importlib.import_module(info.name))
        except Exception:  # noqa: BLE001, S112  # as above
            continue
    return found
