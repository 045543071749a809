"""Runs the job of the project from a script: one import puts weft behind the name."""

import weft.compat.dagster.auto  # noqa: F401, I001
from definitions import defs

result = defs.get_job_def("nightly").execute_in_process()
print("made:", sorted(event.asset_key.to_user_string() for event in result.get_asset_materialization_events()))
