"""The interval of a sensor is a text."""

from weft import define_asset_job, sensor


@sensor(job=define_asset_job("nightly"), minimum_interval_seconds="30s")
def new_files(context): ...
