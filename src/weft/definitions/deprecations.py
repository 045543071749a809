"""Names of settings and definitions that still work and have a better successor: said in one form, at the user's line.

Python shows such a warning once for each line that causes it; the tests of a project can turn it into an error by its class.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from weft.definitions.source import OWN_FOLDER
from weft.errors import DefinitionError


class DeprecatedNameWarning(DeprecationWarning):
    """Something was used by a name that has a successor; the text says which."""


class PreviewWarning(Warning):
    """The class under which projects silence warnings about what may still change in any release. weft itself gives none."""


class BetaWarning(Warning):
    """The class under which projects silence warnings about what is not yet settled. weft itself gives none."""


class SupersessionWarning(FutureWarning):
    """The class under which projects silence warnings about what has a better successor. weft itself gives `DeprecatedNameWarning`."""


class ConfigArgumentWarning(SyntaxWarning):
    """The class under which projects silence warnings about arguments called ``config``. weft itself gives none."""


def warn_deprecated(old: str, new: str) -> None:
    """Say that `old` has the successor `new`, with the place in the user's code that uses it."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(OWN_FOLDER):
        frame, level = frame.f_back, level + 1
    warnings.warn(f"{old} is deprecated: use {new}.", DeprecatedNameWarning, stacklevel=level)


def _one_kind(value: Any) -> Any:
    return {value}


def _as_freshness_policy(value: Any) -> Any:
    return value.to_freshness_policy() if hasattr(value, "to_freshness_policy") else value


def _as_automation_condition(value: Any) -> Any:
    return value.to_automation_condition() if hasattr(value, "to_automation_condition") else value


def _same(value: Any) -> Any:
    return value


# Old name to its successor, how that is shown, and what makes a value of the one a value of the other.
_SUCCESSORS: Mapping[str, tuple[str, str, Callable[[Any], Any]]] = {
    "auto_materialize_policy": ("automation_condition", "automation_condition", _as_automation_condition),
    "compute_kind": ("kinds", 'kinds={"..."}', _one_kind),
    "legacy_freshness_policy": ("freshness_policy", "freshness_policy", _as_freshness_policy),
    "non_argument_deps": ("deps", "deps", _same),
}

DEPRECATED_SETTINGS = frozenset(_SUCCESSORS)
"""Settings of assets that are renamed."""


def with_current_names(settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`settings` with every deprecated name replaced, with a warning for each that is used.

    Raises:
        DefinitionError: (WEFT-D405) a setting is given by its old and its new name.
    """
    current = {name: value for name, value in settings.items() if name not in DEPRECATED_SETTINGS}
    for old in sorted(settings.keys() & DEPRECATED_SETTINGS):
        value = settings[old]
        if value is None:
            continue
        new, shown, convert = _SUCCESSORS[old]
        if current.get(new):
            raise DefinitionError(
                f"{where} has both {old} and {new}.",
                code="WEFT-D405",
                facts={old: repr(value), new: repr(current[new])},
                fix=f"keep {new}: {old} is its earlier name",
            )
        warn_deprecated(old, shown)
        current[new] = convert(value)
    return current
