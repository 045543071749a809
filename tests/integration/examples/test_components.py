"""The example of components makes what its documents say, from a copy of the project."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3] / "examples" / "components"


def test_the_documents_make_tables_and_an_export(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__", ".weft", "*.db"))
    database = tmp_path / "shop.db"
    environment = {**os.environ, "WEFT_HOME": str(tmp_path / "home"), "SHOP_DATABASE": str(database)}
    weft = Path(sys.executable).parent / "weft"
    for arguments in (["check"], ["check", "yaml"], ["asset", "materialize", "--select", "*"]):
        done = subprocess.run(
            [weft, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "cup 9" in done.stdout + done.stderr
    connection = sqlite3.connect(database)
    assert connection.execute("select * from revenue order by product").fetchall() == [("cup", 9), ("tea", 10)]
    connection.close()
