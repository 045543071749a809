"""What is refused, and with which words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from weft.errors import WeftError


@contextmanager
def refused(code: str, *texts: str) -> Iterator[pytest.ExceptionInfo[WeftError]]:
    """The block raises an error of weft with this code, a fix, and these texts in it."""
    with pytest.raises(WeftError) as caught:
        yield caught
    text = str(caught.value)
    assert [problem.code for problem in caught.value.problems] == [code], text
    assert caught.value.fix
    for expected in texts:
        assert expected in text, text
