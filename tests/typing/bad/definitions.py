"""Mistakes that a type checker must report, each at its line, with the fragment that stands there."""

from __future__ import annotations

from weft import (
    AssetSpec,
    ConfigurableResource,
    Definitions,
    EnvVar,
    In,
    MaterializeResult,
    asset,
    asset_check,
    materialize,
    op,
    sensor,
)


class Database(ConfigurableResource):
    url: str
    port: int = 5432


@asset
def orders() -> list[int]:
    return [1, 2]


@asset
def total(orders: list[int]) -> int:
    return sum(orders)


@op
def one() -> int:
    return 1


total("a")  # error: incompatible type "str"
total()  # error: Missing positional argument "orders"
total([1], 2)  # error: Too many arguments
text: str = orders()  # error: Incompatible types in assignment
number: str = one()  # error: Incompatible types in assignment


@asset(nme="x")  # error: "nme"
def misspelt() -> None: ...


@asset(group_name=5)  # error: argument type "int"
def wrong_group() -> None: ...


@op(nme="x")  # error: "nme"
def misspelt_op() -> None: ...


@op(ins=[In(int)])  # error: argument type "list[In]"
def wrong_ins(number: int) -> None: ...


@asset_check(asset=orders, blockng=True)  # error: "blockng"
def misspelt_check() -> bool:
    return True


@sensor(minimum_interval_seconds="often")  # error: "minimum_interval_seconds"
def wrong_interval() -> None: ...


Definitions(asets=[orders])  # error: "asets"
AssetSpec("a", description=5)  # error: "description"
MaterializeResult(metadta={})  # error: "metadta"
materialize(orders)  # error: incompatible type
EnvVar(5)  # error: incompatible type "int"
