"""How the command ends, as a number: documented, and the same for every command.

=====  ==============================================================================
0      success
1      the run failed, or the storage of the instance cannot be used
2      the command, the definitions, the configuration or the selection is wrong; nothing ran
130    Ctrl-C; a run that was going on is CANCELED
141    whoever read the output is gone
143    SIGTERM; a run that was going on is CANCELED
=====  ==============================================================================
"""

from __future__ import annotations

from weft.errors import InternalError, RunNotFoundError, StorageError, WeftError

SUCCESS = 0
FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
TERMINATED = 143


def exit_code_of(error: WeftError) -> int:
    """The exit code for an error that ends a command. How a run ended is not told by errors: whatever they say, nothing ran."""
    if isinstance(error, RunNotFoundError):
        return WRONG_USE
    return FAILED if isinstance(error, (StorageError, InternalError)) else WRONG_USE
