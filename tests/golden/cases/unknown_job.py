from weft import Definitions, asset, define_asset_job


@asset
def orders() -> int:
    return 1


Definitions([orders], jobs=[define_asset_job("nightly")]).get_job_def("nightli")
