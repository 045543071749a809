"""A sensor has a job and assets to run."""

from weft import define_asset_job, sensor


@sensor(job=define_asset_job("nightly"), asset_selection="*")
def new_files(context): ...
