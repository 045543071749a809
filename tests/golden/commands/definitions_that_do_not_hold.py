"""Several things are wrong in a project."""

from weft import Definitions, asset, job, op


@asset
def total(orders: list[int]) -> int:
    return sum(orders)


@asset(io_manager_key="parquet")
def users() -> list[int]:
    return [1]


@op(required_resource_keys={"slack"})
def tell(context) -> None: ...


@job
def nightly():
    tell()


defs = Definitions(assets=[total, users], jobs=[nightly])


if __name__ == "__main__":
    from tests.golden.playback import weft

    weft("check", "-f", "shop.py")
