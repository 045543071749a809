"""Run configuration in YAML: files, texts and files of packages, merged in order.

Mappings merge key by key, all the way down; anything else replaces what was there. What the configuration must contain is not checked here but when a
run is prepared, with all problems at once.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from weft.config.yaml_limits import ALLOWED, TooLarge, load_yaml
from weft.errors import ConfigError, Problem, did_you_mean


def config_from_files(config_files: Sequence[str]) -> dict[str, Any]:
    """The configuration in YAML files, each on top of those before.

    Args:
        config_files: paths, or patterns with ``*``; the files of a pattern in the order of their names.

    Raises:
        ConfigError: (WEFT-C101) a file cannot be read or a pattern names none, (WEFT-C102) one is not YAML, (WEFT-C103) one is no mapping,
            (WEFT-C178) one holds too much. All at once.
    """
    problems: list[Problem] = []
    texts: list[tuple[str, Callable[[], str]]] = []
    for pattern in config_files:
        # Not Path.glob, which takes no absolute patterns.
        has_magic = glob.has_magic(str(pattern))
        found = sorted(glob.glob(str(pattern), recursive=True)) if has_magic else [str(pattern)]  # noqa: PTH207
        if not found:
            problems.append(_unreadable(str(pattern), "no file has such a name", "correct the pattern"))
        texts.extend((name, _reader(Path(name))) for name in found)
    return _merged(texts, problems)


def config_from_yaml_strings(yaml_strings: Sequence[str]) -> dict[str, Any]:
    """The configuration in YAML texts, each on top of those before.

    Raises:
        ConfigError: (WEFT-C102) one is not YAML, (WEFT-C103) one is no mapping, (WEFT-C178) one holds too much. All at once.
    """
    return _merged([(f"text {number}", text.__str__) for number, text in enumerate(yaml_strings, 1)], [])


def config_from_pkg_resources(pkg_resource_defs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The configuration in YAML files that packages bring, each on top of those before.

    Args:
        pkg_resource_defs: package and file, such as ``("shop.settings", "test.yaml")``.

    Raises:
        ConfigError: as `config_from_files`.
    """
    return _merged([(f"{package}/{file}", _package_reader(package, file)) for package, file in pkg_resource_defs], [])


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on top of `under`, key by key."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _reader(path: Path) -> Callable[[], str]:
    return lambda: path.read_text("utf-8")


def _package_reader(package: str, file: str) -> Callable[[], str]:
    def read() -> str:
        from importlib import resources  # only who asks for files of packages needs it

        return resources.files(package).joinpath(file).read_text("utf-8")

    return read


def _merged(texts: Iterable[tuple[str, Callable[[], str]]], problems: list[Problem]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name, read in texts:
        try:
            text = read()
        except (OSError, UnicodeDecodeError, ModuleNotFoundError) as error:
            why = getattr(error, "strerror", None) or str(error)
            folder = Path(name).parent
            near = sorted(str(one) for one in folder.iterdir()) if folder.is_dir() else []
            problems.append(_unreadable(name, why, did_you_mean(name, near, "check the path")))
            continue
        found = _parsed(name, text, problems)
        if found is not None:
            merged = merge(merged, found)
    if problems:
        raise ConfigError.from_problems(problems)
    return merged


def _parsed(name: str, text: str, problems: list[Problem]) -> Mapping[str, Any] | None:
    import yaml  # heavy, and few projects configure by files

    try:
        value = load_yaml(text)
    except TooLarge as error:
        problems.append(
            Problem(
                "WEFT-C178",
                f"the configuration in {name} {error}.",
                facts={"allowed": ALLOWED},
                fix="take the aliases (*name) out of it, or divide it",
            )
        )
        return None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else name
        why = getattr(error, "problem", None) or str(error)
        problems.append(
            Problem(
                "WEFT-C102",
                f"the configuration in {name} is not YAML.",
                facts={"at": at, "why": why},
                fix="correct the place above; often it is an indentation, or a tab",
            )
        )
        return None
    if value is None:  # an empty file
        return {}
    if not isinstance(value, Mapping):
        problems.append(
            Problem(
                "WEFT-C103",
                f"the configuration in {name} is not a mapping.",
                facts={"it is": f"a {type(value).__name__}"},
                fix="start it with a key such as ops: or resources:",
            )
        )
        return None
    return value


def _unreadable(name: str, why: str, fix: str) -> Problem:
    return Problem("WEFT-C101", f"the configuration {name} cannot be read.", facts={"why": why}, fix=fix)
