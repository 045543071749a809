"""Instances for tests: each in a folder of its own that is removed after the test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import fields

from weft.config.instance_settings import DAGSTER_FILE, HOME_VARIABLE, SETTINGS_FILE, InstanceSettings
from weft.instance import Instance


@contextmanager
def instance_for_test(
    overrides: Mapping[str, Any] | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    set_home: bool = True,
) -> Iterator[Instance]:
    """A durable instance in a folder of its own, which ``Instance.get()`` gives as well while the context is open.

    Args:
        overrides: settings, as they stand in ``weft.yaml`` (``{"queue": {"max_concurrent_runs": 1}}``), or as in a ``dagster.yaml``.
        temp_dir: the folder, which is then left; a temporary one, which is removed, where it is None.
        set_home: whether ``$WEFT_HOME`` names the folder meanwhile, for commands and child processes too.

    Raises:
        ConfigError: (WEFT-C150 to C161) the overrides are wrong.

    >>> with instance_for_test() as instance:
    ...     materialize([orders], instance=instance)
    """
    with ExitStack() as stack:
        folder = temp_dir if temp_dir is not None else stack.enter_context(tempfile.TemporaryDirectory(prefix="weft-"))
        if overrides:
            _write_settings(Path(folder), overrides)
        if set_home:
            before = os.environ.get(HOME_VARIABLE)
            os.environ[HOME_VARIABLE] = str(folder)
            stack.callback(_restore, before)
        instance = Instance.get(folder) if set_home else Instance.at(Path(folder))
        stack.callback(instance.close)
        yield instance


def _write_settings(folder: Path, overrides: Mapping[str, Any]) -> None:
    """In a file, so that processes that the test starts find them as well."""
    import yaml  # only tests with settings need it

    sections = {field.name for field in fields(InstanceSettings)}
    name = SETTINGS_FILE if overrides.keys() <= sections else DAGSTER_FILE
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(yaml.safe_dump(dict(overrides)), "utf-8")


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(HOME_VARIABLE, None)
    else:
        os.environ[HOME_VARIABLE] = before
