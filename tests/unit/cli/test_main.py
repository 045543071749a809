"""The entry point: what is loaded when, and what becomes of every kind of error."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from types import ModuleType

import click
import pytest

from weft._version import __version__
from weft.cli.lazy_group import Entry
from weft.cli.main import COMMANDS, run, weft
from weft.errors import DefinitionError, InternalError, Problem, ResourceError, RunNotFoundError, StorageError


@pytest.mark.parametrize("entry", COMMANDS, ids=[entry.name for entry in COMMANDS])
def test_the_table_says_what_each_command_says_of_itself(entry: Entry) -> None:
    command = getattr(importlib.import_module(entry.module), entry.attribute)
    assert command.name == entry.name
    assert command.get_short_help_str(limit=200) == entry.summary


def test_help_imports_no_command() -> None:
    script = "import sys; from weft.cli.main import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.replace("'", '"')))
    assert all(entry.name in done.stdout and entry.summary in done.stdout for entry in COMMANDS)
    assert loaded & {entry.module for entry in COMMANDS} == set()
    assert loaded & {"msgspec", "rich", "yaml", "sqlalchemy", "pydantic", "asyncio"} == set()


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"weft {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["asset"], ["run"], ["job"], ["instance"]])
def test_a_group_alone_shows_its_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["asst"], "WEFT-U003", 'did you mean "asset"?'),
        (["run", "lst"], "WEFT-U003", 'did you mean "list"?'),
        (["--nothing"], "WEFT-U002", "see: weft --help"),
        (["run", "list", "--limit", "none"], "WEFT-U002", "usage"),
        (["run", "show"], "WEFT-U002", "missing argument"),
    ],
)
def test_wrong_use_gets_the_form_of_errors_and_exit_code_2(
    arguments: list[str], code: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(code)
    assert text in shown.err


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> object:
    """A command ``fail`` that raises what it is told to."""
    module = ModuleType("weft_test_command")

    def install(error: BaseException) -> None:
        @click.command("fail")
        def fail() -> None:
            raise error

        module.fail = fail  # type: ignore[attr-defined]

    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(weft._entries, "fail", Entry("fail", module.__name__, "fail", ""))  # type: ignore[attr-defined]
    return install


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DefinitionError("wrong"), 2),
        (RunNotFoundError("none"), 2),
        (ResourceError("missing"), 2),
        (StorageError("locked"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (BrokenPipeError(), 141),
        (ZeroDivisionError("boom"), 1),
        (InternalError("broken"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_error_has_its_exit_code(
    error: BaseException, code: int, raising: object, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(error)  # type: ignore[operator]
    assert run(["fail"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert ("Traceback" in shown.err) == (type(error) in (ZeroDivisionError, InternalError))
    assert ("please report it" in shown.err) == (type(error) in (ZeroDivisionError, InternalError))
    assert (shown.err == "") == (code > 2)


def test_verbose_shows_where_an_error_was_raised(raising: object, capsys: pytest.CaptureFixture[str]) -> None:
    raising(DefinitionError("wrong"))  # type: ignore[operator]
    assert run(["-v", "fail"]) == 2
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.rstrip().endswith("WEFT-D001  wrong")


def test_all_problems_of_an_error_are_shown(raising: object, capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem("WEFT-D002", "one", fix="a"), Problem("WEFT-D003", "two", facts={"at": "b"})]
    raising(DefinitionError.from_problems(problems))  # type: ignore[operator]
    assert run(["fail"]) == 2
    assert capsys.readouterr().err == (
        "2 problems were found:\n\nWEFT-D002  one\n  fix           a\n\nWEFT-D003  two\n  at            b\n"
    )
