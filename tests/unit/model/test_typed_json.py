"""Model values say what they are, come back as they were, and nothing else is made from data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from weft import AssetCheckKey, AssetKey, InvocationError, MetadataValue, RunStatus, deserialize_value, serialize_value
from weft.model.run import Run

_SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
_KEYS = st.lists(st.text("ab", min_size=1), min_size=1).map(AssetKey)
_VALUES = st.recursive(
    _SCALARS | _KEYS | st.sampled_from(list(RunStatus)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("__class__"), inner),
    max_leaves=8,
)


@given(_VALUES)
def test_what_was_written_is_read(value: Any) -> None:
    assert deserialize_value(serialize_value(value)) == value


def test_whole_runs_and_metadata() -> None:
    run = Run(id="r", job_name="nightly", status=RunStatus.SUCCESS, created_at=1.0, tags={"a": "b"})
    assert deserialize_value(serialize_value(run), Run) == run
    values = [MetadataValue.int(3), AssetCheckKey(AssetKey("orders"), "fresh")]
    assert deserialize_value(serialize_value(values)) == values


def test_other_objects_are_refused_in_both_directions() -> None:
    with pytest.raises(InvocationError) as refused:
        serialize_value(object())
    assert refused.value.code == "WEFT-I071"
    for text in (
        '{"__class__": "Popen", "value": ["ls"]}',
        "{",
        '{"__class__": "Run", "value": {}}',
        '{"__class__": "Run"}',
        '{"__class__": "dict"}',
        '{"__class__": "dict", "value": [[[], 1]]}',
        '{"__class__": ["Run"], "value": 1}',
        "[" * 100_000,
        '"x"',
    ):
        with pytest.raises(InvocationError) as refused:
            deserialize_value(text, AssetKey)
        assert refused.value.code == "WEFT-I072"
