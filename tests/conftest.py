"""What holds for all tests."""

from __future__ import annotations

import os
import sys

from hypothesis import settings

# Tests start many interpreters; each would compile everything again where the environment forbids to keep bytecode.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A test chooses its own home; none may touch that of the person who runs it.
os.environ.pop("WEFT_HOME", None)

# No deadline: machines differ and tests run side by side. In CI the examples are the same in every run, so that a red build is about the change.
settings.register_profile("weft", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("weft")
