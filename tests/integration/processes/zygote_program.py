"""A zygote with roles for tests: ``python -m tests.integration.processes.zygote_program FD``. Files that it watches are named by the target."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from weft.processes.sources import SourceFiles
from weft.processes.specs import HELLO_DECODER, WORKER_SPEC_DECODER
from weft.processes.wire import Channel
from weft.processes.worker import become_worker, run_role
from weft.processes.zygote import ZygoteServer, spawner

AT_IMPORT = random.random()


def tell(payload: bytes, fds: list[int]) -> int:
    """Say who it is."""
    channel = Channel.of_fd(fds[0])
    about = {
        "pid": os.getpid(),
        "session": os.getsid(0),
        "random": random.random(),
        "environment": os.environ.get("WEFT_TEST"),
        "payload": payload.decode(),
        "nice": os.nice(0),
        "term": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        "open": sorted(int(file.name) for file in Path("/proc/self/fd").iterdir()),
    }
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        about["numpy"] = float(numpy.random.random())
    channel.send(json.dumps(about).encode())
    return 7


def wait(payload: bytes, fds: list[int]) -> int:
    """Until the other end is closed, or a signal ends it."""
    channel = Channel.of_fd(fds[0])
    channel.send(b"ready")
    channel.receive()
    return 0


def stubborn(payload: bytes, fds: list[int]) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return wait(payload, fds)


DETACHED = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(int(sys.argv[1]), f"{os.getpid()}\\n".encode())
        time.sleep(600)
    os._exit(0)
"""


def family(payload: bytes, fds: list[int]) -> int:
    """Start a child, a grandchild, and one that detaches itself; tell their pids; then wait (or end, as the payload says)."""
    channel = Channel.of_fd(fds[0])
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    plain = subprocess.Popen(["sleep", "600"])
    shell = subprocess.Popen(["sh", "-c", f"sleep 600 & echo $! >&{writer}; wait"], close_fds=False)
    detached = subprocess.Popen([sys.executable, "-c", DETACHED, str(writer)], close_fds=False)
    detached.wait()
    os.close(writer)
    text = b""
    while text.count(b"\n") < 2:
        text += os.read(reader, 100)
    channel.send(json.dumps([plain.pid, shell.pid, *map(int, text.split())]).encode())
    if payload == b"end":
        return 0
    if payload == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    channel.receive()
    return 0


def allocate(payload: bytes, fds: list[int]) -> int:
    """As many bytes as the payload says, touched."""
    data = bytearray(int(payload))
    data[::4096] = b"x" * len(data[::4096])
    print("allocated")
    return 0


def spin(payload: bytes, fds: list[int]) -> int:
    end = time.process_time() + float(payload)
    while time.process_time() < end:
        pass
    return 0


def fail(payload: bytes, fds: list[int]) -> int:
    print("to stdout")
    raise RuntimeError("to stderr")


ROLES = {
    "tell": tell,
    "wait": wait,
    "stubborn": stubborn,
    "family": family,
    "allocate": allocate,
    "spin": spin,
    "fail": fail,
}


def main() -> None:
    if "--worker" in sys.argv:
        fds = [int(text) for text in sys.argv[2:]]
        with os.fdopen(fds.pop(0), "rb") as file:
            spec = WORKER_SPEC_DECODER.decode(file.read())
        become_worker(spec)
        sys.exit(run_role(ROLES[spec.role], spec, fds))
    control = socket.socket(fileno=int(sys.argv[1]))
    hello = HELLO_DECODER.decode(Channel(control).receive().payload)
    files = json.loads(hello.target)
    if "numpy" in hello.hooks:
        import numpy

        numpy.ones((300, 300)) @ numpy.ones((300, 300))  # starts its threads
    start = None
    if hello.start_method == "spawn":
        start = spawner([sys.executable, "-m", "tests.integration.processes.zygote_program", "--worker"])
    ZygoteServer(
        control,
        ROLES,
        sources=SourceFiles(files),
        outlives_owner=hello.outlives_owner,
        start=start,
        start_method=hello.start_method,
    ).serve()


if __name__ == "__main__":
    main()
