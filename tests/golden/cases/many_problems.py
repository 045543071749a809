"""Several things are wrong at once."""

from weft import Definitions, asset, asset_check, define_asset_job


@asset
def orders() -> list[int]:
    return [1]


@asset(required_resource_keys={"slack"})
def total(context, ordes: list[int]) -> int:
    return sum(ordes)


@asset_check(asset="totl")
def positive() -> bool:
    return True


def forgotten() -> None: ...


Definitions(
    assets=[orders, total, forgotten],
    asset_checks=[positive],
    jobs=[define_asset_job("nightly"), define_asset_job("nightly")],
).validate_loadable()
