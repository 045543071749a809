"""Messages of external processes: 10,000 lines of log from the start of a program to its end, and how many a second come through once it runs.

On a persistent SQLite instance, so every message is durable when it counts. The program is one that writes lines to the file it is told, as a program in any
language does: what it costs to make them is measured apart, with the packages ``dagster_pipes`` and ``weft_pipes``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from harness import measure

from weft import (
    AssetExecutionContext,
    Instance,
    PipesMessageReader,
    PipesSocketMessageReader,
    PipesSubprocessClient,
    PipesTempFileMessageReader,
    asset,
    materialize,
)
from weft.model.events import LogMessage

MESSAGES = 10_000
RATE_MESSAGES = 100_000
PACKAGE = Path(__file__).resolve().parents[1] / "packages" / "weft-pipes" / "src"

# As little as a program can do, so that the receiving side is what is measured.
PLAIN = """
import base64, json, os, zlib
params = json.loads(zlib.decompress(base64.b64decode(os.environ["DAGSTER_PIPES_MESSAGES"])))
def line(method, params):
    return json.dumps({"__dagster_pipes_version": "0.1", "method": method, "params": params}) + "\\n"
with open(params["path"], "a") as file:
    file.write(line("opened", {"extras": {}}))
    file.write(line("log", {"message": "line 12345 of the program", "level": "INFO"}) * COUNT)
    file.write(line("closed", {}))
"""
PACKAGED = """
from PACKAGE import OPEN
with OPEN() as pipes:
    for number in range(COUNT):
        pipes.log.info("line %s of the program", number)
"""


def program(folder: Path, text: str, count: int) -> list[str]:
    """The command of a program that says `count` things."""
    path = folder / "program.py"
    path.write_text(text.replace("COUNT", str(count)))
    return [sys.executable, "-S", str(path)] if text is PLAIN else [sys.executable, str(path)]


def run(text: str, count: int, reader: Callable[[], PipesMessageReader] = PipesTempFileMessageReader) -> float:
    """Seconds from before the program is started until all that it said is recorded."""
    took = 0.0

    @asset
    def made(context: AssetExecutionContext) -> Any:
        nonlocal took
        client = PipesSubprocessClient(message_reader=reader(), env={"PYTHONPATH": str(PACKAGE)})
        started = time.perf_counter()
        done = client.run(command=command, context=context)
        took = time.perf_counter() - started
        return done.get_results()

    with tempfile.TemporaryDirectory() as folder:
        command = program(Path(folder), text, count)
        with Instance.at(Path(folder) / "home") as instance, Path(os.devnull).open("w") as nowhere:
            before, sys.stderr = sys.stderr, nowhere  # 10,000 lines of log on a terminal are its business
            try:
                result = materialize([made], instance=instance)
            finally:
                sys.stderr = before
            lines = sum(isinstance(event.body, LogMessage) for event in result.all_events)
    assert lines >= count, f"{lines} of {count} lines arrived"
    return took


def packaged(package: str, function: str) -> str:
    """A program that uses a package."""
    return PACKAGED.replace("PACKAGE", package).replace("OPEN", function)


def rate(text: str, reader: Callable[[], PipesMessageReader] = PipesTempFileMessageReader) -> float:
    """Messages a second once the program runs: what many take over what few take."""
    few, many = run(text, MESSAGES, reader), run(text, RATE_MESSAGES, reader)
    return (RATE_MESSAGES - MESSAGES) / (many - few)


if __name__ == "__main__":
    theirs = packaged("dagster_pipes", "open_dagster_pipes")
    ours = packaged("weft_pipes", "open_weft_pipes")
    measure("10,000 messages, process start included", partial(run, PLAIN, MESSAGES), budget=0.6)
    measure("10,000 messages of dagster_pipes", partial(run, theirs, MESSAGES), budget=0.6)
    measure("10,000 messages of weft_pipes", partial(run, ours, MESSAGES), budget=0.6)
    measure("10,000 messages of weft_pipes, socket", partial(run, ours, MESSAGES, PipesSocketMessageReader), budget=0.6)
    measure("messages a second", partial(rate, PLAIN), unit="/s", budget=20_000, repeats=3)
