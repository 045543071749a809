"""Exceptions as values: which line is shown first, what is folded, what survives the process."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.model.failure import ErrorInfo


def info_of(action: Callable[[], object]) -> ErrorInfo:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # any kind is described
        action()
    return ErrorInfo.from_exception(caught.value)


def test_the_line_to_show_first_is_the_users_even_where_a_library_raised() -> None:
    info = info_of(lambda: json.loads("{"))
    assert info.frames[-1].file.endswith("decoder.py")
    assert info.user_frame is not None
    assert info.user_frame.file == __file__


def test_frames_of_the_import_system_are_folded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_module.py").write_text("1 / 0\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    info = info_of(lambda: importlib.import_module("broken_module"))
    assert any(frame.own and "importlib" in frame.file for frame in info.frames)
    assert "importlib" not in info.to_string().replace("importlib.import_module", "")
    assert "importlib" in info.to_string(own_frames=True)


def test_a_syntax_error_ends_with_its_line_and_a_caret() -> None:
    source = "def f():\n    x = = 1\n"
    info = info_of(lambda: compile(source, "shop.py", "exec"))
    assert info.user_frame is not None
    assert (info.user_frame.file, info.user_frame.line) == ("shop.py", 2)
    assert info.to_string().splitlines()[-3:] == ["    x = = 1", "        ^", "SyntaxError: invalid syntax"]


def test_an_exception_whose_text_fails_is_described_as_such() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert "could not be made: ValueError" in ErrorInfo.from_exception(Broken()).message
