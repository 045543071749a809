"""`weft daemon run` as a process of its own, and what a launched run says of its end."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest
from tests.integration.cli.conftest import Weft

DEFS = """
    import os
    from weft import job, op

    @op
    def leave():
        os._exit(7)

    @job
    def fragile():
        leave()
"""

MOVING = """
    import os
    from weft import job, op

    os.chdir("/")

    @op
    def look(): ...

    @job
    def looks():
        look()
"""

Daemon = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def daemon(weft: Weft, wait_for: Callable[[subprocess.Popen[str], str], str]) -> Iterator[Daemon]:
    """Starts daemons that serve; those that are left are ended."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = weft.start("daemon", "run")
        started.append(process)
        wait_for(process, "serves")
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_daemon_in_order(weft: Weft, daemon: Daemon, number: signal.Signals) -> None:
    process = daemon()
    process.send_signal(number)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "runs that have begun go on" in stdout
    assert weft("daemon", "status", "--json", code=1).json == {"daemons": []}


def test_a_daemon_ends_when_its_folder_is_deleted(weft: Weft, daemon: Daemon) -> None:
    process = daemon()
    shutil.rmtree(weft.folder / ".weft")
    (weft.folder / ".weft").mkdir()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "WEFT-T057" in stderr


def test_a_daemon_ends_when_another_database_is_in_place_of_its_own(weft: Weft, daemon: Daemon) -> None:
    process = daemon()
    (weft.folder / ".weft" / "weft.db").rename(weft.folder / "moved.db")
    (weft.folder / ".weft" / "weft.db").touch()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "WEFT-T057" in stderr


def test_a_run_whose_worker_was_lost_says_how(weft: Weft, daemon: Daemon) -> None:
    weft.write(defs=DEFS)
    daemon()
    why = "its worker ended with exit code 7 and without a word"
    assert why in weft("job", "launch", "-j", "fragile", "--wait", code=1).stdout
    shown = weft("run", "show", weft.latest_run()["id"]).stdout
    assert why in shown
    assert "broken off" in shown
    assert "running" not in shown


def test_code_that_changes_the_working_directory_is_found_again(weft: Weft, daemon: Daemon) -> None:
    weft.write(moving=MOVING)
    daemon()
    assert "success" in weft("job", "launch", "-f", "moving.py", "-j", "looks", "--wait").stdout
