"""Where a project has its folder of definitions, and by which names what is in it is imported.

::

    [tool.weft]
    defs = "src/shop/defs"           # from the folder of pyproject.toml

    [tool.dg.project]                # understood as well, also in dg.toml as [project]
    root_module = "shop"
    defs_module = "shop.defs"        # this by default

Where neither is there, it is the folder ``defs`` in the package of ``module`` (``[tool.weft]``, or ``module_name`` of ``[tool.dagster]``), or the nearest one upwards from
where the search begins.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from weft.errors import LoadError

FOLDER = "defs"
PROJECT_FILES = ("pyproject.toml", "dg.toml")


class DefsProject(Struct, frozen=True, kw_only=True):
    """A project that has a folder of definitions."""

    # The folder of ``pyproject.toml``.
    root: Path
    defs_folder: Path
    # The folder that must be on ``sys.path``, and the name of `defs_folder` from there.
    import_root: Path
    defs_module: str

    @property
    def root_module(self) -> str:
        """The package of the project; empty where the folder of definitions is in none."""
        return self.defs_module.rpartition(".")[0]

    @property
    def components_module(self) -> str:
        """The package for the project's own component types."""
        return f"{self.root_module}.components" if self.root_module else "components"

    @property
    def components_folder(self) -> Path:
        """The folder of that package."""
        return self.defs_folder.parent / "components"

    def module_name(self, file: Path) -> str:
        """The name by which a file or folder below `defs_folder` is imported."""
        parts = list(file.resolve().relative_to(self.defs_folder).with_suffix("").parts)
        return ".".join([self.defs_module, *(part for part in parts if part != "__init__")])


def find_project(start: Path) -> DefsProject:
    """The project that `start`, a file or folder, is in.

    Raises:
        LoadError: (WEFT-L040) no folder of definitions is found; (WEFT-L041) the one that is named is not there; (WEFT-L042) the project
            file is not TOML.
    """
    here = start.resolve()
    here = here.parent if here.is_file() else here
    for folder in (here, *here.parents):
        for name in PROJECT_FILES:
            file = folder / name
            if file.is_file():
                found = _named_folder(file, _tables(file))
                if found is not None:
                    return project_of(folder, found)
        if (folder / PROJECT_FILES[0]).is_file():
            near = _near(here, folder)
            if near is not None:
                return project_of(folder, near)
    near = _near(here, here)
    if near is not None:
        return project_of(near.parent, near)
    raise LoadError(
        "there is no folder of definitions.",
        code="WEFT-L040",
        facts={"looked for": 'defs = "..." in [tool.weft] of pyproject.toml, or a folder "defs"', "from": str(here)},
        fix='add to pyproject.toml: [tool.weft] defs = "src/my_package/defs"',
    )


def project_of(root: Path, defs_folder: Path, defs_module: str | None = None) -> DefsProject:
    """A project whose places are known."""
    root, defs_folder = root.resolve(), defs_folder.resolve()
    if defs_module is not None:
        import_root = defs_folder
        for _ in defs_module.split("."):
            import_root = import_root.parent
        return DefsProject(root=root, defs_folder=defs_folder, import_root=import_root, defs_module=defs_module)
    import_root = defs_folder.parent
    while import_root != root and (import_root / "__init__.py").is_file():
        import_root = import_root.parent
    if (
        import_root == defs_folder.parent
        and import_root not in (root, root / "src")
        and import_root.parent in (root, root / "src")
    ):
        import_root = import_root.parent  # a package without __init__.py
    name = ".".join(defs_folder.relative_to(import_root).parts)
    return DefsProject(root=root, defs_folder=defs_folder, import_root=import_root, defs_module=name)


def _named_folder(file: Path, tables: Mapping[str, Any]) -> Path | None:
    tools = tables.get("tool", {}) if file.name == PROJECT_FILES[0] else {"dg": tables}
    named = tools.get("weft", {}).get("defs")
    if isinstance(named, str):
        return _existing(file, file.parent / named, "defs")
    project = tools.get("dg", {}).get("project", {})
    module = project.get("defs_module") or (f"{project['root_module']}.{FOLDER}" if "root_module" in project else None)
    if isinstance(module, str):
        places = [base.joinpath(*module.split(".")) for base in (file.parent / "src", file.parent)]
        return next((place for place in places if place.is_dir()), None) or _existing(file, places[0], "defs_module")
    weft = tools.get("weft", {})
    target = weft.get("module") or tools.get("dagster", {}).get("module_name")
    if isinstance(target, str):
        package = target.partition(".")[0]
        for base in (file.parent / str(weft.get("working_directory", ".")), file.parent / "src", file.parent):
            if (base / package / FOLDER).is_dir():
                return base / package / FOLDER
    return None


def _existing(file: Path, folder: Path, setting: str) -> Path:
    if folder.is_dir():
        return folder
    raise LoadError(
        f"the folder of definitions {folder} is not there.",
        code="WEFT-L041",
        facts={"named in": str(file), "setting": setting},
        fix="make it, or correct the setting",
    )


def _near(here: Path, root: Path) -> Path | None:
    """A folder ``defs`` at `here` or above, up to `root`; or in the only package of the project."""
    for folder in (here, *here.parents):
        if folder.name == FOLDER and folder != root:
            return folder
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
        if folder == root:
            break
    found = sorted({*root.glob(f"src/*/{FOLDER}"), *root.glob(f"*/{FOLDER}")})
    return found[0] if len(found) == 1 else None


def _tables(file: Path) -> Mapping[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]  # installed for Python 3.10 only
    try:
        tables: Mapping[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise LoadError(
            f"{file.name} cannot be read.",
            code="WEFT-L042",
            facts={"file": str(file), "why": str(error)},
            fix="correct the file; it must be TOML in UTF-8",
        ) from error
    return tables
