"""Definitions of one component, or of a folder that belongs to no project."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from weft.components.component import Component, ComponentLoadContext
from weft.components.project import project_of
from weft.components.tree import ComponentTree
from weft.definitions.definitions import Definitions
from weft.definitions.deprecations import warn_deprecated
from weft.errors import DefinitionError


def build_defs_for_component(component: Component, *, resources: Mapping[str, Any] | None = None) -> Definitions:
    """The definitions of a component that was made in Python, outside of a folder of definitions."""
    folder = _folder_of(type(component))
    tree = ComponentTree(project_of(folder.parent, folder))
    made = component.build_defs(ComponentLoadContext(folder, tree))
    return Definitions.merge(made, Definitions(resources=resources)) if resources else made


def build_component_defs(components_root: str | Path, *, resources: Mapping[str, Any] | None = None) -> Definitions:
    """The definitions that a folder declares (deprecated: `load_from_defs_folder`).

    Raises:
        LoadError: with every problem of every file.
    """
    warn_deprecated("build_component_defs", "load_from_defs_folder(path_within_project=...)")
    folder = Path(components_root)
    made = ComponentTree(project_of(folder.parent, folder)).build_defs()
    return Definitions.merge(made, Definitions(resources=resources)) if resources else made


def load_defs(defs_root: ModuleType, *, resources: Mapping[str, Any] | None = None) -> Definitions:
    """The definitions that the folder of a package declares (deprecated: `load_from_defs_folder`).

    Raises:
        DefinitionError: (WEFT-D593) it is no package.
        LoadError: with every problem of every file.
    """
    warn_deprecated("load_defs", "load_from_defs_folder(path_within_project=...)")
    folder = next(iter(getattr(defs_root, "__path__", ())), None)
    if folder is None:
        raise DefinitionError(
            f"{defs_root.__name__} is not a package.",
            code="WEFT-D593",
            facts={"file": getattr(defs_root, "__file__", None) or "?"},
            fix="give the package of the folder of definitions",
        )
    tree = ComponentTree(project_of(Path(folder).parent, Path(folder), defs_root.__name__))
    made = tree.build_defs()
    return Definitions.merge(made, Definitions(resources=resources)) if resources else made


def _folder_of(cls: type) -> Path:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return Path(file).parent.resolve() if file else Path.cwd()
