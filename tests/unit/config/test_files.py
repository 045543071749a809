"""Configuration in YAML is merged in order; what is wrong with the files is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft import ConfigError, config_from_files, config_from_pkg_resources, config_from_yaml_strings


def test_texts_merge_key_by_key() -> None:
    merged = config_from_yaml_strings(
        ["ops: {load: {config: {rows: 1, unit: t}}}", "ops: {load: {config: {rows: 2}}}", ""]
    )
    assert merged == {"ops": {"load": {"config": {"rows": 2, "unit": "t"}}}}


def test_files_and_patterns_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x: 1\ny: 1\n")
    (tmp_path / "b.yaml").write_text("y: 2\n")
    assert config_from_files([str(tmp_path / "*.yaml")]) == {"x": 1, "y": 2}
    assert config_from_files([str(tmp_path / "b.yaml"), str(tmp_path / "a.yaml")]) == {"x": 1, "y": 1}


def test_files_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "shop_settings"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "test.yaml").write_text("x: 3")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert config_from_pkg_resources([("shop_settings", "test.yaml")]) == {"x": 3}


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text("x: 1")
    (tmp_path / "broken.yaml").write_text("x: [1")
    (tmp_path / "list.yaml").write_text("- 1")
    names = ["prd.yaml", "broken.yaml", "list.yaml", "no*.yaml"]
    with pytest.raises(ConfigError) as refused:
        config_from_files([str(tmp_path / name) for name in names])
    assert sorted(problem.code for problem in refused.value.problems) == [
        "WEFT-C101",
        "WEFT-C101",
        "WEFT-C102",
        "WEFT-C103",
    ]
    assert "prod.yaml" in str(refused.value)


def test_a_text_that_grows_by_aliases_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match="holds too many values") as refused:
        config_from_yaml_strings(["\n".join(lines)])
    assert refused.value.code == "WEFT-C178"
