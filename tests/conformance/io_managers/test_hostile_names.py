"""Names of partitions, assets and columns are kept verbatim, and nothing leaves its folder or table (promise c8)."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.conformance.storage.test_hostile_strings import HOSTILE

from weft.execution.io_managers.filesystem import FilesystemIOManager
from weft.integrations.duckdb import DuckDBIOManager
from weft.integrations.sql_io_manager import quote_identifier
from weft.model.partitions.definitions import StaticPartitionsDefinition
from weft.testing.io_contexts import build_input_context, build_output_context

MORE = [
    "CON",
    "nul.json",
    "aux",
    "a" * 300,
    "é" * 300,
    "..",
    ".",
    "~",
    "a.json",
    "a.parquet",
    ".hidden",
    "trailing.",
    "x'); drop table victim; --",
    '"; drop table victim; --',
    "[a-z]*?",
    "%2E%2E",
    "\\..\\..\\x",
]
NAMES = list(dict.fromkeys([*HOSTILE, *MORE]))
FITS = [name for name in NAMES if "\0" not in name]


def distinct(names: list[str]) -> list[str]:
    """Those of `names` that DuckDB, which does not tell upper from lower case, tells apart."""
    return list({name.lower(): name for name in names}.values())


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    from upath import UPath

    return tmp_path / "base" if request.param == "local" else UPath(f"memory://{uuid.uuid4().hex}") / "base"


def test_every_file_is_below_the_folder(place: Any) -> None:
    assert len(NAMES) >= 300
    manager = FilesystemIOManager(place)
    (place.parent / "victim.txt").parent.mkdir(parents=True, exist_ok=True)
    (place.parent / "victim.txt").write_text("untouched")
    partitions = StaticPartitionsDefinition(["only"])
    names = NAMES if isinstance(place, Path) else NAMES[::4]  # listing its folders is slow in memory
    for name in names:
        manager.handle_output(build_output_context(asset_key=[name]), name)
        manager.handle_output(build_output_context(asset_key=["x", name, "y"]), {"name": name})
        manager.handle_output(
            build_output_context(asset_key="p", partition_keys=[name], asset_partitions_def=partitions), [name]
        )
        manager.handle_output(build_output_context(step_key=name, run_id="run", mapping_key="key"), name)
    assert (place.parent / "victim.txt").read_text() == "untouched"
    assert sorted(path.name for path in place.parent.iterdir()) == ["base", "victim.txt"]
    assert sum(1 for path in place.rglob("*") if path.is_file()) == 4 * len(names)
    for name in names[::7]:
        assert manager.load_input(build_input_context(asset_key=[name])) == name
        assert manager.load_input(build_input_context(asset_key=["x", name, "y"])) == {"name": name}


@pytest.mark.parametrize("kind", [pandas.DataFrame, polars.DataFrame])
def test_columns_keep_their_names_in_files(place: Any, kind: Any) -> None:
    manager = FilesystemIOManager(place)
    output = build_output_context(asset_key="columns")
    manager.handle_output(output, kind({name: [number] for number, name in enumerate(NAMES)}))
    for wanted in (pandas.DataFrame, polars.DataFrame):
        loaded = manager.load_input(build_input_context(upstream_output=output, python_type=wanted))
        assert list(loaded.columns) == NAMES
        assert [loaded[name][0] for name in NAMES] == list(range(len(NAMES)))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "data.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table victim as select 1 as n")
    return path


def is_untouched(database: Path) -> bool:
    with duckdb.connect(str(database)) as connection:
        return connection.execute("select n from victim").fetchall() == [(1,)]


def manager_of(database: Path) -> Any:
    return DuckDBIOManager(database=str(database)).create_io_manager(None)  # type: ignore[arg-type]  # it needs none


def test_partitions_keep_their_keys_in_duckdb(database: Path) -> None:
    manager = manager_of(database)
    partitions = StaticPartitionsDefinition(["only"])
    column = 'the "partition"; of 😀'
    metadata = {"partition_expr": quote_identifier(column)}

    def context(keys: list[str]) -> Any:
        return build_output_context(
            asset_key="t", partition_keys=keys, asset_partitions_def=partitions, metadata=metadata
        )

    manager.handle_output(context(FITS), pandas.DataFrame({column: FITS, "n": range(len(FITS))}))
    for number, name in enumerate(FITS[::9]):
        manager.handle_output(context([name]), pandas.DataFrame({column: [name], "n": [-number]}))
        loaded = manager.load_input(build_input_context(upstream_output=context([name])))
        assert loaded.to_dict("records") == [{column: name, "n": -number}]
    everything = manager.load_input(build_input_context(upstream_output=context(FITS)))
    assert sorted(everything[column]) == sorted(FITS)
    assert is_untouched(database)


def test_assets_keep_their_names_in_duckdb(database: Path) -> None:
    manager = manager_of(database)
    names = distinct(FITS)[::5]
    for name in names:
        manager.handle_output(build_output_context(asset_key=["shop", name]), pandas.DataFrame({"name": [name]}))
    for name in names[::4]:
        manager.handle_output(build_output_context(asset_key=[name, "t"]), pandas.DataFrame({"name": [name]}))
    for name in names:
        assert list(manager.load_input(build_input_context(asset_key=["shop", name]))["name"]) == [name]
    with duckdb.connect(str(database)) as connection:
        found = connection.execute("select table_name from information_schema.tables where table_schema = 'shop'")
        assert sorted(name for (name,) in found.fetchall()) == sorted(names)
    assert is_untouched(database)


def test_columns_keep_their_names_in_duckdb(database: Path) -> None:
    manager = manager_of(database)
    names = distinct(FITS)
    output = build_output_context(asset_key="columns")
    manager.handle_output(output, polars.DataFrame({name: [number] for number, name in enumerate(names)}))
    loaded = manager.load_input(build_input_context(upstream_output=output, metadata={"columns": names[::2]}))
    assert list(loaded.columns) == names[::2]
    assert loaded.iloc[0].to_list() == list(range(len(names)))[::2]
    assert is_untouched(database)


@given(st.text(min_size=1))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_one_identifier(name: str) -> None:
    if "\0" in name or any("\ud800" <= character <= "\udfff" for character in name):
        return
    with duckdb.connect() as connection:
        connection.execute(f"create table {quote_identifier(name)} as select 1 as {quote_identifier(name)}")
        ((found, column),) = connection.execute(
            "select table_name, column_name from information_schema.columns"
        ).fetchall()
    assert (found, column) == (name, name)
