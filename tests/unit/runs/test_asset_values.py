from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from weft import (
    ConfigurableIOManager,
    DailyPartitionsDefinition,
    Definitions,
    FilesystemIOManager,
    InMemoryIOManager,
    Instance,
    StaticPartitionsDefinition,
    asset,
    materialize,
)
from weft.errors import IOManagerError, PartitionError
from weft.model.keys import AssetKey
from weft.runs.asset_values import migrate_io_storage

REGIONS = StaticPartitionsDefinition(["eu", "us"])


@asset
def number() -> int:
    return 5


@asset(partitions_def=REGIONS)
def orders(context) -> str:
    return context.partition_key.upper()


def test_a_value_is_loaded_without_a_run(tmp_path: Path) -> None:
    defs = Definitions([number, orders])
    with Instance.at(tmp_path) as instance:
        materialize([number], instance=instance)
        materialize([orders], instance=instance, partition_key="eu")
        materialize([orders], instance=instance, partition_key="us")
        runs = len(instance.get_runs())
        assert defs.load_asset_value("number", instance=instance) == 5
        with defs.get_asset_value_loader(instance) as loader:
            assert loader.load_asset_value("orders", partition_key="eu") == "EU"
            assert loader.load_asset_value("orders") == {"eu": "EU", "us": "US"}
        assert len(instance.get_runs()) == runs


def test_missing_values_assets_and_partitions_are_named(tmp_path: Path) -> None:
    defs = Definitions([number, orders])
    with Instance.at(tmp_path) as instance, defs.get_asset_value_loader(instance) as loader:
        with pytest.raises(IOManagerError, match='asset "number" is not stored'):
            loader.load_asset_value("number")
        with pytest.raises(IOManagerError, match='no asset "numbr"') as caught:
            loader.load_asset_value("numbr")
        assert "number" in (caught.value.fix or "")
        with pytest.raises(PartitionError):
            loader.load_asset_value("orders", partition_key="mars")
        allowed = {"allow_missing_partitions": True}
        assert loader.load_asset_value("orders", metadata=allowed) == {}


class Counted(ConfigurableIOManager):
    answer: int

    def handle_output(self, context: Any, obj: Any) -> None:
        raise NotImplementedError

    def load_input(self, context: Any) -> Any:
        return self.answer, context.value_type.annotation, dict(context.definition_metadata)


def test_the_io_manager_of_the_asset_is_set_up_as_in_a_run() -> None:
    @asset(io_manager_key="mine")
    def made() -> int:
        return 1

    defs = Definitions([made], resources={"mine": Counted(answer=4)})
    with Instance.ephemeral() as instance:
        answer = defs.load_asset_value("made", python_type=str, instance=instance, metadata={"columns": ["a"]})
    assert answer == (4, str, {"columns": ["a"]})


def test_values_move_from_one_io_manager_to_another(tmp_path: Path) -> None:
    old, new = InMemoryIOManager(), FilesystemIOManager(tmp_path)
    materialize([number], resources={"io_manager": old})
    materialize([orders], resources={"io_manager": old}, partition_key="us")
    result = migrate_io_storage(old, new, [number, orders])
    assert result.success
    assert result.migrated == ((AssetKey("number"), None), (AssetKey("orders"), "us"))
    assert result.skipped == ((AssetKey("orders"), "eu"),)
    assert (tmp_path / "number.json").read_text() == "5"
    assert (tmp_path / "orders" / "@us.txt").read_text() == "US"


def test_what_cannot_be_moved_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    old, new = InMemoryIOManager(), FilesystemIOManager(tmp_path)

    @asset
    def bad() -> Any:
        return lambda: 1

    materialize([bad, number], resources={"io_manager": old})
    result = migrate_io_storage(old, new, [bad, number])
    assert not result.success
    assert [key for key, _, _ in result.failed] == [AssetKey("bad")]
    assert result.migrated == ((AssetKey("number"), None),)


def test_days_of_a_window_can_be_moved_one_by_one(tmp_path: Path) -> None:
    days = DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")

    @asset(partitions_def=days)
    def daily(context) -> str:
        return context.partition_key

    old, new = InMemoryIOManager(), FilesystemIOManager(tmp_path)
    materialize([daily], resources={"io_manager": old}, partition_key="2024-01-03")
    assert migrate_io_storage(old, new, [daily], partition_keys=["2024-01-03"]).success
    assert (tmp_path / "daily" / "2024-01-03.txt").read_text() == "2024-01-03"
