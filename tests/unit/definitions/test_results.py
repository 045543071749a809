"""What functions return, yield and raise: what is accepted, and what is refused at the user's line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.unit.definitions.refusal import refused

from weft.definitions.results import (
    AssetCheckResult,
    AssetMaterialization,
    AssetObservation,
    DataVersion,
    DynamicOutput,
    Failure,
    MaterializeResult,
    ObserveResult,
    Output,
    RetryRequested,
)
from weft.model.keys import AssetKey
from weft.model.metadata import IntMetadataValue, PathMetadataValue, TextMetadataValue
from weft.model.severity import AssetCheckSeverity


def test_metadata_becomes_values_when_it_is_given() -> None:
    for result in (
        Output(1, metadata={"rows": 3}),
        DynamicOutput(1, "a", metadata={"rows": 3}),
        MaterializeResult(metadata={"rows": 3}),
        ObserveResult(metadata={"rows": 3}),
        AssetCheckResult(passed=True, metadata={"rows": 3}),
        AssetMaterialization("orders", metadata={"rows": 3}),
        Failure("no", metadata={"rows": 3}),
    ):
        assert result.metadata == {"rows": IntMetadataValue(3)}
    with refused("WEFT-D040", "rows", "object"):
        Output(1, metadata={"rows": object()})


@given(st.from_regex(r"[A-Za-z0-9_]+", fullmatch=True))
def test_plain_words_are_mapping_keys(key: str) -> None:
    assert DynamicOutput(1, mapping_key=key).mapping_key == key


@pytest.mark.parametrize("key", ["", "a b", "a.b", "a/b", "a[0]", "größe", "²", "a\n", None, 3])
def test_other_mapping_keys_are_refused(key: Any) -> None:
    with refused("WEFT-D060", "letters from A to Z"):
        DynamicOutput(1, mapping_key=key)


def test_a_plain_mapping_key_is_suggested() -> None:
    with refused("WEFT-D060", 'for example "shop_orders_csv"'):
        DynamicOutput(1, mapping_key="shop/orders.csv")


@pytest.mark.parametrize("answer", [1, 0, "yes", None, [], 0.0, object()])
def test_an_answer_is_true_or_false(answer: Any) -> None:
    with refused("WEFT-D078", "no answer"):
        AssetCheckResult(passed=answer)


def test_the_bool_of_numpy_is_an_answer() -> None:
    numpy = pytest.importorskip("numpy")
    assert AssetCheckResult(passed=numpy.bool_(False)).passed is False


def test_a_severity_may_be_written_as_a_word() -> None:
    assert AssetCheckResult(True, severity="warn").severity is AssetCheckSeverity.WARN  # type: ignore[arg-type]  # accepted all the same
    assert AssetCheckResult(True).severity is AssetCheckSeverity.ERROR
    with refused("WEFT-D071", "severity of AssetCheckResult"):
        AssetCheckResult(True, severity="fatal")  # type: ignore[arg-type]  # the point of the test


def test_keys_may_be_given_in_every_form() -> None:
    for form in ("shop/orders", ["shop", "orders"], AssetKey(["shop", "orders"])):
        assert MaterializeResult(asset_key=form).asset_key == AssetKey(["shop", "orders"])
        assert AssetCheckResult(True, asset_key=form).asset_key == AssetKey(["shop", "orders"])
    assert MaterializeResult().asset_key is None


def test_a_result_has_a_value_where_one_is_given_even_none() -> None:
    assert not MaterializeResult().has_value
    assert MaterializeResult(value=None).has_value
    assert MaterializeResult(value=3).value == 3


def test_check_results_are_check_results() -> None:
    result = AssetCheckResult(True)
    assert MaterializeResult(check_results=[result]).check_results == (result,)
    with refused("WEFT-D071", "check_results of MaterializeResult"):
        MaterializeResult(check_results=[True])  # type: ignore[list-item]  # the point of the test
    with refused("WEFT-D070"):
        MaterializeResult(check_results=result)  # type: ignore[arg-type]  # the point of the test


def test_a_data_version_may_be_written_as_text() -> None:
    assert MaterializeResult(data_version="v1").data_version == DataVersion("v1")
    assert Output(1, data_version=DataVersion("v1")).data_version == DataVersion("v1")
    assert Output(1).data_version is None
    assert len({DataVersion("v1"), DataVersion("v1")}) == 1
    with refused("WEFT-D071", "DataVersion"):
        DataVersion(1)  # type: ignore[arg-type]  # the point of the test


def test_tags_are_a_mapping() -> None:
    assert Output(1, tags={"a": "b"}).tags == {"a": "b"}
    with refused("WEFT-D072", "tags of MaterializeResult"):
        MaterializeResult(tags=["a"])  # type: ignore[arg-type]  # the point of the test


def test_a_file_that_was_written_is_named_by_its_path() -> None:
    made = AssetMaterialization.file(str(Path("data", "orders.csv")), description="the file")
    assert made.asset_key == AssetKey(["data", "orders.csv"])
    assert made.metadata == {"path": PathMetadataValue(str(Path("data", "orders.csv")))}
    assert AssetMaterialization.file("x.csv", asset_key="orders").asset_key == AssetKey("orders")
    assert isinstance(AssetObservation("orders"), AssetMaterialization)


def test_a_failure_says_its_description() -> None:
    failure = Failure("no orders", metadata={"file": "orders.csv"}, allow_retries=False)
    assert str(failure) == "no orders"
    assert failure.metadata == {"file": TextMetadataValue("orders.csv")}
    assert not failure.allow_retries
    assert str(Failure()) == ""


def test_a_request_for_a_retry_says_how_many_and_when() -> None:
    request = RetryRequested(max_retries=3, seconds_to_wait=1.5)
    assert (request.max_retries, request.seconds_to_wait) == (3, 1.5)
    assert "at most 3" in str(request)
