r"""The selection syntax: text to expression, and back.

::

    expression  = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation    = "not" negation | walk
    walk        = [ [ depth ] "+" ] operand [ "+" [ depth ] ]
    operand     = "(" expression ")" | function "(" expression ")" | attribute ":" value | "*" | name
    attribute   = key | tag | group | kind | owner | is | check | ...        the list is `ATTRIBUTES`
    function    = sinks | roots | ...                                        the list is `FUNCTIONS`
    value       = word | quoted | "<null>"                                   tag also: value "=" value

Keywords, attributes and functions may be written in any case. ``+x`` is everything above x, ``2+x`` two levels, ``x+`` everything below,
``1+x+1`` both ways. A bare name is a pattern for the key: in names, groups and ``key:`` values ``*`` stands for any text, ``\*`` for a star.
Quotes are ``"`` or ``'``; inside them a backslash stands for the character after it, so the backslash of an escaped key is written twice.

One text can be of the old syntax as well (`weft.planning.selection.legacy`). `parse` decides by form alone, so that the meaning of a
text never depends on which assets there are: **a text that consists of nothing but names with marks is old** (``orders``, ``*orders``,
``orders+``, ``a, b+``), everything else is new (``key:"orders"+``, ``+orders and kind:dbt``, ``2+orders``). In the old syntax one ``+`` is one
level and ``*`` is all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NoReturn

from weft.errors import DefinitionError, SelectionError, did_you_mean
from weft.model.assets import DEFAULT_GROUP
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.selection import (
    All,
    And,
    Attribute,
    Checks,
    ChecksOf,
    Difference,
    Downstream,
    External,
    Groups,
    KeyGlob,
    KeyPrefix,
    Keys,
    KeySubstring,
    Kind,
    Materializable,
    Not,
    Or,
    Owner,
    RequiredNeighbours,
    Roots,
    Selection,
    Sinks,
    Tag,
    Text,
    Upstream,
    WithoutChecks,
)
from weft.planning.selection.legacy import KEYWORDS, clauses, expression_of

NULL = "<null>"

FACT_ATTRIBUTES = frozenset(
    {
        "automation_type",
        "changed_in_branch",
        "code_location",
        "column",
        "column_tag",
        "job",
        "partitions",
        "schedule",
        "sensor",
        "status",
        "table_name",
    }
)
"""Attributes that become `Attribute` nodes: what they say is not (or not only) in the asset graph."""

ATTRIBUTES = FACT_ATTRIBUTES | {"check", "group", "is", "key", "key_prefix", "key_substring", "kind", "owner", "tag"}
"""Everything that may stand before a colon."""

FUNCTIONS: dict[str, Callable[[Selection], Selection]] = {
    "sinks": Sinks,
    "roots": Roots,
    "materializable": Materializable,
    "external": External,
    "required_neighbours": RequiredNeighbours,
    "checks_of": ChecksOf,
    "without_checks": WithoutChecks,
}
"""Everything that may stand before a parenthesis."""

_MOST_LEVELS = 150
"""Parentheses and negations within each other: more is a mistake or an attack, and would exhaust the stack."""

_MOST_DIGITS = 9
"""Of a number of levels."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<null><null>)
      | (?P<mark>[()+:=,])
      | (?P<word>[^\s()+:="',<>]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_GLOB_PART = re.compile(r"\\.|\*|[^\\*]+|\\$", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class _Token:
    __slots__ = ("end", "is_word", "start", "text", "value")

    def __init__(self, text: str, start: int, end: int, value: str | None, is_word: bool) -> None:
        self.text = text
        self.start = start
        self.end = end
        # What it stands for as a value; None for marks and for ``<null>``.
        self.value = value
        self.is_word = is_word


@lru_cache(maxsize=512)
def parse(text: str, *, include_external: bool = False) -> Selection:
    """The expression that `text` means, in the old or the new syntax; the module says which.

    Args:
        text: the selection.
        include_external: let ``*``, ``not``, groups, kinds, tags and owners cover external assets too.

    Raises:
        SelectionError: (WEFT-S005) it cannot be read; (WEFT-S006) an attribute or function is unknown. Both show the place.
    """
    old = clauses(text)
    if old is not None:
        try:
            return expression_of(old, include_external=include_external)
        except DefinitionError:
            pass  # a name is no key (``a//b``): the parser shows where
    return _Parser(text, include_external).parse()


class _Parser:
    def __init__(self, text: str, include_external: bool) -> None:
        self._text = text
        self._external = include_external
        self._tokens = self._tokenise()
        self._place = 0
        self._level = 0

    def parse(self) -> Selection:
        if not self._tokens:
            self._fail("the selection is empty.", 0, 'write a selection such as "orders", or * for everything')
        found = self._expression()
        token = self._peek()
        if token is not None:
            self._fail(f'"{token.text}" is not expected here.', token.start, 'join selections with "and" or "or"')
        return found

    # --- tokens ---

    def _tokenise(self) -> list[_Token]:
        tokens: list[_Token] = []
        place = 0
        text = self._text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                start = place + len(text[place:]) - len(text[place:].lstrip())
                what = "a quote is never closed." if text[start] in "\"'" else f'"{text[start]}" cannot be read.'
                self._fail(what, start, 'put names with special characters in quotes: key:"a b"')
            kind = match.lastgroup or ""
            raw = match[kind]
            value = _ESCAPED.sub(r"\1", raw[1:-1]) if kind == "quoted" else raw if kind == "word" else None
            tokens.append(_Token(raw, match.start(kind), match.end(kind), value, kind == "word"))
            place = match.end()
        return tokens

    def _peek(self, ahead: int = 0) -> _Token | None:
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else None

    def _is(self, text: str, ahead: int = 0) -> bool:
        token = self._peek(ahead)
        return token is not None and token.value is None and token.text == text

    def _is_keyword(self, word: str) -> bool:
        token = self._peek()
        return token is not None and token.is_word and token.text.lower() == word and not self._is(":", 1)

    def _is_number(self, ahead: int = 0) -> bool:
        token = self._peek(ahead)
        return token is not None and token.is_word and token.text.isdecimal()

    # --- rules ---

    def _expression(self) -> Selection:
        self._level += 1
        if self._level > _MOST_LEVELS:
            self._fail("the selection is nested too deeply.", self._start(), "break it into simpler selections")
        parts = [self._conjunction()]
        while self._is_keyword("or"):
            self._place += 1
            parts.append(self._conjunction())
        self._level -= 1
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _conjunction(self) -> Selection:
        parts = [self._negation()]
        while self._is_keyword("and"):
            self._place += 1
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negation(self) -> Selection:
        count = 0
        while self._is_keyword("not"):
            self._place += 1
            count += 1
        found = self._walk()
        if count > _MOST_LEVELS:
            self._fail("the selection is nested too deeply.", self._start(), 'leave out pairs of "not"')
        for _ in range(count):
            found = Not(found, self._external)
        return found

    def _walk(self) -> Selection:
        up, up_depth = self._up()
        operand = self._operand()
        down, down_depth = self._down()
        if up and down:
            return Or((Upstream(operand, up_depth), Downstream(operand, down_depth)))
        if up:
            return Upstream(operand, up_depth)
        return Downstream(operand, down_depth) if down else operand

    def _up(self) -> tuple[bool, int | None]:
        if self._is("+"):
            self._place += 1
            return True, None
        if self._is_number() and self._is("+", 1) and self._starts_operand(2):
            depth = self._depth()
            self._place += 2
            return True, depth
        return False, None

    def _down(self) -> tuple[bool, int | None]:
        if not self._is("+"):
            return False, None
        self._place += 1
        if not self._is_number():
            return True, None
        depth = self._depth()
        self._place += 1
        return True, depth

    def _depth(self) -> int:
        token = self._tokens[self._place]
        if len(token.text) > _MOST_DIGITS:
            self._fail("no graph has that many levels.", token.start, 'write "+" alone for all of them')
        return int(token.text)

    def _starts_operand(self, ahead: int) -> bool:
        token = self._peek(ahead)
        if token is None:
            return False
        if token.is_word:
            return token.text.lower() not in KEYWORDS
        return token.value is not None or token.text == "("

    def _operand(self) -> Selection:
        token = self._peek()
        if token is None or (token.is_word and token.text.lower() in KEYWORDS and not self._is(":", 1)):
            at = f' before "{token.text}"' if token is not None else " at the end"
            self._fail(f"a selection is missing{at}.", self._start(), "add a name, or leave out what joins it")
        self._place += 1
        if token.value is None:
            if token.text != "(":
                self._fail(f'"{token.text}" is not expected here.', token.start, "begin with a name or an attribute")
            return self._closed(token)
        if token.is_word and self._is(":"):
            self._place += 1
            return self._attribute(token)
        if token.is_word and self._is("("):
            make = FUNCTIONS.get(token.text.lower())
            if make is None:
                self._unknown(token, "function", FUNCTIONS)
            opening = self._tokens[self._place]
            self._place += 1
            return make(self._closed(opening))
        return self._name(token, token.value)

    def _closed(self, opening: _Token) -> Selection:
        found = self._expression()
        if not self._is(")"):
            token = self._peek()
            if token is None:
                self._fail("a parenthesis is never closed.", opening.start, 'add ")"')
            self._fail(f'"{token.text}" is not expected here.', token.start, 'add ")", or join with "and" or "or"')
        self._place += 1
        return found

    def _attribute(self, token: _Token) -> Selection:
        name = token.text.lower()
        if name not in ATTRIBUTES:
            self._unknown(token, "attribute", ATTRIBUTES)
        value_token = self._peek()
        value = self._value()
        if name == "tag":
            return self._tag(value)
        if name in FACT_ATTRIBUTES:
            if name == "column_tag" and value is not None and self._is("="):
                self._place += 1
                value = f"{value}={self._value() or ''}"
            return Attribute(name, value)
        if value is None:
            if name == "group":
                return Groups((DEFAULT_GROUP,), self._external)
            if name in ("kind", "owner"):
                return (Kind if name == "kind" else Owner)(None, self._external)
            self._fail(f"{name}: needs a value.", self._tokens[self._place - 1].start, f'write {name}:"..."')
        if name == "group":
            return Groups((value,), self._external)
        if name == "kind":
            return Kind(value, self._external)
        if name == "owner":
            return Owner(value, self._external)
        assert value_token is not None
        if name == "key":
            return self._name(value_token, value)
        if name == "key_substring":
            return KeySubstring(value, self._external)
        if name == "key_prefix":
            return KeyPrefix((self._key(value_token, value).parts,), self._external)
        if name == "check":
            return self._check(value_token, value)
        return self._state(value_token, value)

    def _value(self) -> str | None:
        """The value after a colon or an equals sign. Without quotes it may hold colons that touch it (``team:data``)."""
        token = self._peek()
        if token is None or (token.value is None and token.text != NULL):
            self._fail("a value is missing.", self._start(), 'write it after the colon, in quotes: key:"orders"')
        self._place += 1
        if not token.is_word:
            return token.value
        end = token.end
        while (following := self._peek()) is not None and following.start == end and self._joins(following):
            end = following.end
            self._place += 1
        return self._text[token.start : end]

    def _joins(self, token: _Token) -> bool:
        previous = self._tokens[self._place - 1]
        return (token.text == ":" and token.value is None) or (token.is_word and previous.text == ":")

    def _tag(self, key: str | None) -> Selection:
        if key is None:
            return Attribute("tag", None)
        if not self._is("="):
            return Tag(key, None, self._external)
        self._place += 1
        value = self._value()
        return Tag(key, "" if value is None else value, self._external)

    def _name(self, token: _Token, name: str) -> Selection:
        if name == "*":
            return All(self._external)
        if has_wildcard(name):
            return KeyGlob(name)
        return Keys((self._key(token, name),))

    def _key(self, token: _Token, name: str) -> AssetKey:
        try:
            return AssetKey.from_user_string(name)
        except DefinitionError:
            self._fail(
                f"{token.text} is not an asset key.", token.start, 'write the parts with one slash between: "a/b"'
            )

    def _check(self, token: _Token, value: str) -> Selection:
        asset, separator, name = value.rpartition(":")
        if not separator or not name:
            self._fail(f"{token.text} is not a check.", token.start, 'write check:"asset/key:check_name"')
        return Checks((AssetCheckKey(self._key(token, asset), name),))

    def _state(self, token: _Token, value: str) -> Selection:
        if value.lower() == "external":
            return External(All(include_external=True))
        if value.lower() == "materializable":
            return Materializable(All(include_external=True))
        return self._fail(f"is:{token.text} is unknown.", token.start, "write is:materializable or is:external")

    # --- errors ---

    def _start(self) -> int:
        token = self._peek()
        return len(self._text.rstrip()) if token is None else token.start

    def _unknown(self, token: _Token, kind: str, known: Iterable[str]) -> NoReturn:
        names = sorted(known)
        raise SelectionError(
            f'"{token.text}" is not an {kind} of selections.'
            if kind == "attribute"
            else f'"{token.text}" is not a {kind} of selections.',
            code="WEFT-S006",
            facts={"selection": _marked(self._text, token.start), "known": ", ".join(names)},
            fix=did_you_mean(token.text.lower(), names, f"use one of the known {kind}s"),
        )

    def _fail(self, what: str, place: int, fix: str) -> NoReturn:
        raise SelectionError(what, code="WEFT-S005", facts={"selection": _marked(self._text, place)}, fix=fix)


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern has a ``*`` that stands for any text."""
    return "*" in pattern and "*" in _GLOB_PART.findall(pattern)


@lru_cache(maxsize=256)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches `pattern`, as a function: ``*`` stands for any text, ``\\*`` for a star.

    Looks for the pieces between the stars one after the other, each at its first place: time grows with the length of the text. A regular
    expression would try all places of all stars, which takes minutes for ``*a*a*a*a*a*a*b`` and a name of forty letters.
    """
    pieces = [""]
    for part in _GLOB_PART.findall(pattern):
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += "*" if part == "\\*" else part
    first, *middle = pieces
    if not middle:
        return lambda text: text == first
    last = middle.pop()

    def matches(text: str) -> bool:
        place, end = len(first), len(text) - len(last)
        if place > end or not (text.startswith(first) and text.endswith(last)):
            return False
        for piece in middle:
            place = text.find(piece, place, end)
            if place < 0:
                return False
            place += len(piece)
        return True

    return matches


def _marked(text: str, place: int) -> str:
    """The text with a caret below the place; only the line of the place where there are several."""
    start = text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    line = text[start : end if end >= 0 else None]
    return f"{line}\n{' ' * (place - start)}^"


# --- printing --------------------------------------------------------------------------------------------------------


def to_string(expression: Selection) -> str:
    """`expression` in the new syntax.

    Parsing the text gives an equal expression, with three exceptions that give one of the same meaning: several names in one node are
    joined by "or", a difference becomes "and not", a walk without its start becomes "and not" as well. Whether external assets are
    covered is not part of the text; it is an argument of `parse`.
    """
    return _print(expression, _LOOSE)


# How tightly a text holds together: what may stand beside "or", beside "and", after "not", beside "+".
_LOOSE, _AND, _NOT, _WALK, _TIGHT = range(5)


def _print(node: Selection, needed: int) -> str:
    text, level = _printed(node)
    return f"({text})" if level < needed else text


def _joined(texts: list[str], word: str, level: int) -> tuple[str, int]:
    if not texts:
        return "* and not *", _AND  # an empty node selects nothing
    return (texts[0], _TIGHT) if len(texts) == 1 else (f" {word} ".join(texts), level)


def _printed(node: Selection) -> tuple[str, int]:
    """The text of a node, and how tightly it holds together."""
    if isinstance(node, All):
        return "*", _TIGHT
    if isinstance(node, Keys):
        names = [key.to_user_string().replace("*", "\\*") for key in node.keys]
        return _joined([f"key:{_quoted(name)}" for name in names], "or", _LOOSE)
    if isinstance(node, KeyGlob):
        return f"key:{_quoted(node.pattern)}", _TIGHT
    if isinstance(node, KeyPrefix):
        keys = [AssetKey(parts) for parts in node.prefixes]
        return _joined([f"key_prefix:{_quoted(key.to_user_string())}" for key in keys], "or", _LOOSE)
    if isinstance(node, KeySubstring):
        return f"key_substring:{_quoted(node.text)}", _TIGHT
    if isinstance(node, Groups):
        return _joined([f"group:{_quoted(name)}" for name in node.names], "or", _LOOSE)
    if isinstance(node, Tag):
        value = "" if node.value is None else f"={NULL if node.value == '' else _quoted(node.value)}"
        return f"tag:{_quoted(node.key)}{value}", _TIGHT
    if isinstance(node, Kind):
        return f"kind:{_quoted(node.name)}", _TIGHT
    if isinstance(node, Owner):
        return f"owner:{_quoted(node.owner)}", _TIGHT
    if isinstance(node, Attribute):
        return f"{node.name}:{_quoted(node.value)}", _TIGHT
    if isinstance(node, Checks):
        return _joined([f"check:{_quoted(key.to_user_string())}" for key in node.keys], "or", _LOOSE)
    if isinstance(node, Text):
        return _printed(parse(node.text))
    return _printed_operation(node)


def _printed_operation(node: Selection) -> tuple[str, int]:
    if isinstance(node, (Or, And)) and len(node.children) == 1:
        return _printed(node.children[0])
    if isinstance(node, Or):
        return _joined([_print(child, _AND) for child in node.children], "or", _LOOSE)
    if isinstance(node, And):
        return _joined([_print(child, _NOT) for child in node.children], "and", _AND)
    if isinstance(node, Not):
        return f"not {_print(node.child, _NOT)}", _NOT
    if isinstance(node, Difference):
        return f"{_print(node.left, _NOT)} and not {_print(node.right, _NOT)}", _AND
    if isinstance(node, (Upstream, Downstream)):
        return _printed_walk(node)
    if isinstance(node, Materializable) and node.child == All(include_external=True):
        return "is:materializable", _TIGHT
    if isinstance(node, External) and node.child == All(include_external=True):
        return "is:external", _TIGHT
    for name, kind in FUNCTIONS.items():
        if type(node) is kind:
            return f"{name}({_print(node.child, _LOOSE)})", _TIGHT  # type: ignore[union-attr]
    raise AssertionError(f"{type(node).__name__} has no text")


def _printed_walk(node: Upstream | Downstream) -> tuple[str, int]:
    depth = "" if node.depth is None else str(node.depth)
    child = _print(node.child, _TIGHT)
    text = f"{depth}+{child}" if isinstance(node, Upstream) else f"{child}+{depth}"
    return (text, _WALK) if node.include_self else (f"{text} and not {child}", _AND)


def _quoted(value: str | None) -> str:
    if value is None:
        return NULL
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
