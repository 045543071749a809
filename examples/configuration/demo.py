"""Makes both tables with the settings of a run, and reads one back from the database."""

import os
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    os.environ["SHOP_FOLDER"] = folder
    import duckdb
    from definitions import Limits, defs

    from weft import RunConfig, define_asset_job

    job = define_asset_job("all_of_it")
    project = type(defs).merge(defs, type(defs)(jobs=[job]))
    result = project.get_job_def("all_of_it").execute_in_process(
        run_config=RunConfig(ops={"orders": Limits(rows=8), "revenue": Limits(cheapest=5.0)})
    )
    print(result.asset_value("revenue").to_string(index=False))
    with duckdb.connect(str(Path(folder) / "tables.duckdb")) as connection:
        print("rows in the database:", connection.execute("select count(*) from shop.orders").fetchall()[0][0])
