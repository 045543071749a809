"""Becoming the one to whom orphans among the descendants are handed (Linux: ``PR_SET_CHILD_SUBREAPER``).

So a process that detaches itself (double fork, a session of its own) stays within the reach of whoever is responsible for its worker.
"""

from __future__ import annotations

import sys

_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> bool:
    """Whether this process now gets the orphans; False where the platform has no such thing."""
    if sys.platform != "linux":
        return False
    try:
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        return bool(library.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False
