"""Plays cases: each in a fresh fork of one process that has imported weft, so that fifty programs take seconds.

``python -m tests.golden.playback`` reads one JSON object for each line of stdin (``folder``, ``environment``), runs ``shop.py`` in that folder as
a program, with stdout and stderr in ``output.txt`` beside it, and answers with the exit code. A program of a case runs commands with `weft`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import sys
import traceback
from pathlib import Path

OUTPUT = "output.txt"
PROGRAM = "shop.py"


def weft(*arguments: str, show: bool = True) -> None:
    """Run a command, as a shell would, and note its exit code."""
    from weft.cli.main import run

    if show:
        code = run(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        print(f"[exit code {code}]")
    else:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run(arguments)


def play() -> int:
    """Run the program in this folder. An error ends it with the words that the interpreter would show last."""
    try:
        runpy.run_path(str(Path.cwd() / PROGRAM), run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException as error:  # noqa: BLE001  # whatever ends the program is its last word
        sys.stderr.write("".join(traceback.format_exception_only(error)))
        return 1
    return 0


def play_in_fork(folder: str, environment: dict[str, str]) -> int:
    """Run the program of `folder` in a child; its exit code."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    code = 70
    try:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        for descriptor, path, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        ):
            opened = os.open(path, flags, 0o644)
            os.dup2(opened, descriptor)
        os.dup2(1, 2)
        sys.path.insert(0, folder)
        code = play()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def serve() -> None:
    """Play what is asked for until stdin ends."""
    import weft.cli.check
    import weft.cli.main
    import weft.cli.run
    import weft.instance
    import weft.runs.in_process
    import weft.storage.sqlite  # noqa: F401  # loaded once, for all forks

    requests, answers = sys.stdin, os.fdopen(os.dup(1), "w")
    for line in requests:
        request = json.loads(line)
        answers.write(json.dumps(play_in_fork(request["folder"], request["environment"])) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
