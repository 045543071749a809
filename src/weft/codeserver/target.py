"""Where definitions are: a file, a module, or what ``pyproject.toml`` names. Values, and how they are found; nothing is imported here.

::

    [tool.weft]
    module = "shop.definitions"      # or: file = "definitions.py"
    attribute = "defs"               # optional: the name in the module
    working_directory = "src"        # optional: what is put in front of sys.path; the folder of pyproject.toml by default

Paths in it are relative to the folder of ``pyproject.toml``. ``[tool.dagster] module_name = "..."`` is understood as well, and so is ``[tool.dg.project]`` with
``root_module`` and ``code_location_target_module``.

A project whose table has ``defs = "src/shop/defs"`` and neither module nor file is what that folder declares (see `weft.components`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

from weft.errors import LoadError, Problem, did_you_mean
from weft.model.origin import CodeOrigin

PROJECT_FILE = "pyproject.toml"
_KEYS = ("module", "file", "attribute", "working_directory", "defs")


class FileTarget(Struct, frozen=True, kw_only=True):
    """Definitions in a Python file, loaded as ``python FILE`` would: its folder is in front of ``sys.path``."""

    file: Path
    # The name of the definitions in the module; None: the only `Definitions` there is, else everything declared at module level.
    attribute: str | None = None
    # Put in front of ``sys.path`` besides the folder of the file.
    working_directory: Path | None = None

    def __str__(self) -> str:
        return _with_attribute(str(self.file), self.attribute)


class ModuleTarget(Struct, frozen=True, kw_only=True):
    """Definitions in a module, loaded as ``python -m MODULE`` would: the working directory is in front of ``sys.path``."""

    module: str
    attribute: str | None = None
    # None: the working directory of the process.
    working_directory: Path | None = None

    def __str__(self) -> str:
        return _with_attribute(self.module, self.attribute)


class DefsFolderTarget(Struct, frozen=True, kw_only=True):
    """What a project's folder of definitions declares."""

    # A folder of the project.
    folder: Path
    attribute: str | None = None
    working_directory: Path | None = None

    def __str__(self) -> str:
        return str(self.folder)


TargetSpec: TypeAlias = FileTarget | ModuleTarget | DefsFolderTarget
"""Where definitions are."""


def _with_attribute(place: str, attribute: str | None) -> str:
    return f"{place}:{attribute}" if attribute is not None else place


def find_project_target(start: Path) -> TargetSpec:
    """What the nearest ``pyproject.toml`` names, from the folder `start` upwards. One without a table for weft is passed over.

    Raises:
        LoadError: (WEFT-L008) there is none; (WEFT-L009) it is not TOML; (WEFT-L010) its table is wrong, with every problem.
    """
    here = start.resolve()
    passed: list[Path] = []
    for folder in (here, *here.parents):
        file = folder / PROJECT_FILE
        if not file.is_file():
            continue
        tools = _read(file).get("tool")
        tools = tools if isinstance(tools, Mapping) else {}
        if "weft" in tools:
            return _target(file, "tool.weft", tools["weft"])
        foreign = tools.get("dagster")
        if isinstance(foreign, Mapping) and "module_name" in foreign:
            return _target(file, "tool.dagster", {"module": foreign["module_name"]})
        project = _dg_project(folder, tools)
        if project is not None:
            return project
        passed.append(file)
    raise LoadError(
        "Nothing says where the definitions are.",
        code="WEFT-L008",
        facts={
            "looked for": "[tool.weft] in pyproject.toml, from this folder upwards",
            "folder": str(here),
            **({"without it": "\n".join(map(str, passed))} if passed else {}),
        },
        fix='name them: -f FILE or -m MODULE; or add to pyproject.toml: [tool.weft] module = "..." (weft init makes a project)',
    )


def _dg_project(root: Path, tools: Mapping[str, Any]) -> TargetSpec | None:
    """What the table of another tool says, whose projects are laid out in the same way."""
    table = tools.get("dg")
    project = table.get("project") if isinstance(table, Mapping) else None
    if not isinstance(project, Mapping) or not isinstance(project.get("root_module"), str):
        return None
    package = project["root_module"]
    base = root / "src" if (root / "src").joinpath(*package.split(".")).is_dir() else root
    module = project.get("code_location_target_module")
    if not isinstance(module, str) and base.joinpath(*package.split("."), "definitions.py").is_file():
        module = f"{package}.definitions"
    if isinstance(module, str):
        return ModuleTarget(module=module, working_directory=base)
    return DefsFolderTarget(folder=root)


def _read(file: Path) -> Mapping[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]  # installed for Python 3.10 only
    try:
        table: Mapping[str, Any] = tomllib.loads(file.read_text("utf-8"))
        return table
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise LoadError(
            f"{PROJECT_FILE} cannot be read.",
            code="WEFT-L009",
            facts={"file": str(file), "why": str(error)},
            fix="correct the file; it must be TOML in UTF-8",
        ) from error


def _target(file: Path, name: str, table: Any) -> TargetSpec:
    problems: list[Problem] = []

    def wrong(what: str, fix: str) -> None:
        problems.append(Problem("WEFT-L010", what, facts={"file": str(file), "table": f"[{name}]"}, fix=fix))

    given: dict[str, str] = {}
    if not isinstance(table, Mapping):
        wrong(f"{name} is not a table.", f'write: [{name}] module = "..."')
        table = {}
    for key, value in table.items():
        if key not in _KEYS:
            wrong(f'"{key}" is not a setting of [{name}].', did_you_mean(key, _KEYS, f"use {', '.join(_KEYS)}"))
        elif not isinstance(value, str) or not value:
            wrong(f'"{key}" is {value!r}, not a text.', f'write: {key} = "..."')
        else:
            given[key] = value
    if not problems and "defs" in given and not given.keys() & {"module", "file"}:
        return DefsFolderTarget(folder=file.parent)
    if not problems and ("module" in given) == ("file" in given):
        what = "names both a module and a file." if given.get("file") else "names neither a module nor a file."
        wrong(f"[{name}] {what}", 'keep one: module = "package.module" or file = "definitions.py"')
    if problems:
        raise LoadError.from_problems(problems)
    root = file.parent
    folder = root / given["working_directory"] if "working_directory" in given else root
    if "file" in given:
        return FileTarget(file=root / given["file"], attribute=given.get("attribute"), working_directory=folder)
    return ModuleTarget(module=given["module"], attribute=given.get("attribute"), working_directory=folder)


def encode_target(target: TargetSpec) -> bytes:
    """`target` for another process, every path absolute."""
    import msgspec

    changes = {
        name: value.expanduser().absolute()
        for name in target.__struct_fields__
        if isinstance(value := getattr(target, name), Path)
    }
    if "working_directory" not in changes and isinstance(target, ModuleTarget):
        changes["working_directory"] = Path.cwd()
    absolute = msgspec.structs.replace(target, **changes)
    return msgspec.msgpack.encode([type(absolute).__name__, absolute], enc_hook=str)


def decode_target(data: bytes) -> TargetSpec:
    """What `encode_target` encoded."""
    import msgspec

    name, fields = msgspec.msgpack.decode(data)
    kinds: dict[str, type[TargetSpec]] = {one.__name__: one for one in (FileTarget, ModuleTarget, DefsFolderTarget)}
    kind = kinds[name]
    return msgspec.convert(fields, kind, dec_hook=lambda expected, value: expected(value))


def origin_of(target: TargetSpec, python: str | None = None) -> CodeOrigin:
    """`target` as it is stored with a run, every path absolute. `python` is the interpreter that has the packages of the code."""
    folder = target.working_directory
    if isinstance(target, ModuleTarget):
        folder = folder or Path.cwd()
    return CodeOrigin(
        file=_absolute(target.file) if isinstance(target, FileTarget) else None,
        module=target.module if isinstance(target, ModuleTarget) else None,
        defs_folder=_absolute(target.folder) if isinstance(target, DefsFolderTarget) else None,
        attribute=target.attribute,
        working_directory=_absolute(folder) if folder is not None else None,
        python=python,
    )


def target_of(origin: CodeOrigin) -> TargetSpec:
    """What a run was planned from."""
    folder = Path(origin.working_directory) if origin.working_directory is not None else None
    if origin.file is not None:
        return FileTarget(file=Path(origin.file), attribute=origin.attribute, working_directory=folder)
    if origin.module is not None:
        return ModuleTarget(module=origin.module, attribute=origin.attribute, working_directory=folder)
    return DefsFolderTarget(
        folder=Path(origin.defs_folder or "."), attribute=origin.attribute, working_directory=folder
    )


def _absolute(path: Path) -> str:
    return str(path.expanduser().absolute())
