"""Becoming the one to whom orphans among the descendants are handed (Linux: ``PR_SET_CHILD_SUBREAPER``).

So a process that detaches itself (double fork, a session of its own) stays within the reach of whoever is responsible for its worker.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> bool:
    """Whether this process now gets the orphans; False where the platform has no such thing."""
    global _prctl  # noqa: PLW0603  # found once: every worker that is forked afterwards has it
    if sys.platform != "linux":
        return False
    try:
        if _prctl is None:
            import ctypes

            _prctl = ctypes.CDLL(None, use_errno=True).prctl
        return bool(_prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


_prctl: Callable[..., int] | None = None
