"""Places of declaration: those of the user, relative where that is shorter."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft.definitions.source import called_at, declared_at

HERE = Path(__file__)


def plain() -> None: ...


def wrapped(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def around(*args: Any) -> Any:
        return fn(*args)

    return around


class Callable_:
    def __call__(self, context: Any) -> None: ...

    def method(self) -> None: ...


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(HERE.read_text().splitlines(), 1) if line.strip().startswith(text))


@pytest.mark.parametrize(
    ("fn", "text"),
    [
        (plain, "def plain"),
        (wrapped(plain), "def plain"),
        (functools.partial(plain), "def plain"),
        (functools.partial(functools.partial(wrapped(plain))), "def plain"),
        (Callable_(), "def __call__"),
        (Callable_().method, "def method"),
    ],
)
def test_the_place_is_that_of_the_function_the_user_wrote(fn: Any, text: str) -> None:
    place = declared_at(fn)
    assert place is not None
    assert place.endswith(f"{HERE.name}:{line_of(text)}")


def test_what_has_no_source_has_no_place() -> None:
    assert declared_at(len) is None
    assert declared_at(functools.partial(len)) is None


def test_places_are_relative_below_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(HERE.parent)
    assert declared_at(plain) == f"{HERE.name}:{line_of('def plain')}"
    monkeypatch.chdir(tmp_path)
    assert declared_at(plain) == f"{HERE}:{line_of('def plain')}"


@pytest.mark.skipif(os.name == "nt", reason="an open directory cannot be removed there")
def test_a_working_directory_that_is_gone_does_not_matter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    place = declared_at(plain)
    assert place is not None
    assert place.endswith(f":{line_of('def plain')}")


def test_a_call_is_placed_at_the_line_of_the_user() -> None:
    place = called_at()
    assert place is not None
    assert place.endswith(f"{HERE.name}:{line_of('place = called_at()')}")
