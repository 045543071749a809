"""Testing components: their definitions alone, in a project that lasts as long as a test, or in the project that they belong to."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from weft.components.building import build_defs_for_component
from weft.components.component import Component, ComponentLoadContext
from weft.components.project import find_project
from weft.components.scaffold import ScaffoldRequest, scaffolder_of
from weft.components.tree import ComponentTree
from weft.definitions.definitions import Definitions
from weft.errors import DefinitionError, LoadError, some_of

_numbers = count(1)


def component_defs(
    *, component: Component, resources: Mapping[str, Any] | None = None, context: ComponentLoadContext | None = None
) -> Definitions:
    """The definitions of a component, with resources beside them.

    >>> defs = component_defs(component=Export(tables=["orders"]), resources={"db": FakeDatabase()})
    """
    if context is None:
        return build_defs_for_component(component, resources=resources)
    made = component.build_defs(context)
    return Definitions.merge(made, Definitions(resources=resources)) if resources else made


class DefsFolderSandbox:
    """A project in a temporary folder."""

    def __init__(self, project_root: Path, name: str) -> None:
        self.project_root = project_root
        self.project_name = name
        self.defs_folder_path = project_root / "src" / name / "defs"

    def scaffold_component(
        self,
        component_cls: type[Component],
        defs_path: str | Path | None = None,
        *,
        scaffold_params: Mapping[str, Any] | None = None,
        scaffold_format: str = "yaml",
        defs_yaml_contents: Mapping[str, Any] | None = None,
    ) -> Path:
        """Declare a component in the project. The folder of the declaration.

        Args:
            component_cls: its type.
            defs_path: the folder, from the folder of definitions; a new one by default.
            scaffold_params: what its scaffolder takes.
            scaffold_format: ``yaml`` or ``python``.
            defs_yaml_contents: the document, in place of what the scaffolder writes.
        """
        folder = self.defs_folder_path / (defs_path if defs_path is not None else f"component_{next(_numbers)}")
        name = f"{component_cls.__module__}.{component_cls.__qualname__}"
        request = ScaffoldRequest(
            type_name=name,
            target_path=folder,
            scaffold_format=scaffold_format,
            project_root=self.project_root,
            params=dict(scaffold_params or {}),
            component_type=component_cls,
        )
        folder.mkdir(parents=True, exist_ok=True)
        scaffolder_of(component_cls).scaffold(request)
        if defs_yaml_contents is not None:
            text = yaml.safe_dump({"type": name, **defs_yaml_contents}, sort_keys=False)
            (folder / "defs.yaml").write_text(text, "utf-8")
        return folder

    @contextmanager
    def load_component_and_build_defs(self, defs_path: str | Path) -> Iterator[tuple[Component, Definitions]]:
        """The component that a folder declares, and its definitions. Modules of the project are forgotten afterwards."""
        with self._loaded():
            yield get_component_defs_within_project(project_root=self.project_root, component_path=defs_path)

    @contextmanager
    def build_all_defs(self) -> Iterator[Definitions]:
        """The definitions of the whole project. Its modules are forgotten afterwards."""
        with self._loaded():
            yield ComponentTree.for_project(self.project_root).build_defs()

    @contextmanager
    def _loaded(self) -> Iterator[None]:
        path, modules = list(sys.path), set(sys.modules)
        try:
            yield
        finally:
            sys.path[:] = path
            for name in set(sys.modules) - modules:
                if name.partition(".")[0] == self.project_name:
                    del sys.modules[name]


@contextmanager
def create_defs_folder_sandbox(*, project_name: str | None = None) -> Iterator[DefsFolderSandbox]:
    """A project with an empty folder of definitions, removed afterwards.

    >>> with create_defs_folder_sandbox() as sandbox:
    ...     path = sandbox.scaffold_component(Export, defs_yaml_contents={"attributes": {"tables": ["orders"]}})
    ...     with sandbox.load_component_and_build_defs(path) as (component, defs):
    ...         assert len(defs.resolve_all_asset_specs()) == 1
    """
    name = project_name or f"sandbox_project_{next(_numbers)}"
    folder = Path(tempfile.mkdtemp()).resolve()
    try:
        sandbox = DefsFolderSandbox(folder, name)
        sandbox.defs_folder_path.mkdir(parents=True)
        for package in (sandbox.defs_folder_path, sandbox.defs_folder_path.parent):
            (package / "__init__.py").touch()
        (folder / "pyproject.toml").write_text(f'[tool.weft]\ndefs = "src/{name}/defs"\n', "utf-8")
        yield sandbox
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def get_all_components_defs_within_project(
    *, project_root: str | Path, component_path: str | Path
) -> list[tuple[Component, Definitions]]:
    """Each component that a folder or file of the project declares, with its definitions.

    Raises:
        LoadError: with every problem.
    """
    tree = ComponentTree(find_project(Path(project_root)))
    place = tree.project.defs_folder / component_path
    found: list[tuple[Component, Definitions]] = []
    for declared in tree.declared_at(place if place.exists() else place.with_suffix(".py")):
        made = tree.built(declared)
        if made is not None and declared.component is not None:
            found.append((declared.component, made))
    if tree.problems:
        raise LoadError.from_problems(tree.problems)
    return found


def get_component_defs_within_project(
    *, project_root: str | Path, component_path: str | Path, instance_key: int = 0
) -> tuple[Component, Definitions]:
    """A component of the project with its definitions.

    Args:
        project_root: a folder of the project.
        component_path: the folder or file that declares it, from the folder of definitions.
        instance_key: which of those that it declares, from 0.

    Raises:
        DefinitionError: (WEFT-D594) it declares no such component.
        LoadError: with every problem.
    """
    found = get_all_components_defs_within_project(project_root=project_root, component_path=component_path)
    if instance_key < len(found):
        return found[instance_key]
    raise DefinitionError(
        f'"{component_path}" declares no component {instance_key}.',
        code="WEFT-D594",
        facts={"components there": some_of([type(component).__name__ for component, _ in found])},
        fix="check the path and the number, which counts from 0",
    )
