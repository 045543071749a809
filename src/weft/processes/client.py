"""The owner's side of a zygote.

    with Zygote.spawn(target) as zygote:
        zygote.start(WorkerSpec(id="1", role="run", payload=...))
        for notice in zygote.notices(timeout=None): ...

Nothing here waits unless it is asked to; put `fileno()` into a selector and call `notices(0)` when it is readable.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType

from weft.errors import ExecutionError
from weft.model.codec import encode
from weft.processes.specs import (
    NOTICE_DECODER,
    Hello,
    KillTree,
    Notice,
    Request,
    Signal,
    Start,
    StartMethod,
    WorkerSpec,
)
from weft.processes.subreaper import become_subreaper
from weft.processes.threads import other_threads
from weft.processes.tree import ProcessId, identify, kill_tree
from weft.processes.wire import Channel
from weft.processes.worker import Role, flush_streams
from weft.processes.zygote import ZygoteServer

PROGRAM = "weft.codeserver.zygote"
"""The module that is the program of a zygote with a target."""


class Zygote:
    """A zygote that this process owns. Made by `spawn` and `fork_here`."""

    def __init__(self, channel: Channel, process: ProcessId, popen: subprocess.Popen[bytes] | None = None) -> None:
        self._channel = channel
        self._popen = popen
        self.process = process
        """The process of the zygote itself."""

    @classmethod
    def spawn(
        cls,
        target: bytes,
        *,
        python: str = sys.executable,
        cwd: str | None = None,
        environment: Mapping[str, str] | None = None,
        start_method: StartMethod = "fork",
        stderr_path: str | None = None,
        hooks: Sequence[str] = (),
        outlives_owner: bool = True,
        watches_sources: bool = True,
        rehearsal: str | None = None,
        program: str = PROGRAM,
    ) -> Zygote:
        """A zygote in a program of its own, which loads `target`. Its first notice is `Ready` or `LoadFailed`.

        Args:
            target: encoded; the program knows its form (`weft.codeserver.target.encode_target`).
            python: the interpreter.
            cwd: its working directory; that of this process by default.
            environment: all of its environment; that of this process by default.
            start_method: how it starts workers.
            stderr_path: a file that its stdout and stderr, and those of workers without files of their own, are appended to.
            hooks: functions (``module:function``) to call before anything is loaded.
            outlives_owner: whether workers go on when this process has gone.
            rehearsal: a function to call once the code is loaded, so that workers find done what is slow the first time.
            watches_sources: whether workers are refused once a file that the code came from has changed.
            program: the module to run.

        Raises:
            OSError: the interpreter cannot be started.
        """
        _needs_unix()
        channel, there = Channel.pair()
        output = None
        try:
            if stderr_path is not None:
                output = os.open(stderr_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            popen = subprocess.Popen(  # noqa: S603  # the interpreter that the caller names
                [python, "-m", program, str(there.fileno())],
                cwd=cwd,
                env=dict(environment) if environment is not None else None,
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except BaseException:
            channel.close()
            raise
        finally:
            there.close()
            if output is not None:
                os.close(output)
        hello = Hello(
            target=target,
            start_method=start_method,
            hooks=tuple(hooks),
            outlives_owner=outlives_owner,
            watches_sources=watches_sources,
            rehearsal=rehearsal,
        )
        zygote = cls(channel, identify(popen.pid), popen)
        zygote._send_bytes(encode(hello))
        return zygote

    @classmethod
    def fork_here(cls, roles: Mapping[str, Role], *, outlives_owner: bool = False) -> Zygote:
        """A zygote that is a fork of this process as it is now, with everything that it has in memory.

        Raises:
            ExecutionError: (WEFT-X300) this process has threads.
        """
        _needs_unix()
        if threads := other_threads():
            raise ExecutionError(
                "A process with threads cannot be forked safely.",
                code="WEFT-X300",
                facts={"threads": ", ".join(threads)},
                fix='use start_method: {"forkserver": {}}, or start the threads later',
            )
        flush_streams()
        channel, there = Channel.pair()
        pid = os.fork()
        if pid == 0:
            _be_zygote(channel, there, roles, outlives_owner)
        there.close()
        return cls(channel, identify(pid))

    def fileno(self) -> int:
        """Readable when there are notices, and when the zygote has gone."""
        return self._channel.fileno()

    @property
    def is_gone(self) -> bool:
        """Whether the zygote has ended, and all its notices were read."""
        return self._channel.is_at_end

    def start(self, spec: WorkerSpec, fds: Sequence[int] = ()) -> None:
        """Ask for a worker. The descriptors are duplicated on the way; the caller closes its own."""
        self._send(Start(spec), fds)

    def signal(self, id: str, number: int, *, to_tree: bool = False) -> None:
        """Send a signal to a worker, or to it and everything that it started. Nothing happens where it has ended."""
        self._send(Signal(id, number, to_tree))

    def kill_tree(self, id: str) -> None:
        """End a worker and everything that it started, at once."""
        self._send(KillTree(id))

    def notices(self, timeout: float | None = 0) -> list[Notice]:
        """What has happened, in order: waits up to `timeout` seconds (None: for ever) for the first. Empty where nothing has, and at the end."""
        frames = self._channel.receive_ready()
        if not frames and not self._channel.is_at_end and timeout != 0:
            poll = select.poll()
            poll.register(self._channel.fileno(), select.POLLIN)
            poll.poll(None if timeout is None else timeout * 1000)
            frames = self._channel.receive_ready()
        return [NOTICE_DECODER.decode(frame.payload) for frame in frames]

    def close(self) -> None:
        """Let the zygote take no more work. It ends when its workers have, or ends them first (`outlives_owner`)."""
        self._channel.close()

    def kill(self) -> None:
        """End the zygote and all its workers, at once."""
        kill_tree(self.process)
        self.close()
        self.join()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the zygote has ended, at most `timeout` seconds. Whether it has."""
        if self._popen is not None:
            try:
                self._popen.wait(timeout)
            except subprocess.TimeoutExpired:
                return False
            return True
        return _wait_for(self.process.pid, timeout)

    def __enter__(self) -> Zygote:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, request: Request, fds: Sequence[int] = ()) -> None:
        self._send_bytes(encode(request), fds)

    def _send_bytes(self, payload: bytes, fds: Sequence[int] = ()) -> None:
        try:
            self._channel.send(payload, fds)
        except OSError:  # it has gone, which the end of its notices says
            return


def _wait_for(pid: int, timeout: float | None) -> bool:
    try:
        if timeout is None:
            os.waitpid(pid, 0)
            return True
        if hasattr(os, "pidfd_open"):
            fd = os.pidfd_open(pid)
            try:
                poll = select.poll()
                poll.register(fd, select.POLLIN)
                poll.poll(timeout * 1000)
            finally:
                os.close(fd)
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except (ChildProcessError, ProcessLookupError):
        return True


def _be_zygote(channel: Channel, there: socket.socket, roles: Mapping[str, Role], outlives_owner: bool) -> None:
    code = 70
    try:
        os.setsid()
        become_subreaper()
        channel.close()
        ZygoteServer(there, roles, outlives_owner=outlives_owner, collects=False).serve()
        code = 0
    except BaseException:  # noqa: BLE001  # this process must not return into the caller's stack
        sys.excepthook(*sys.exc_info())
    finally:
        flush_streams()
        os._exit(code)


def _needs_unix() -> None:
    if not hasattr(os, "fork"):
        raise ExecutionError(
            "This platform cannot carry out steps in processes of their own.",
            code="WEFT-X301",
            facts={"missing": "fork and Unix sockets"},
            fix="use the in_process executor, or Linux, macOS or WSL",
        )
