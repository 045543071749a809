"""``weft init``: a starter project that runs as it is."""

from __future__ import annotations

import keyword
import re
import shlex
import sys
from pathlib import Path

import click

from weft.cli.documents import json_text
from weft.cli.options import json_option, verbose_option
from weft.errors import UsageError, some_of

_STARTER = Path(__file__).parent / "starter"

# Template to its place in the project. The templates end in .txt, so that no tool takes them for code of weft.
_FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "gitignore.txt": ".gitignore",
    "data/orders.csv.txt": "data/orders.csv",
    "package/__init__.py.txt": "__package__/__init__.py",
    "package/assets.py.txt": "__package__/assets.py",
    "package/checks.py.txt": "__package__/checks.py",
    "package/definitions.py.txt": "__package__/definitions.py",
    "tests/test_assets.py.txt": "tests/test_assets.py",
}


@click.command("init")
@click.argument("path", default=".", metavar="[PATH]")
@json_option
@verbose_option
def init(path: str, as_json: bool) -> None:
    """Make a starter project that runs, in a new folder or this one.

    It has three assets, a check, a job and tests. No file that is there is touched.
    """
    folder = Path(path).expanduser()
    name = folder.resolve().name
    files = starter_files(name)
    _refuse_to_overwrite(folder, list(files))
    _write(folder, files)
    if as_json:
        click.echo(json_text({"path": str(folder.resolve()), "files": list(files)}))
        return
    click.echo(f"made the project {name} in {folder.resolve()}")
    for file in files:
        click.echo(f"  {file}")
    click.echo("\nnext")
    if folder.resolve() != Path.cwd():
        click.echo(f"  cd {shlex.quote(path)}")
    for command in (
        "weft check",
        "weft asset materialize --select '*'",
        "weft asset show daily_revenue",
        "weft run list",
    ):
        click.echo(f"  {command}")


def starter_files(name: str) -> dict[str, str]:
    """Path in the project to text, for a project of that name."""
    package = package_name(name)
    words = {"__package__": package, "__project__": re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.") or "project"}

    def filled(text: str) -> str:
        for word, replacement in words.items():
            text = text.replace(word, replacement)
        return text

    return {filled(place): filled((_STARTER / file).read_text("utf-8")) for file, place in _FILES.items()}


def package_name(name: str) -> str:
    """A name for the package that can be imported and hides nothing that others import."""
    package = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "project"
    if package[0].isdigit():
        package = f"project_{package}"
    taken = package in sys.stdlib_module_names or package in ("weft", "data", "tests") or keyword.iskeyword(package)
    return f"{package}_project" if taken else package


def _refuse_to_overwrite(folder: Path, files: list[str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file.", code="WEFT-U023", fix="name a folder")
    there = [file for file in files if (folder / file).exists()]
    if there:
        raise UsageError(
            f"the project would overwrite files in {folder.resolve()}.",
            code="WEFT-U024",
            facts={"there already": some_of(there)},
            fix="name another folder: weft init my_project",
        )


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        for file, text in files.items():
            place = folder / file
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("x", encoding="utf-8") as out:  # never over a file that came in between
                out.write(text)
    except OSError as error:
        raise UsageError(
            f"the project cannot be written to {folder}.",
            code="WEFT-U025",
            facts={"why": f"{error.strerror}: {error.filename}"},
            fix="see that the folder can be written, or name another one",
        ) from error
