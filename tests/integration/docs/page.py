"""Runs a page of the documentation: its blocks in order, in one folder, as a reader would.

What a block is, its first word after the fence says:

- ``python``: run in one interpreter for the whole page, so later blocks see the names of earlier ones;
- ``console``: each line that begins with ``$`` is a command for the shell, and what follows is its output. The folder and the exported variables
  stay from one command to the next. A command must end with 0; ``console exit=1`` says that the last one of the block ends with 1;
- a block of any language whose first line is ``# file: NAME`` is written to that file, and not run; with ``# file: NAME, at its end`` it is
  added to it;
- ``sh``, ``text`` and others are for reading only.

Outputs are compared loosely: times, durations, sizes and data versions match any other, and ``...`` matches anything (alone on its line: any number
of lines). A run id matches any run id where it is first seen, and afterwards only that one; in later commands of the page it is replaced by
the one that was seen. So a page can say ``weft run show 01a1...`` and mean the run above.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

RUNNABLE = ("python", "console")
READ_ONLY = ("sh", "text", "yaml", "toml", "json", "markdown", "mermaid")

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)$")
_FILE = re.compile(r"# file: (?P<name>[^\s,]+)(?P<add>, at its end)?\s*")
_RUN_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_VARYING = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?"), "<moment>"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s)\b"), "<duration>"),
    (re.compile(r"\b\d+(\.\d+)? (B|KiB|MiB|GiB)(?!\w)"), "<size>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<version>"),
    (re.compile(r" +"), " "),
)

# One block for each line of stdin; answers on the file descriptor of its argument, for stdout belongs to the blocks.
_INTERPRETER = """
import json, linecache, os, sys, traceback, types
answers = os.fdopen(int(sys.argv[1]), "w")
sys.path.insert(0, "")
page = types.ModuleType("page")
sys.modules["page"] = page
for line in sys.stdin:
    block = json.loads(line)
    os.chdir(block["folder"])
    linecache.cache[block["name"]] = (len(block["text"]), None, block["text"].splitlines(True), block["name"])
    error = None
    try:
        exec(compile(block["text"], block["name"], "exec", dont_inherit=True), page.__dict__)
    except BaseException:
        error = traceback.format_exc()
    sys.stdout.flush()
    print(json.dumps(error), file=answers, flush=True)
"""


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    options: tuple[str, ...]
    text: str
    # The line of its fence.
    line: int

    @property
    def file(self) -> str | None:
        """The file that it is to be written to."""
        found = _FILE.fullmatch(self.text.partition("\n")[0])
        return found["name"] if found else None

    @property
    def adds(self) -> bool:
        """Whether it is added at the end of that file."""
        found = _FILE.fullmatch(self.text.partition("\n")[0])
        return found is not None and found["add"] is not None

    @property
    def is_runnable(self) -> bool:
        """Whether running the page does something with it."""
        return self.language in RUNNABLE or self.file is not None

    @property
    def exit_code(self) -> int:
        """What its last command ends with."""
        return next((int(option[5:]) for option in self.options if option.startswith("exit=")), 0)


class Command(NamedTuple):
    """A command of a console block, with the output that the page shows for it."""

    text: str
    output: list[str]


class PageError(AssertionError):
    """A block does not do what the page says."""


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page, in order.

    Raises:
        PageError: a block is not closed, or has no language or an unknown one, so nobody could say whether it must run.
    """
    found: list[Block] = []
    opened: tuple[int, str, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(line)
        if opened is None:
            if fence is not None:
                opened, lines = (number, fence["indent"], fence["info"].strip()), []
            continue
        start, indent, info = opened
        if fence is None or fence["info"].strip() or fence["indent"] != indent:
            lines.append(line.removeprefix(indent))
            continue
        language, *options = info.split() or [""]
        if language not in (*RUNNABLE, *READ_ONLY):
            raise PageError(f"line {start}: a block of the language {language!r}; use one of {RUNNABLE + READ_ONLY}")
        found.append(Block(language, tuple(options), "\n".join(lines) + "\n", start))
        opened = None
    if opened is not None:
        raise PageError(f"line {opened[0]}: the block is not closed")
    return found


def commands_of(block: Block) -> list[Command]:
    """The commands of a console block. A line that ends with a backslash goes on in the next one."""
    commands: list[Command] = []
    goes_on = False
    for line in block.text.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:], []))
        elif goes_on:
            text, output = commands[-1]
            commands[-1] = Command(f"{text}\n{line}", output)
        elif not commands:
            raise PageError(f"line {block.line}: a console block begins with a command: $ ...")
        else:
            commands[-1].output.append(line)
            continue
        goes_on = line.endswith("\\")
    if not commands:
        raise PageError(f"line {block.line}: a console block without a command")
    return commands


class Reader:
    """Somebody who does what a page says, in a folder of their own. A context manager: its interpreter ends with it."""

    def __init__(self, folder: Path) -> None:
        self._here = folder
        self._environment = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith(("WEFT_", "PYTEST_", "PYTHON"))
            },
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "HOME": str(folder),
            "COLUMNS": "120",
            "NO_COLOR": "1",
            "TZ": "UTC",
        }
        self._run_ids: dict[str, str] = {}
        self._interpreter: subprocess.Popen[str] | None = None
        self._answers = -1
        self._done = 0

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._interpreter is not None:
            assert self._interpreter.stdin is not None
            self._interpreter.stdin.close()
            self._interpreter.wait(timeout=30)
            os.close(self._answers)

    def follow(self, text: str) -> int:
        """Do everything that the page `text` says; returns how many blocks that were.

        Raises:
            PageError: something does not come out as the page says.
        """
        done = 0
        for block in blocks_of(text):
            if not block.is_runnable:
                continue
            if block.file is not None:
                self._write(block.file, block.text, adds=block.adds)
            elif block.language == "python":
                self._run_python(block)
            else:
                self._run_commands(block)
            done += 1
        return done

    def _write(self, name: str, text: str, *, adds: bool) -> None:
        path = self._here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if adds:
            # The first line is for the reader of the page.
            text = path.read_text("utf-8") + text.partition("\n")[2]
        path.write_text(text, encoding="utf-8")

    # --- Python -------------------------------------------------------------------------------------------------------

    def _run_python(self, block: Block) -> None:
        if self._interpreter is None:
            self._start_interpreter()
        assert self._interpreter is not None
        assert self._interpreter.stdin is not None
        request = {"name": f"<block at line {block.line}>", "text": block.text, "folder": str(self._here)}
        self._interpreter.stdin.write(json.dumps(request) + "\n")
        self._interpreter.stdin.flush()
        answer = b""
        while not answer.endswith(b"\n"):
            more = os.read(self._answers, 1 << 16)
            if not more:
                raise PageError(f"line {block.line}: the block ended the interpreter")
            answer += more
        error = json.loads(answer)
        if error is not None:
            raise PageError(f"line {block.line}: the block raised\n{error}")

    def _start_interpreter(self) -> None:
        read, write = os.pipe()
        self._interpreter = subprocess.Popen(
            [sys.executable, "-c", _INTERPRETER, str(write)],
            cwd=self._here,
            env=self._environment,
            stdin=subprocess.PIPE,
            pass_fds=[write],
            text=True,
        )
        os.close(write)
        self._answers = read

    # --- the shell ----------------------------------------------------------------------------------------------------

    def _run_commands(self, block: Block) -> None:
        commands = commands_of(block)
        for number, command in enumerate(commands, start=1):
            expected_code = block.exit_code if number == len(commands) else 0
            text = _RUN_ID.sub(lambda found: self._run_ids.get(found[0], found[0]), command.text)
            code, output = self._run_command(text)
            told = f"line {block.line}: $ {text}\n{output}"
            if code != expected_code:
                raise PageError(f"{told}\nended with {code}, not {expected_code}")
            if command.output and not self._matches(command.output, output.splitlines()):
                raise PageError(f"{told}\nis not what the page shows:\n" + "\n".join(command.output))

    def _run_command(self, text: str) -> tuple[int, str]:
        # Beside the folder, so the page does not see it.
        after = self._here_after_file()
        script = f'{text}\ncode=$?\nexport -p > "$AFTER"; printf "cd %q\\n" "$PWD" >> "$AFTER"\nexit $code\n'
        before = f". {after}\n" if after.exists() else ""
        ended = subprocess.run(
            ["bash", "-c", before + script],
            check=False,
            cwd=self._here,
            env={**self._environment, "AFTER": str(after)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return ended.returncode, ended.stdout

    def _here_after_file(self) -> Path:
        return self._here.with_name(f"{self._here.name}.shell")

    def _matches(self, expected: list[str], actual: list[str]) -> bool:
        shown = [line.rstrip() for line in expected if line.strip()]
        seen = [line.rstrip() for line in actual if line.strip()]
        learned = dict(self._run_ids)
        if not _match_lines(shown, seen, learned):
            return False
        self._run_ids = learned
        return True


def _match_lines(shown: list[str], seen: list[str], run_ids: dict[str, str]) -> bool:
    if not shown:
        return not seen
    if shown[0].strip() == "...":
        for skipped in range(len(seen) + 1):
            attempt = dict(run_ids)
            if _match_lines(shown[1:], seen[skipped:], attempt):
                run_ids.update(attempt)
                return True
        return False
    return bool(seen) and _match_line(shown[0], seen[0], run_ids) and _match_lines(shown[1:], seen[1:], run_ids)


def _match_line(shown: str, seen: str, run_ids: dict[str, str]) -> bool:
    pattern = "".join(_patterns(_normal(shown), run_ids))
    found = re.fullmatch(pattern, _normal(seen))
    if found is None:
        return False
    run_ids.update({name[1:].replace("_", "-"): value for name, value in found.groupdict().items()})
    return True


def _normal(line: str) -> str:
    for pattern, name in _VARYING:
        line = pattern.sub(name, line)
    return line


def _patterns(shown: str, run_ids: dict[str, str]) -> Iterator[str]:
    """The expected line as the parts of a regular expression."""
    named: set[str] = set()
    for part in re.split(rf"({_RUN_ID.pattern}|\.\.\.)", shown):
        if part == "...":
            yield ".*"
        elif not _RUN_ID.fullmatch(part):
            yield re.escape(part)
        elif part in run_ids:
            yield re.escape(run_ids[part])
        else:
            group = f"r{part.replace('-', '_')}"
            yield f"(?P={group})" if part in named else f"(?P<{group}>{_RUN_ID.pattern})"
            named.add(part)
