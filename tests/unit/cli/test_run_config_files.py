"""Run configuration from files and from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from weft.cli.run_config_files import merge, read_run_config
from weft.errors import UsageError

values = st.recursive(
    st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
configurations = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


def write(folder: Path, **files: str) -> list[Path]:
    paths = []
    for name, text in files.items():
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(text, "utf-8")
    return paths


def refused(files: list[Path], json_text: str | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_run_config(files, json_text)
    return caught.value


def test_nothing_given_is_not_the_same_as_an_empty_file(tmp_path: Path) -> None:
    assert read_run_config([], None) is None
    assert read_run_config(write(tmp_path, empty="# nothing\n"), None) == {}


def test_files_merge_in_order_and_json_comes_last(tmp_path: Path) -> None:
    files = write(tmp_path, one="ops: {a: {config: {x: 1, y: [1, 2]}}}", two="ops: {a: {config: {y: [3]}}, b: {}}")
    assert read_run_config(files, '{"ops": {"a": {"config": {"x": 9}}}}') == {
        "ops": {"a": {"config": {"x": 9, "y": [3]}}, "b": {}}
    }


def test_a_file_that_is_not_there_offers_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, config="{}")
    error = refused([tmp_path / "confg.yaml"])
    assert error.code == "WEFT-U008"
    assert 'did you mean "config.yaml"?' in str(error.fix)


def test_a_file_that_is_not_yaml_shows_the_place(tmp_path: Path) -> None:
    (file,) = write(tmp_path, config="ops:\n  a: [1\n  b: 2\n")
    error = refused([file])
    assert error.code == "WEFT-U009"
    assert error.facts["at"] == f"{file}:3:4"


def test_a_file_in_another_encoding_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(b"name: \xff\xfe")
    assert refused([file]).code == "WEFT-U008"


def test_text_that_is_not_json_shows_the_place() -> None:
    error = refused([], '{"ops": }')
    assert (error.code, error.facts["at"]) == ("WEFT-U011", "line 1, column 9")


@pytest.mark.parametrize(("text", "kind"), [("[1]", "list"), ('"a"', "str"), ("3", "int")])
def test_what_is_not_a_mapping_is_refused(tmp_path: Path, text: str, kind: str) -> None:
    for error in (refused(write(tmp_path, config=text)), refused([], text)):
        assert (error.code, error.facts["it is"]) == ("WEFT-U012", f"a {kind}")


@given(configurations, configurations)
def test_what_is_on_top_wins(under: dict[str, Any], over: dict[str, Any]) -> None:
    merged = merge(under, over)
    assert set(merged) == set(under) | set(over)
    for key, value in over.items():
        below = under.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        assert merged[key] == (merge(below, value) if both else value)
    assert merge({}, over) == over
    assert merge(under, {}) == under


def test_a_file_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    error = refused(write(tmp_path, deep="ops: " + "[" * 50_000 + "]" * 50_000))
    assert error.code == "WEFT-U178"
    assert "100 inside each other" in str(error)
