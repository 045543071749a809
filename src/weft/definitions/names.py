"""Which names definitions may have."""

from __future__ import annotations

import keyword
import re
from typing import Any

from weft.errors import DefinitionError

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
    ]
)


def check_name(name: str, what: str) -> str:
    """`name` where it may name `what` (an op, graph, job, output, ...).

    Raises:
        DefinitionError: (WEFT-D003) other characters than letters, digits and ``_``, or a reserved word.
    """
    if _NAME.match(name) and name not in _RESERVED and not keyword.iskeyword(name):
        return name
    if _NAME.match(name):
        reason, fix = "it is a reserved word", f'call it "{name}_" or something that says more'
    else:
        reason, fix = (
            "only letters, digits and _ are allowed",
            f'for example "{re.sub(r"[^A-Za-z0-9_]+", "_", name) or "x"}"',
        )
    raise DefinitionError(
        f'"{name}" cannot be the name of {what}.', code="WEFT-D003", facts={"reason": reason}, fix=fix
    )


def check_group_name(name: str) -> str:
    """`name` where it may name a group: words joined by ``/``."""
    if _GROUP.match(name):
        return name
    raise DefinitionError(
        f'"{name}" cannot be the name of a group.',
        code="WEFT-D004",
        facts={"allowed": "letters, digits and _, nested by /"},
        fix=f'for example "{re.sub(r"[^A-Za-z0-9_/]+", "_", name).strip("/") or "default"}"',
    )


def check_tags(tags: dict[Any, Any], where: str) -> dict[str, str]:
    """`tags` where every key and value has an allowed form: at most 63 letters, digits, ``_``, ``-``, ``.`` each, a prefix before ``/``."""
    for key, value in tags.items():
        if (
            not isinstance(key, str)
            or not isinstance(value, str)
            or not _TAG_KEY.match(key)
            or not _TAG_VALUE.match(value)
        ):
            raise DefinitionError(
                f"{where} has a tag of a form that is not allowed.",
                code="WEFT-D005",
                facts={
                    "tag": f"{key!r}: {value!r}",
                    "allowed": "at most 63 letters, digits, _ - . in the key (after an optional prefix/) and in the value",
                },
                fix="put free text into metadata instead of tags",
            )
    return tags


def check_owners(owners: tuple[str, ...], where: str) -> tuple[str, ...]:
    """`owners` where each is an e-mail address or ``team:<name>``."""
    for owner in owners:
        if not (owner.startswith("team:") and len(owner) > 5) and not _EMAIL.match(owner):
            raise DefinitionError(
                f'{where} has the owner "{owner}".',
                code="WEFT-D006",
                facts={"allowed": "an e-mail address, or team:<name>"},
                fix=f'write "team:{owner.removeprefix("team:") or "data"}" for a team',
            )
    return owners
