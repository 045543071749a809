from weft import define_asset_job

define_asset_job("nightly").execute_in_process()
