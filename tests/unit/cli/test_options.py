"""What the shared options mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.cli.options import RunOptions, TargetOptions, parse_tags
from weft.codeserver.target import FileTarget, ModuleTarget
from weft.errors import UsageError


def run_options(*, partition: str | None = None, partition_range: str | None = None) -> RunOptions:
    return RunOptions(config_files=(), config_json=None, tags=(), partition=partition, partition_range=partition_range)


def test_tags_are_key_and_value_or_json() -> None:
    assert parse_tags([]) == {}
    assert parse_tags(["a=1", "b = two words ", "c=x=y", "d=", '{"e": "5", "a": "2"}']) == {
        "a": "2",
        "b": "two words",
        "c": "x=y",
        "d": "",
        "e": "5",
    }


@pytest.mark.parametrize("text", ["a", "=1", " = 1", '{"a": 1}', "{a: 1}", ""])
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="WEFT-U007"):
        parse_tags([text])


def test_a_range_has_two_ends() -> None:
    assert run_options().partition_range() is None
    assert run_options(partition_range="2024-01-01...2024-01-31").partition_range() == ("2024-01-01", "2024-01-31")


@pytest.mark.parametrize("text", ["2024", "...", "a...", "...b", "a..b"])
def test_half_a_range_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="WEFT-U005"):
        run_options(partition_range=text).partition_range()


def test_a_partition_and_a_range_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="WEFT-U006"):
        run_options(partition="a", partition_range="a...b").partition_range()


def test_a_target_is_a_file_or_a_module() -> None:
    assert TargetOptions("defs.py", None, "x", "src").target() == FileTarget(
        file=Path("defs.py"), attribute="x", working_directory=Path("src")
    )
    assert TargetOptions(None, "shop", None, None).target() == ModuleTarget(module="shop")
    with pytest.raises(UsageError, match="WEFT-U004"):
        TargetOptions("defs.py", "shop", None, None).target()


def test_options_change_what_the_project_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.weft]\nmodule = "shop"\nattribute = "a"\n', "utf-8")
    assert TargetOptions(None, None, None, None).target() == ModuleTarget(
        module="shop", attribute="a", working_directory=tmp_path
    )
    assert TargetOptions(None, None, "b", "src").target() == ModuleTarget(
        module="shop", attribute="b", working_directory=Path("src")
    )


def test_options_are_written_again_for_the_next_command() -> None:
    assert TargetOptions(None, None, None, None).as_text() == ""
    assert TargetOptions("my defs.py", None, "a", "src").as_text() == " -f 'my defs.py' -a a -d src"
    assert TargetOptions(None, "shop", None, None).as_text() == " -m shop"
