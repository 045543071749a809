"""Why something failed: the user's line first."""

from __future__ import annotations

from weft.cli.progress.error_text import error_lines, headline
from weft.errors import ConfigError, IOManagerError
from weft.model.failure import ErrorInfo, Frame

USER = Frame("/shop/assets.py", 12, "orders", "rows[0]")
OURS = Frame("/site/weft/execution/step.py", 90, "_compute", "op.fn()", True)


def test_the_users_line_comes_first_and_our_frames_are_folded() -> None:
    error = ErrorInfo(message="list index\nmore", class_name="IndexError", frames=(OURS, USER))
    assert headline(error) == "/shop/assets.py:12: IndexError: list index"
    assert error_lines(error) == [
        "/shop/assets.py:12: IndexError: list index",
        '  File "/shop/assets.py", line 12, in orders',
        "    rows[0]",
        "  (1 frame of weft folded)",
        "IndexError: list index",
        "more",
    ]
    assert any("step.py" in line for line in error_lines(error, own_frames=True))


def test_what_weft_found_is_its_form_alone() -> None:
    error = ErrorInfo.from_exception(ConfigError("a port is no number", code="WEFT-C001", fix="write 1"))
    assert error_lines(error) == ["WEFT-C001  a port is no number", "  fix           write 1"]


def test_the_users_exception_behind_it_comes_before_it() -> None:
    cause = ErrorInfo(message="cannot pickle", class_name="TypeError", frames=(USER,))
    error = ErrorInfo(message="WEFT-X030  not stored", class_name="IOManagerError", code="WEFT-X030", cause=cause)
    assert error_lines(error)[0] == "/shop/assets.py:12: TypeError: cannot pickle"
    assert error_lines(error)[-1] == "WEFT-X030  not stored"
    assert IOManagerError.default_code == "WEFT-X030"


def test_an_exception_without_frames_is_one_line() -> None:
    assert error_lines(ErrorInfo(message="", class_name="KeyError")) == ["KeyError"]
