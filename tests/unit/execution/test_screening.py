"""What is recorded of the free text of events: no secrets, a bounded size, no number that cannot be carried."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from weft.config.secrets import HIDDEN, Redaction
from weft.execution.journal import MemoryJournal
from weft.execution.screening import MOST_EVENT_BYTES, MOST_METADATA_BYTES, ScreenedRecorder, screened
from weft.model.codec import encode
from weft.model.events import (
    BODY_DECODER,
    AssetMaterialized,
    EngineEvent,
    EventBody,
    LogMessage,
    RunFailed,
    StepFailed,
    StepStarted,
)
from weft.model.failure import ErrorInfo, Frame
from weft.model.keys import AssetKey
from weft.model.metadata import MetadataValue, TextMetadataValue
from weft.model.run import FailureReason

NOTHING = Redaction(())
SECRET = "s3cr3t-canary"
SECRETS = Redaction([SECRET])

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=50)
ERRORS = st.builds(
    ErrorInfo, message=TEXTS, class_name=TEXTS, frames=st.lists(st.builds(Frame, TEXTS, st.just(1), TEXTS)).map(tuple)
)
LOG_LINES = st.builds(
    LogMessage,
    message=TEXTS,
    level=st.just(20),
    fields=st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.floats(allow_nan=False), st.none())),
    error=st.one_of(st.none(), ERRORS),
)


def stored(body: EventBody) -> EventBody:
    return BODY_DECODER.decode(encode(body))


@given(LOG_LINES)
def test_whatever_is_logged_can_be_stored_and_read(line: LogMessage) -> None:
    found = screened(line, NOTHING)
    assert stored(found) == found


@given(LOG_LINES)
def test_screening_twice_changes_nothing_more(line: LogMessage) -> None:
    once = screened(line, SECRETS)
    assert screened(once, SECRETS) == once


def test_ordinary_events_are_handed_on_as_they_are() -> None:
    for body in (StepStarted(), LogMessage(message="hello", level=20, fields={"rows": 3})):
        assert screened(body, SECRETS) is body


@pytest.mark.parametrize("size", [70_000, 10_000_000])
@pytest.mark.parametrize("letter", ["x", "\N{GREEK SMALL LETTER ALPHA}", "\N{GRINNING FACE}"])
def test_a_long_line_keeps_its_beginning_and_says_what_is_missing(size: int, letter: str) -> None:
    found = screened(LogMessage(message="first " + letter * size, level=20), NOTHING)
    assert isinstance(found, LogMessage)
    assert len(encode(found)) <= MOST_EVENT_BYTES
    assert found.message.startswith("first " + letter)
    assert found.message.endswith("more characters were left out)")


def test_a_line_that_fits_is_kept_whole() -> None:
    line = LogMessage(message="x" * 60_000, level=20)
    assert screened(line, NOTHING) is line


def test_very_many_fields_are_cut_to_some() -> None:
    line = LogMessage(message="m", level=20, fields={f"field {number}": "x" * 1000 for number in range(10_000)})
    found = screened(line, NOTHING)
    assert len(encode(found)) <= MOST_EVENT_BYTES


def test_the_longest_error_fits() -> None:
    def nested(depth: int) -> None:
        try:
            if depth == 0:
                raise ValueError("the root " + "\N{GRINNING FACE}" * 30_000)
            nested(depth - 1)
        except Exception as error:
            raise RuntimeError(f"at {depth} " + "\N{GRINNING FACE}" * 30_000) from error

    with pytest.raises(RuntimeError) as caught:
        nested(200)
    found = screened(StepFailed(error=ErrorInfo.from_exception(caught.value)), NOTHING)
    assert isinstance(found, StepFailed)
    assert len(encode(found)) <= MOST_EVENT_BYTES
    text = found.error.to_string()
    assert "at 200" in text
    assert "the root" in text
    assert " exceptions in between were left out" in text


def test_of_metadata_each_value_is_bounded_and_others_are_untouched() -> None:
    table = MetadataValue.table([{"number": number} for number in range(100_000)])
    body = AssetMaterialized(
        asset_key=AssetKey("a"),
        metadata={
            "text": MetadataValue.text("t" * 10_000_000),
            "md": MetadataValue.md("\N{GREEK SMALL LETTER ALPHA}" * 1_000_000),
            "table": table,
            "preview": MetadataValue.md("p" * 100_000),
        },
    )
    found = screened(body, NOTHING)
    assert isinstance(found, AssetMaterialized)
    assert found.metadata["preview"] == body.metadata["preview"]
    for label in ("text", "md"):
        assert MOST_METADATA_BYTES * 0.9 < len(encode(found.metadata[label])) < MOST_METADATA_BYTES * 1.01
        assert found.metadata[label].value.endswith("more characters were left out)")
    assert isinstance(found.metadata["table"], TextMetadataValue)
    assert "left out: table of" in found.metadata["table"].text


def test_a_number_that_cannot_be_carried_becomes_one_that_can() -> None:
    found = screened(LogMessage(message="m", level=20, fields={"big": 2**70, "huge": 2**20_000}), NOTHING)
    assert isinstance(found, LogMessage)
    assert found.fields == {"big": float(2**70), "huge": "a whole number of 20001 bits"}


@pytest.mark.parametrize(
    "body",
    [
        LogMessage(message=f"password {SECRET}", level=20),
        LogMessage(message="m", level=20, fields={"f": SECRET, SECRET: 1}),
        LogMessage(message="m", level=20, error=ErrorInfo(message=SECRET, class_name="E")),
        StepFailed(error=ErrorInfo(message="", class_name="E", frames=(Frame("f.py", 1, "f", f"x = '{SECRET}'"),))),
        StepFailed(
            error=ErrorInfo(message="", class_name="E", cause=ErrorInfo(message=f"a {SECRET} b", class_name="F"))
        ),
        StepFailed(error=ErrorInfo(message="", class_name="E", metadata={"m": MetadataValue.json({"k": [SECRET]})})),
        RunFailed(reason=FailureReason.INTERNAL, message=SECRET),
        EngineEvent(message=SECRET, metadata={"a": MetadataValue.table([{"c": SECRET}])}),
        AssetMaterialized(
            asset_key=AssetKey("a"),
            description=SECRET,
            tags={"t": SECRET},
            metadata={"url": MetadataValue.url(f"https://u:{SECRET}@host"), SECRET: MetadataValue.md(SECRET)},
        ),
    ],
)
def test_secrets_are_hidden_wherever_text_is_free(body: EventBody) -> None:
    found = screened(body, SECRETS)
    assert SECRET.encode() not in encode(found)
    assert HIDDEN.encode() in encode(found)
    assert stored(found) == found


def test_names_are_never_changed() -> None:
    body = AssetMaterialized(
        asset_key=AssetKey(SECRET), partition=SECRET, metadata={"asset": MetadataValue.asset(SECRET)}
    )
    assert screened(body, SECRETS) == body


def test_listeners_see_what_is_recorded() -> None:
    journal = MemoryJournal("r1")
    seen = []
    journal.subscribe(seen.append)
    event = ScreenedRecorder(journal, [SECRET]).append(LogMessage(message=SECRET, level=20), "a")
    assert seen == journal.events == [event]
    assert event.body == LogMessage(message=HIDDEN, level=20)
    assert event.step_key == "a"
