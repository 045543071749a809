"""Importing the user's code and finding the definitions in it.

What the user sees when their code does not import is their own traceback, from their first frame to their last; frames of weft and of the import system are
folded. A problem that weft itself finds while their module is imported (a wrong name in a decorator, say) keeps its own form and code, with the
line of the user's code that it was found at.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from msgspec import Struct

from weft.codeserver.target import DefsFolderTarget, FileTarget, ModuleTarget, TargetSpec
from weft.definitions.asset_spec import AssetSpec
from weft.definitions.assets import AssetsDefinition
from weft.definitions.definitions import Definitions
from weft.definitions.job import AssetJobDefinition, JobDefinition
from weft.definitions.lazy_definitions import LazyDefinitions
from weft.definitions.repository import Repository
from weft.errors import LoadError, WeftError, did_you_mean, some_of
from weft.model.failure import ErrorInfo

_DECLARED = (AssetsDefinition, AssetSpec, JobDefinition, AssetJobDefinition)


class LoadedTarget(Struct, frozen=True):
    """Definitions that were loaded, and where they came from, for people: ``shop/definitions.py:defs``."""

    definitions: Definitions
    repository: Repository
    place: str


def load_target(target: TargetSpec) -> LoadedTarget:
    """Import the code that `target` names and resolve its definitions.

    ``sys.path`` is changed as Python itself would, and stays so: code that is imported later, and values that are unpickled, need it.

    Raises:
        LoadError: there is no such file, module or attribute; the code does not import (WEFT-L001, WEFT-L011, with the user's
            traceback in `traceback_text`); there are no definitions, or several.
        DefinitionError: the definitions do not hold together; with every problem.
    """
    if isinstance(target, DefsFolderTarget):
        from weft.components.tree import ComponentTree  # loads pydantic and YAML

        tree = ComponentTree.for_project(target.folder)
        definitions = tree.build_defs()
        return LoadedTarget(definitions, definitions.resolve(), _relative(tree.project.defs_folder))
    if isinstance(target, FileTarget):
        module = _load_file(target)
        place = str(target.file)
    else:
        module = _load_module(target)
        place = target.module
    definitions, name = _find(module, target.attribute, place)
    shown = f"{_relative(Path(place)) if isinstance(target, FileTarget) else place}{f':{name}' if name else ''}"
    return LoadedTarget(definitions, definitions.resolve(), shown)


# --- importing -------------------------------------------------------------------------------------------------------


def _load_file(target: FileTarget) -> ModuleType:
    file = target.file.expanduser().resolve()
    if not file.is_file():
        _no_such_file(target.file)
    _check_folder(target.working_directory)
    packages = _packages_of(file)
    if packages:
        # A file inside a package is a module of it: its relative imports work, and nothing is imported twice under two names.
        folder = packages[0].parent
        _add_to_path(target.working_directory, folder)
        return _imported(".".join([*(one.name for one in packages), file.stem]), str(target.file), folder)
    _add_to_path(target.working_directory, file.parent)
    name = _free_name(file)
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        _no_such_file(target.file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs, as import does: classes are pickled by the name of their module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the user's module raises
        sys.modules.pop(name, None)
        _failed(error, str(target.file))
    return module


def _load_module(target: ModuleTarget) -> ModuleType:
    _check_folder(target.working_directory)
    folder = (target.working_directory or Path.cwd()).resolve()
    _add_to_path(folder)
    return _imported(target.module, target.module, folder)


def _imported(name: str, place: str, folder: Path) -> ModuleType:
    importlib.invalidate_caches()  # the file may be younger than the cached listing of its folder
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        is_own = name == missing or name.startswith(f"{missing}.")
        if is_own and ErrorInfo.from_exception(error).user_frame is None:
            _no_such_module(name, missing, folder)
        _failed(error, place)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the user's module raises
        _failed(error, place)


def _packages_of(file: Path) -> list[Path]:
    """The folders of the packages that the file is in, outermost first."""
    found: list[Path] = []
    folder = file.parent
    while folder.name.isidentifier() and (folder / "__init__.py").is_file():
        found.insert(0, folder)
        folder = folder.parent
    return found if file.stem.isidentifier() else []


def _free_name(file: Path) -> str:
    """The name to load a single file under: its own, unless another module has it; then one that follows from its path."""
    name = file.stem
    taken = sys.modules.get(name)
    if name not in sys.stdlib_module_names and (taken is None or _file_of(taken) == file):
        return name
    return f"{name}__{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"


def _file_of(module: ModuleType) -> Path | None:
    file: str | None = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def _add_to_path(*folders: Path | None) -> None:
    wanted = list(dict.fromkeys(str(folder.resolve()) for folder in folders if folder is not None))
    sys.path[:] = [*wanted, *(entry for entry in sys.path if entry not in wanted)]


def _failed(error: BaseException, place: str) -> NoReturn:
    info = ErrorInfo.from_exception(error)
    frame = info.user_frame
    at = f"{_relative(Path(frame.file))}:{frame.line}" if frame is not None else place
    if isinstance(error, WeftError):
        for problem in error.problems:
            if "at" not in problem.facts:  # it has a place of its own, in a file that is not Python
                problem.facts.setdefault("found at", at)
        raise error
    if isinstance(error, SyntaxError):
        failed = LoadError(
            f"{place} is not valid Python.",
            code="WEFT-L011",
            facts={"at": at, "error": _first_line(info)},
            fix="correct the line above",
        )
    else:
        failed = LoadError(
            f"{place} cannot be imported.",
            facts={"at": at, "error": _first_line(info)},
            fix=_import_fix(error),
        )
    last = info.frames[-1] if info.frames else None
    if last is not None and last.own and not last.file.startswith("<"):
        # It came out of weft and is no error of weft's: whose fault it is cannot be told, so nothing is hidden.
        failed.traceback_text = info.to_string(own_frames=True)
    else:
        failed.traceback_text = info.to_string()
    raise failed from error


def _first_line(info: ErrorInfo) -> str:
    first = info.message.splitlines()[0] if info.message else ""
    return f"{info.class_name}: {first}" if first else info.class_name


def _import_fix(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.partition(".")[0]
        if top in sys.modules:
            return f'check the name "{error.name}"'
        return f'check the spelling, or install the package that brings "{top}" for {sys.executable}'
    if isinstance(error, SystemExit):
        return 'keep what ends the program below: if __name__ == "__main__":'
    return "correct the line above; the traceback ends there"


# --- finding definitions ---------------------------------------------------------------------------------------------


def _find(module: ModuleType, attribute: str | None, place: str) -> tuple[Definitions, str | None]:
    """The definitions, and the name they have where it is one name."""
    if attribute is not None:
        return _named(module, attribute, place), attribute
    found: dict[int, tuple[str, Definitions]] = {}
    for name, item in list(vars(module).items()):
        value = _made(item, place)
        if isinstance(value, Definitions):
            found.setdefault(id(value), (name, value))
    if len(found) > 1:
        names = [name for name, _ in found.values()]
        raise LoadError(
            f"{place} has several Definitions.",
            code="WEFT-L005",
            facts={"names": some_of(names)},
            fix=f'name one: -a {names[0]} (in pyproject.toml: attribute = "{names[0]}"), or join them with Definitions.merge(...)',
        )
    for name, definitions in found.values():
        return definitions, name
    declared = _unique(item for value in vars(module).values() for item in _declared_in(value))
    if not declared:
        raise LoadError(
            f"{place} defines nothing.",
            code="WEFT-L006",
            facts={"looked for": "a Definitions object; else assets, checks and jobs at the top level of the module"},
            fix="add: defs = Definitions(assets=[...])",
        )
    return _collected(declared), None


def _made(value: Any, place: str) -> Any:
    """`value`, or the definitions that its function makes. What goes wrong there is told as if it had gone wrong in the import."""
    if not isinstance(value, LazyDefinitions):
        return value
    try:
        return value.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the user's function raises
        _failed(error, place)


def _named(module: ModuleType, attribute: str, place: str) -> Definitions:
    value: Any = module
    for part in attribute.split("."):
        if not hasattr(value, part):
            names = [name for name in vars(value) if not name.startswith("_")] if hasattr(value, "__dict__") else []
            fitting = [
                name for name in names if isinstance(getattr(value, name), (Definitions, LazyDefinitions, *_DECLARED))
            ]
            raise LoadError(
                f'{place} has no attribute "{attribute}".',
                code="WEFT-L004",
                facts={"definitions in it": some_of(fitting)},
                fix=did_you_mean(part, names, "leave the attribute out to take all that is declared there"),
            )
        value = getattr(value, part)
    value = _made(value, place)
    if isinstance(value, Definitions):
        return value
    declared = _unique(_declared_in(value))
    if not declared:
        raise LoadError(
            f'"{attribute}" of {place} is not definitions.',
            code="WEFT-L007",
            facts={"it is": f"a {type(value).__name__}"},
            fix="name a Definitions object, an asset, a check, a job, or a list of these",
        )
    return _collected(declared)


def _declared_in(value: Any) -> Iterator[Any]:
    if isinstance(value, _DECLARED):
        yield value
    elif isinstance(value, (list, tuple)) and value and all(isinstance(item, _DECLARED) for item in value):
        yield from value


def _unique(items: Iterable[Any]) -> list[Any]:
    return list({id(item): item for item in items}.values())


def _collected(declared: list[Any]) -> Definitions:
    jobs = [item for item in declared if isinstance(item, (JobDefinition, AssetJobDefinition))]
    return Definitions(
        [item for item in declared if not isinstance(item, (JobDefinition, AssetJobDefinition))], jobs=jobs
    )


# --- what is not there -----------------------------------------------------------------------------------------------


def _no_such_file(file: Path) -> NoReturn:
    folder = file.expanduser().absolute().parent
    near = sorted(one.name for one in folder.glob("*.py")) if folder.is_dir() else []
    facts = {"folder": str(folder)} if folder.is_dir() else {"folder": f"{folder} (not there)"}
    if file.is_dir():
        what, fix = (
            f"{file} is a folder, not a Python file.",
            "name a file in it, or use -m with the name of the package",
        )
    elif file.exists():
        what, fix = f"{file} is not a Python file.", "name a file that ends in .py"
    else:
        what = f"there is no file {file}."
        fix = did_you_mean(file.name, near, "check the path; it is relative to the working directory")
    raise LoadError(what, code="WEFT-L002", facts={**facts, "files there": some_of(near)}, fix=fix)


def _no_such_module(module: str, missing: str, folder: Path) -> NoReturn:
    parent, _, _ = missing.rpartition(".")
    known = _modules_below(parent, folder)
    hint = "check the name; it is looked up from the folder above, then among installed packages"
    if not parent and (folder / "src" / missing).is_dir():
        hint = 'install the project (pip install -e .), or add the folder: -d src (in pyproject.toml: working_directory = "src")'
    raise LoadError(
        f'there is no module "{module}".',
        code="WEFT-L003",
        facts={"missing": missing, "folder": str(folder), "modules there": some_of(known)},
        fix=did_you_mean(missing, known, hint),
    )


def _modules_below(parent: str, folder: Path) -> list[str]:
    if not parent:
        return sorted(info.name for info in pkgutil.iter_modules([str(folder)]))
    package = sys.modules.get(parent)
    return sorted(f"{parent}.{info.name}" for info in pkgutil.iter_modules(getattr(package, "__path__", [])))


def _check_folder(folder: Path | None) -> None:
    if folder is not None and not folder.is_dir():
        raise LoadError(
            f"the working directory {folder} is not a folder.",
            code="WEFT-L012",
            fix="check -d, or working_directory in pyproject.toml",
        )


def _relative(file: Path) -> str:
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return os.fspath(file)
