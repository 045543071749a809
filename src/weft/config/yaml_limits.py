"""Limits for YAML, wherever weft reads it: how much one text may hold, and how deep it may be nested.

A text of a few lines can stand for billions of values by aliases of aliases, or be nested so deeply that the reader, which calls itself for each level, ends
the process. So nesting is looked at before a text is composed, and a node counts at every place where an alias puts it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

MOST_VALUES = 2_000_000
"""How many values one text may hold, aliases counted at every place."""

MOST_LEVELS = 100
"""Of lists and mappings inside each other in one text."""

ALLOWED = f"{MOST_VALUES:,} values, aliases counted at every place, {MOST_LEVELS} inside each other"
"""Both limits, for messages."""

_BRACKETS = re.compile(r"[\[\]{}]")
_BEGINNINGS = re.compile(r"^[ \t?:-]+", re.MULTILINE)


class TooLarge(Exception):
    """A text is beyond a limit. The message continues a sentence about it: "is nested too deeply"."""


def safe_loader() -> Any:
    """The loader of plain values: the one in C where it is there."""
    import yaml  # heavy, and few commands read any

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str) -> Any:
    """The value of a text with one document; None where it is empty. As ``yaml.safe_load``, within the limits.

    Raises:
        yaml.YAMLError: it is not YAML, or asks for an object.
        TooLarge: it is beyond a limit.
    """
    import yaml  # as above

    check_depth(text)
    loader = safe_loader()(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node)
        return loader.construct_document(node)
    except ValueError as error:  # a number of too many digits, a date that there is not
        raise yaml.YAMLError(str(error)) from error
    finally:
        loader.dispose()


def check_depth(text: str) -> None:
    """Refuse a text that is nested too deeply. Most are known not to be by a glance at their brackets and the beginnings of their lines.

    Raises:
        yaml.YAMLError: it is not YAML.
        TooLarge: it is nested too deeply.
    """
    depth = deepest = 0
    for sign in _BRACKETS.findall(text):
        depth += 1 if sign in "[{" else -1
        deepest = max(deepest, depth)
        depth = max(depth, 0)
    # Each sign of a beginning can open two levels: an item of a list, and a mapping in it.
    deepest += 2 * max(map(len, _BEGINNINGS.findall(text)), default=0)
    if deepest < MOST_LEVELS:
        return
    import yaml  # as above

    level = 0
    for event in yaml.parse(text, Loader=safe_loader()):
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            level += 1
            if level > MOST_LEVELS:
                raise TooLarge("is nested too deeply")
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            level -= 1


def _check_size(node: yaml.Node) -> None:
    if _Measure().of(node)[0] > MOST_VALUES:
        raise TooLarge("holds too many values")


class _Measure:
    """How many values nodes stand for and how deep they are; each node is looked at once, however many aliases it has."""

    def __init__(self) -> None:
        # By identity of the node; None while it is being measured.
        self._known: dict[int, tuple[int, int] | None] = {}

    def of(self, node: yaml.Node) -> tuple[int, int]:
        if not isinstance(node.value, list):
            return 1, 0
        if id(node) in self._known:
            known = self._known[id(node)]
            if known is None:
                raise TooLarge("holds an alias of a value inside that value")
            return known
        self._known[id(node)] = None
        values = levels = 0
        for part in node.value:
            for inner in part if isinstance(part, tuple) else (part,):  # a mapping has pairs
                count, depth = self.of(inner)
                values, levels = values + count, max(levels, depth)
        if levels >= MOST_LEVELS:  # by aliases of aliases
            raise TooLarge("is nested too deeply")
        self._known[id(node)] = measured = (values + 1, levels + 1)
        return measured
