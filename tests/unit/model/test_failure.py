"""Exceptions as values: which line is shown first, what is folded, what survives the process."""

from __future__ import annotations

import builtins
import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.errors import DefinitionError
from weft.model.codec import Decoder, encode
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


def test_a_long_message_says_how_much_is_missing() -> None:
    info = ErrorInfo.from_exception(ValueError("y" * 10_000_000))
    assert info.message.startswith("yyy")
    assert info.message.endswith("... (9,980,000 more characters were left out)")


def test_of_a_long_chain_both_ends_are_kept_in_their_relation() -> None:
    error: Exception = ValueError("the root")
    for number in range(3000):
        following = RuntimeError(f"link {number}")
        if number % 2:
            following.__cause__ = error
        else:
            following.__context__ = error
        error = following
    info: ErrorInfo | None = ErrorInfo.from_exception(error)
    texts = []
    while info is not None:
        texts.append(info.message or info.class_name)
        info = info.cause or info.context
    kept = [f"link {number}" for number in (2999, 2998, 2997, 2996)]
    gap = "(2993 exceptions in between were left out)"
    assert texts == [*kept, gap, "link 2", "link 1", "link 0", "the root"]


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    info = ErrorInfo.from_exception(first)
    assert info.context is not None
    assert (info.context.message, info.context.context) == ("second", None)


def test_causes_and_contexts_are_told_apart() -> None:
    def fail() -> None:
        try:
            try:
                raise KeyError("inner")
            except KeyError:
                raise ValueError("middle")  # noqa: B904  # the relation is the point
        except ValueError as error:
            raise RuntimeError("outer") from error

    info = info_of(fail)
    assert info.cause is not None
    assert info.context is None
    assert info.cause.message == "middle"
    assert info.cause.context is not None
    assert info.cause.cause is None


def test_a_class_of_no_module_is_named_without_one() -> None:
    kind = type("Odd", (Exception,), {"__module__": None})
    assert ErrorInfo.from_exception(kind("text")).class_name == "Odd"


def test_a_code_is_taken_from_errors_of_weft_only() -> None:
    class Coded(Exception):
        code = 7

    assert ErrorInfo.from_exception(DefinitionError("no", code="WEFT-D001")).code == "WEFT-D001"
    assert ErrorInfo.from_exception(Coded()).code is None


def test_undecodable_text_is_escaped_so_that_it_can_be_stored() -> None:
    info = ErrorInfo.from_exception(FileNotFoundError(os.fsdecode(b"caf\xe9.csv")))
    assert info.message == "caf\\udce9.csv"
    assert Decoder(ErrorInfo).decode(encode(info)) == info


# Built in from Python 3.11 on.
Group = getattr(builtins, "ExceptionGroup", None)


@pytest.mark.skipif(Group is None, reason="Python 3.11 brought notes and groups")
def test_notes_and_the_members_of_a_group_are_kept() -> None:
    noted = ValueError("first")
    noted.add_note("while reading shop.csv")
    try:
        raise Group("unhandled errors in a TaskGroup", [noted, Group("inner", [KeyError("second")])])
    except Group as group:
        info = ErrorInfo.from_exception(group)
    assert [one.class_name for one in info.group] == ["ValueError", "ExceptionGroup"]
    assert info.group[0].message == "first\nwhile reading shop.csv"
    text = info.to_string()
    assert "1 of 2:" in text
    assert "ValueError: first" in text
    assert "KeyError: 'second'" in text
    assert Decoder(ErrorInfo).decode(encode(info)) == info


@pytest.mark.skipif(Group is None, reason="Python 3.11 brought groups")
def test_groups_in_groups_without_end_are_cut() -> None:
    group = Group("innermost", [ValueError()])
    for _ in range(2000):
        group = Group("outer", [group])
    info, depth = ErrorInfo.from_exception(group), 0
    while info.group:
        info, depth = info.group[0], depth + 1
    assert 0 < depth < 20
