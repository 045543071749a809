"""Importing the user's code: what is found, and what they see when it does not import."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from weft.codeserver.loader import LoadedTarget, load_target
from weft.codeserver.target import FileTarget, ModuleTarget
from weft.errors import DefinitionError, LoadError
from weft.model.keys import AssetKey

ASSET = """
from weft import asset

@asset
def orders() -> int:
    return 1
"""


@pytest.fixture(autouse=True)
def restored_imports() -> Iterator[None]:
    """Loading changes what the process has imported; give the next test a clean world."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text), "utf-8")


def load(folder: Path, text: str, attribute: str | None = None) -> LoadedTarget:
    write(folder, {"defs.py": text})
    return load_target(FileTarget(file=folder / "defs.py", attribute=attribute))


def refused(folder: Path, text: str, attribute: str | None = None) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load(folder, text, attribute)
    return caught.value


def keys(loaded: LoadedTarget) -> set[str]:
    return {key.to_user_string() for key in loaded.repository.graph.keys}


# --- what is found ---------------------------------------------------------------------------------------------------


def test_the_only_definitions_of_a_file_are_taken_whatever_their_name(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, ASSET + "from weft import Definitions\neverything = Definitions([orders])\nsame = everything"
    )
    assert keys(loaded) == {"orders"}
    assert loaded.place == f"{tmp_path / 'defs.py'}:everything"


def test_several_definitions_are_refused_by_name(tmp_path: Path) -> None:
    error = refused(tmp_path, "from weft import Definitions\nnorth = Definitions()\nsouth = Definitions()")
    assert error.code == "WEFT-L005"
    assert error.facts["names"] == "north, south"
    assert "-a north" in str(error.fix)


def test_an_attribute_chooses_among_several(tmp_path: Path) -> None:
    text = ASSET + "from weft import Definitions\nnorth = Definitions()\nsouth = Definitions([orders])"
    assert keys(load(tmp_path, text, "south")) == {"orders"}


def test_without_definitions_everything_declared_at_module_level_is_collected(tmp_path: Path) -> None:
    text = """
    from weft import AssetSpec, asset, asset_check, define_asset_job, job, op

    raw = AssetSpec("raw")

    @asset(deps=["raw"])
    def orders(): ...

    def make(name):
        @asset(name=name)
        def made(): ...
        return made

    many = [make("a"), make("b")]
    again = orders

    @asset_check(asset=orders)
    def not_empty() -> bool:
        return True

    @op
    def greet(): ...

    @job
    def hello():
        greet()

    nightly = define_asset_job("nightly")
    """
    loaded = load(tmp_path, text)
    assert keys(loaded) == {"raw", "orders", "a", "b"}
    assert [check.name for check in loaded.repository.graph.checks] == ["not_empty"]
    assert set(loaded.repository.jobs) == {"hello", "nightly"}
    assert loaded.place == str(tmp_path / "defs.py")


@pytest.mark.parametrize("attribute", ["orders", "group", "Nested.inner"])
def test_an_attribute_may_be_one_definition_or_a_list(tmp_path: Path, attribute: str) -> None:
    text = ASSET + "group = [orders]\nclass Nested:\n    inner = orders\n"
    assert keys(load(tmp_path, text, attribute)) == {"orders"}


def test_a_module_without_definitions_says_what_to_add(tmp_path: Path) -> None:
    error = refused(tmp_path, "x = 1\n")
    assert error.code == "WEFT-L006"
    assert "Definitions(assets=[...])" in str(error.fix)


def test_an_unknown_attribute_offers_the_nearest(tmp_path: Path) -> None:
    error = refused(tmp_path, ASSET + "from weft import Definitions\ndefs = Definitions([orders])", "defz")
    assert error.code == "WEFT-L004"
    assert error.facts["definitions in it"] == "orders, defs"
    assert 'did you mean "defs"?' in str(error.fix)


def test_an_attribute_that_is_something_else_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "answer = 42\n", "answer")
    assert (error.code, error.facts["it is"]) == ("WEFT-L007", "a int")


def test_definitions_that_do_not_hold_together_keep_their_own_error(tmp_path: Path) -> None:
    text = "from weft import asset\n@asset\ndef a(b): ...\n@asset(name='a')\ndef again(): ...\n"
    with pytest.raises(DefinitionError) as caught:
        load(tmp_path, text)
    assert len(caught.value.problems) >= 2


# --- how it is imported ----------------------------------------------------------------------------------------------


def test_a_file_imports_its_neighbours_as_a_script_would(tmp_path: Path) -> None:
    write(tmp_path, {"neighbour.py": ASSET})
    assert keys(load(tmp_path, "from neighbour import orders\n")) == {"orders"}
    assert sys.path[0] == str(tmp_path)


def test_a_file_inside_a_package_is_a_module_of_it(tmp_path: Path) -> None:
    write(tmp_path, {"shop/__init__.py": "", "shop/assets.py": ASSET, "shop/defs.py": "from .assets import orders\n"})
    loaded = load_target(FileTarget(file=tmp_path / "shop/defs.py"))
    assert keys(loaded) == {"orders"}
    assert sys.path[0] == str(tmp_path)
    assert "shop.defs" in sys.modules
    assert "assets" not in sys.modules


def test_a_file_is_imported_once(tmp_path: Path) -> None:
    first = load(tmp_path, ASSET)
    again = load_target(FileTarget(file=tmp_path / "defs.py"))
    assert first.repository.asset(AssetKey("orders")) is again.repository.asset(AssetKey("orders"))


def test_files_of_one_name_do_not_take_each_others_place(tmp_path: Path) -> None:
    write(tmp_path, {"north/defs.py": ASSET, "south/defs.py": ASSET.replace("orders", "customers")})
    assert keys(load_target(FileTarget(file=tmp_path / "north/defs.py"))) == {"orders"}
    assert keys(load_target(FileTarget(file=tmp_path / "south/defs.py"))) == {"customers"}


def test_a_file_named_like_a_standard_module_does_not_replace_it(tmp_path: Path) -> None:
    import queue

    write(tmp_path, {"queue.py": ASSET})
    assert keys(load_target(FileTarget(file=tmp_path / "queue.py"))) == {"orders"}
    assert sys.modules["queue"] is queue


def test_values_of_classes_from_a_file_can_be_pickled(tmp_path: Path) -> None:
    import pickle

    load(tmp_path, ASSET + "class Row:\n    pass\n")
    row = sys.modules["defs"].Row()
    assert type(pickle.loads(pickle.dumps(row))) is type(row)


def test_a_module_is_looked_up_in_the_working_directory(tmp_path: Path) -> None:
    write(tmp_path, {"shop/__init__.py": "", "shop/defs.py": ASSET})
    loaded = load_target(ModuleTarget(module="shop.defs", working_directory=tmp_path))
    assert keys(loaded) == {"orders"}
    assert loaded.place == "shop.defs"


def test_a_module_is_looked_up_in_the_folder_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"defs.py": ASSET})
    assert keys(load_target(ModuleTarget(module="defs"))) == {"orders"}
    assert load_target(FileTarget(file=Path("defs.py"))).place == "defs.py"


# --- what is not there -----------------------------------------------------------------------------------------------


def test_a_missing_file_offers_the_nearest_in_its_folder(tmp_path: Path) -> None:
    write(tmp_path, {"definitions.py": ASSET})
    with pytest.raises(LoadError) as caught:
        load_target(FileTarget(file=tmp_path / "definition.py"))
    assert caught.value.code == "WEFT-L002"
    assert 'did you mean "definitions.py"?' in str(caught.value.fix)


def test_a_folder_and_another_kind_of_file_are_no_python_files(tmp_path: Path) -> None:
    write(tmp_path, {"notes.txt": "hello"})
    for name, sentence in {"notes.txt": "is not a Python file", ".": "is a folder"}.items():
        with pytest.raises(LoadError, match=sentence):
            load_target(FileTarget(file=tmp_path / name))


@pytest.mark.parametrize(
    ("module", "missing", "offered"),
    [("shoop", "shoop", "shop"), ("shop.asets", "shop.asets", "shop.assets"), ("shop.assets.x", "shop.assets.x", None)],
)
def test_a_missing_module_offers_the_nearest(tmp_path: Path, module: str, missing: str, offered: str | None) -> None:
    write(tmp_path, {"shop/__init__.py": "", "shop/assets.py": ASSET})
    with pytest.raises(LoadError) as caught:
        load_target(ModuleTarget(module=module, working_directory=tmp_path))
    assert caught.value.code == "WEFT-L003"
    assert caught.value.facts["missing"] == missing
    assert offered is None or f'did you mean "{offered}"?' in str(caught.value.fix)


def test_a_project_with_a_src_folder_is_told_how_to_find_it(tmp_path: Path) -> None:
    write(tmp_path, {"src/shop/__init__.py": ASSET})
    with pytest.raises(LoadError, match="-d src"):
        load_target(ModuleTarget(module="shop", working_directory=tmp_path))


def test_a_working_directory_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="WEFT-L012"):
        load_target(ModuleTarget(module="shop", working_directory=tmp_path / "none"))


# --- code that does not import ---------------------------------------------------------------------------------------


def test_an_error_in_the_users_code_shows_their_frames_and_no_others(tmp_path: Path) -> None:
    write(tmp_path, {"inner.py": "def run():\n    return 1 / 0\n\nrun()\n"})
    error = refused(tmp_path, "import inner\n")
    assert error.code == "WEFT-L001"
    assert error.facts["at"] == f"{tmp_path / 'inner.py'}:2"
    assert error.facts["error"] == "ZeroDivisionError: division by zero"
    lines = [line for line in error.traceback_text.splitlines() if line.startswith("  File")]
    assert [line.split(",")[0] for line in lines] == [
        f'  File "{tmp_path / "defs.py"}"',
        f'  File "{tmp_path / "inner.py"}"',
        f'  File "{tmp_path / "inner.py"}"',
    ]
    assert error.traceback_text.endswith("ZeroDivisionError: division by zero")
    assert "importlib" not in error.traceback_text
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_a_line_of_the_standard_library_is_not_where_the_user_looks(tmp_path: Path) -> None:
    error = refused(tmp_path, "import json\njson.loads('{')\n")
    assert error.facts["at"] == f"{tmp_path / 'defs.py'}:2"


def test_a_syntax_error_shows_the_line_and_a_caret(tmp_path: Path) -> None:
    write(tmp_path, {"inner.py": "def f():\n    x = = 1\n"})
    error = refused(tmp_path, "import inner\n")
    assert error.code == "WEFT-L011"
    assert error.facts["at"] == f"{tmp_path / 'inner.py'}:2"
    lines = error.traceback_text.splitlines()
    place = next(number for number, line in enumerate(lines) if "x = = 1" in line)
    assert lines[place + 1].index("^") == lines[place].index("= 1")
    assert lines[-1].startswith("SyntaxError: ")


def test_a_missing_library_is_named_with_the_interpreter_that_lacks_it(tmp_path: Path) -> None:
    error = refused(tmp_path, "import no_such_library.part\n")
    assert error.code == "WEFT-L001"
    assert "No module named 'no_such_library'" in str(error.facts["error"])
    assert sys.executable in str(error.fix)


def test_a_missing_module_inside_the_users_own_is_their_error(tmp_path: Path) -> None:
    write(tmp_path, {"shop/__init__.py": "", "shop/defs.py": "import shop.missing\n"})
    with pytest.raises(LoadError) as caught:
        load_target(ModuleTarget(module="shop.defs", working_directory=tmp_path))
    assert caught.value.code == "WEFT-L001"
    assert caught.value.facts["at"] == f"{tmp_path / 'shop/defs.py'}:1"


def test_a_module_that_ends_the_program_is_an_error(tmp_path: Path) -> None:
    error = refused(tmp_path, "raise SystemExit(3)\n")
    assert "SystemExit" in str(error.facts["error"])
    assert "__main__" in str(error.fix)


def test_a_file_that_failed_is_tried_again_from_the_start(tmp_path: Path) -> None:
    refused(tmp_path, "1 / 0\n")
    assert keys(load(tmp_path, ASSET)) == {"orders"}


def test_what_weft_finds_wrong_in_the_users_module_keeps_its_code_and_gets_the_line(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as caught:
        load(tmp_path, "from weft import asset\n\n@asset(owners=['nobody'])\ndef orders(): ...\n")
    assert caught.value.code == "WEFT-D006"
    # Python 3.10 gives a decorator the line of its function.
    assert caught.value.facts["found at"] in (f"{tmp_path / 'defs.py'}:3", f"{tmp_path / 'defs.py'}:4")
