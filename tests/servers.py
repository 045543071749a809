"""Database servers for tests: real ones, from the binaries that are installed, on a free port and in a folder of their own.

One server of a kind serves all workers of a test session. It is started by whoever needs it first, as the child of a *keeper*: this file, run as a
program. Every user holds a shared lock of a file; the keeper waits for the exclusive one, which it gets when the last user is gone, however it
ended, and ends the server. So nothing is left of a session that was killed.

A test that stops or restarts a server runs one of its own: `PostgresServer`, `MariaDBServer`.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

_START_SECONDS = 120
_STOP_SECONDS = 30
_LOOK_SECONDS = 0.02


def free_port() -> int:
    """A port of the loopback interface that nobody listens to."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


class Server:
    """A server in a folder of its own. `start` and `stop` may be called again: it is the same data and the same port."""

    kind: str
    user: str
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"weft-{self.kind}-", dir="/tmp"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._number = 0
        if os.geteuid() == 0:  # servers refuse to run as root
            account = pwd.getpwnam(self.user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        try:
            self.run(*self.prepare_command())
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> Server:
        try:
            self.start()
            self.prepare_running()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    # What each kind says.

    @classmethod
    def missing(cls) -> str | None:
        """Why this kind cannot run here, or None."""
        raise NotImplementedError

    def prepare_command(self) -> list[str]:
        """What makes the folder of data."""
        raise NotImplementedError

    def serve_command(self) -> list[str]:
        """What runs the server."""
        raise NotImplementedError

    def ping_command(self) -> list[str]:
        """What succeeds when the server answers."""
        raise NotImplementedError

    def prepare_running(self) -> None:
        """What is done once, when it runs for the first time."""

    def new_database(self) -> str:
        """The address of a new, empty database."""
        raise NotImplementedError

    # What all do.

    def run(self, *command: str) -> None:
        """Run a command as the user of the server."""
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder, **self._identity()
        )
        assert result.returncode == 0, f"{command[0]}: {result.stdout}{result.stderr}"

    def start(self, wait: bool = True) -> None:
        """Start it; by default until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.serve_command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=_end_with_parent(),  # noqa: PLW1509  # one call of the kernel
                **self._identity(),
            )
        if wait:
            self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + _START_SECONDS
        while subprocess.run(self.ping_command(), capture_output=True, check=False, cwd=self.folder).returncode != 0:
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(_LOOK_SECONDS)

    def stop(self, *, kill: bool = False) -> None:
        """End it: in order, or as a power cut does."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL if kill else self.stop_signal)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def remove(self) -> None:
        """End it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def name(self) -> str:
        """A name for a database that nobody else takes."""
        self._number += 1
        return f"weft_{os.getpid()}_{self._number}"

    def _identity(self) -> dict[str, Any]:
        # MariaDB removes what it takes for its own rests from the folder of temporary files when it starts, those of other servers included.
        environment = {**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder), "LC_ALL": "C"}
        if os.geteuid() != 0:
            return {"env": environment}
        account = pwd.getpwnam(self.user)
        return {"env": environment, "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class PostgresServer(Server):
    """PostgreSQL. It does not flush to the disk: what a test looks at is not a power cut."""

    kind = "postgres"
    user = "postgres"
    stop_signal = signal.SIGINT

    @classmethod
    def missing(cls) -> str | None:
        return _missing(cls.user, "postgres", "initdb", "pg_isready", "psql")

    def prepare_command(self) -> list[str]:
        options = ["-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]
        return [_binary("initdb"), "-D", f"{self.folder}/data", *options]

    def serve_command(self) -> list[str]:
        options = ["fsync=off", "full_page_writes=off", "max_connections=200"]
        flags = [part for option in options for part in ("-c", option)]
        place = ["-D", f"{self.folder}/data", "-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1"]
        return [_binary("postgres"), *place, *flags]

    def ping_command(self) -> list[str]:
        return [_binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]

    def execute(self, statement: str) -> None:
        """Run a statement as the superuser."""
        place = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", "postgres"]
        self.run(_binary("psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", *place, "-c", statement)

    def new_database(self) -> str:
        name = self.name()
        self.execute(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"


class MariaDBServer(Server):
    """MariaDB, which stands for MySQL, too."""

    kind = "mariadb"
    user = "mysql"

    @classmethod
    def missing(cls) -> str | None:
        return _missing(cls.user, "mariadbd", "mariadb-install-db", "mariadb-admin", "mariadb")

    def prepare_command(self) -> list[str]:
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        return [_binary("mariadb-install-db"), "--no-defaults", f"--datadir={self.folder}/data", *options]

    def serve_command(self) -> list[str]:
        return [
            _binary("mariadbd"),
            "--no-defaults",
            f"--datadir={self.folder}/data",
            f"--socket={self.folder}/s",
            f"--pid-file={self.folder}/pid",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-log-bin",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-doublewrite=0",
        ]

    def ping_command(self) -> list[str]:
        return [_binary("mariadb-admin"), "--no-defaults", "-uroot", f"--socket={self.folder}/s", "ping"]

    def prepare_running(self) -> None:
        self.execute("CREATE USER weft@'%' IDENTIFIED BY 'secret'")
        self.execute("GRANT ALL ON *.* TO weft@'%'")

    def execute(self, statement: str) -> None:
        """Run a statement as the superuser."""
        self.run(_binary("mariadb"), "--no-defaults", "-uroot", f"--socket={self.folder}/s", "-e", statement)

    def new_database(self) -> str:
        name = self.name()
        self.execute(f"CREATE DATABASE {name}")
        return f"mysql://weft:secret@127.0.0.1:{self.port}/{name}"


SERVERS: dict[str, type[Server]] = {"postgres": PostgresServer, "mariadb": MariaDBServer}


def missing(kind: str) -> str | None:
    """Why a server of that kind cannot run here, or None."""
    return SERVERS[kind].missing()


@contextlib.contextmanager
def shared_database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database of one's own, on the server that all who name the same `folder` share."""
    folder.mkdir(parents=True, exist_ok=True)
    notes = folder / f"{kind}.json"
    with (folder / f"{kind}.users").open("a") as users, (folder / f"{kind}.making").open("a") as making:
        with _locked(making):
            # Waits for a keeper that is just ending the server.
            fcntl.flock(users, fcntl.LOCK_SH)
            if not notes.exists():
                _start_keeper(kind, folder, notes)
            address = _database(kind, json.loads(notes.read_text()))
        yield address
        fcntl.flock(users, fcntl.LOCK_UN)


def _database(kind: str, notes: dict[str, object]) -> str:
    server = SERVERS[kind].__new__(SERVERS[kind])
    server.folder, server.port = Path(str(notes["folder"])), int(str(notes["port"]))
    server._number = time.monotonic_ns()
    return server.new_database()


def _start_keeper(kind: str, folder: Path, notes: Path) -> None:
    with (folder / f"{kind}.keeper").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, __file__, kind, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not notes.exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((folder / f"{kind}.keeper").read_text(errors="replace")[-2000:])
        time.sleep(_LOOK_SECONDS)
    # It outlives this process on purpose.
    keeper.returncode = 0


def keep(kind: str, folder: Path) -> None:
    """Run a server until nobody uses it."""
    notes = folder / f"{kind}.json"
    with SERVERS[kind]() as server, (folder / f"{kind}.users").open("a") as users:
        made = notes.with_suffix(".new")
        made.write_text(json.dumps({"folder": str(server.folder), "port": server.port}))
        made.rename(notes)
        with _locked(users):
            notes.unlink(missing_ok=True)
            server.remove()


@contextlib.contextmanager
def _locked(file: IO[str]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def pooler_missing() -> str | None:
    """Why `pooler` cannot run here, or None."""
    return _missing(PostgresServer.user, "pgbouncer")


@contextlib.contextmanager
def pooler(address: str) -> Iterator[str]:
    """The address of a PostgreSQL database behind PgBouncer in transaction mode, which has two connections to the server."""
    port = free_port()
    server_port, _, database = address.rpartition(":")[2].partition("/")
    folder = Path(tempfile.mkdtemp(prefix="weft-pgbouncer-", dir="/tmp"))
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam(PostgresServer.user)
        os.chown(folder, account.pw_uid, account.pw_gid)
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    (folder / "pgbouncer.ini").write_text(
        f"""[databases]
{database} = host=127.0.0.1 port={server_port} dbname={database} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""
    )
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [_binary("pgbouncer"), str(folder / "pgbouncer.ini")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_end_with_parent(),  # noqa: PLW1509  # one call of the kernel
            **identity,
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(_LOOK_SECONDS)
        yield f"postgresql://postgres@127.0.0.1:{port}/{database}"
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _binary(name: str) -> str:
    found = shutil.which(name)
    if found is None:  # Debian does not put the programs of its PostgreSQL versions on the path
        found = next(
            (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
        )
    if found is None:
        found = shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    return found or name


def _missing(user: str, *programs: str) -> str | None:
    absent = [name for name in programs if shutil.which(_binary(name)) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(user)
        except KeyError:
            return f"the server refuses to run as root, and there is no user {user}"
    return None


def _end_with_parent() -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    set_parent_death_signal = 1

    def ask() -> None:
        library.prctl(set_parent_death_signal, signal.SIGTERM)

    return ask


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2]))
