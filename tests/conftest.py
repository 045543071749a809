"""What holds for all tests."""

from __future__ import annotations

import os
import sys

# Tests start many interpreters; each would compile everything again where the environment forbids to keep bytecode.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A test chooses its own home; none may touch that of the person who runs it.
os.environ.pop("WEFT_HOME", None)
