"""Quantities of memory and processors, and their way through the tags of a step."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from weft import ComputeResources, DefinitionError, asset, op
from weft.model.compute import MEMORY_TAG, bytes_text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("512", 512),
        ("512 B", 512),
        ("1KiB", 1024),
        ("1kb", 1000),
        ("1.5 MiB", 1572864),
        ("2GB", 2_000_000_000),
        ("2Gi", 2 * 1024**3),
        ("1 TiB", 1024**4),
    ],
)
def test_memory_is_bytes_or_text(text: str, count: int) -> None:
    assert ComputeResources(memory=text).memory_bytes == count


@pytest.mark.parametrize("value", ["", "much", "-1", "0", "1 XB", 0, -5, True, 1.5, "0.0001"])
def test_what_is_no_amount_of_memory_is_refused(value: object) -> None:
    with pytest.raises(DefinitionError) as raised:
        ComputeResources(memory=value)  # type: ignore[arg-type]
    assert raised.value.code == "WEFT-D100"


@pytest.mark.parametrize("value", [0, -1, True, "2", float("nan"), float("inf")])
def test_what_is_no_number_of_processors_is_refused(value: object) -> None:
    with pytest.raises(DefinitionError):
        ComputeResources(cpus=value)  # type: ignore[arg-type]


@given(
    memory=st.none() | st.integers(1, 2**50),
    cpus=st.none() | st.integers(1, 1000) | st.sampled_from([0.5, 1.5]),
    request_=st.none() | st.integers(1, 2**50),
)
def test_tags_say_what_was_declared(memory: int | None, cpus: float | None, request_: int | None) -> None:
    declared = ComputeResources(memory=memory, cpus=cpus, memory_request=request_)
    assert ComputeResources.of_tags(declared.tags) == declared


def test_tags_of_other_spellings_are_understood_and_nonsense_says_nothing() -> None:
    assert ComputeResources.of_tags({"dagster/memory": "1GiB"}).memory_bytes == 1024**3
    assert ComputeResources.of_tags({MEMORY_TAG: "plenty", "weft/cpus": "many"}) == ComputeResources()


def test_ops_and_assets_take_resources_and_a_tag_of_their_own_wins() -> None:
    @op(resources=ComputeResources(memory="1GiB", cpus=2), tags={MEMORY_TAG: "2GiB"})
    def train() -> None: ...

    @asset(resources=ComputeResources(memory="1GiB"))
    def table() -> int:
        return 1

    assert ComputeResources.of_tags(train.tags) == ComputeResources(memory="2GiB", cpus=2)
    assert ComputeResources.of_tags(table.op.tags).memory_bytes == 1024**3


def test_resources_of_another_kind_are_refused() -> None:
    with pytest.raises(DefinitionError):
        op(resources={"memory": "1GiB"})(lambda: None)  # type: ignore[call-overload]


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 * 1024**3, "3.0 GiB")])
def test_numbers_of_bytes_read_well(count: int, text: str) -> None:
    assert bytes_text(count) == text
