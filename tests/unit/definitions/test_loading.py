"""Collecting what modules declare."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.unit.definitions.refusal import refused

import weft
from weft import (
    AssetKey,
    AutomationCondition,
    BackfillPolicy,
    Definitions,
    load_asset_checks_from_modules,
    load_asset_checks_from_package_name,
    load_assets_from_current_module,
    load_assets_from_modules,
    load_assets_from_package_module,
    load_assets_from_package_name,
    load_definitions_from_modules,
    load_definitions_from_package_name,
    materialize,
)

FILES = {
    "__init__.py": "",
    "raw.py": """
from weft import asset, asset_check, AssetSpec
feed = AssetSpec("feed")
@asset(deps=[feed])
def orders():
    return [1, 2]
@asset_check(asset=orders, blocking=True)
def orders_fit(orders):
    return len(orders) == 2
many = [asset(name=f"made_{n}")(lambda: 1) for n in range(2)]
""",
    "deep/__init__.py": "",
    "deep/marts.py": """
from weft import asset, define_asset_job, definitions, Definitions, ScheduleDefinition
from shop_project.raw import orders
@asset
def total(orders):
    return sum(orders)
@asset(group_name="own")
def grouped():
    return 1
everything = define_asset_job("everything")
nightly = ScheduleDefinition(job=everything, cron_schedule="0 1 * * *")
@definitions
def more():
    return Definitions(resources={"lazy": 1})
""",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    for name, text in FILES.items():
        file = tmp_path / "shop_project" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    import importlib

    yield importlib.import_module("shop_project")
    for name in [name for name in sys.modules if name.split(".")[0] == "shop_project"]:
        del sys.modules[name]


def keys(items: list[Any]) -> list[str]:
    return sorted(
        key.to_user_string() for item in items for key in (item.keys if hasattr(item, "keys") else [item.key])
    )


def test_a_package_gives_the_assets_of_every_module_below_each_once(package: ModuleType) -> None:
    wanted = ["grouped", "made_0", "made_1", "orders", "total"]
    assert keys(load_assets_from_package_module(package)) == wanted
    assert keys(load_assets_from_package_name("shop_project")) == wanted
    assert keys(load_assets_from_package_module(package, include_specs=True)) == sorted([*wanted, "feed"])


def test_modules_give_their_own(package: ModuleType) -> None:
    import importlib

    raw = importlib.import_module("shop_project.raw")
    assert keys(load_assets_from_modules([raw])) == ["made_0", "made_1", "orders"]
    with refused("WEFT-D070", "modules"):
        load_assets_from_modules(raw)  # type: ignore[arg-type]  # what is refused


def test_prefixes_are_put_before_keys_and_before_what_depends_on_them(package: ModuleType) -> None:
    loaded = load_assets_from_package_module(
        package, key_prefix="shop", source_key_prefix=["ext", "files"], include_specs=True
    )
    checks = load_asset_checks_from_package_name("shop_project", asset_key_prefix="shop")
    repository = Definitions(loaded, asset_checks=checks).resolve()
    assert "ext/files/feed" in keys(loaded)
    assert repository.graph.upstream(AssetKey("shop/total".split("/"))) == (AssetKey(["shop", "orders"]),)
    assert repository.graph.upstream(AssetKey(["shop", "orders"])) == (AssetKey(["ext", "files", "feed"]),)
    assert [key.to_user_string() for key in repository.graph.checks] == ["shop/orders:orders_fit"]
    result = materialize([*loaded, *checks])
    assert result.asset_value(AssetKey(["shop", "total"])) == 3


def test_defaults_go_to_those_that_have_none(package: ModuleType) -> None:
    loaded = load_assets_from_modules(
        [sys.modules["shop_project"], __import__("shop_project.raw").raw],
        group_name="raw",
        automation_condition=AutomationCondition.eager(),
        backfill_policy=BackfillPolicy.single_run(),
    )
    for item in loaded:
        [spec] = item.specs
        assert spec.group_name == "raw"
        assert spec.automation_condition is not None
        assert spec.backfill_policy == BackfillPolicy.single_run()


def test_a_second_group_is_refused(package: ModuleType) -> None:
    with refused("WEFT-D412", '"grouped"', "own"):
        load_assets_from_package_module(package, group_name="other")


def test_checks_are_loaded_apart(package: ModuleType) -> None:
    [check] = load_asset_checks_from_package_name("shop_project")
    assert [key.name for key in check.check_keys] == ["orders_fit"]
    assert load_asset_checks_from_modules([package]) == []


def test_everything_of_a_package_is_one_definitions(package: ModuleType) -> None:
    defs = load_definitions_from_package_name("shop_project", resources={"db": 1})
    assert set(defs.resolve().jobs) == {"everything"}
    assert len(defs.resolve().graph.checks) == 1
    assert set(defs.resolve().schedules) == {"everything_schedule"}
    assert defs.resources == {"db": 1, "lazy": 1}


def test_what_is_in_definitions_already_is_not_taken_again() -> None:
    module = ModuleType("shop_module")

    @weft.asset
    def orders() -> int:
        return 1

    vars(module).update(orders=orders, defs=Definitions([orders], resources={"db": 1}))
    defs = load_definitions_from_modules([module])
    assert [item.key for item in defs.assets] == [AssetKey("orders")]
    assert set(defs.resources) == {"db"}


def test_collisions_name_both_places(package: ModuleType) -> None:
    import importlib

    one = ModuleType("other_module")
    vars(one)["orders"] = weft.asset(name="orders")(lambda: 1)
    with refused("WEFT-D039", "raw.py", "test_loading.py"):
        Definitions(load_assets_from_modules([importlib.import_module("shop_project.raw"), one])).resolve()


@weft.asset
def declared_here() -> int:
    return 1


def test_the_module_that_calls_gives_its_own() -> None:
    assert keys(load_assets_from_current_module()) == ["declared_here"]
