"""What is encoded is read back as it was; what has another shape is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st
from tests.unit.model.model_strategies import instances, law

from weft.model.assets import AssetCheckNode, AssetNode
from weft.model.codec import Decoder, encode, to_builtins, to_json
from weft.model.events import Event
from weft.model.failure import ErrorInfo
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import AnyMetadataValue
from weft.model.plan import PLAN_DECODER, RunPlan, StepPlan
from weft.model.run import Run
from weft.model.selection import Selection
from weft.model.snapshot import SNAPSHOT_DECODER, DefinitionsSnapshot, content_id
from weft.model.step import Step

VALUES: list[Any] = [
    AnyMetadataValue,
    AssetCheckNode,
    AssetNode,
    DefinitionsSnapshot,
    ErrorInfo,
    Event,
    Run,
    RunPlan,
    Selection,
    Step,
    StepPlan,
]


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: getattr(kind, "__name__", str(kind))[:30])
@law
@given(data=st.data())
def test_a_value_is_read_back_as_it_was(kind: Any, data: st.DataObject) -> None:
    value = data.draw(instances(kind))
    assert Decoder(kind).decode(encode(value)) == value


@law
@given(instances(DefinitionsSnapshot))
def test_a_snapshot_keeps_its_content_and_its_id(snapshot: DefinitionsSnapshot) -> None:
    blob = snapshot.to_blob()
    again = DefinitionsSnapshot.from_blob(blob)
    assert again == snapshot
    assert content_id(again.to_blob()) == content_id(blob)


@law
@given(instances(RunPlan))
def test_a_value_as_json_says_the_same(plan: RunPlan) -> None:
    assert msgspec.json.decode(to_json(plan)) == msgspec.json.decode(msgspec.json.encode(to_builtins(plan)))


@pytest.mark.parametrize("data", [b"", b"\xc1", encode({"assets": 3, "steps": 3}), encode([1, 2]), encode("text")])
def test_bytes_of_another_shape_are_refused_as_a_whole(data: bytes) -> None:
    for decoder in (PLAN_DECODER, SNAPSHOT_DECODER):
        with pytest.raises(msgspec.DecodeError):
            decoder.decode(data)


def test_a_key_that_is_no_key_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="not an asset key"):
        Decoder(AssetKey).decode(encode([]))
    with pytest.raises(msgspec.ValidationError):
        Decoder(AssetCheckKey).decode(encode(["only_a_name"]))


def test_what_is_no_model_value_is_not_encoded() -> None:
    with pytest.raises(NotImplementedError, match="object is not a model value"):
        encode(object())


class _Text(str):
    """As keys of several dimensions are, and text of numpy."""


def test_text_of_a_subclass_is_text() -> None:
    assert encode([_Text("a"), {"k": _Text("b")}]) == encode(["a", {"k": "b"}])
    assert to_json({"k": _Text("b")}) == b'{"k":"b"}'
