"""What asset definitions say of their assets, by key, by output and by input."""

from __future__ import annotations

from typing import Any

from weft import (
    AssetCheckSpec,
    AssetDep,
    AssetIn,
    AssetKey,
    AssetOut,
    AssetSpec,
    BackfillPolicy,
    LastPartitionMapping,
    asset,
    asset_check,
    multi_asset,
)

A, B, RAW, DEP = (AssetKey(name) for name in ("a", "b", "raw", "dep"))
LAST = LastPartitionMapping()


@multi_asset(
    outs={
        "one": AssetOut(key="a", tags={"team": "x"}, code_version="3"),
        "two": AssetOut(key="b", metadata={"rows": 1}),
    },
    ins={"rows": AssetIn(key="raw", partition_mapping=LAST)},
    deps=[DEP],
    internal_asset_deps={"two": {A, RAW}},
    check_specs=[AssetCheckSpec("fine", asset="a")],
    backfill_policy=BackfillPolicy.single_run(),
)
def both(rows: Any) -> Any:
    return 1, 2


def test_keys_are_sets_in_order() -> None:
    assert both.keys == {B, A}
    assert {A} < both.keys
    assert list(both.keys) == [A, B]
    assert {key.name for key in both.check_keys} == {"fine"}
    assert both.check_keys == {spec.key for spec in both.check_specs}


def test_names_of_outputs_and_inputs() -> None:
    assert both.keys_by_output_name == {"one": A, "two": B}
    assert both.keys_by_input_name == {"rows": RAW}


def test_what_is_said_of_each_asset() -> None:
    assert list(both.specs_by_key) == [A, B]
    assert both.tags_by_key[A] == {"team": "x"}
    assert both.metadata_by_key[B]["rows"] in (1, both.specs_by_key[B].metadata["rows"])
    assert both.code_versions_by_key == {A: "3", B: None}


def test_dependencies() -> None:
    assert both.asset_deps[A] == {RAW, DEP}
    assert both.asset_deps[B] == {A, RAW, DEP}
    assert both.dependency_keys == {RAW, DEP}


def test_a_check_depends_on_its_asset() -> None:
    @asset_check(asset="a", additional_deps=["dep"], name="fine")
    def fine() -> Any: ...

    assert fine.keys == set()
    assert fine.asset_deps == {}
    assert fine.dependency_keys == {A, DEP}


def test_mappings_of_partitions_are_those_that_were_given() -> None:
    @asset(deps=[AssetDep("dep", partition_mapping=LAST)])
    def downstream(raw: Any) -> None: ...

    assert both.get_partition_mapping(RAW) is LAST
    assert downstream.get_partition_mapping("dep") is LAST
    assert downstream.get_partition_mapping("raw") is None


def test_a_backfill_policy_is_one_that_all_share() -> None:
    @multi_asset(specs=[AssetSpec("a", backfill_policy=BackfillPolicy.single_run()), AssetSpec("b")])
    def mixed() -> None: ...

    assert both.backfill_policy == BackfillPolicy.single_run()
    assert mixed.backfill_policy is None
    assert both.is_executable
