"""What is recorded of the free text in events: no secrets, a bounded size, no number that cannot be carried.

User code puts whatever it likes into log lines, exceptions, metadata and tags. All events of a worker pass here before anybody sees
them, listeners included. Names (of runs, steps, assets, partitions, outputs) identify, and are never changed; whatever else is text may be.

- Secrets of the run's configuration are replaced by a mark (`weft.config.secrets`).
- An event takes 64 KiB: pages and the live view read many at once. Its texts are cut until it fits; each says how much is missing.
- Metadata is attached on purpose and read one at a time: each value may have 256 KiB. Of a longer text the beginning is kept; a value of any
  other kind is left out as a whole, since half a table is none.
- Whole numbers beyond 64 bits become floats.

Nearly all events need none of it: whether one does is seen on its encoded form.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from weft.config.secrets import Redaction
from weft.model.codec import encode
from weft.model.events import Event, EventBody
from weft.model.failure import ErrorInfo, shortened
from weft.model.metadata import (
    AnyMetadataValue,
    AssetMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    JobMetadataValue,
    MarkdownMetadataValue,
    PoolMetadataValue,
    RunMetadataValue,
    TextMetadataValue,
)

if TYPE_CHECKING:
    from weft.execution.run_context import EventRecorder

MOST_EVENT_BYTES = 64 * 1024
"""Of an event without its metadata."""

MOST_METADATA_BYTES = 256 * 1024
"""Of one value of metadata."""

# How many characters each text of an event that is too large may keep: the first number with which it fits.
_CUTS = (16_000, 4_000, 1_000, 200, 50)
# How many entries a mapping of such an event may keep where even that does not help.
_MOST_ENTRIES = 100

_FREE_FIELDS = ("message", "description", "error", "fields", "metadata", "tags")
_FREE: dict[type, tuple[str, ...]] = {
    kind: found
    for kind in EventBody.__args__
    if (found := tuple(name for name in _FREE_FIELDS if name in kind.__struct_fields__))
}
# Kinds of metadata that are links: they name something.
_LINKS = frozenset({AssetMetadataValue, JobMetadataValue, PoolMetadataValue, RunMetadataValue})

_WHOLE_NUMBERS = range(-(1 << 63), 1 << 64)
"""Those that msgpack can carry."""


class ScreenedRecorder:
    """Hands events on to `recorder`, with their free text screened.

    Args:
        recorder: a journal.
        secrets: what must not be recorded.
    """

    def __init__(self, recorder: EventRecorder, secrets: Collection[str] = ()) -> None:
        self._recorder = recorder
        self._redaction = Redaction(secrets)

    def append(self, body: EventBody, step_key: str | None = None) -> Event:
        """See `EventRecorder.append`. The event that comes back is the one that was recorded."""
        return self._recorder.append(screened(body, self._redaction), step_key)


def screened(body: EventBody, redaction: Redaction) -> EventBody:
    """`body` as it may be recorded; the same object where there is nothing to change."""
    names = _FREE.get(type(body))
    if names is None:
        return body
    free = {name: value for name in names if (value := getattr(body, name))}
    if not free:
        return body
    try:
        data = encode(body)
    except OverflowError:
        pass
    else:
        if len(data) <= MOST_EVENT_BYTES and not redaction.occurs_in(data):
            return body

    free = {name: _rewritten(value, redaction.text) for name, value in free.items()}
    if "metadata" in free:
        free["metadata"] = _fitting_metadata(free["metadata"])
    error = free.get("error")
    if error is not None and error.metadata:
        free["error"] = structs.replace(error, metadata=_fitting_metadata(error.metadata))
    return _fitting(structs.replace(body, **free), names)


def _rewritten(value: Any, text: Callable[[str], str]) -> Any:
    """`value` with each text in it rewritten, and numbers that cannot be carried made such that can."""
    kind = type(value)
    if kind is str:
        return text(value)
    if kind is int:
        return value if value in _WHOLE_NUMBERS else _as_float(value)
    if isinstance(value, Mapping):
        return {text(key) if type(key) is str else key: _rewritten(item, text) for key, item in value.items()}
    if kind is tuple or kind is list:
        return kind([_rewritten(item, text) for item in value])
    if kind is IntMetadataValue and value.number not in _WHOLE_NUMBERS:
        number = _as_float(value.number)
        return FloatMetadataValue(number) if isinstance(number, float) else TextMetadataValue(number)
    if isinstance(value, Struct) and kind not in _LINKS:
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        changed = {name: new for name, old in fields.items() if (new := _rewritten(old, text)) is not old}
        return structs.replace(value, **changed) if changed else value
    return value


def _as_float(number: int) -> float | str:
    try:
        return float(number)
    except OverflowError:
        return f"a whole number of {number.bit_length()} bits"


# --- size -------------------------------------------------------------------------------------------------------------


def _fitting(body: Any, names: tuple[str, ...]) -> EventBody:
    """`body` with its texts cut so that, metadata aside, it has at most `MOST_EVENT_BYTES`."""
    cut_names = [name for name in names if name != "metadata"]
    found = body
    for most in (None, *_CUTS):
        if most is not None:
            cuts = {name: _rewritten(getattr(body, name), _cut_at(most)) for name in cut_names}
            # Metadata of an error was looked at already, with a limit of its own.
            if isinstance(cuts.get("error"), ErrorInfo):
                cuts["error"] = structs.replace(cuts["error"], metadata=body.error.metadata)
            found = structs.replace(body, **cuts)
        if _size(found) <= MOST_EVENT_BYTES:
            return found  # type: ignore[no-any-return]
    mappings = {name: value for name in cut_names if isinstance(value := getattr(found, name), Mapping)}
    fewer = {name: dict(islice(value.items(), _MOST_ENTRIES)) for name, value in mappings.items()}
    return structs.replace(found, **fewer)  # type: ignore[no-any-return]


def _size(body: Any) -> int:
    without: dict[str, Any] = {}
    if getattr(body, "metadata", None):
        without["metadata"] = {}
    error = getattr(body, "error", None)
    if error is not None and error.metadata:
        without["error"] = structs.replace(error, metadata={})
    return len(encode(structs.replace(body, **without) if without else body))


def _cut_at(most: int) -> Callable[[str], str]:
    return lambda text: shortened(text, most)


def _fitting_metadata(metadata: Mapping[str, AnyMetadataValue]) -> dict[str, AnyMetadataValue]:
    return {shortened(label, _CUTS[2]): _fitting_value(value) for label, value in metadata.items()}


def _fitting_value(value: AnyMetadataValue) -> AnyMetadataValue:
    size = len(encode(value))
    if size <= MOST_METADATA_BYTES:
        return value
    if isinstance(value, (TextMetadataValue, MarkdownMetadataValue)):
        most = MOST_METADATA_BYTES * len(value.value) // size  # characters may take several bytes
        return type(value)(shortened(value.value, most))
    kind = value.__struct_config__.tag
    return TextMetadataValue(f"(left out: {kind} of {size:,} bytes; a value may have {MOST_METADATA_BYTES:,})")
