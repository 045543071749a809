"""The entry point of the command ``weft``: the table of commands, and what happens to every error on its way out.

Nothing but click is imported until a command is chosen; ``weft --help`` imports no command at all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import IO

import click

from weft._version import __version__
from weft.cli.exit_codes import BROKEN_PIPE, FAILED, INTERRUPTED, SUCCESS, exit_code_of
from weft.cli.lazy_group import Entry, LazyGroup
from weft.cli.terminal import Terminal
from weft.errors import UsageError, WeftError

COMMANDS = (
    Entry("init", "weft.cli.init_command", "init", "Make a starter project that runs, in a new folder or this one."),
    Entry("check", "weft.cli.check", "check", "Check definitions: everything that can be wrong, in one pass."),
    Entry("asset", "weft.cli.asset", "asset", "List, show, materialise and launch assets."),
    Entry("job", "weft.cli.job", "job", "List, print, execute and launch jobs."),
    Entry("run", "weft.cli.run", "run", "Look at runs, cancel them, repeat them, delete them."),
    Entry("daemon", "weft.cli.daemon", "daemon", "Let queued runs go, watch runs, repeat failed ones."),
    Entry("list", "weft.cli.list_command", "list_", "List definitions and component types."),
    Entry("scaffold", "weft.cli.scaffold", "scaffold", "Begin a component type, a component, or a definition."),
    Entry("components", "weft.cli.components", "components", "Schemas and state of components."),
    Entry("queue", "weft.cli.queue", "queue", "Look at the runs that wait, and why they wait."),
    Entry("pool", "weft.cli.pool", "pool", "Look at pools and set their limits."),
    Entry("migrate", "weft.cli.migrate", "migrate", "Rewrite existing code to weft's own imports."),
    Entry("instance", "weft.cli.instance", "instance", "Look at the instance and its settings, migrate its storage."),
)


COMPLETION_VARIABLE = "_WEFT_COMPLETE"
"""Set by a shell that completes a command: ``eval "$(_WEFT_COMPLETE=bash_source weft)"``."""


class Settings:
    """What holds for the whole command; filled in by options."""

    def __init__(self) -> None:
        # Show every frame of tracebacks, and log lines of level DEBUG.
        self.verbose = False


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    subcommand_metavar="COMMAND ...",
)
@click.option("-v", "--verbose", is_flag=True, help="Show all frames of tracebacks, and log lines of level DEBUG.")
@click.version_option(__version__, "--version", prog_name="weft", message="%(prog)s %(version)s")
@click.pass_obj
def weft(settings: Settings, verbose: bool) -> None:
    """Define, run and observe data assets and workflows.

    \b
    Start with:   weft init my_project
    Exit codes:   0 success, 1 the run failed, 2 bad usage or definitions
    """
    settings.verbose = settings.verbose or verbose


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave the process with its exit code."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the process was started with a closed descriptor
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123  # as long as the process; pathlib is slow to load
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name that the locale cannot write must not end a command
    code = run(sys.argv[1:] if arguments is None else arguments)
    if not _flush(sys.stdout):
        code = code or BROKEN_PIPE
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code. Errors are written to stderr."""
    settings = Settings()
    try:
        if COMPLETION_VARIABLE in os.environ:  # a shell asks for completions, or for the script that does
            weft.main(list(arguments), prog_name="weft", complete_var=COMPLETION_VARIABLE)
        # Not `weft.main`: it would end the process itself where a pipe breaks, with the code of a run that failed.
        with weft.make_context("weft", list(arguments), obj=settings) as context:
            result = weft.invoke(context)
    except WeftError as error:
        return _report(error, settings)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.UsageError as error:
        return _report(_usage_error(error), settings)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001  # the last stop: whatever it is, it is ours
        from weft.cli.failure_report import report_internal

        report_internal(error, Terminal(sys.stderr))
        return FAILED
    return result if isinstance(result, int) else SUCCESS


def _report(error: WeftError, settings: Settings) -> int:
    from weft.cli.failure_report import report_error

    report_error(error, Terminal(sys.stderr), verbose=settings.verbose)
    return exit_code_of(error)


def _usage_error(error: click.UsageError) -> UsageError:
    context = error.ctx
    facts = {"usage": " ".join(context.command.get_usage(context).removeprefix("Usage:").split())} if context else {}
    path = context.command_path if context is not None else "weft"
    what = error.format_message()
    return UsageError(what[:1].lower() + what[1:], code="WEFT-U002", facts=facts, fix=f"see: {path} --help")


def _flush(stream: IO[str]) -> bool:
    """Write out what is buffered. False where the reader is gone; then nothing is left that Python would complain about at its end."""
    try:
        stream.flush()
    except BrokenPipeError:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())
        os.close(devnull)
        return False
    return True
