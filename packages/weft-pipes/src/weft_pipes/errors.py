"""The one error of this package."""

from __future__ import annotations


class PipesError(Exception):
    """The orchestrator or the program did not keep to the protocol; the text says how, and what to do."""
