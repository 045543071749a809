"""Which launcher the settings of an instance choose."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from weft.codeserver.target import encode_target, target_of
from weft.config.instance_settings import LauncherSettings
from weft.definitions.repository import Repository
from weft.errors import ConfigError
from weft.model.origin import CodeOrigin
from weft.runs.environment import RunEnvironment
from weft.runs.launchers.in_process import InProcessLauncher
from weft.runs.launchers.local import LocalLauncher, zygote_starter
from weft.runs.launchers.port import Report, RunLauncher


def make_launcher(environment: RunEnvironment, home: Path, report: Report, *, daemon_id: str) -> RunLauncher:
    """The launcher of a daemon, as the settings of the instance say.

    Raises:
        ConfigError: (WEFT-C140) a class of the user's cannot be loaded.
    """
    settings = environment.settings.launcher
    name = f"{settings.kind}@{daemon_id}"
    if settings.kind == "in_process":
        return InProcessLauncher(environment, report, _load, name=name)
    if settings.kind == "custom":
        return _custom(settings, name, home, report)
    # Everything that a user may set for weft itself reaches the workers; where they record is in what they are given.
    start = zygote_starter(_encoded, environment=dict(os.environ))
    return LocalLauncher(
        str(home),
        report,
        start,
        name=name,
        start_method="spawn" if settings.kind == "subprocess" else "fork",
        idle_seconds=settings.idle_seconds,
        nice=settings.nice,
        load_seconds=environment.settings.monitoring.start_timeout_seconds,
    )


def _load(origin: CodeOrigin) -> Repository:
    from weft.codeserver.loader import load_target  # the only launcher that needs it here

    return load_target(target_of(origin)).repository


def _encoded(origin: CodeOrigin) -> bytes:
    return encode_target(target_of(origin))


def _custom(settings: LauncherSettings, name: str, home: Path, report: Report) -> RunLauncher:
    module, _, class_name = (settings.target or "").partition(":")
    try:
        kind: Any = getattr(importlib.import_module(module), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            "the launcher that the settings of the instance name cannot be loaded.",
            code="WEFT-C140",
            facts={"target": settings.target or "nothing", "why": str(error)},
            fix="write launcher.target as module:Class",
        ) from error
    launcher: RunLauncher = kind(name=name, home=home, report=report, **settings.config)
    return launcher
