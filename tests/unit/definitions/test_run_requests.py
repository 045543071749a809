"""What schedules and sensors ask for is checked where it is written, and plain from then on."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct

from weft import (
    AddDynamicPartitionsRequest,
    AssetCheckKey,
    AssetKey,
    AssetMaterialization,
    Config,
    ConfigError,
    DefinitionError,
    DeleteDynamicPartitionsRequest,
    DynamicPartitionsDefinition,
    RunConfig,
    RunRequest,
    SensorResult,
    SkipReason,
    asset,
)
from weft.model.codec import Decoder, encode


class Limits(Config):
    rows: int = 3


@asset
def orders() -> int:
    return 1


def test_configuration_objects_become_a_plain_document() -> None:
    typed = RunRequest(run_config=RunConfig(ops={"load": Limits(rows=5)}))
    plain = RunRequest(run_config={"ops": {"load": {"config": {"rows": 5}}}})
    assert typed == plain


def test_assets_are_named_by_definitions_keys_and_strings_alike() -> None:
    request = RunRequest(asset_selection=[orders, AssetKey(["shop", "sales"]), "total"])
    assert request.asset_selection == (AssetKey("orders"), AssetKey(["shop", "sales"]), AssetKey("total"))


def test_a_selection_of_no_assets_is_not_the_selection_of_all() -> None:
    assert RunRequest(asset_selection=[]).asset_selection == ()
    assert RunRequest().asset_selection is None


def test_a_tag_that_is_no_text_becomes_json() -> None:
    assert RunRequest(tags={"limits": {"cpu": 2}}).tags == {"limits": '{"cpu": 2}'}


def test_a_request_passes_through_the_codec_unchanged() -> None:
    class Stored(Struct, frozen=True):
        run_key: str | None = None
        run_config: dict[str, Any] = {}
        asset_selection: tuple[AssetKey, ...] | None = None
        asset_check_keys: tuple[AssetCheckKey, ...] | None = None

    request = RunRequest(
        "k",
        run_config={"ops": {}},
        asset_selection=[orders],
        asset_check_keys=[AssetCheckKey(AssetKey("orders"), "fresh")],
    )
    stored = Decoder(Stored).decode(encode(request))
    assert stored.run_key == "k"
    assert stored.asset_selection == request.asset_selection
    assert stored.asset_check_keys == request.asset_check_keys


def test_added_tags_give_way_to_those_of_the_request() -> None:
    assert RunRequest(tags={"a": "1"}).with_tags({"a": "2", "b": "3"}).tags == {"a": "1", "b": "3"}


@pytest.mark.parametrize(
    "arguments",
    [{"run_key": 3}, {"job_name": object()}, {"partition_key": 20240101}, {"stale_assets_only": "yes"}],
)
def test_an_argument_of_the_wrong_type_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(DefinitionError) as refused:
        RunRequest(**arguments)  # type: ignore[arg-type]
    assert refused.value.code == "WEFT-D071"


def test_something_else_than_configuration_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        RunRequest(run_config=["ops"])  # type: ignore[arg-type]
    assert refused.value.code == "WEFT-C030"


def test_a_skip_reason_is_given_as_text_or_object() -> None:
    assert SensorResult(skip_reason="nothing new").skip_reason == SkipReason("nothing new")
    assert SensorResult(skip_reason=SkipReason("nothing new")).skip_reason == SkipReason("nothing new")


def test_runs_and_a_reason_to_skip_exclude_each_other() -> None:
    with pytest.raises(DefinitionError) as refused:
        SensorResult(run_requests=[RunRequest()], skip_reason="nothing new")
    assert refused.value.code == "WEFT-D465"
    assert refused.value.facts == {"run requests": 1, "skip reason": "nothing new"}


def test_a_result_takes_requests_for_partitions_and_events_of_assets() -> None:
    colours = DynamicPartitionsDefinition("colours")
    result = SensorResult(
        dynamic_partitions_requests=[colours.build_add_request(["red"]), colours.build_delete_request(["blue"])],
        asset_events=[AssetMaterialization("orders")],
    )
    assert result.dynamic_partitions_requests == (
        AddDynamicPartitionsRequest("colours", ("red",)),
        DeleteDynamicPartitionsRequest("colours", ("blue",)),
    )


def test_anything_else_in_a_result_is_refused() -> None:
    for arguments in ({"run_requests": ["orders"]}, {"dynamic_partitions_requests": ["red"]}, {"asset_events": [1]}):
        with pytest.raises(DefinitionError) as refused:
            SensorResult(**arguments)  # type: ignore[arg-type]
        assert refused.value.code == "WEFT-D071"
