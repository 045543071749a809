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

from weft.errors import RunNotFoundError, WeftError

SUCCESS = 0
FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
TERMINATED = 143

# The letters of the codes that say: what was asked for cannot be done, and nothing ran.
_WRONG_USE = frozenset("DCISPLU")


def exit_code_of(error: WeftError) -> int:
    """The exit code for an error that ends a command."""
    if isinstance(error, RunNotFoundError):
        return WRONG_USE
    return WRONG_USE if error.code[5] in _WRONG_USE else FAILED
