"""The example does on real data what it says: its numbers are computed here a second time, from the files, without pandas or weft."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
import vega_datasets

from weft import AssetKey, Instance, RunFilter, RunStatus

PROJECT = Path(__file__).resolve().parents[3] / "examples" / "weather"
DATA = Path(vega_datasets.__file__).parent / "_data"
WEFT = Path(sys.executable).parent / "weft"
PARTITIONED = 48


class Made(NamedTuple):
    """What one run of the demo left."""

    home: Path
    output: Path
    printed: str

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WEFT", "PYTEST"))}
        return {**kept, "WEFT_HOME": str(self.home), "WEATHER_OUTPUT": str(self.output)}

    def weft(self, *arguments: str, code: int) -> Any:
        """The JSON that a command prints, in the folder of the project."""
        done = subprocess.run(
            [WEFT, *arguments, "--json"],
            cwd=PROJECT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What DuckDB answers; the warehouse is attached, Parquet files are read by path."""
        with duckdb.connect(str(self.output / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The demo, run once as a process of its own."""
    folder = tmp_path_factory.mktemp("weather")
    made = Made(folder / "home", folder / "output", "")
    done = subprocess.run(
        [sys.executable, str(PROJECT / "demo.py")],
        env=made.environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return made._replace(printed=done.stdout)


@pytest.fixture
def copy(demo: Made, tmp_path: Path) -> Made:
    """A copy of what was made, to be spoilt."""
    return Made(
        Path(shutil.copytree(demo.home, tmp_path / "home")), Path(shutil.copytree(demo.output, tmp_path / "output")), ""
    )


def table(name: str) -> Iterator[Mapping[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def day_of(text: str) -> str:
    """A day of the weather file as ``2012-01-31``, whether it is written that way or as ``2012/1/31``."""
    year, month, day = re.split("[-/]", text)[:3]
    return f"{year}-{int(month):02}-{int(day):02}"


def spoil(path: Path, query: str) -> None:
    """Replace a Parquet file by what `query` makes of its rows, which it calls ``stored``."""
    beside = path.with_suffix(".new")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE stored AS SELECT * FROM '{path}'")
        connection.execute(f"COPY ({query}) TO '{beside}' (FORMAT parquet)")
    beside.replace(path)


def test_the_weather_of_each_year_is_that_of_the_file(demo: Made) -> None:
    days: dict[int, list[Mapping[str, str]]] = defaultdict(list)
    for row in table("seattle-weather.csv"):
        days[int(row["date"][:4])].append(row)
    expected = [
        (
            year,
            len(rows),
            sum(float(row["precipitation"]) >= 1.0 for row in rows),
            pytest.approx(sum(float(row["precipitation"]) for row in rows), abs=0.01),
            max(float(row["temp_max"]) for row in rows),
            min(float(row["temp_min"]) for row in rows),
        )
        for year, rows in sorted(days.items())
    ]

    found = demo.rows(
        "SELECT year, days, rainy_days, precipitation_mm, warmest_c, coldest_c FROM weather_by_year ORDER BY year"
    )

    assert found == expected
    assert [row[1] for row in found] == [366, 365, 365, 365]


def test_each_month_is_a_file_with_its_days(demo: Made) -> None:
    expected: dict[str, list[str]] = defaultdict(list)
    for row in table("seattle-weather.csv"):
        day = day_of(row["date"])
        expected[f"{day[:7]}-01.parquet"].append(day)

    files = sorted((demo.output / "parquet" / "cleaned" / "weather").iterdir())

    assert [file.name for file in files] == sorted(expected)
    for file in files:
        stored = demo.rows(f"SELECT CAST(day AS VARCHAR) FROM '{file}' ORDER BY day")
        assert [day for (day,) in stored] == expected[file.name]


def test_employment_and_stocks_are_joined_by_year(demo: Made) -> None:
    people: dict[int, list[float]] = defaultdict(list)
    for row in table("us-employment.csv"):
        people[int(row["month"][:4])].append(1000 * float(row["nonfarm"]))
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    prices: dict[int, dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in table("stocks.csv"):
        month, _, year = row["date"].split()
        prices[int(year)][row["symbol"]].append((months.index(month), float(row["price"])))
    expected = []
    for year in sorted(people.keys() & prices.keys()):
        gains = [max(given)[1] / min(given)[1] - 1 for given in prices[year].values()]
        expected.append(
            (
                year,
                pytest.approx(sum(people[year]) / len(people[year])),
                pytest.approx(sum(gains) / len(gains)),
            )
        )

    found = demo.rows(
        f"SELECT year, employed, mean_stock_gain FROM '{demo.output}/economy_by_year.parquet' ORDER BY year"
    )

    assert found == expected
    assert len(found) == 5


def test_airports_are_counted_by_state(demo: Made) -> None:
    counts: dict[str, int] = defaultdict(int)
    north: dict[str, tuple[float, str]] = {}
    for row in table("airports.csv"):
        state = row["state"]
        if row["country"] == "USA" and row["iata"] and state not in ("", "NA"):
            counts[state] += 1
        north[state] = max(north.get(state, (-90.0, "")), (float(row["latitude"]), row["name"]))

    assert dict(demo.rows("SELECT state, airports FROM airports_by_state")) == counts
    facts = json.loads((demo.output / "airports.json").read_text())
    assert [(fact["state"], fact["northernmost"]) for fact in facts] == [(s, north[s][1]) for s in ("WA", "AK")]


def test_what_was_made_is_recorded_and_shown(demo: Made) -> None:
    with Instance.at(demo.home) as instance:
        assert instance.runs.count(RunFilter(statuses=(RunStatus.SUCCESS,))) == PARTITIONED + 2
        assert instance.runs.count() == PARTITIONED + 2
        assert instance.assets.partition_counts(AssetKey(["cleaned", "weather"])) == {"MATERIALIZED": PARTITIONED}
    shown = demo.weft("asset", "show", "cleaned/airports", code=0)
    listed = demo.weft("asset", "list", code=0)["assets"]

    metadata = shown["latest_materialization"]["metadata"]
    airports = demo.rows(f"SELECT count(*) FROM '{demo.output}/parquet/cleaned/airports.parquet'")[0][0]
    assert metadata["weft/row_count"]["value"] == airports
    assert [column["name"] for column in metadata["weft/column_schema"]["value"]["columns"]][:2] == ["iata", "name"]
    assert len(metadata["preview"]["value"]["records"]) == 5
    assert sum(not asset["is_external"] for asset in listed) >= 12
    assert {asset["group"] for asset in listed} >= {"raw", "cleaned", "marts"}
    assert (demo.output / "rain.png").read_bytes().startswith(b"\x89PNG\r\n")
    # What a person is told: assets with their rows, checks, steps, places, what to do next.
    for text in ("raw/weather_days", "1461", "48/48", "warns", str(demo.output), str(demo.home), "run list"):
        assert text in demo.printed


def test_a_check_does_not_pass_on_a_month_with_a_day_missing(copy: Made) -> None:
    month = copy.output / "parquet" / "cleaned" / "weather" / "2013-05-01.parquet"
    spoil(month, "SELECT * FROM stored WHERE day <> DATE '2013-05-17'")
    check = 'check:"cleaned/weather:days_are_complete"'

    spoilt = copy.weft("asset", "materialize", "--select", check, "--partition", "2013-05-01", code=0)
    sound = copy.weft("asset", "materialize", "--select", check, "--partition", "2013-06-01", code=0)

    assert [(one["passed"], one["metadata"]["days"]["value"]) for one in spoilt["check_results"]] == [(False, 30)]
    assert [(one["passed"], one["metadata"]["days"]["value"]) for one in sound["check_results"]] == [(True, 30)]
    assert spoilt["materializations"] == []
    [state, _] = copy.weft("asset", "show", "cleaned/weather", code=0)["check_states"]
    assert state["partition_counts"] == {"passed": PARTITIONED - 1, "not_passed": 1}


def test_a_blocking_check_keeps_wrong_prices_out_of_the_marts(copy: Made) -> None:
    before = copy.rows("SELECT * FROM stock_returns ORDER BY ALL")
    spoil(copy.output / "parquet" / "raw" / "stock_prices.parquet", "SELECT symbol, date, -price AS price FROM stored")

    run = copy.weft("asset", "materialize", "--select", "cleaned/stocks", "--select", "marts/stock_returns", code=1)

    assert [(one["name"], one["passed"]) for one in run["check_results"]] == [("prices_are_positive", False)]
    assert {step["key"]: step["status"] for step in run["steps"]}["marts__stock_returns"] == "SKIPPED"
    assert copy.rows("SELECT * FROM stock_returns ORDER BY ALL") == before
