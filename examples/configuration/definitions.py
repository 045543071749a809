"""One project, three places to run: resources and configuration by environment, secrets by reference, tables in DuckDB.

SHOP_ENV=test weft asset materialize -f definitions.py --select '*'
"""

import os
import tempfile
from pathlib import Path

import pandas as pd

from weft import Config, ConfigurableResource, Definitions, EnvVar, asset
from weft.integrations.duckdb import DuckDBPandasIOManager

FOLDER = Path(os.environ.get("SHOP_FOLDER", tempfile.gettempdir()))


class Till(ConfigurableResource):
    """Where orders come from."""

    url: str
    token: str = ""

    def orders(self, limit: int) -> list[dict[str, object]]:
        goods = ["tea", "coffee", "cake"]
        return [{"id": number, "what": goods[number % 3], "price": 2.5 * (number % 4 + 1)} for number in range(limit)]


class Limits(Config):
    """Settings of a run."""

    rows: int = 12
    cheapest: float = 0.0


@asset
def orders(config: Limits, till: Till) -> pd.DataFrame:
    return pd.DataFrame(till.orders(config.rows))


@asset
def revenue(config: Limits, orders: pd.DataFrame) -> pd.DataFrame:
    kept = orders[orders["price"] >= config.cheapest]
    return kept.groupby("what")["price"].sum().reset_index()


TILLS = {
    "test": Till(url="memory:"),
    "prod": Till(url="https://till.example", token=EnvVar("TILL_TOKEN")),
}

defs = Definitions(
    [orders, revenue],
    resources={
        "till": TILLS[os.environ.get("SHOP_ENV", "test")],
        "io_manager": DuckDBPandasIOManager(database=str(FOLDER / "tables.duckdb"), schema="shop"),
    },
)
