"""Programs as children of this process.

The child has a process group of its own, so that it can be ended with all that it started; nothing of it survives the end of its step by a signal.
Its output goes where that of the step goes (``docs/design/0003-capture-to-files.md``), without passing through this process.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from weft.errors import PipesExecutionError
from weft.execution.contexts import ExecutionContext
from weft.execution.interruption import ExecutionInterrupted
from weft.pipes.client import PipesClient, PipesClientCompletedInvocation
from weft.pipes.injector import PipesContextInjector
from weft.pipes.injectors.file import PipesTempFileContextInjector
from weft.pipes.reader import PipesMessageReader
from weft.pipes.readers.file import PipesTempFileMessageReader
from weft.pipes.session import PipesSession, open_pipes_session

# How often a wait asks whether the run is to end, where that is not said by a signal to this thread.
_CANCEL_CHECK_SECONDS = 0.2


class PipesSubprocessClient(PipesClient):
    """Runs commands on this machine.

    Args:
        env: variables for every program, over those of this process.
        cwd: the folder in which programs start.
        context_injector: how programs get their context; by default a temporary file.
        message_reader: how their messages come back; by default a temporary file.
        forward_termination: whether a program ends with its step: SIGINT first, so that it can clean up.
        forward_stdio: whether what a program prints is the output of its step; otherwise it is thrown away.
        termination_timeout_seconds: how long a program may clean up before it is killed.

    >>> @asset
    ... def report(context: AssetExecutionContext, pipes: PipesSubprocessClient):
    ...     return pipes.run(command=["node", "report.js"], context=context).get_materialize_result()
    """

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        context_injector: PipesContextInjector | None = None,
        message_reader: PipesMessageReader | None = None,
        forward_termination: bool = True,
        forward_stdio: bool = True,
        termination_timeout_seconds: float = 20,
    ) -> None:
        self._env = dict(env or {})
        self._cwd = cwd
        self._context_injector = context_injector
        self._message_reader = message_reader
        self._forward_termination = forward_termination
        self._forward_stdio = forward_stdio
        self._termination_timeout_seconds = termination_timeout_seconds

    def run(  # type: ignore[override]  # each client has arguments of its own
        self,
        *,
        command: str | Sequence[str],
        context: ExecutionContext,
        extras: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> PipesClientCompletedInvocation:
        """Run a command to its end.

        Args:
            command: the program and its arguments; no shell is involved, a single text is split as a shell would.
            context: the step.
            extras: values for the program, as JSON.
            env: variables for this program, over those of the client.
            cwd: the folder in which it starts.

        Raises:
            PipesExecutionError: (WEFT-X214) it could not be started; (WEFT-X215) it ended with another code than 0.
        """
        arguments = _arguments(command)
        reader = self._message_reader or PipesTempFileMessageReader()
        with open_pipes_session(
            context, self._context_injector or PipesTempFileContextInjector(), reader, extras
        ) as session:
            variables = {**os.environ, **self._env, **(env or {}), **session.get_bootstrap_env_vars()}
            process = self._start(arguments, variables, cwd or self._cwd, reader)
            try:
                for stdio in reader.stdio_readers():
                    stream = process.stdout if stdio.stream == "stdout" else process.stderr
                    assert stream is not None
                    stdio.consume(stream)
                session.report_launched({"extras": {"pid": process.pid}})
                _wait(process, context)
            except BaseException:
                if self._forward_termination:
                    _end(process, self._termination_timeout_seconds)
                raise
        if process.returncode != 0:
            raise _failed(arguments, process.returncode, session)
        return PipesClientCompletedInvocation(session)

    def _start(
        self, arguments: Sequence[str], env: Mapping[str, str], cwd: str | None, reader: PipesMessageReader
    ) -> subprocess.Popen[bytes]:
        outlets: dict[str, int | None] = dict.fromkeys(
            ("stdout", "stderr"), None if self._forward_stdio else subprocess.DEVNULL
        )
        outlets |= {stdio.stream: subprocess.PIPE for stdio in reader.stdio_readers()}
        # What this process has printed so far comes before what the program prints.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        try:
            return subprocess.Popen(  # noqa: S603  # running what the user names is what it is for
                arguments,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=outlets["stdout"],
                stderr=outlets["stderr"],
                start_new_session=True,
            )
        except OSError as error:
            raise PipesExecutionError(
                "the external process could not be started.",
                code="WEFT-X214",
                facts={"command": shlex.join(arguments), "why": str(error), "folder": cwd or "(that of this process)"},
                fix="see that the program is installed, can be executed, and that the folder exists",
            ) from error


def _arguments(command: str | Sequence[str]) -> list[str]:
    if isinstance(command, str):
        # A path may have spaces in it.
        return [command] if shutil.which(command) else shlex.split(command)
    return [os.fspath(part) for part in command]


def _wait(process: subprocess.Popen[bytes], context: ExecutionContext) -> None:
    """Until the program has ended, or the run is to end: then ExecutionInterrupted.

    A signal ends it at once in the main thread. Elsewhere, and where the run is cancelled by other means, the interruption is asked.
    """
    ended = threading.Event()

    def wait() -> None:
        process.wait()
        ended.set()

    threading.Thread(target=wait, name=f"pipes process {process.pid}", daemon=True).start()
    interruption = context._run_context.interruption  # user code is interrupted by it, so it has no other way to it
    while not ended.wait(_CANCEL_CHECK_SECONDS):
        if interruption.requested:
            raise ExecutionInterrupted(interruption.message)


def _end(process: subprocess.Popen[bytes], timeout_seconds: float) -> None:
    """SIGINT to the program and what it started; SIGKILL to whatever of it is still there in the end."""
    try:
        _signal_group(process, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout_seconds)
    finally:  # also where the user loses patience
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The group outlives its first process where others are in it, and its number is not given away as long as one is.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _failed(arguments: Sequence[str], code: int, session: PipesSession) -> PipesExecutionError:
    handler = session.message_handler
    facts: dict[str, object] = {"command": shlex.join(arguments), "exit code": code}
    if code < 0:
        facts["ended by"] = _signal_name(-code)
    if handler.exception is not None:
        facts["it said"] = handler.exception.summary()
    elif not handler.received_opened_message:
        facts["channel"] = "never opened"
    elif not handler.received_closed_message:
        facts["channel"] = "opened, not closed"
    return PipesExecutionError(
        f"the external process ended with code {code}.",
        code="WEFT-X215",
        facts=facts,
        fix="see what it printed in the output of the step, and the log of the run",
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
