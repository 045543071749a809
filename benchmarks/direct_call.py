"""Calling a decorated function directly: what weft adds to a plain call.

- ``direct_call_asset``: microseconds that a call of an asset without context adds. Budget: 50.
- ``direct_call_context``: the same of one that takes a context and a resource. Budget: 50.
"""

from __future__ import annotations

import time

from harness import measure

from weft import AssetExecutionContext, ResourceParam, asset, build_asset_context

CALLS = 20_000


@asset
def plain(rows: int) -> int:
    return rows


@asset
def with_context(context: AssetExecutionContext, db: ResourceParam[str]) -> str:
    return db


CONTEXT = build_asset_context(resources={"db": "db"})


def added_to_plain() -> float:
    """Microseconds for one call, over the function itself."""
    return _per_call(lambda: plain(1)) - _per_call(lambda: plain.op.fn(1))


def added_with_context() -> float:
    """Microseconds for one call, over the function itself."""
    return _per_call(lambda: with_context(CONTEXT)) - _per_call(lambda: with_context.op.fn(CONTEXT, "db"))


def _per_call(call) -> float:  # type: ignore[no-untyped-def]  # any of the calls above
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return 1_000_000 * (time.perf_counter() - started) / CALLS


if __name__ == "__main__":
    measure("direct_call_asset", added_to_plain, unit="us", budget=50)
    measure("direct_call_context", added_with_context, unit="us", budget=50)
