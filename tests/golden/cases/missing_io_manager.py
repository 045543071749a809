"""An asset is stored by a manager that nobody defines."""

from weft import Definitions, asset


@asset(io_manager_key="parquet")
def orders() -> list[int]:
    return [1]


Definitions(assets=[orders]).validate_loadable()
