"""What automation has to know of the world, as a port, and what it remembers of itself between evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from weft.model.codec import Decoder, encode
from weft.model.keys import AssetCheckKey, AssetJobKey, AssetKey
from weft.planning.automation.subset import Scope, Subset

Target: TypeAlias = AssetKey | AssetCheckKey | AssetJobKey
"""What can be requested."""


class MakingRun(Struct, frozen=True):
    """The run that made something: what it was to make, and its tags."""

    run_id: str
    assets: frozenset[AssetKey] = frozenset()
    checks: frozenset[AssetCheckKey] = frozenset()
    tags: Mapping[str, str] = {}


class Update(Struct, frozen=True):
    """Partitions of a target that one run made, or that were reported without a run."""

    subset: Subset
    run: MakingRun | None = None
    # The partitions among them whose data version is not the one that was there before.
    changed: Subset | None = None


class AutomationState(Protocol):
    """The state of targets, as far as conditions ask for it. Answers are about one moment: the event `latest_event_id`."""

    @property
    def latest_event_id(self) -> int:
        """The last event that the answers take into account."""
        ...

    def made(self, target: Target, scope: Scope) -> Subset:
        """What was ever made, observed or evaluated."""
        ...

    def has_records(self, target: Target) -> bool:
        """Whether anything at all was recorded of the target."""
        ...

    def failed(self, target: Target, scope: Scope) -> Subset:
        """Where the latest attempt failed."""
        ...

    def run_in_progress(self, target: Target, scope: Scope) -> Subset:
        """What runs that have not ended are to make."""
        ...

    def backfill_in_progress(self, target: Target, scope: Scope) -> Subset:
        """What backfills that have not ended are to make."""
        ...

    def updates(self, target: Target, scope: Scope, after_event_id: int) -> Sequence[Update]:
        """What was made, observed or evaluated after an event, by run, the latest first."""
        ...

    def latest_run(self, target: Target, partition: str | None) -> MakingRun | None:
        """The run that made a partition last, or None where no run did."""
        ...

    def check_passed(self, check: AssetCheckKey, partition: str | None) -> bool | None:
        """The latest answer of a check (of a partition, where it has any); None where there is none for the latest content of its asset."""
        ...

    def freshness(self, key: AssetKey) -> str:
        """The state of freshness of an asset: ``PASS``, ``WARN``, ``FAIL``, ``UNKNOWN`` or ``NOT_APPLICABLE``."""
        ...


class NodeState(Struct, frozen=True, omit_defaults=True):
    """What one node of an expression remembers: where it was true, or a text."""

    subset: bool | bytes | None = None
    text: str | None = None


class TargetState(Struct, frozen=True, omit_defaults=True):
    """What the condition of one target remembers.

    It is void where `expression`, the digest of the condition, is another one now, or where `existing`, the partitions that there were, cannot be
    read by the definition that there is now. Keys that were only appended can.
    """

    expression: str
    existing: bool | bytes = True
    requested: bool | bytes = False
    nodes: Mapping[str, NodeState] = {}


class AutomationCursor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one evaluation leaves for the next. A plain value; see `to_bytes`."""

    evaluation: int = 0
    time: float | None = None
    event_id: int = 0
    # By the name of the target, see `target_name`.
    targets: Mapping[str, TargetState] = {}

    def to_bytes(self) -> bytes:
        """The cursor for storage."""
        return encode(self)

    @staticmethod
    def from_bytes(data: bytes) -> AutomationCursor:
        """The cursor that `to_bytes` gave."""
        return _CURSOR_DECODER.decode(data)


_CURSOR_DECODER: Decoder[AutomationCursor] = Decoder(AutomationCursor)


def target_name(target: Target) -> str:
    """One text for each target, for cursors and messages."""
    if isinstance(target, AssetKey):
        return f"asset:{target.to_user_string()}"
    if isinstance(target, AssetCheckKey):
        return f"check:{target.to_user_string()}"
    return f"job:{target.job_name}"
