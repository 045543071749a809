"""What every launcher does alike, and what only some can."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.integration.daemon.served import Served, until
from tests.integration.daemon.test_life_of_a_run import QUICK, SLOW, SMALL, is_gone

from weft.config.instance_settings import InstanceSettings, LauncherSettings
from weft.model.run import FailureReason, RunStatus
from weft.runs.cancel import cancel_run

Serve = Callable[..., Served]

KINDS = ("local", "subprocess", "in_process")
PROCESSES = ("local", "subprocess")


def launched_by(kind: str, **settings: object) -> InstanceSettings:
    return replace(QUICK, launcher=LauncherSettings(kind=kind, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_succeeds(serve: Serve, kind: str) -> None:
    served = serve(SMALL, launched_by(kind))
    with served.daemon():
        run = served.finished(served.submit("small"))
    assert run.status is RunStatus.SUCCESS
    assert (int(served.marked("one")) == os.getpid()) is (kind == "in_process")
    [starting] = [one.event.body for one in served.instance.events.read(run.id) if one.event.type == "RUN_STARTING"]
    assert starting.launcher.startswith(f"{kind}@")  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", PROCESSES)
def test_code_that_does_not_load_fails_the_run(serve: Serve, kind: str) -> None:
    served = serve(SMALL, launched_by(kind))
    run_id = served.submit("small")
    served.write("raise RuntimeError('no database here')")
    with served.daemon():
        run = served.finished(run_id)
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.START_FAILED)
    assert "no database here" in str(run.error)


def test_code_that_ends_its_process_names_the_interpreter(serve: Serve) -> None:
    served = serve(SMALL, launched_by("local"))
    run_id = served.submit("small")
    served.write("os._exit(3)")
    with served.daemon():
        run = served.finished(run_id)
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.START_FAILED)
    [failed] = [one.event.body for one in served.instance.events.read(run_id, types=("RUN_FAILURE",))]
    assert sys.executable in failed.message  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_fails_fails_the_run(serve: Serve, kind: str) -> None:
    served = serve(
        "@op\ndef fails():\n    raise ValueError('no')\n\n@job\ndef short():\n    fails()\n", launched_by(kind)
    )
    with served.daemon():
        run = served.finished(served.submit("short"))
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.STEP_FAILED)


@pytest.mark.parametrize("kind", PROCESSES)
def test_a_cancelled_run_leaves_nothing_behind(serve: Serve, kind: str) -> None:
    served = serve(SLOW, launched_by(kind))
    with served.daemon():
        run_id = served.submit("endless")
        pid, child = int(served.marked("slow")), int(served.marked("child"))
        cancel_run(run_id, served.instance)
        assert served.finished(run_id).status is RunStatus.CANCELED
        served.marked("torn_down")
        until(lambda: is_gone(pid) and is_gone(child), "the end of the worker and its child")


def test_a_run_in_the_daemon_is_cancelled_between_two_steps(serve: Serve) -> None:
    served = serve(
        """
        @op
        def waits():
            mark("waits")
            while not (MARKS / "go").exists():
                time.sleep(0.01)
            return 1

        @op
        def never(x):
            mark("never")

        @job
        def patient():
            never(waits())
        """,
        launched_by("in_process"),
    )
    with served.daemon():
        run_id = served.submit("patient")
        served.marked("waits")
        cancel_run(run_id, served.instance)
        live = served.instance.queue.get(run_id)
        assert live is not None
        until(lambda: served.instance.queue.get(run_id).beats > live.beats + 1, "two heartbeats")
        (served.marks / "go").touch()
        assert served.finished(run_id).status is RunStatus.CANCELED
    assert not (served.marks / "never").exists()


@pytest.mark.parametrize("kind", PROCESSES)
def test_workers_give_way_where_the_settings_say_so(serve: Serve, kind: str) -> None:
    code = "@op\ndef tells():\n    mark('nice', os.nice(0))\n\n@job\ndef short():\n    tells()\n"
    served = serve(code, launched_by(kind, nice=7))
    with served.daemon():
        assert served.finished(served.submit("short")).status is RunStatus.SUCCESS
    assert int(served.marked("nice")) == os.nice(0) + 7


def test_code_that_starts_threads_when_it_is_imported_runs_in_workers_of_its_own(serve: Serve) -> None:
    served = serve(
        "import threading\nthreading.Thread(target=time.sleep, args=[60], daemon=True).start()\n" + SMALL, QUICK
    )
    with served.daemon():
        assert served.finished(served.submit("small")).status is RunStatus.SUCCESS


def test_what_the_users_code_raises_when_a_run_is_put_together_fails_the_run(serve: Serve) -> None:
    served = serve(
        """
        class Odd(Config):
            number: int = 1

            def __init__(self, **values):
                if os.environ.get("WEFT_TEST_ODD_PID") != str(os.getpid()):
                    raise RuntimeError("not in this process")
                super().__init__(**values)

        @op
        def takes(config: Odd):
            pass

        @job
        def odd():
            takes()
        """,
        QUICK,
    )
    os.environ["WEFT_TEST_ODD_PID"] = str(os.getpid())
    try:
        run_id = served.submit("odd")
        with served.daemon():
            run = served.finished(run_id)
    finally:
        del os.environ["WEFT_TEST_ODD_PID"]
    assert run.status is RunStatus.FAILURE
    assert "not in this process" in str(run.error)


def test_a_launcher_of_ones_own_is_loaded_by_its_name(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    target = "tests.integration.daemon.own_launcher:RecordingLauncher"
    served = serve(SMALL, launched_by("custom", target=target, config={"mark": "seen"}))
    run_id = served.submit("small")
    with served.daemon() as daemon:
        until(lambda: daemon.launcher.launched, "the launch")  # type: ignore[attr-defined]
        assert daemon.launcher.launched == [(run_id, 1, "seen")]  # type: ignore[attr-defined]
        run = served.finished(run_id)
    assert (run.status, run.failure_reason) == (RunStatus.FAILURE, FailureReason.START_FAILED)
