"""Components: typed building blocks that make definitions. A project fills them in with YAML, or makes them in Python.

>>> class Export(Component, Model, Resolvable):
...     tables: list[str]
...     def build_defs(self, context):
...         return Definitions(assets=[export_of(table) for table in self.tables])
"""

from __future__ import annotations

import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct
from pydantic import BaseModel
from typing_extensions import Self

from weft.components.resolution import ResolutionContext, Resolvable, resolve_into
from weft.definitions.definitions import Definitions
from weft.definitions.source import declared_at
from weft.errors import DefinitionError, LoadError

if TYPE_CHECKING:
    from types import ModuleType

    from weft.components.documents import Document
    from weft.components.tree import ComponentTree

F = TypeVar("F", bound=Callable[..., Any])
_TEMPLATE_VAR = "__weft_template_var__"


class ComponentTypeSpec(Struct, frozen=True, kw_only=True):
    """What lists say of a component type."""

    description: str | None = None
    tags: Sequence[str] = ()
    owners: Sequence[str] = ()
    metadata: Mapping[str, Any] = {}


class Component(ABC):
    """Makes definitions. Derive from `Model` and `Resolvable` as well to be filled in from YAML."""

    @abstractmethod
    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The definitions. Called once for each place in the project that declares the component."""

    @classmethod
    def get_spec(cls) -> ComponentTypeSpec:
        """What lists say of this type."""
        return ComponentTypeSpec(description=inspect.getdoc(cls) if cls.__doc__ else None)

    @classmethod
    def get_additional_scope(cls) -> Mapping[str, Any]:
        """More names for the templates in its attributes. Static methods with `template_var` count without it."""
        return {}

    @classmethod
    def get_model_cls(cls) -> type[BaseModel] | None:
        """The written form of its attributes; None where it has none."""
        return cls.model() if issubclass(cls, Resolvable) else None

    @classmethod
    def load(cls, attributes: Any, context: ComponentLoadContext) -> Self:
        """A component from its attributes.

        Raises:
            LoadError: with every problem.
        """
        resolution = copy.copy(context.resolution_context)
        resolution.problems = []
        made: Self | None = cls._made_from(attributes, resolution)
        if made is None or resolution.problems:
            raise LoadError.from_problems(resolution.problems)
        return made

    @classmethod
    def _made_from(cls, attributes: Any, context: ResolutionContext) -> Any:
        if issubclass(cls, Resolvable):
            return resolve_into(cls, attributes, context)
        if attributes:
            context.problems.append(
                context.problem(
                    "WEFT-L039",
                    f"{cls.__name__} takes no attributes.",
                    context.path,
                    fix="leave them out, or derive the class from Model and Resolvable",
                )
            )
            return None
        return cls()


class ComponentLoadContext:
    """Where a component is declared: what `Component.build_defs` gets.

    Attributes:
        path: the folder of the declaration, or the Python file.
        tree: the components of the project.
        document: the YAML document that declares it, if one does.
    """

    def __init__(
        self,
        path: Path,
        tree: ComponentTree,
        *,
        document: Document | None = None,
        resolution_context: ResolutionContext | None = None,
    ) -> None:
        self.path = path
        self.tree = tree
        self.document = document
        self.resolution_context = resolution_context or ResolutionContext(tree.scope_for(path), document=document)

    component_tree = property(lambda self: self.tree, doc="The components of the project.")

    @property
    def folder(self) -> Path:
        """The folder that relative paths are relative to."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def project_root(self) -> Path:
        """The folder of ``pyproject.toml``."""
        return self.tree.project.root

    @property
    def defs_module_path(self) -> Path:
        """The folder of all definitions."""
        return self.tree.project.defs_folder

    @property
    def defs_module_name(self) -> str:
        """The name by which that folder is imported."""
        return self.tree.project.defs_module

    @property
    def declared_at(self) -> str | None:
        """``defs.yaml:3`` of the declaration."""
        return str(self.document.place()) if self.document is not None else None

    def load_component_at_path(self, path: str | Path, index: int = 0) -> Component:
        """Another component of the project.

        Args:
            path: its folder or file, from the folder of all definitions.
            index: which document of its ``defs.yaml``, from 0.

        Raises:
            LoadError: it cannot be loaded, or needs this one in turn.
        """
        return self.tree.load_component(path, index)

    load_component = load_component_at_path

    def build_defs_at_path(self, path: str | Path) -> Definitions:
        """The definitions of another folder or file of the project.

        Raises:
            LoadError: they cannot be built; with every problem.
        """
        return self.tree.build_defs(path)

    build_defs = load_defs_at_path = load_defs = build_defs_at_path

    def defs_relative_module_name(self, path: Path) -> str:
        """The name by which a file below the folder of definitions is imported."""
        return self.tree.project.module_name(path)

    def load_defs_relative_python_module(self, path: Path) -> ModuleType:
        """Import a Python file below the folder of definitions."""
        return self.tree.import_file(path if path.is_absolute() else self.folder / path)


class ComponentInstance:
    """A function that gives a component. Made by `component_instance`."""

    def __init__(self, fn: Callable[..., Component]) -> None:
        if not callable(fn):
            raise DefinitionError(
                "@component_instance needs a function.",
                code="WEFT-D582",
                facts={"found": repr(fn)},
                fix="write it above: def my_component(context): return MyComponent(...)",
            )
        self.fn = fn
        self.__name__ = getattr(fn, "__name__", "component")
        self.__doc__ = fn.__doc__
        self.declared_at = declared_at(fn)

    def make(self, context: ComponentLoadContext) -> Component:
        """The component.

        Raises:
            DefinitionError: (WEFT-D583) the function gives something else.
        """
        made = self.fn(context) if inspect.signature(self.fn).parameters else self.fn()
        if not isinstance(made, Component):
            raise DefinitionError(
                f'@component_instance "{self.__name__}" gives no component.',
                code="WEFT-D583",
                facts={"found": f"a {type(made).__name__}", "declared in": self.declared_at or "?"},
                fix="return an object of a class that derives from Component",
            )
        return made

    __call__ = make


def component_instance(fn: Callable[..., Component]) -> ComponentInstance:
    """Declare a component in Python, in a module of the folder of definitions. The function takes the load context, or nothing.

    >>> @component_instance
    ... def exports(context: ComponentLoadContext) -> Export:
    ...     return Export(tables=["orders", "customers"])
    """
    return ComponentInstance(fn)


def template_var(fn: F) -> F:
    """Give templates a name: that of the function. It takes the load context, or nothing, and is called when a template asks for it.

    In the module that ``template_vars_module`` names, or as a static method of a component. A value that is a function can be called by templates.
    """
    function = fn.__func__ if isinstance(fn, staticmethod) else fn
    setattr(function, _TEMPLATE_VAR, True)
    return fn


def template_vars_of(owner: Any) -> dict[str, Callable[..., Any]]:
    """The functions of a module or class that `template_var` has marked, by their names."""
    found: dict[str, Callable[..., Any]] = {}
    for kind in reversed(owner.__mro__) if isinstance(owner, type) else [owner]:
        for name, value in list(vars(kind).items()):
            function = value.__func__ if isinstance(value, staticmethod) else value
            if getattr(function, _TEMPLATE_VAR, False):
                found[name] = function
    return found


def called_with(fn: Callable[..., Any], context: ComponentLoadContext) -> Any:
    """What a function gives that takes the load context, or nothing."""
    return fn(context) if inspect.signature(fn).parameters else fn()
