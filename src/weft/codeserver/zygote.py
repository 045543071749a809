"""The program of a zygote with the user's code in it: ``python -m weft.codeserver.zygote FD``.

`FD` is the socket of its owner, whose first message is a `Hello`: what to load, and how workers are started. It answers with `Ready`, or with
`LoadFailed` and the user's traceback. From then on see `weft.processes.zygote`.

Workers are started by fork where that is asked for and the loaded code has started no threads; otherwise each is an interpreter of its own that
loads the code itself (`weft.codeserver.worker`). The protocol is the same.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
import time
from typing import Any

from weft.codeserver.target import TargetSpec, decode_target
from weft.errors import WeftError
from weft.model.codec import encode
from weft.model.failure import ErrorInfo
from weft.processes.sources import SourceFiles
from weft.processes.specs import HELLO_DECODER, Hello, LoadFailed
from weft.processes.threads import other_threads
from weft.processes.wire import Channel, receive_first
from weft.processes.worker import Role
from weft.processes.zygote import ZygoteServer, spawner

HELLO_VARIABLE = "WEFT_WORKER_HELLO"
"""Where a spawned worker finds the encoded `Hello`, in hexadecimal."""


def main(arguments: list[str]) -> int:
    """See the module."""
    began_at = time.time()
    control = socket.socket(fileno=int(arguments[0]))
    first = receive_first(control)
    if first is None:
        return 0  # the owner has gone already
    hello = HELLO_DECODER.decode(first)
    if hello.start_method == "spawn":
        serve_spawning(control, hello, "")
        return 0
    try:
        roles, target = load_roles(hello)
    except BaseException as error:  # noqa: BLE001  # whatever the user's modules raise
        Channel(control).send(encode(_load_failed(error)))
        return 1
    if hello.rehearsal is not None:
        _rehearse(hello.rehearsal)
    sources = SourceFiles(_files_of(target), began_at=began_at) if hello.watches_sources else None
    if threads := other_threads():
        why = f"the code has started threads when it was imported: {', '.join(sorted(set(threads)))}"
        serve_spawning(control, hello, why)
        return 0
    ZygoteServer(control, roles, sources=sources, outlives_owner=hello.outlives_owner).serve()
    return 0


def serve_spawning(control: socket.socket, hello: Hello, why: str) -> None:
    """Serve with workers that load the code themselves."""
    os.environ[HELLO_VARIABLE] = encode(hello).hex()
    start = spawner([sys.executable, "-m", "weft.codeserver.worker"])
    server = ZygoteServer(control, {}, outlives_owner=hello.outlives_owner, start=start, start_method="spawn", why=why)
    server.serve()


def load_roles(hello: Hello) -> tuple[dict[str, Role], TargetSpec]:
    """Load the code; what workers can do with it.

    Raises:
        LoadError, DefinitionError: as `weft.codeserver.loader.load_target`.
    """
    target = decode_target(hello.target)
    for hook in hello.hooks:
        _call(hook)
    from weft.codeserver.loader import load_target

    loaded = load_target(target)
    return {name: _role(module, function, loaded) for name, (module, function) in _ROLES.items()}, target


_ROLES = {
    "run": ("weft.runs.worker", "run_worker"),
    "steps": ("weft.runs.step_worker", "step_worker"),
}
"""What a worker does by its role: a function that gets the loaded target, the payload and its descriptors, and gives the exit code."""


def _role(module_name: str, function: str, loaded: Any) -> Role:
    # Imported before the first fork, so that no worker has to.
    body = getattr(importlib.import_module(module_name), function)

    def role(payload: bytes, fds: list[int]) -> int:
        code: int = body(loaded, payload, fds)
        return code

    return role


def _call(name: str) -> None:
    module, _, function = name.partition(":")
    getattr(importlib.import_module(module), function)()


def _rehearse(name: str) -> None:
    """Workers do without what cannot be rehearsed; they are slower."""
    try:
        _call(name)
    except Exception:  # noqa: BLE001  # a full disk, say; the first worker will tell it better
        sys.excepthook(*sys.exc_info())


def _files_of(target: TargetSpec) -> list[str]:
    folder = getattr(target, "folder", None)
    if folder is None:
        return []
    # What a project's folder declares is in documents too.
    return [str(file) for pattern in ("**/*.yaml", "**/*.yml") for file in folder.glob(pattern)]


def _load_failed(error: BaseException) -> LoadFailed:
    text = str(error) if isinstance(error, WeftError) else f"{type(error).__name__}: {error}"
    traceback = getattr(error, "traceback_text", None)
    if traceback:
        text = f"{traceback}\n\n{text}"
    return LoadFailed(error=ErrorInfo.from_exception(error), text=text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
