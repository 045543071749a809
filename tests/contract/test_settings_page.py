"""The page of the settings says what there is, with the defaults that hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from weft.config.dagster_settings import _SECTIONS
from weft.config.instance_file import read_settings
from weft.config.instance_settings import InstanceSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md").read_text("utf-8")
ROW = re.compile(r"^\| `([a-z]+\.[a-z_]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def written(cell: str) -> Any:
    """The value in a cell of defaults."""
    text = cell.strip().strip("`")
    return None if text == "none" else yaml.safe_load(text)


def test_every_setting_has_its_row_in_order_with_its_default() -> None:
    defaults = {
        f"{section}.{name}": list(value) if isinstance(value, tuple) else value
        for section, values in msgspec.to_builtins(InstanceSettings()).items()
        for name, value in values.items()
    }
    rows = {name: written(default) for name, default, _ in ROW.findall(PAGE)}

    assert rows == defaults
    assert list(rows) == list(defaults)


def test_every_setting_is_described() -> None:
    assert [name for name, _, meaning in ROW.findall(PAGE) if len(meaning.strip()) < 10] == []


def test_the_example_is_read(tmp_path: Path) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    path = tmp_path / "weft.yaml"
    path.write_text(example, "utf-8")

    settings = read_settings(path, {"SHOP_DATABASE": "postgresql://h/d"}).settings

    assert settings.queue.max_concurrent_runs == 25
    assert settings.monitoring.max_runtime_seconds == 6 * 3600


def test_every_section_of_other_files_is_named() -> None:
    table = PAGE.partition("## dagster.yaml")[2]
    missing = [name for name in _SECTIONS if name not in table]
    assert missing == []
