"""Which names, labels and lists definitions may have."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from weft.errors import DefinitionError
from weft.model.run import IMPLICIT_ASSET_JOB

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9_]+\Z")
_GROUP = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*\Z")
_TAG_KEY = re.compile(r"([A-Za-z0-9_.\-]{1,63}/)?[A-Za-z0-9_.\-]{1,63}\Z")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.\-]{0,63}\Z")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_RESERVED = frozenset(
    [
        "context",
        "conf",
        "config",
        "meta",
        "arg_dict",
        "dict",
        "input_arg_dict",
        "output_arg_dict",
        "int",
        "str",
        "float",
        "bool",
        "input",
        "output",
        "type",
        # The job that materialises any selection of assets.
        IMPLICIT_ASSET_JOB,
    ]
)


def check_name(name: Any, what: str) -> str:
    """`name` where it may name `what` (an op, graph, job, output, ...).

    Raises:
        DefinitionError: (WEFT-D003) other characters than letters, digits and ``_``, or a reserved word. Case matters, as in Python:
            ``Type`` is free, ``type`` is not.
    """
    if isinstance(name, str) and _NAME.match(name):
        if name not in _RESERVED and not keyword.iskeyword(name):
            return name
        reason, fix = "it is a reserved word", f'call it "{name}_" or something that says more'
    elif isinstance(name, str):
        reason = "only letters from A to Z, digits and _ are allowed" if name else "it is empty"
        fix = f'for example "{re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "orders"}"'
    else:
        reason, fix = f"it is of type {type(name).__name__}", "give a string"
    shown = f'"{name}"' if isinstance(name, str) else repr(name)
    raise DefinitionError(f"{shown} cannot be the name of {what}.", code="WEFT-D003", facts={"reason": reason}, fix=fix)


def check_group_name(name: Any) -> str:
    """`name` where it may name a group: words joined by ``/``."""
    if isinstance(name, str) and _is_group(name):
        return name
    plain = re.sub(r"[^A-Za-z0-9_/]+", "_", name).strip("/_") if isinstance(name, str) else ""
    raise DefinitionError(
        f"{name!r} cannot be the name of a group.",
        code="WEFT-D004",
        facts={"allowed": "letters from A to Z, digits and _, nested by /"},
        fix=f'for example "{re.sub("/+", "/", plain) or "default"}"',
    )


@lru_cache(maxsize=1024)
def _is_group(name: str) -> bool:
    return _GROUP.match(name) is not None


def check_tags(tags: Any, where: str) -> dict[str, str]:
    """`tags` where every key and value has an allowed form: at most 63 letters, digits, ``_``, ``-``, ``.`` each, a prefix before ``/``."""
    checked = check_mapping(tags, "tags", where)
    for key, value in checked.items():
        if not isinstance(key, str) or not isinstance(value, str) or not _is_tag(key, value):
            raise DefinitionError(
                f"{where} has a tag of a form that is not allowed.",
                code="WEFT-D005",
                facts={
                    "tag": f"{key!r}: {value!r}",
                    "allowed": "strings: at most 63 letters, digits, _ - . in the key (after an optional prefix/) and in the value",
                },
                fix="put free text into metadata instead of tags",
            )
    return checked


@lru_cache(maxsize=4096)
def _is_tag(key: str, value: str) -> bool:
    return _TAG_KEY.match(key) is not None and _TAG_VALUE.match(value) is not None


def tag_texts(tags: Any, where: str) -> dict[str, str]:
    """Tags of ops, jobs and runs: strings stay as they are, anything else becomes its JSON text (executors take structured tags).

    Raises:
        DefinitionError: (WEFT-D074) a value is something that JSON cannot carry.
    """
    if not tags:
        return {}
    texts = check_mapping(tags, "tags", where)
    for key, value in texts.items():
        if not isinstance(value, str):
            try:
                texts[key] = json.dumps(value, sort_keys=True)
            except (TypeError, ValueError) as error:
                raise DefinitionError(
                    f"{where} has a tag whose value cannot be text.",
                    code="WEFT-D074",
                    facts={"tag": f"{key!r}: {type(value).__name__}", "reason": str(error)},
                    fix="use a string, or what JSON can carry",
                ) from error
    return texts


def check_owners(owners: Any, where: str) -> tuple[str, ...]:
    """`owners` where each is an e-mail address or ``team:<name>``."""
    checked = check_each(owners, str, "owners", where)
    for owner in checked:
        if not (owner.startswith("team:") and owner[5:].strip()) and not _EMAIL.match(owner):
            raise DefinitionError(
                f'{where} has the owner "{owner}".',
                code="WEFT-D006",
                facts={"allowed": "an e-mail address, or team:<name>"},
                fix=f'write "team:{owner.removeprefix("team:").strip() or "data"}" for a team',
            )
    return checked


def check_each(values: Any, kind: type[T], label: str, where: str) -> tuple[T, ...]:
    """`values` as a tuple, where it is a collection of `kind`. A single string is not taken for a list of letters.

    Raises:
        DefinitionError: (WEFT-D070) it is a string or no collection; (WEFT-D071) one of the values is of another kind.
    """
    if not values:
        if values is None or (not isinstance(values, str) and hasattr(values, "__len__")):
            return ()
    elif not isinstance(values, (str, bytes)) and hasattr(values, "__iter__"):
        checked = tuple(values)
        for value in checked:
            if not isinstance(value, kind):
                check_kind(value, kind, label, where)
        return checked
    raise DefinitionError(
        f"{label} of {where} is not a list.",
        code="WEFT-D070",
        facts={"found": _shown(values)},
        fix=f"put it into a list: {label}=[...]",
    )


def check_kind(value: Any, kind: type, label: str, where: str) -> Any:
    """`value` where it is of `kind`.

    Raises:
        DefinitionError: (WEFT-D071) it is not.
    """
    if isinstance(value, kind):
        return value
    names = "string" if kind is str else kind.__name__
    is_class = isinstance(value, type) and issubclass(value, kind)
    raise DefinitionError(
        f"{label} of {where} is of the wrong type.",
        code="WEFT-D071",
        facts={"expected": names, "found": f"the class {value.__name__} itself" if is_class else _shown(value)},
        fix=f"make an object of it: {value.__name__}(...)" if is_class else f"give {_article(names)}",
    )


def check_optional(value: Any, kind: type, label: str, where: str) -> Any:
    """`value` where it is None or of `kind`. Raises as `check_kind` does."""
    return None if value is None else check_kind(value, kind, label, where)


def check_mapping(values: Any, label: str, where: str) -> dict[Any, Any]:
    """`values` as a new dict.

    Raises:
        DefinitionError: (WEFT-D072) it is no mapping.
    """
    if values is None:
        return {}
    if isinstance(values, Mapping):
        return dict(values)
    raise DefinitionError(
        f"{label} of {where} is not a mapping.",
        code="WEFT-D072",
        facts={"found": _shown(values)},
        fix=f'write a dict: {label}={{"name": ...}}',
    )


def _shown(value: object) -> str:
    text = repr(value)
    name = type(value).__name__
    shown = text if len(text) <= 80 else text[:77] + "..."
    return shown if text.startswith(name) else f"{name} {shown}"


def _article(names: str) -> str:
    return f"an {names}" if names[:1] in "AEIOU" else f"a {names}"
