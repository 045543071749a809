from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow
import pytest

from weft import (
    AssetIn,
    DailyPartitionsDefinition,
    Definitions,
    Instance,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    materialize,
)
from weft.compat import dagster as compat
from weft.errors import IOManagerError
from weft.integrations.duckdb import (
    DuckDBIOManager,
    DuckDBPandasIOManager,
    DuckDBPolarsIOManager,
    DuckDBPyArrowIOManager,
    DuckDBResource,
    build_duckdb_io_manager,
    connect,
)
from weft.integrations.sql_io_manager import DbTypeHandler, TableSlice, quoted_table
from weft.testing.io_contexts import build_input_context, build_output_context

DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")
REGIONS = StaticPartitionsDefinition(["eu", "us"])


def rows(database: Path, query: str) -> list[Any]:
    with duckdb.connect(str(database)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data.duckdb"


def test_assets_are_tables_of_schemas(database: Path) -> None:
    @asset(key_prefix="shop")
    def orders() -> pandas.DataFrame:
        return pandas.DataFrame({"id": [1, 2], "amount": [2.5, 4.0]})

    @asset(ins={"orders": AssetIn(["shop", "orders"], metadata={"columns": ["amount"]})})
    def revenue(orders: polars.DataFrame) -> polars.DataFrame:
        assert orders.columns == ["amount"]
        return orders.sum()

    @asset(metadata={"schema": "marts"})
    def lazily(revenue: polars.LazyFrame) -> polars.LazyFrame:
        return revenue.with_columns(twice=polars.col("amount") * 2)

    manager = DuckDBIOManager(database=str(database))
    for _ in range(2):
        assert materialize([orders, revenue, lazily], resources={"io_manager": manager}).success
    assert rows(database, "select * from shop.orders order by id") == [(1, 2.5), (2, 4.0)]
    assert rows(database, "select * from public.revenue") == [(6.5,)]
    assert rows(database, "select * from marts.lazily") == [(6.5, 13.0)]
    defs = Definitions([orders, revenue, lazily], resources={"io_manager": manager})
    with Instance.ephemeral() as instance:
        loaded = defs.load_asset_value("lazily", python_type=pyarrow.Table, instance=instance)
    assert loaded.to_pylist() == [{"amount": 6.5, "twice": 13.0}]


@pytest.mark.parametrize(
    ("manager", "made"),
    [
        (DuckDBPandasIOManager, pandas.DataFrame({"a": [1]})),
        (DuckDBPolarsIOManager, polars.DataFrame({"a": [1]})),
        (DuckDBPyArrowIOManager, pyarrow.table({"a": [1]})),
    ],
)
def test_each_kind_has_an_io_manager_that_gives_it_by_default(database: Path, manager: Any, made: Any) -> None:
    kept: list[Any] = []

    @asset
    def upstream():
        return made

    @asset
    def downstream(upstream) -> None:
        kept.append(upstream)

    assert materialize([upstream, downstream], resources={"io_manager": manager(database=str(database))}).success
    assert type(kept[0]) is type(made)
    with pytest.raises(IOManagerError) as caught:
        manager(database=str(database)).create_io_manager(None).handle_output(build_output_context(asset_key="x"), 5)
    assert caught.value.code == "WEFT-X171"


def test_the_schema_of_the_manager_comes_before_that_of_the_key(database: Path) -> None:
    @asset(key_prefix="shop")
    def orders():
        return pandas.DataFrame({"a": [1]})

    materialize([orders], resources={"io_manager": DuckDBIOManager(database=str(database), schema="staging")})
    assert rows(database, "select * from staging.orders") == [(1,)]


# --- partitions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "as_type", [pandas.to_datetime, lambda days: [pandas.Timestamp(day).date() for day in days], list]
)
def test_days_are_replaced_one_by_one_whatever_the_type_of_the_column(database: Path, as_type: Any) -> None:
    manager = DuckDBPandasIOManager(database=str(database)).create_io_manager(None)

    def store(keys: list[str], number: int) -> None:
        context = build_output_context(
            asset_key="daily", partition_keys=keys, asset_partitions_def=DAYS, metadata={"partition_expr": "day"}
        )
        manager.handle_output(context, pandas.DataFrame({"day": as_type(keys), "n": [number] * len(keys)}))

    store(["2024-01-01"], 1)
    store(["2024-01-02"], 2)
    store(["2024-01-03"], 3)
    store(["2024-01-02", "2024-01-03"], 4)
    assert rows(database, "select n from public.daily order by day") == [(1,), (4,), (4,)]


def test_only_the_partitions_that_are_needed_are_loaded(database: Path) -> None:
    manager = DuckDBPandasIOManager(database=str(database)).create_io_manager(None)
    metadata = {"partition_expr": "day"}
    keys = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]
    output = build_output_context(asset_key="daily", partition_keys=keys, asset_partitions_def=DAYS, metadata=metadata)
    manager.handle_output(output, pandas.DataFrame({"day": pandas.to_datetime(keys), "n": [1, 2, 3, 4]}))
    wanted = build_output_context(
        asset_key="daily", partition_keys=[keys[0], keys[2], keys[3]], asset_partitions_def=DAYS, metadata=metadata
    )
    loaded = manager.load_input(build_input_context(upstream_output=wanted, metadata={"columns": ["n"]}))
    assert sorted(loaded["n"]) == [1, 3, 4] and list(loaded.columns) == ["n"]
    one = manager.slice_of(build_input_context(upstream_output=wanted, metadata={"columns": "day"}))
    assert one.columns == ["day"]
    none = build_input_context(asset_key="daily", asset_partitions_def=DAYS, metadata=metadata)
    assert len(manager.load_input(none)) == 0


def test_partitions_of_several_dimensions_have_an_expression_each(database: Path) -> None:
    definition = MultiPartitionsDefinition({"day": DAYS, "region": REGIONS})
    manager = DuckDBPolarsIOManager(database=str(database)).create_io_manager(None)
    metadata = {"partition_expr": {"day": "cast(moment as date)", "region": "upper_region"}}

    def context(*points: tuple[str, str]) -> Any:
        keys = [MultiPartitionKey({"day": day, "region": region}) for day, region in points]
        return build_output_context(
            asset_key="sales", partition_keys=keys, asset_partitions_def=definition, metadata=metadata
        )

    def store(n: int, *points: tuple[str, str]) -> None:
        frame = polars.DataFrame(
            {
                "moment": [f"{day} 10:00:00" for day, _ in points],
                "upper_region": [r for _, r in points],
                "n": [n] * len(points),
            }
        )
        manager.handle_output(context(*points), frame.with_columns(polars.col("moment").str.to_datetime()))

    one, two = "2024-01-01", "2024-01-02"
    store(1, (one, "eu"), (one, "us"), (two, "eu"), (two, "us"))
    store(2, (one, "us"), (two, "eu"))  # no rectangle
    assert rows(database, "select upper_region, n from public.sales order by moment, upper_region") == [
        ("eu", 1),
        ("us", 2),
        ("eu", 2),
        ("us", 1),
    ]
    loaded = manager.load_input(build_input_context(upstream_output=context((two, "us"))))
    assert loaded["n"].to_list() == [1]


@pytest.mark.parametrize("metadata", [{}, {"partition_expr": {"day": "x"}}, {"partition_expr": " "}])
def test_partitions_without_an_expression_are_refused(database: Path, metadata: Any) -> None:
    manager = DuckDBIOManager(database=str(database)).create_io_manager(None)
    context = build_output_context(asset_key="x", partition_key="eu", asset_partitions_def=REGIONS, metadata=metadata)
    with pytest.raises(IOManagerError) as caught:
        manager.handle_output(context, pandas.DataFrame({"a": [1]}))
    assert caught.value.code == "WEFT-X172"


def test_a_write_that_fails_leaves_the_old_rows(database: Path) -> None:
    manager = DuckDBPandasIOManager(database=str(database)).create_io_manager(None)
    context = build_output_context(
        asset_key="x", partition_key="eu", asset_partitions_def=REGIONS, metadata={"partition_expr": "region"}
    )
    manager.handle_output(context, pandas.DataFrame({"region": ["eu"], "n": [1]}))
    with pytest.raises(duckdb.Error):
        manager.handle_output(context, pandas.DataFrame({"region": ["eu"], "n": ["no number"]}))
    assert rows(database, "select * from public.x") == [("eu", 1)]


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_a_table_that_is_not_there_is_named(database: Path) -> None:
    manager = DuckDBIOManager(database=str(database)).create_io_manager(None)
    with pytest.raises(IOManagerError, match='asset "shop/orders" is not stored') as caught:
        manager.load_input(build_input_context(asset_key=["shop", "orders"]))
    assert caught.value.code == "WEFT-X032"


def test_a_schema_may_have_the_name_of_the_file(tmp_path: Path) -> None:
    manager = DuckDBPandasIOManager(database=str(tmp_path / "shop.duckdb")).create_io_manager(None)
    output = build_output_context(asset_key=["shop", "orders"])
    for number in (1, 2):
        manager.handle_output(output, pandas.DataFrame({"n": [number]}))
        assert list(manager.load_input(build_input_context(upstream_output=output))["n"]) == [number]


def test_columns_that_differ_in_case_alone_are_refused(database: Path) -> None:
    manager = DuckDBIOManager(database=str(database)).create_io_manager(None)
    with pytest.raises(IOManagerError) as caught:
        manager.handle_output(build_output_context(asset_key="x"), pandas.DataFrame({"a": [1], "A": [2]}))
    assert caught.value.code == "WEFT-X174"


# --- extension and other names ---------------------------------------------------------------------------------------


class NumbersHandler(DbTypeHandler):
    """As a user would write it."""

    @property
    def supported_types(self):
        return [list]

    def handle_output(self, context, table_slice: TableSlice, obj, connection):
        connection.execute(f"create table {quoted_table(table_slice)} (n integer)")
        connection.executemany(f"insert into {quoted_table(table_slice)} values (?)", [[n] for n in obj])

    def load_input(self, context, table_slice: TableSlice, connection):
        return [n for (n,) in connection.execute(f"select n from {quoted_table(table_slice)}").fetchall()]


def test_handlers_of_other_types_can_be_added(database: Path) -> None:
    @asset
    def numbers() -> list:
        return [3, 4]

    @asset
    def total(numbers: list) -> None:
        assert numbers == [3, 4]

    manager = build_duckdb_io_manager([NumbersHandler()]).configured({"database": str(database), "schema": "own"})
    assert materialize([numbers, total], resources={"io_manager": manager}).success
    assert rows(database, "select sum(n) from own.numbers") == [(7,)]


def test_the_resource_gives_connections(database: Path) -> None:
    @asset
    def made(db: DuckDBResource) -> None:
        with db.get_connection() as connection:
            connection.execute("create table t as select 5 as n")

    assert materialize([made], resources={"db": DuckDBResource(database=str(database))}).success
    assert rows(database, "select n from t") == [(5,)]


def test_existing_code_finds_it_under_the_names_that_it_uses() -> None:
    compat.install()
    try:
        from dagster_duckdb import DuckDBIOManager as Base, DuckDBResource as Resource
        from dagster_duckdb_pandas import DuckDBPandasIOManager as Pandas
        from dagster_duckdb_polars import DuckDBPolarsIOManager as Polars

        assert (Base, Resource) == (DuckDBIOManager, DuckDBResource)
        assert (Pandas, Polars) == (DuckDBPandasIOManager, DuckDBPolarsIOManager)
    finally:
        compat.uninstall()


def test_loading_the_module_loads_no_table_library() -> None:
    import subprocess

    script = "import sys, weft.integrations.duckdb; print({'duckdb', 'pandas', 'polars', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_file_that_another_process_has_open_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "shop.duckdb"
    script = f"import duckdb; c = duckdb.connect({str(database)!r}); print('open', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    waits: list[float] = []

    def let_go(seconds: float) -> None:
        waits.append(seconds)
        holder.communicate("\n")

    monkeypatch.setattr("weft.integrations.duckdb.time.sleep", let_go)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    connect(str(database), {}).close()
    assert waits == [0.05]


@pytest.mark.parametrize("name", ["missing/shop.duckdb", "."])
def test_a_path_that_can_never_be_opened_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(seconds: float) -> None:
        raise AssertionError("waited")

    monkeypatch.setattr("weft.integrations.duckdb.time.sleep", refuse)
    with pytest.raises(duckdb.IOException):
        connect(str(tmp_path / name), {})
