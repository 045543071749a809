"""What a step needs of the machine, said once for all executors: memory and processors.

It travels as tags of the step (`MEMORY_TAG` and so on), which may also be written by hand. An executor that carries steps out in processes or containers
of their own holds them to it; what cannot be limited where a step runs is a request and nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr

from weft.errors import DefinitionError
from weft.model.run import native_tag

MEMORY_TAG = "weft/memory"
CPUS_TAG = "weft/cpus"
MEMORY_REQUEST_TAG = "weft/memory_request"
CPU_REQUEST_TAG = "weft/cpu_request"

_UNITS = {
    "": 1,
    **{unit: 1000**power for power, unit in enumerate(("K", "M", "G", "T", "P"), 1)},
    **{f"{unit}i": 1024**power for power, unit in enumerate(("K", "M", "G", "T", "P"), 1)},
}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGTP]?i?)B?\s*\Z", re.IGNORECASE)


class ComputeResources(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a step may have, and what it asks for.

    Args:
        memory: the most memory that the step and everything it starts may have, in bytes or as text: "512MiB", "2GB". More ends the step
            with the reason ``out_of_memory``.
        cpus: how many processors it may use.
        memory_request: how much memory a scheduler of machines shall keep free for it; `memory` by default.
        cpu_request: the same for processors.

    Raises:
        DefinitionError: (WEFT-D100) one of them is no quantity.

    >>> @op(resources=ComputeResources(memory="1GiB", cpus=2))
    ... def train(): ...
    """

    memory: int | str | None = None
    cpus: float | None = None
    memory_request: int | str | None = None
    cpu_request: float | None = None

    def __post_init__(self) -> None:
        for name in ("memory", "memory_request"):
            value = getattr(self, name)
            if value is not None:
                force_setattr(self, name, _checked_size(name, value))
        for name in ("cpus", "cpu_request"):
            value = getattr(self, name)
            if value is not None and not _is_count(value):
                raise _wrong(name, value, "write a number above 0, such as 2 or 0.5")

    @property
    def memory_bytes(self) -> int | None:
        """The most memory in bytes; None: as much as there is."""
        return self.memory if isinstance(self.memory, int) else None

    @property
    def tags(self) -> dict[str, str]:
        """The tags of a step that say this."""
        pairs = (
            (MEMORY_TAG, self.memory),
            (CPUS_TAG, self.cpus),
            (MEMORY_REQUEST_TAG, self.memory_request),
            (CPU_REQUEST_TAG, self.cpu_request),
        )
        return {
            name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in pairs if value is not None
        }

    @staticmethod
    def of_tags(tags: Mapping[str, str]) -> ComputeResources:
        """What the tags of a step say; a tag that is no quantity says nothing."""
        if not tags:
            return NO_LIMITS
        native = {native_tag(key): value for key, value in tags.items()}
        return ComputeResources(
            memory=_size(native.get(MEMORY_TAG)),
            cpus=_count(native.get(CPUS_TAG)),
            memory_request=_size(native.get(MEMORY_REQUEST_TAG)),
            cpu_request=_count(native.get(CPU_REQUEST_TAG)),
        )


NO_LIMITS = ComputeResources()
"""What steps have that say nothing."""


def bytes_text(count: int) -> str:
    """A number of bytes for people: ``1.5 GiB``."""
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if value >= 100 or unit == "B" else f"{value:.1f} {unit}"


def _size(text: str | None) -> int | None:
    found = _SIZE.match(text) if text is not None else None
    if found is None:
        return None
    unit = found[2]
    unit = unit[:1].upper() + unit[1:].lower()
    size = int(float(found[1]) * _UNITS[unit]) if unit in _UNITS else 0
    return size or None


def _count(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else 0.0
    except ValueError:
        return None
    return value if _is_count(value) else None


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 and isfinite(value)


def _checked_size(name: str, value: Any) -> int:
    size = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str):
        size = _size(value)
    if size is None or size <= 0:
        raise _wrong(name, value, 'write a number of bytes, or a text such as "512MiB" or "2GB"')
    return size


def _wrong(name: str, value: object, fix: str) -> DefinitionError:
    return DefinitionError(
        f"{name} of ComputeResources is no quantity.", code="WEFT-D100", facts={"found": repr(value)}, fix=fix
    )
