"""What weft prints for mistakes that people make, compared with texts that were read and found helpful.

``cases/<name>.py`` makes one mistake; ``cases/<name>.txt`` is what is printed. ``WEFT_UPDATE_GOLDEN=1`` writes the texts anew: read the difference before
you commit it. A case runs in a fresh folder; ``here`` is that folder.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from weft import Instance, WeftError

CASES = Path(__file__).with_name("cases")
NAMES = sorted(path.stem for path in CASES.glob("*.py"))
MOST_LINES = 14
PROBLEM_LISTS = re.compile(r"\A\d+ problems were found:")


@pytest.fixture(autouse=True)
def closed_instances() -> Iterator[None]:
    yield
    from weft import instance

    for opened in list(instance._open.values()):
        opened.close()


def printed(name: str, folder: Path) -> str:
    """The text of the error that a case raises, without what differs from run to run."""
    path = CASES / f"{name}.py"
    code = compile(path.read_text(), str(path), "exec")
    try:
        exec(code, {"__name__": f"golden_{name}", "here": folder})
    except WeftError as error:
        text = str(error)
    else:
        pytest.fail("the case raises nothing")
    text = text.replace(str(folder), "HERE").replace(str(path), f"{name}.py").replace(str(CASES), "CASES")
    text = text.replace(sys.executable, "PYTHON")
    # Pickle words it differently from release to release of Python.
    text = re.sub(r"(AttributeError|PicklingError): Can't (pickle|get) .*", "(as pickle says it)", text)
    text = re.sub(rf"\S*/{name}\.py", f"{name}.py", text)
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b", "RUN-ID", text)
    return re.sub(r"0x[0-9a-f]+", "0x…", text) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_the_one_that_was_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEFT_HOME", str(tmp_path / "home"))
    text = printed(name, tmp_path)
    golden = CASES / f"{name}.txt"
    if os.environ.get("WEFT_UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_text_has_a_code_facts_and_a_fix_and_is_short(name: str) -> None:
    text = (CASES / f"{name}.txt").read_text()
    problems = text.count("WEFT-")
    assert re.search(r"^WEFT-[A-Z]\d{3}  \S", text, re.M)
    assert re.search(r"^  fix ", text, re.M)
    assert len(text.splitlines()) <= MOST_LINES or PROBLEM_LISTS.match(text), problems
    assert "weft/" not in text or "site-packages" not in text


def test_every_text_has_its_case_and_there_are_enough() -> None:
    assert sorted(path.stem for path in CASES.glob("*.txt")) == NAMES
    assert len(NAMES) >= 40


def test_an_instance_is_still_public() -> None:
    """The fixture above closes what cases opened."""
    assert Instance.ephemeral().is_ephemeral
