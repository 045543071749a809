"""The public API is the list in ``weft/__init__.py``, resolved lazily; nothing more and nothing less."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import weft

FOLDER = Path(weft.__file__).parent

# Slow to load, and needed by nobody who only declares.
HEAVY = frozenset(
    {
        "alembic",
        "asyncio",
        "click",
        "dataclasses",
        "grpc",
        "pydantic",
        "pydantic_core",
        "rich",
        "sqlalchemy",
        "starlette",
    }
    | {"typing_extensions", "yaml"}
)


def statically_bound() -> set[str]:
    """The names that a type checker sees imported from weft's own modules."""
    stub = FOLDER / "__init__.pyi"
    tree = ast.parse((stub if stub.exists() else FOLDER / "__init__.py").read_text("utf-8"))

    def walk(node: ast.AST) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ImportFrom) and (child.module or "").startswith("weft."):
                yield from (alias.asname or alias.name for alias in child.names)
            elif isinstance(child, ast.If):
                yield from walk(child)

    return set(walk(tree))


def loaded_by(code: str) -> set[str]:
    """The top-level modules that `code` loads in a fresh interpreter, over those of a bare one."""
    script = f"import sys; before = set(sys.modules)\n{code}\nimport json; print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_the_list_names_what_everybody_uses_and_nothing_twice() -> None:
    names = list(weft.__all__)
    assert {"asset", "op", "job", "Definitions", "AssetKey", "materialize"} <= set(names)
    assert len(names) == len(set(names))
    assert [name for name in names if name.startswith("_") and name != "__version__"] == []


def test_every_listed_name_resolves_and_says_what_it_is_for() -> None:
    undocumented = []
    for name in weft.__all__:
        value = getattr(weft, name)
        if typing.get_origin(value) is not None:
            continue  # a type alias: what it stands for has no place for a text
        text = vars(value).get("__doc__") if inspect.isclass(value) else inspect.getdoc(value)
        # A generated docstring such as "Point(x, y)" says nothing.
        if not text or text.startswith(f"{name}("):
            undocumented.append(name)
    assert undocumented == []


def test_listed_names_are_found_by_dir_and_stay_the_same_object() -> None:
    assert set(weft.__all__) <= set(dir(weft))
    for name in weft.__all__:
        assert getattr(weft, name) is getattr(weft, name)


def test_nothing_unlisted_is_public() -> None:
    for name in weft.__all__:
        getattr(weft, name)  # what resolving leaves behind counts as well
    public = {
        name
        for name, value in vars(weft).items()
        if not name.startswith("_") and not (isinstance(value, ModuleType) and value.__name__ == f"weft.{name}")
    }
    # `annotations` is what ``from __future__ import annotations`` leaves.
    assert public - set(weft.__all__) - {"annotations"} <= {"TYPE_CHECKING"}


def test_type_checkers_see_the_same_names() -> None:
    assert statically_bound() | {"__version__"} == set(weft.__all__) | {"__version__"}


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(weft, "no_such_name")
    with pytest.raises(ImportError, match="no_such_name"):
        exec("from weft import no_such_name", {})


def test_error_classes_are_reached_through_their_own_module_too() -> None:
    errors = importlib.import_module("weft.errors")
    for name in weft.__all__:
        value = getattr(weft, name)
        if inspect.isclass(value) and issubclass(value, errors.WeftError):
            assert getattr(errors, name) is value


@pytest.mark.parametrize("code", ["import weft", "from weft import asset, Definitions"])
def test_declaring_loads_no_heavy_library(code: str) -> None:
    """Promise a7."""
    # msgspec is on the path on purpose; what it loads by itself (typing_extensions, where installed) is not weft's doing.
    assert (loaded_by(code) - loaded_by("import msgspec")) & HEAVY == set()


def test_importing_weft_alone_loads_none_of_its_parts() -> None:
    script = "import sys, weft; print(*sorted(name for name in sys.modules if name.startswith('weft.')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"weft._version"}
