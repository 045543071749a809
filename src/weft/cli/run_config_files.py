"""Run configuration as the command line takes it: YAML files, merged in order, and a JSON text over them.

Mappings merge key by key, all the way down; anything else replaces what was there. What the configuration must contain is not checked here but when the run is
prepared, with all problems at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from weft.config.files import merge
from weft.config.yaml_limits import ALLOWED, TooLarge, load_yaml
from weft.errors import UsageError, did_you_mean


def read_run_config(files: Sequence[Path], json_text: str | None) -> dict[str, Any] | None:
    """The configuration, or None where nothing was given.

    Raises:
        UsageError: (WEFT-U008) a file cannot be read; (WEFT-U009) it is not YAML; (WEFT-U178) it holds too much; (WEFT-U011) the text is not JSON; (WEFT-U012) something
            given is not a mapping.
    """
    if not files and json_text is None:
        return None
    merged: dict[str, Any] = {}
    for file in files:
        merged = merge(merged, _mapping(_read_yaml(file), str(file)))
    if json_text is not None:
        merged = merge(merged, _mapping(_read_json(json_text), "--config-json"))
    return merged


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if value is None:  # an empty file
        return {}
    if not isinstance(value, Mapping):
        raise UsageError(
            f"the run configuration in {place} is not a mapping.",
            code="WEFT-U012",
            facts={"it is": f"a {type(value).__name__}"},
            fix="start it with a key such as ops: or resources:",
        )
    return value


def _read_yaml(file: Path) -> Any:
    import yaml

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        folder = file.parent
        near = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"the run configuration {file} cannot be read.",
            code="WEFT-U008",
            facts={"why": why},
            fix=did_you_mean(file.name, near, "check the path; it is relative to the working directory"),
        ) from error
    try:
        return load_yaml(text)
    except TooLarge as error:
        raise UsageError(
            f"the run configuration {file} {error}.",
            code="WEFT-U178",
            facts={"allowed": ALLOWED},
            fix="take the aliases (*name) out of it, or divide the file",
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark is not None else str(file)
        raise UsageError(
            f"the run configuration {file} is not YAML.",
            code="WEFT-U009",
            facts={"at": at, "why": getattr(error, "problem", None) or str(error)},
            fix="correct the place above; often it is an indentation, or a tab",
        ) from error


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            "the text of --config-json is not JSON.",
            code="WEFT-U011",
            facts={"at": f"line {error.lineno}, column {error.colno}", "why": error.msg},
            fix='quote it for the shell: --config-json \'{"ops": {"load": {"config": {"limit": 5}}}}\'',
        ) from error
