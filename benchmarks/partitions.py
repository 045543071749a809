"""Partitions as arithmetic: ten million keys, in one dimension of time, one of names, and as a product of five.

A key is checked and becomes a set; whole sets are united, cut and carried through mappings; the memory of a set of a million and of ten
million keys is compared.
"""

from __future__ import annotations

import gc
import random
import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from harness import measure

from weft.model.partitions.definitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from weft.model.partitions.mappings import (
    MultiToSingleDimensionPartitionMapping,
    PartitionMapping,
    TimeWindowPartitionMapping,
)
from weft.model.partitions.ordinals import OrdinalSet
from weft.model.partitions.subset import PartitionSet
from weft.storage.memory import MemoryStorage

START = datetime(2005, 1, 1, tzinfo=timezone.utc)
KEYS = 10_000_000
NOW = (START + timedelta(minutes=KEYS)).timestamp()

MINUTES = TimeWindowPartitionsDefinition(
    start="2005-01-01-00:00", fmt="%Y-%m-%d-%H:%M", cron_schedule="* * * * *", timezone="UTC"
)
ZONED = HourlyPartitionsDefinition(start_date="2005-01-01-00:00", timezone="Europe/Berlin")
DAYS = DailyPartitionsDefinition(start_date="2005-01-01", timezone="Europe/Berlin")
PRODUCT = MultiPartitionsDefinition(
    {
        "day": DailyPartitionsDefinition(start_date="2023-01-01", end_date="2023-04-11"),  # 100
        "country": StaticPartitionsDefinition([f"c{number}" for number in range(50)]),
        "product": StaticPartitionsDefinition([f"p{number}" for number in range(50)]),
        "channel": StaticPartitionsDefinition([f"h{number}" for number in range(10)]),
        "version": StaticPartitionsDefinition([f"v{number}" for number in range(4)]),
    }
)


def milliseconds(body: Callable[[], object]) -> Callable[[], float]:
    """The time of one call."""

    def timed() -> float:
        started = time.perf_counter()
        body()
        return (time.perf_counter() - started) * 1000

    return timed


def one_key(name: str, definition: PartitionsDefinition, key: str, dynamic: object | None = None) -> None:
    """Whether a key is valid, and the set of it."""
    assert definition.has_partition_key(key, current_time=NOW, dynamic_partitions_store=dynamic)
    measure(
        f"partitions_is_valid_{name}",
        milliseconds(lambda: definition.has_partition_key(key, current_time=NOW, dynamic_partitions_store=dynamic)),
        unit="ms",
        repeats=21,
        budget=1,
    )
    measure(
        f"partitions_key_to_set_{name}",
        milliseconds(lambda: PartitionSet.from_keys(definition, [key], dynamic)),
        unit="ms",
        repeats=21,
        budget=1,
    )


def algebra(name: str, left: PartitionSet, right: PartitionSet) -> None:
    """Union, intersection and difference of two large sets, and their bytes."""
    for verb, body in {
        "union": lambda: left | right,
        "intersection": lambda: left & right,
        "difference": lambda: left - right,
        "complement": lambda: left.complement(NOW),
        "to_bytes": left.to_bytes,
    }.items():
        measure(f"partitions_{verb}_{name}", milliseconds(body), unit="ms", repeats=7, budget=50)


def mapped(
    name: str, mapping: PartitionMapping, down: PartitionsDefinition, up: PartitionsDefinition, chosen: PartitionSet
) -> None:
    """A whole set carried upstream and back."""
    found = mapping.upstream_of(chosen, down, up, NOW).partitions
    measure(
        f"partitions_upstream_{name}",
        milliseconds(lambda: mapping.upstream_of(chosen, down, up, NOW)),
        unit="ms",
        repeats=7,
        budget=50,
    )
    measure(
        f"partitions_downstream_{name}",
        milliseconds(lambda: mapping.downstream_of(found, up, down, NOW)),
        unit="ms",
        repeats=7,
        budget=50,
    )


def memory_growth() -> float:
    """How many times the memory of everything but the last tenth is that of the same for a tenth of the keys."""

    def peak(days: int) -> int:
        gc.collect()
        tracemalloc.start()
        definition = MultiPartitionsDefinition(
            {
                "day": DailyPartitionsDefinition(start_date="2000-01-01"),
                "name": StaticPartitionsDefinition([f"n{number}" for number in range(1000)]),
            }
        )
        until = datetime(2000, 1, 1, tzinfo=timezone.utc) + timedelta(days=days)
        everything = PartitionSet.all(definition, until)
        rest = everything - PartitionSet.product(definition, {"name": ["n7"]}, until)
        assert len(rest) == days * 999
        rest.to_bytes()
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    return peak(10_000) / peak(1_000)


def scattered(definition: PartitionsDefinition, count: int, seed: int) -> PartitionSet:
    """A set of every second key or so, without any order."""
    chosen = random.Random(seed)
    return PartitionSet.from_ordinals(definition, OrdinalSet.of(chosen.sample(range(count), count // 20)))


if __name__ == "__main__":
    assert MINUTES.count(NOW) == KEYS
    assert PRODUCT.count() == KEYS
    one_key("time", MINUTES, "2020-02-29-23:59")
    one_key("zone", ZONED, "2020-02-29-23:00")
    one_key("product", PRODUCT, PRODUCT.key_at(7_654_321))
    store = MemoryStorage().dynamic_partitions
    store.add("customers", [f"customer, no. {number}" for number in range(1_000_000)])
    one_key("dynamic_1M", DynamicPartitionsDefinition("customers"), "customer, no. 777777", store)

    whole = PartitionSet.all(MINUTES, NOW)
    algebra("time", whole - scattered(MINUTES, KEYS, 1), scattered(MINUTES, KEYS, 2))
    by_day = PRODUCT.get_partitions_def_for_dimension("day")
    days = list(by_day.get_partition_keys())
    algebra(
        "product",
        PartitionSet.product(PRODUCT, {"day": days[10:60], "country": ["c1", "c2"]}),
        PartitionSet.product(PRODUCT, {"channel": ["h3"], "version": ["v0", "v3"]}),
    )
    mapped("minutes_to_days", TimeWindowPartitionMapping(), DAYS, MINUTES, PartitionSet.all(DAYS, NOW))
    mapped("days_to_minutes", TimeWindowPartitionMapping(), MINUTES, DAYS, whole)
    mapped(
        "product_to_day",
        MultiToSingleDimensionPartitionMapping("day"),
        PRODUCT,
        by_day,
        PartitionSet.all(PRODUCT),
    )
    measure("partitions_memory_10x_keys", memory_growth, unit="times", repeats=3, budget=1.1)
