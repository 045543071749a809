"""Reading the settings of an instance: from ``weft.yaml``, else from ``dagster.yaml``, else the defaults.

The file stands in the home of the instance; that of the instance of a project, ``.weft``, may also stand beside it, where it is kept with the code. One file is
read, never two. Everything that is wrong with it is said at once, with the line. What a setting is and where it came from stays known
(`FoundSettings.shown`), so that nobody has to guess what holds.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

from weft.config.dagster_settings import Note, translated
from weft.config.instance_settings import DAGSTER_FILE, InstanceSettings, settings_files
from weft.config.secrets import HIDDEN
from weft.config.settings_tree import Node, contradiction, not_a_mapping, read_tree, unfit, unknown_key
from weft.errors import ConfigError, Problem

DEFAULT = "default"


class ShownSetting(Struct, frozen=True):
    """A setting as it holds, for people: secrets hidden."""

    path: str
    value: Any
    # ``default``, or file and line, with the environment variable where there is one.
    origin: str


class FoundSettings:
    """Settings, and where they were found.

    Attributes:
        settings: what holds.
        file: the file that was read; None: there is none.
        notes: what became of each setting of a ``dagster.yaml``.
        passed_over: a file that would have been read if `file` were not there.
    """

    def __init__(
        self,
        settings: InstanceSettings,
        *,
        file: Path | None = None,
        origins: Mapping[str, str] | None = None,
        hidden: frozenset[str] = frozenset(),
        notes: tuple[Note, ...] = (),
        passed_over: Path | None = None,
    ) -> None:
        self.settings = settings
        self.file = file
        self.notes = notes
        self.passed_over = passed_over
        self._origins = dict(origins or {})
        self._hidden = hidden

    def shown(self) -> Iterator[ShownSetting]:
        """Every setting, in the order of `InstanceSettings`."""
        for section in fields(type(self.settings)):
            inner = getattr(self.settings, section.name)
            for field in fields(type(inner)):
                path = f"{section.name}.{field.name}"
                value = msgspec.to_builtins(getattr(inner, field.name))
                yield ShownSetting(path, self._masked(path, value), self._origins.get(path, DEFAULT))

    def _masked(self, path: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._masked(f"{path}.{key}", inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._masked(f"{path}.{place}", inner) for place, inner in enumerate(value)]
        if path in self._hidden or (isinstance(value, str) and _SECRET_NAME.search(path.rpartition(".")[2])):
            return HIDDEN
        return without_password(value) if isinstance(value, str) else value


# Names of the free arguments of classes; the settings of weft itself have no such names.
_SECRET_NAME = re.compile(r"passw|secret|token|credential|api_?key|access_?key|private", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)([^/@\s]*?):([^/\s]*)(?=@)")
_PASSWORD_OPTION = re.compile(r"((?:password|passwd|sslpassword|secret|token)=)[^&\s]+", re.IGNORECASE)


def without_password(text: str) -> str:
    """An address with the mark of a secret in place of its password."""
    return _PASSWORD_OPTION.sub(rf"\g<1>{HIDDEN}", _PASSWORD.sub(rf"\g<1>:{HIDDEN}", text))


def find_settings(home: Path, environ: Mapping[str, str] | None = None) -> FoundSettings:
    """The settings of the instance in the folder `home`, which need not exist.

    Args:
        home: the folder.
        environ: the environment variables; those of this process by default.

    Raises:
        ConfigError: everything that is wrong with the file: WEFT-C150 to C161.
    """
    found = settings_files(home)
    if not found:
        return FoundSettings(InstanceSettings())
    passed_over = found[1] if len(found) > 1 else None
    return read_settings(found[0], os.environ if environ is None else environ, passed_over=passed_over)


def read_settings(path: Path, environ: Mapping[str, str], *, passed_over: Path | None = None) -> FoundSettings:
    """The settings in a file; one that is called ``dagster.yaml`` is read as such. Raises as `find_settings`."""
    problems: list[Problem] = []
    tree = read_tree(path, environ, problems)
    notes: tuple[Note, ...] = ()
    if path.name == DAGSTER_FILE:
        tree, notes = translated(tree, path.parent, problems)
    builder = _Builder(problems)
    settings = builder.struct(InstanceSettings, tree, "")
    if not problems:
        problems.extend(_contradictions(settings))
    if problems:
        raise ConfigError.from_problems(problems)
    return FoundSettings(
        settings,
        file=path,
        origins=builder.origins,
        hidden=frozenset(builder.hidden),
        notes=notes,
        passed_over=passed_over,
    )


def _contradictions(settings: InstanceSettings) -> Iterator[Problem]:
    monitoring, storage = settings.monitoring, settings.storage
    if monitoring.lease_seconds <= monitoring.heartbeat_seconds:
        yield contradiction(
            "a worker would count as lost between two of its heartbeats.",
            {
                "monitoring.lease_seconds": monitoring.lease_seconds,
                "monitoring.heartbeat_seconds": monitoring.heartbeat_seconds,
            },
            "let a lease last several heartbeats: five of them by default",
        )
    if storage.url is not None and storage.custom is not None:
        yield contradiction(
            "the storage has an address and a class at once.",
            {"storage.url": without_password(storage.url), "storage.custom": storage.custom},
            "keep one of them",
        )
    if settings.launcher.kind == "custom" and settings.launcher.target is None:
        yield contradiction(
            "a launcher of your own has no class.", {"launcher.kind": "custom"}, "write launcher.target: module:Class"
        )


# --- values of types -------------------------------------------------------------------------------------------------

# The unit at the end of a name, with how many seconds it has.
_UNITS = {"_seconds": 1.0, "_days": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|sec|m|min|h|d|w)\s*")
_IN_SECONDS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def duration_in_seconds(text: str) -> float | None:
    """What ``30s``, ``1h 30m`` or ``250ms`` says; None where it is no duration."""
    total, place = 0.0, 0
    text = text.strip()
    while place < len(text):
        found = _DURATION.match(text, place)
        if found is None:
            return None
        total += float(found[1]) * _IN_SECONDS[found[2]]
        place = found.end()
    return total if place else None


class _Unfit(Exception):
    """A value does not have its type; the text says what was expected."""


class _Builder:
    """Makes structs of nodes, and remembers where their values stood."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        # Paths of settings with where they come from.
        self.origins: dict[str, str] = {}
        # Paths of values that must not be shown.
        self.hidden: set[str] = set()

    def struct(self, kind: type[Any], node: Node, path: str) -> Any:
        """A struct of the mapping `node`; defaults where something is wrong, which is in `problems` then."""
        if node.value is None:  # a section with nothing in it
            return kind() if not _required(kind) else self._failed(not_a_mapping(f'"{path}"', node))
        if not isinstance(node.value, dict):
            return self._failed(not_a_mapping(f'"{path}"', node), kind)
        types = get_type_hints(kind, include_extras=True)
        names = _names(kind)
        given: dict[str, Any] = {}
        for key, inner in node.value.items():
            name, at = names.get(key), f"{path}.{key}" if path else key
            if name is None:
                self._problems.append(unknown_key(at, inner, sorted(set(names.values()))))
                continue
            at = f"{path}.{name}" if path else name
            if inner.is_missing:
                continue
            try:
                given[name] = self._value(types[name], inner, at)
            except _Unfit as problem:
                self._problems.append(unfit(at, inner, str(problem)))
                continue
            self.origins[at] = inner.origin if not isinstance(inner.value, (dict, list)) else inner.where
        missing = [name for name in _required(kind) if name not in given and name not in node.value]
        for name in missing:
            self._problems.append(unfit(f"{path}.{name}", node, f"{name} is needed here"))
        return kind(**given) if all(name in given for name in _required(kind)) else self._failed(None, kind)

    def _failed(self, problem: Problem | None, kind: type[Any] | None = None) -> Any:
        """A stand-in: what is wrong is in `problems`, and the result is never used."""
        if problem is not None:
            self._problems.append(problem)
        return kind() if kind is not None and not _required(kind) else None

    def _value(self, kind: Any, node: Node, path: str) -> Any:
        limits: Meta | None = None
        if get_origin(kind) is Annotated:
            kind, limits, *_ = get_args(kind)
        origin = get_origin(kind)
        if origin is Union or type(kind).__name__ == "UnionType":
            return self._optional(kind, node, path)
        if origin is Literal:
            return _choice(get_args(kind), node)
        if origin is tuple:
            if not isinstance(node.value, list):
                raise _Unfit("a list, one item a line: - item")
            return tuple(self._item(get_args(kind)[0], item, f"{path}.{n}") for n, item in enumerate(node.value))
        if isinstance(kind, type) and issubclass(kind, Struct):
            return self.struct(kind, node, path)
        if origin is not None:  # the free arguments of a class
            return self._free(node, path)
        return _scalar(kind, limits, node, path)

    def _item(self, kind: Any, node: Node, path: str) -> Any:
        try:
            return self._value(kind, node, path)
        except _Unfit as problem:
            self._problems.append(unfit(path, node, str(problem)))
            return None

    def _optional(self, kind: Any, node: Node, path: str) -> Any:
        inner = next(one for one in get_args(kind) if one is not type(None))
        if node.value is None or (isinstance(node.value, str) and node.value.lower() in ("none", "null")):
            return None
        try:
            return self._value(inner, node, path)
        except _Unfit as problem:
            raise _Unfit(f"{problem}, or none") from None

    def _free(self, node: Node, path: str) -> Any:
        if node.value is None:
            return {}
        if not isinstance(node.value, dict):
            raise _Unfit("a mapping of arguments")
        for way, inner in node.nodes():
            if inner.variable is not None:
                self.hidden.add(".".join([path, *map(str, way)]))
        return node.plain()


def _required(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind) if field.required]


def _names(kind: type[Any]) -> dict[str, str]:
    """What each setting may be called, with its name: also without the unit."""
    names = {field.name: field.name for field in fields(kind)}
    for name in list(names):
        for unit in _UNITS:
            if name.endswith(unit):
                names.setdefault(name.removesuffix(unit), name)
    return names


def _choice(allowed: tuple[Any, ...], node: Node) -> Any:
    for one in allowed:
        if node.value == one or (isinstance(node.value, str) and node.value.lower() == str(one).lower()):
            return one
    raise _Unfit(" or ".join(str(one) for one in allowed))


def _scalar(kind: Any, limits: Meta | None, node: Node, path: str) -> Any:
    if isinstance(node.value, (dict, list)) or node.value is None:
        raise _Unfit(_words(kind, limits, path))
    if kind is str:
        return node.text
    if kind is bool:
        found = node.value if isinstance(node.value, bool) else _TRUTH.get(node.text.lower())
        if found is None:
            raise _Unfit("true or false")
        return found
    number = _number(kind, node, path)
    if (
        number is None
        or (limits is not None and limits.ge is not None and number < limits.ge)
        or (limits is not None and limits.gt is not None and number <= limits.gt)
    ):
        raise _Unfit(_words(kind, limits, path))
    return number


def _number(kind: Any, node: Node, path: str) -> float | int | None:
    if isinstance(node.value, bool):
        return None
    unit = _unit_of(path)
    if unit is not None and isinstance(node.value, str) and (seconds := duration_in_seconds(node.text)) is not None:
        return seconds / _UNITS[unit]
    try:
        number = float(node.text.replace("_", ""))
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    if kind is int:
        return int(number) if number.is_integer() else None
    return number


def _unit_of(path: str) -> str | None:
    return next((unit for unit in _UNITS if path.endswith(unit)), None)


def _words(kind: Any, limits: Meta | None, path: str) -> str:
    """What a type is called."""
    if kind is str:
        return "a text"
    if kind is bool:
        return "true or false"
    what = "a whole number" if kind is int else "a number"
    if (unit := _unit_of(path)) is not None:
        what = f"a time such as 30s, 5m or 2h, or a number of {unit[1:]}"
    if limits is not None and limits.ge is not None:
        return f"{what}, 0 or more" if not limits.ge else f"{what}, {limits.ge} or more"
    return f"{what}, more than {limits.gt}" if limits is not None and limits.gt is not None else what
