"""A job is asked for that is not there."""

from weft import Definitions, asset, define_asset_job, job, op


@asset(group_name="raw")
def orders() -> list[int]:
    return [1, 2, 3]


@asset
def total(orders: list[int]) -> int:
    return sum(orders)


@op
def load() -> None: ...


@job
def nightly():
    load()


defs = Definitions(assets=[orders, total], jobs=[nightly, define_asset_job("totals", "*total")])


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("job", "execute", "-f", "shop.py", "nightli")
