"""The components of a project: a folder of definitions, loaded in one pass that reports everything wrong in all files.

A folder is one of these, decided in this order:

- it has ``defs.yaml``: each document declares a component. Other files there are for these components;
- it has ``definitions.py``: what that module declares;
- else every module and every folder in it, in the order of their names. A module brings what it declares at its top level, and components by
  `component_instance`.

Names that begin with a dot or an underscore are passed over. What a module imports from another one of the folder belongs to the other. Each file is read
once, each component is made once; components that ask for each other in a circle are told so.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from weft.components.component import (
    Component,
    ComponentInstance,
    ComponentLoadContext,
    called_with,
    template_vars_of,
)
from weft.components.declaration import Declaration, read_declaration
from weft.components.documents import read_documents, shown
from weft.components.post_processing import post_processed
from weft.components.project import DefsProject, find_project
from weft.components.resolution import ResolutionContext
from weft.components.templates import Environment, Lazy
from weft.components.types import own_types
from weft.definitions.automation_condition import AutomationCondition
from weft.definitions.definitions import Definitions
from weft.definitions.loading import load_definitions_from_modules
from weft.errors import LoadError, Problem, WeftError, did_you_mean, some_of
from weft.model.failure import ErrorInfo

DEFS_FILES = ("defs.yaml", "defs.yml", "component.yaml")
LEGACY_MODULE = "definitions.py"


class Declared:
    """One place that declares a component."""

    def __init__(self, context: ComponentLoadContext, name: str, declaration: Declaration | None = None) -> None:
        self.context = context
        # ``weft.DefsFolderComponent`` or the name of the function.
        self.name = name
        self.declaration = declaration
        self.component: Component | None = None
        # Environment variables that its templates have asked for.
        self.env: set[str] = set()

    @property
    def index(self) -> int:
        """Which document of its file it is."""
        return self.declaration.document.index if self.declaration is not None else 0


class ComponentTree:
    """The components of a project.

    >>> tree = ComponentTree.for_project(Path(__file__).parent)
    >>> tree.load_component("exports")
    """

    def __init__(self, project: DefsProject) -> None:
        self.project = project
        self.problems: list[Problem] = []
        # The traceback of the first module that did not import.
        self.traceback_text = ""
        self._declared: dict[Path, list[Declared]] = {}
        self._loading: list[Declared] = []
        self._failed: set[int] = set()
        self._modules: dict[Path, ModuleType | None] = {}
        for folder in (str(project.import_root), str(project.root)):
            if folder not in sys.path:
                sys.path.insert(0, folder)

    @staticmethod
    def for_project(path_within_project: str | Path) -> ComponentTree:
        """The components of the project that a file or folder is in.

        Raises:
            LoadError: no folder of definitions is found.
        """
        return ComponentTree(find_project(Path(path_within_project)))

    project_root = property(lambda self: self.project.root, doc="The folder of ``pyproject.toml``.")

    # --- asking ------------------------------------------------------------------------------------------------------

    def build_defs(self, path: str | Path | None = None) -> Definitions:
        """The definitions of the project, or of one folder or file in it.

        Raises:
            LoadError: with every problem of every file.
        """
        before = len(self.problems)
        made = self._merged(self._parts(self._place(path) if path is not None else self.project.defs_folder))
        self._raise_from(before)
        return made.with_secrets(self._from_environment())

    def _from_environment(self) -> set[str]:
        """What templates may have put into definitions from the environment."""
        names = {name for declared in self._declared.values() for one in declared for name in one.env}
        return {os.environ[name] for name in names if os.environ.get(name)}

    def load_component(self, path: str | Path, index: int = 0) -> Component:
        """The component that a folder or file declares.

        Args:
            path: from the folder of all definitions; absolute paths are understood.
            index: which document of ``defs.yaml``, from 0.

        Raises:
            LoadError: there is none; it cannot be made; it is being made, and asks for itself.
        """
        place = self._place(path)
        before = len(self.problems)
        found = next((one for one in self.declared_at(place) if one.index == index), None)
        self._raise_from(before)
        if found is None:
            known = sorted(
                str(one.relative_to(self.project.defs_folder)) for one in self._declared if self._declared[one]
            )
            raise LoadError(
                f'no component is declared at "{path}".',
                code="WEFT-L047",
                facts={"document": index, "known paths": some_of(known)},
                fix=did_you_mean(str(path), known, "name a folder with defs.yaml, from the folder of definitions"),
            )
        made = self.made(found)
        self._raise_from(before)
        if made is None:
            raise LoadError(
                f'the component at "{path}" cannot be made.',
                code="WEFT-L048",
                facts={"why": "see the problems in its own file"},
                fix="correct that file",
            )
        return made

    def load_root_component(self) -> Component:
        """The component that stands for the whole folder of definitions."""
        from weft.components.folder import DefsFolderComponent

        return DefsFolderComponent(path=self.project.defs_folder)

    def all_declared(self, path: str | Path | None = None) -> list[Declared]:
        """Every place that declares a component, in the order of the paths. What is wrong goes to `problems`."""
        root = self._place(path) if path is not None else self.project.defs_folder
        return [one for place in self._places(root) for one in self.declared_at(place)]

    def _places(self, place: Path) -> Iterable[Path]:
        """The folders with documents and the modules at `place` and below, by the rules of the module."""
        if place.is_dir():
            if _defs_file(place) is not None:
                yield place
                if not any(one.name.endswith(".DefsFolderComponent") for one in self.declared_at(place)):
                    return
            elif (place / LEGACY_MODULE).is_file():
                place = place / LEGACY_MODULE
        if place.is_file():
            yield place
        else:
            for child in _children_of(place):
                yield from self._places(child)

    def get_all_components(self, of_type: type[Component] = Component) -> list[Component]:
        """Every declared component of a type.

        Raises:
            LoadError: with every problem of every file.
        """
        before = len(self.problems)
        made = [self.made(one) for one in self.all_declared()]
        self._raise_from(before)
        return [one for one in made if isinstance(one, of_type)]

    def children_of(self, folder: Path) -> Definitions:
        """What the files and folders inside a folder declare, as one; problems go to `problems`."""
        return self._merged(self._children(folder))

    # --- places ------------------------------------------------------------------------------------------------------

    def _place(self, path: str | Path) -> Path:
        place = self.project.defs_folder / path
        if not place.exists() and place.with_suffix(".py").is_file():
            place = place.with_suffix(".py")
        return place.parent if place.name in DEFS_FILES else place

    def declared_at(self, place: Path) -> list[Declared]:
        """The components that a folder or file declares itself; read once. Problems go to `problems`."""
        found = self._declared.get(place)
        if found is None:
            found = self._declared[place] = []
            file = _defs_file(place) if place.is_dir() else None
            if file is not None:
                found += self._documents(place, file)
            elif place.suffix == ".py" and place.is_file():
                module = self._module(place)
                for name, value in list(vars(module).items()) if module is not None else ():
                    if isinstance(value, ComponentInstance) and value.fn.__module__ == module.__name__:  # type: ignore[union-attr]  # tested above
                        declared = Declared(ComponentLoadContext(place, self), name)
                        declared.component = self._instance(value, declared)
                        found.append(declared)
        return found

    def _documents(self, folder: Path, file: Path) -> Iterable[Declared]:
        documents, problems = read_documents(file)
        self.problems += problems
        for document in documents:
            declaration = read_declaration(document, self.problems)
            if declaration is not None:
                context = ComponentLoadContext(
                    folder, self, document=document, resolution_context=ResolutionContext({}, document=document)
                )
                yield Declared(context, declaration.type_name, declaration)

    def _parts(self, place: Path) -> list[Definitions | ModuleType]:
        """What a folder or file declares: definitions, and modules whose definitions are still to be collected."""
        if place.is_dir():
            if _defs_file(place) is not None:
                return [made for one in self.declared_at(place) if (made := self.built(one)) is not None]
            if (place / LEGACY_MODULE).is_file():
                return self._parts(place / LEGACY_MODULE)
            return self._children(place)
        declared = self.declared_at(place)
        parts: list[Definitions | ModuleType] = [made for one in declared if (made := self.built(one)) is not None]
        module = self._module(place)
        return [*parts, module] if module is not None else parts

    def _children(self, folder: Path) -> list[Definitions | ModuleType]:
        parts: list[Definitions | ModuleType] = []
        for child in _children_of(folder):
            parts += self._parts(child)
        return parts

    def _merged(self, parts: Iterable[Definitions | ModuleType]) -> Definitions:
        """Everything of `parts` as one."""
        modules: list[ModuleType] = []
        made: list[Definitions] = []
        for part in parts:
            if isinstance(part, ModuleType):
                modules.append(self._own_part(part))
            else:
                made.append(part)
        try:
            loose = load_definitions_from_modules(modules)
            return Definitions.merge(*made, loose)
        except WeftError as error:
            self.problems += error.problems
            return Definitions()
        except Exception as error:  # noqa: BLE001  # a function of @definitions is the user's
            self._note_error(error, "the modules of the project", "WEFT-L049", {})
            return Definitions()

    def _own_part(self, module: ModuleType) -> ModuleType:
        """A module with what was not declared in another file of the folder of definitions."""
        own = ModuleType(module.__name__)
        file = Path(module.__file__ or "")
        for name, value in list(vars(module).items()):
            if not name.startswith("__") and not self._is_foreign(value, file):
                vars(own)[name] = value
        return own

    def _is_foreign(self, value: Any, file: Path) -> bool:
        if isinstance(value, (list, tuple)):
            return bool(value) and all(self._is_foreign(item, file) for item in value)
        try:
            place = getattr(value, "declared_at", None)
        except Exception:  # noqa: BLE001  # an object of the user's may do anything when it is asked
            return False
        if not isinstance(place, str):
            return False
        declared = Path(place.rpartition(":")[0]).absolute()
        return declared != file and declared.is_relative_to(self.project.defs_folder) and declared.suffix == ".py"

    # --- making ------------------------------------------------------------------------------------------------------

    def made(self, declared: Declared) -> Component | None:
        """The component of a declaration, made once; None where that failed, reported."""
        if declared.component is not None or id(declared) in self._failed or declared.declaration is None:
            return declared.component
        if declared in self._loading:
            circle = [*self._loading[self._loading.index(declared) :], declared]
            raise LoadError(
                "components need each other to be made.",
                code="WEFT-L050",
                facts={
                    "in a circle": " -> ".join(
                        str(one.context.path.relative_to(self.project.defs_folder)) for one in circle
                    )
                },
                fix="let one of them do without the other",
            )
        self._loading.append(declared)
        before = len(self.problems)
        try:
            cls = self._type_of(declared.declaration)
            if cls is not None:
                context = declared.context
                context.resolution_context = ResolutionContext(
                    self._scope(declared, cls), document=declared.declaration.document, path=("attributes",)
                )
                declared.component = cls.load(declared.declaration.attributes, context)
        except WeftError as error:
            self.problems += error.problems
        except Exception as error:  # noqa: BLE001  # whatever the user's class raises
            at = str(declared.declaration.document.place(("type",)))
            self._note_error(error, f"the component {declared.name}", "WEFT-L051", {"at": at})
        finally:
            self._loading.pop()
        if declared.component is None or len(self.problems) > before:
            self._failed.add(id(declared))
            declared.component = None
        return declared.component

    def _instance(self, instance: ComponentInstance, declared: Declared) -> Component | None:
        try:
            return instance.make(declared.context)
        except WeftError as error:
            self.problems += error.problems
        except Exception as error:  # noqa: BLE001  # the function is the user's
            self._note_error(
                error, f'@component_instance "{declared.name}"', "WEFT-L052", {"at": instance.declared_at or "?"}
            )
        return None

    def built(self, declared: Declared) -> Definitions | None:
        """The definitions of a component, post-processed; None where that failed, reported."""
        component = self.made(declared)
        if component is None:
            return None
        declaration = declared.declaration
        at = {"at": str(declaration.document.place()) if declaration is not None else shown(declared.context.path)}
        try:
            made = component.build_defs(declared.context)
            if not isinstance(made, Definitions):
                raise LoadError(
                    f"build_defs of {type(component).__name__} gives no Definitions.",
                    code="WEFT-L053",
                    facts={**at, "found": f"a {type(made).__name__}"},
                    fix="return Definitions(...)",
                )
            if declaration is not None and declaration.post_processing:
                made = post_processed(made, declaration, declared.context.resolution_context, self.problems)
        except WeftError as error:
            for problem in error.problems:
                if "at" not in problem.facts:
                    problem.facts = {**at, **problem.facts}
            self.problems += error.problems
        except Exception as error:  # noqa: BLE001  # whatever the user's class raises
            self._note_error(error, f"build_defs of {type(component).__name__}", "WEFT-L054", at)
        else:
            if declaration is not None:
                declaration.document.forget_nodes()
            return made
        return None

    def _type_of(self, declaration: Declaration) -> type[Component] | None:
        document, name = declaration.document, declaration.type_name
        module_name, _, class_name = name.rpartition(".")
        if name.startswith("."):
            module_name = f"{self.project.module_name(document.file.parent)}.{name[1:].rpartition('.')[0]}".rstrip(".")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if not (error.name and (module_name == error.name or module_name.startswith(f"{error.name}."))):
                self._note_import(error, module_name, {"at": str(document.place(("type",)))})
                return None
            from weft.components.types import known_types

            known = [one.name for one in known_types(self.project)]
            self.problems.append(
                document.problem(
                    "WEFT-L056",
                    f'there is no module "{module_name}".',
                    ("type",),
                    facts={"known types": some_of(known)},
                    fix=did_you_mean(name, known, "weft list components shows all types"),
                )
            )
            return None
        except WeftError as error:
            self.problems += error.problems
            return None
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the user's module raises
            self._note_import(error, module_name, {"at": str(document.place(("type",)))})
            return None
        found = getattr(module, class_name, None)
        if isinstance(found, type) and issubclass(found, Component):
            return found
        known = sorted(own_types(module))
        self.problems.append(
            document.problem(
                "WEFT-L057",
                f'"{module_name}" has no component type "{class_name}".'
                if found is None
                else f'"{name}" is no component type.',
                ("type",),
                facts={"component types there": some_of(known)},
                fix=did_you_mean(class_name, known, "name a class that derives from Component"),
            )
        )
        return None

    # --- templates ---------------------------------------------------------------------------------------------------

    def scope_for(self, path: Path) -> dict[str, Any]:
        """What every template can name."""
        return {
            "env": Environment(),
            "project_root": str(self.project.root),
            "load_component_at_path": self.load_component,
            "build_defs_at_path": self.build_defs,
            "automation_condition": AutomationCondition,
        }

    def _scope(self, declared: Declared, cls: type[Component]) -> Mapping[str, Any]:
        declaration, context = declared.declaration, declared.context
        scope = self.scope_for(context.path)
        scope["env"], scope["context"] = Environment(declared.env), context
        scope.update(cls.get_additional_scope())
        functions = template_vars_of(cls)
        if declaration is not None and declaration.template_vars_module is not None:
            functions.update(self._template_vars(declaration, declaration.template_vars_module))
        scope.update({name: Lazy(lambda fn=fn: called_with(fn, context)) for name, fn in functions.items()})  # type: ignore[misc]  # bound at once
        return scope

    def _template_vars(self, declaration: Declaration, name: str) -> dict[str, Any]:
        document = declaration.document
        full = self.project.module_name(document.file.parent) + name if name.startswith(".") else name
        try:
            module = importlib.import_module(full)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the user's module raises
            self._note_import(error, full, {"at": str(document.place(("template_vars_module",)))})
            return {}
        return template_vars_of(module)

    # --- modules -----------------------------------------------------------------------------------------------------

    def import_file(self, file: Path) -> ModuleType:
        """Import a Python file below the folder of definitions under its name in the project.

        Raises whatever the module raises.
        """
        name = self.project.module_name(file)
        importlib.invalidate_caches()
        if all(part.isidentifier() for part in name.split(".")):
            return importlib.import_module(name)
        loaded = sys.modules.get(name)
        if loaded is not None:
            return loaded
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} is no Python file", name=name, path=str(file))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return module

    def _module(self, file: Path) -> ModuleType | None:
        """The module of a file; None where it does not import, reported."""
        if file not in self._modules:
            self._modules[file] = None
            try:
                self._modules[file] = self.import_file(file)
            except WeftError as error:
                frame = ErrorInfo.from_exception(error).user_frame
                for problem in error.problems:
                    problem.facts.setdefault(
                        "found at", f"{shown(Path(frame.file))}:{frame.line}" if frame else shown(file)
                    )
                self.problems += error.problems
            except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the user's module raises
                self._note_import(error, shown(file), {})
        return self._modules[file]

    def _note_import(self, error: BaseException, what: str, facts: Mapping[str, object]) -> None:
        self._note_error(error, f"importing {what}", "WEFT-L055", facts)

    def _note_error(self, error: BaseException, what: str, code: str, facts: Mapping[str, object]) -> None:
        """Report what user code has raised, with the line of theirs that it came from."""
        info = ErrorInfo.from_exception(error)
        frame = info.user_frame
        raised = {"raised at": f"{shown(Path(frame.file))}:{frame.line}"} if frame is not None else {}
        first = info.message.splitlines()[0] if info.message else ""
        self.problems.append(
            Problem(
                code,
                f"{what} raised an error.",
                facts={**facts, **raised, "error": f"{info.class_name}: {first}" if first else info.class_name},
                fix="correct the line above" if raised else "correct what is named above",
            )
        )
        if not self.traceback_text:
            self.traceback_text = info.to_string()

    def _raise_from(self, before: int) -> None:
        """Raise what has been found since `before`, if anything."""
        if len(self.problems) > before:
            found, self.problems[before:] = self.problems[before:], []
            error = LoadError.from_problems(found)
            assert isinstance(error, LoadError)
            error.traceback_text = self.traceback_text
            raise error


def load_from_defs_folder(*, path_within_project: str | Path) -> Definitions:
    """The definitions of a project's folder of definitions: its Python modules, and the components that its ``defs.yaml`` files declare.

    >>> @definitions
    ... def defs() -> Definitions:
    ...     return load_from_defs_folder(path_within_project=Path(__file__).parent)

    Args:
        path_within_project: any file or folder of the project.

    Raises:
        LoadError: with every problem of every file.
    """
    return ComponentTree.for_project(path_within_project).build_defs()


def _defs_file(folder: Path) -> Path | None:
    return next((file for name in DEFS_FILES if (file := folder / name).is_file()), None)


def _children_of(folder: Path) -> list[Path]:
    """What counts of the files and folders in a folder."""
    return [
        child
        for child in sorted(folder.iterdir())
        if not child.name.startswith((".", "_")) and (child.is_dir() or child.suffix == ".py")
    ]
