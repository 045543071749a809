"""Which machine this is, and since when: what makes the pid of a process mean something to others."""

from __future__ import annotations

import socket
from functools import cache
from pathlib import Path


@cache
def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


@cache
def boot_id() -> str:
    """Which boot of this machine it is; empty where the platform does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
