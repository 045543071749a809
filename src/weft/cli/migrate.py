"""``weft migrate``: existing code to weft's own imports, as a diff first."""

from __future__ import annotations

import difflib
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from weft.cli.documents import json_text
from weft.errors import UsageError

_SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", "site-packages"})


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--write", is_flag=True, help="Change the files; without it a diff is printed and nothing is changed.")
@click.option("--json", "as_json", is_flag=True, help="Print what changes and what is left to do as JSON.")
def migrate(path: Path, write: bool, as_json: bool) -> None:
    """Rewrite existing code to weft's own imports.

    PATH is a file or a folder. Files that are only linked from there are left alone. What has no counterpart keeps its import and is listed at the
    end, with what to use instead.
    """
    if not path.exists():
        raise UsageError(f"there is no {path}.", code="WEFT-U070", fix="name a Python file or a folder")
    files: list[dict[str, Any]] = []
    for file in _files(path):
        found = _migrated(file)
        if found is None:
            files.append({"file": str(file), "changed": False, "remarks": [{"line": 0, "text": "it is no Python"}]})
            continue
        before, after, remarks, encoding = found
        if before == after and not remarks:
            continue
        if write and before != after:
            file.write_bytes(after.encode(encoding))
        if not as_json and before != after and not write:
            click.echo(_diff(file, before, after), nl=False)
        files.append({"file": str(file), "changed": before != after, "remarks": remarks})
    if as_json:
        click.echo(json_text({"written": write, "files": files}))
        return
    changed = sum(bool(one["changed"]) for one in files)
    for one in files:
        for remark in one["remarks"]:
            click.echo(f"{one['file']}:{remark['line']}: {remark['text']}", err=True)
    done = "changed" if write else "would change"
    hint = "" if write or not changed else "; --write changes them"
    click.echo(f"{changed} {'file' if changed == 1 else 'files'} {done}{hint}", err=True)


def _migrated(file: Path) -> tuple[str, str, list[dict[str, Any]], str] | None:
    """The text before and after, the remarks, and the encoding that the file declares; None where the file is no Python."""
    try:
        import libcst
    except ImportError:
        raise UsageError(
            "weft migrate needs a library that is not installed.",
            code="WEFT-U071",
            facts={"library": "libcst"},
            fix='pip install "weft[migrate]"',
        ) from None
    from weft.compat.dagster.migrate import migrated

    try:
        content = file.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        before = content.decode(encoding)
        found = migrated(before)
    except (libcst.ParserSyntaxError, UnicodeDecodeError, SyntaxError):
        return None
    return before, found.text, [{"line": one.line, "text": one.text} for one in found.remarks], encoding


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    top = path.resolve()
    for file in sorted(path.rglob("*.py")):
        inner = file.relative_to(path)
        # A link, of the file or of a folder on the way, leads to what PATH does not name, or to what is there under its own name anyway.
        if _SKIPPED.isdisjoint(inner.parts) and file.is_file() and file.resolve() == top / inner:
            yield file


def _diff(file: Path, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{file}", f"b/{file}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
