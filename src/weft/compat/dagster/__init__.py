"""Code that says ``from dagster import ...`` runs on weft, where the package of that name is not installed.

`install` puts a finder at the end of the import path. It answers for the package's name and for those of its integrations, and only where no
other finder does: the real package always wins. What it gives are weft's own objects under the names of `catalogue`; a name that weft has not says
what to use instead.

Modules with a leading underscore are private there and move from release to release, but existing code imports from them: each of them has
every name of the catalogue.
"""

from __future__ import annotations

import dis
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import typing
from collections.abc import Mapping, Sequence
from types import FrameType, ModuleType
from typing import Any

from weft.compat.dagster.adapters import adapted
from weft.compat.dagster.catalogue import AREAS, INSTEAD, LATER, LEGACY, RENAMED
from weft.errors import nearest

PACKAGE = "dagster"

VERSION = "1.13.0"
"""The release whose public names the catalogue holds; what ``dagster.__version__`` says."""

INTEGRATIONS: Mapping[str, str] = {
    "dagster_duckdb": "weft.integrations.duckdb",
    "dagster_duckdb_pandas": "weft.integrations.duckdb",
    "dagster_duckdb_polars": "weft.integrations.duckdb",
}
"""Packages of integrations, with the module here that has the same names."""

_SUBMODULES = frozenset({"components", "testing"})

_TYPING: Mapping[str, Any] = {
    "Any": typing.Any,
    "Dict": typing.Dict,  # noqa: UP006  # the objects of these names are asked for
    "List": typing.List,  # noqa: UP006
    "Optional": typing.Optional,
    "Set": typing.Set,  # noqa: UP006
    "Tuple": typing.Tuple,  # noqa: UP006
}


def install() -> None:
    """Answer for the package's name from now on, where it is not installed. Calling it again changes nothing."""
    if not any(isinstance(finder, DagsterFinder) for finder in sys.meta_path):
        sys.meta_path.append(DagsterFinder())


def uninstall() -> None:
    """Undo `install`, and forget the modules that were imported through it."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, DagsterFinder)]
    for name, module in list(sys.modules.items()):
        if isinstance(module, CompatModule):
            del sys.modules[name]


class DagsterFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of the package that is not there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's spec, where the name is one of the package's or of a known integration's."""
        package, *inner = fullname.split(".")
        is_known = package == PACKAGE or (package in INTEGRATIONS and _exists(INTEGRATIONS[package]))
        if not is_known or (inner and not (inner[0].startswith("_") or inner[0] in _SUBMODULES)):
            return None
        if inner and not isinstance(sys.modules.get(package), CompatModule):
            return None  # the real package is there, but has no such module
        return importlib.machinery.ModuleSpec(fullname, self, origin=f"weft ({__name__})", is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """A module that looks its names up when they are asked for."""
        return CompatModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing has to run."""


class CompatModule(ModuleType):
    """A module whose names are weft's objects."""

    def __init__(self, name: str) -> None:
        super().__init__(name, doc=f"weft under the names of {name}.")
        package = name.split(".", maxsplit=1)[0]
        self._source = None if package == PACKAGE else INTEGRATIONS[package]
        if self._source is None:
            self.__all__ = sorted(name for name in names() if state_of(name) in ("same", "renamed", "legacy"))
        self.__version__ = VERSION

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            found = resolve(name) if self._source is None else getattr(importlib.import_module(self._source), name)
        except (KeyError, AttributeError):
            text = f"{self.__name__} has no {name!r} on weft: {advice(name)}"
            # ``from dagster import name`` replaces an AttributeError by a text of its own.
            if _is_import(sys._getframe(1)):
                raise ImportError(text, name=self.__name__) from None
            raise AttributeError(text) from None
        setattr(self, name, found)
        return found


def names() -> tuple[str, ...]:
    """Every name of the catalogue, each once."""
    return tuple(dict.fromkeys(name for area in AREAS.values() for name in area))


def state_of(name: str) -> str:
    """What a name of the catalogue is here: ``same``, ``renamed``, ``legacy`` (a word of before 1.0), ``later``, ``instead`` (something else does it) or ``missing``."""
    if name in INSTEAD:
        return "instead"
    import weft
    from weft.config import schema

    if name in _TYPING or name == "__version__":
        return "same"
    if name in RENAMED:
        return "renamed" if RENAMED[name] in weft.__all__ else "missing"
    if name in weft.__all__ or (name in AREAS["Config"] and hasattr(schema, name)):
        return "same"
    if name in LEGACY:
        return "legacy"
    return "later" if name in LATER else "missing"


def resolve(name: str) -> Any:
    """The object that stands for a name here. Raises KeyError where there is none."""
    import weft
    from weft.config import schema

    here = RENAMED.get(name, name)
    if here in weft.__all__:
        return adapted(name, getattr(weft, here))
    if name in _TYPING:
        return _TYPING[name]
    if name in AREAS["Config"] and hasattr(schema, name):
        return getattr(schema, name)
    if name in LEGACY:
        from weft.compat import legacy

        return getattr(legacy, name)
    raise KeyError(name)


def advice(name: str) -> str:
    """What to do about a name that is not here."""
    if name in INSTEAD:
        return INSTEAD[name]
    if name in LATER:
        return f"not yet; {LATER[name]}"
    near = nearest(name, [known for known in names() if state_of(known) in ("same", "renamed", "legacy")])
    return (
        f"did you mean {near[0]!r}?" if near else "it is no public name; the parity page in the documentation lists all"
    )


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _is_import(frame: FrameType) -> bool:
    """Whether what runs in `frame` is ``from ... import name``."""
    place = frame.f_lasti
    code = frame.f_code.co_code
    return 0 <= place < len(code) and dis.opname[code[place]] == "IMPORT_FROM"
