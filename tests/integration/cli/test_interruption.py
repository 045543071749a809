"""Signals and broken pipes: how a run ends that somebody ends."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

import pytest
from tests.integration.cli.conftest import Weft

WAITING = """
import contextlib
import threading
from pathlib import Path
from weft import Definitions, asset, resource

@resource
@contextlib.contextmanager
def connection(context):
    try:
        yield "open"
    finally:
        Path("closed").touch()

@asset(required_resource_keys={"connection"})
def waits(context):
    print("waiting now", flush=True)
    threading.Event().wait(60)

@asset
def after(waits): ...

defs = Definitions([waits, after], resources={"connection": connection})
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_as_canceled_with_teardown_done(
    weft: Weft, wait_for: Callable[[subprocess.Popen[str], str], str], number: signal.Signals, code: int
) -> None:
    weft.write(defs=WAITING)
    process = weft.start("asset", "materialize", "--select", "*")
    wait_for(process, "waiting now")
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert f"{number.name} was received" in stdout
    assert stderr == ""
    assert (weft.folder / "closed").exists()
    shown = weft("run", "show", weft.latest_run()["id"], "--json").json
    assert shown["status"] == "CANCELED"
    assert {step["status"] for step in shown["steps"]} == {"CANCELED"}


def test_what_a_killed_step_printed_is_found_again(
    weft: Weft, wait_for: Callable[[subprocess.Popen[str], str], str]
) -> None:
    weft.write(defs=WAITING)
    process = weft.start("asset", "materialize", "--select", "*")
    wait_for(process, "waiting now")
    process.kill()
    process.communicate(timeout=60)
    run = weft.latest_run()
    assert (run["status"], run["failure_reason"]) == ("FAILURE", "lost")
    assert weft("run", "logs", run["id"], "--step", "waits", "--stream", "stdout").stdout == "waiting now\n"


def test_a_reader_that_goes_does_not_disturb_the_run(
    weft: Weft, wait_for: Callable[[subprocess.Popen[str], str], str]
) -> None:
    weft.write(
        defs="""
        from pathlib import Path
        from weft import asset

        @asset
        def talks():
            print("begin", flush=True)
            while not Path("go").exists():
                pass
            print("word " * 20000, flush=True)
            return 1

        @asset
        def after(talks): ...
        """
    )
    process = weft.start("asset", "materialize", "--select", "*")
    wait_for(process, "begin")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    (weft.folder / "go").touch()
    stderr = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert stderr == ""
    assert weft.latest_run()["status"] == "SUCCESS"


def test_a_list_whose_reader_goes_is_quiet(weft: Weft) -> None:
    weft.write(defs="from weft import asset\n@asset\ndef a():\n    for _ in range(3000): print('line')\n")
    weft("asset", "materialize", "--select", "*")
    process = weft.start("run", "logs", weft.latest_run()["id"], "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 141
