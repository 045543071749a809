"""Components that stand for what is declared in Python: a folder, a module of definitions."""

from __future__ import annotations

from pathlib import Path

from weft.components.component import Component, ComponentLoadContext
from weft.components.resolution import Model, Resolvable
from weft.definitions.definitions import Definitions
from weft.definitions.loading import load_definitions_from_modules


class DefsFolderComponent(Component, Model, Resolvable):
    """Everything below a folder. Declare it in ``defs.yaml`` to change all assets below by ``post_processing``."""

    path: Path | None = None

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """What the files and folders inside declare."""
        folder = context.folder / self.path if self.path is not None else context.folder
        return context.tree.children_of(folder)


class DefinitionsComponent(Component, Model, Resolvable):
    """What a Python file declares."""

    path: str = "definitions.py"

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """Everything at the top level of the module."""
        return load_definitions_from_modules([context.load_defs_relative_python_module(context.folder / self.path)])
