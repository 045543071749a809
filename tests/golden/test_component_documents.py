"""What weft prints for mistakes in ``defs.yaml``, compared with texts that were read and found helpful.

``documents/<name>.yaml`` makes a mistake; ``documents/<name>.txt`` is what is printed. ``WEFT_UPDATE_GOLDEN=1`` writes the texts anew.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from weft import LoadError, load_from_defs_folder

DOCUMENTS = Path(__file__).with_name("documents")
NAMES = sorted(path.stem for path in DOCUMENTS.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_the_one_that_was_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "defs").mkdir()
    shutil.copy(DOCUMENTS / f"{name}.yaml", tmp_path / "defs" / "defs.yaml")
    with pytest.raises(LoadError) as error:
        load_from_defs_folder(path_within_project=tmp_path)
    text = str(error.value).replace(str(tmp_path), "HERE") + "\n"
    text = re.sub(r"raised at( +)\S*/(\w+\.py):\d+", r"raised at\1\2", text)
    golden = DOCUMENTS / f"{name}.txt"
    if os.environ.get("WEFT_UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_text_has_a_line_and_a_fix(name: str) -> None:
    text = (DOCUMENTS / f"{name}.txt").read_text()
    codes = re.findall(r"^WEFT-[LDS]\d{3}  \S", text, re.M)
    assert codes
    assert len(re.findall(r"^  fix ", text, re.M)) == len(codes)
    assert re.search(r"defs\.yaml(:\d+)?$", text, re.M)


def test_there_are_enough() -> None:
    assert len(NAMES) >= 15
