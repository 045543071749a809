"""Definitions that a function makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.definitions.refusal import refused

from weft import (
    AssetKey,
    AssetSpec,
    Definitions,
    ScheduleDefinition,
    asset,
    asset_check,
    create_repository_using_definitions_args,
    definitions,
    graph,
    job,
    op,
    repository,
)
from weft.codeserver.loader import load_target
from weft.codeserver.target import FileTarget


@asset
def orders() -> int:
    return 1


@asset_check(asset=orders)
def fits() -> bool:
    return True


@op
def work() -> int:
    return 1


@job
def nightly() -> None:
    work()


@graph
def wired() -> Any:
    return work()


def test_the_function_is_called_once_when_definitions_are_loaded() -> None:
    calls = []

    @definitions
    def defs() -> Definitions:
        """All of it."""
        calls.append(1)
        return Definitions([orders])

    assert calls == []
    assert defs.load() is defs()
    assert calls == [1]
    assert defs.__doc__ == "All of it."


def test_a_function_that_gives_something_else_is_refused() -> None:
    @definitions
    def defs() -> Definitions:
        return [orders]  # type: ignore[return-value]  # what is refused

    with refused("WEFT-D071", '@definitions "defs"'):
        defs.load()


def test_a_file_with_lazy_definitions_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "lazy_project.py"
    file.write_text(
        "from weft import Definitions, asset, definitions\n"
        "@asset\ndef one(): return 1\n"
        "@definitions\ndef defs():\n    return Definitions([one])\n"
    )
    for attribute in (None, "defs"):
        loaded = load_target(FileTarget(file=file, attribute=attribute))
        assert loaded.repository.graph.keys == (AssetKey("one"),)


def test_a_repository_sorts_what_it_is_given() -> None:
    nightly_schedule = ScheduleDefinition(job=nightly, cron_schedule="0 1 * * *")

    @repository(description="the shop", top_level_resources={"db": 1})
    def shop() -> list[Any]:
        return [orders, [fits, AssetSpec("feed")], nightly, wired, nightly_schedule]

    assert (shop.name, shop.description) == ("shop", "the shop")
    resolved = shop.resolve()
    assert set(resolved.jobs) == {"nightly", "wired"}
    assert set(resolved.schedules) == {"nightly_schedule"}
    assert len(resolved.graph.checks) == 1
    assert shop.resources == {"db": 1}


def test_what_is_nothing_of_the_known_is_refused() -> None:
    @repository
    def shop() -> list[Any]:
        return [3]

    with refused("WEFT-D038"):
        shop.resolve()


def test_a_repository_may_be_made_of_arguments() -> None:
    made = create_repository_using_definitions_args("shop", [orders], jobs=[nightly])
    assert made.name == "shop"
    assert set(made.resolve().jobs) == {"nightly"}
