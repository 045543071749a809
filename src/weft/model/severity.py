"""How bad it is when a check does not pass."""

from __future__ import annotations

from enum import Enum


class AssetCheckSeverity(Enum):
    """How bad it is when a check does not pass. Only ERROR stops what a blocking check guards."""

    WARN = "WARN"
    ERROR = "ERROR"
