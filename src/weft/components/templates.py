"""Templates in texts: ``{{ env.DB_URL }}``, ``"{{ table_prefix }}_orders"``, ``{{ partition_of("orders") }}``.

A small language of its own: names, attributes, calls with literals, joining of texts. Nothing is compiled or executed but what names stand for::

    expression = operand { ("+" | "~") operand }
    operand    = primary { "." name | "[" literal "]" | "(" [ argument { "," argument } ] ")" }
    argument   = [ name "=" ] expression
    primary    = text | number | "true" | "false" | "none" | name | "(" expression ")" | "[" [ expression { "," expression } ] "]"

A scalar that is one expression keeps the type of its value. In any other text values are joined as texts, and environment variables are
read. Names that begin with an underscore cannot be reached, not by the fields of ``str.format`` either. ``{% ... %}`` and filters are not part of the language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from weft.config.env import EnvVar
from weft.errors import did_you_mean, some_of

Expression: TypeAlias = tuple[Any, ...]
"""What was parsed: the kind of node, then its parts."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<sign>[-+~.,()\[\]=])
    )""",
    re.VERBOSE,
)
_WORDS = {"true": True, "True": True, "false": False, "False": False, "none": None, "None": None, "null": None}
_FORMATTING = frozenset({"format", "format_map"})
"""Methods of texts that read attributes of what they are given, private ones too."""

_MOST_TOKENS = 300
"""Of one expression. Bounds how deep it is: each level takes a token."""

_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'"}


class TemplateError(Exception):
    """A template cannot be read, or a name in it stands for nothing. `fix` says what to do."""

    def __init__(self, what: str, *, fix: str, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.facts = dict(facts or {})


class UnsetVariable(Exception):
    """An environment variable that is needed now is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(f'The environment variable "{name}" is not set.')
        self.name = name


class Environment:
    """What ``env`` stands for: ``env.NAME`` refers to a variable, ``env("NAME", "default")`` reads it at once."""

    def __init__(self, noted: set[str] | None = None) -> None:
        # The names that templates have asked for.
        self.noted: set[str] = noted if noted is not None else set()

    def __getattr__(self, name: str) -> EnvVar:
        if name.startswith("__"):
            raise AttributeError(name)
        self.noted.add(name)
        return EnvVar(name)

    def __call__(self, name: str, default: str | None = None) -> str | EnvVar:
        self.noted.add(name)
        reference = EnvVar(name)
        return reference if default is None else str(reference.get_value(default))


def has_template(text: str) -> bool:
    """Whether anything in `text` is to be filled in."""
    return "{{" in text or "{%" in text


def fill(text: str, scope: Mapping[str, Any]) -> Any:
    """The value of `text`: of any type where the whole of it is one expression, else a text.

    Raises:
        TemplateError: it cannot be read, or names something that is not in `scope`.
    """
    parts = _parts(text)
    if len(parts) == 1 and not isinstance(parts[0], str):
        return _evaluate(parts[0], scope)
    return "".join(part if isinstance(part, str) else as_text(_evaluate(part, scope)) for part in parts)


def as_text(value: Any) -> str:
    """A value as part of a text. References to variables are read."""
    if isinstance(value, EnvVar):
        found = value.get_value()
        if found is None:
            raise UnsetVariable(value.env_var_name)
        return found
    return "" if value is None else str(value)


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[str | Expression, ...]:
    """Texts and expressions in turn."""
    if "{%" in text:
        raise TemplateError(
            "Statements of templates ({% ... %}) are not supported.",
            fix="compute the value in a @template_var function and write {{ its_name }}",
        )
    found: list[str | Expression] = []
    position = 0
    while (start := text.find("{{", position)) >= 0:
        if start > position:
            found.append(text[position:start])
        end = _end_of(text, start + 2)
        found.append(_Parser(text[start + 2 : end]).whole())
        position = end + 2
    if position < len(text):
        found.append(text[position:])
    # Space around the only expression of a scalar says nothing: a folded text may have it.
    if len([part for part in found if isinstance(part, str) and part.strip()]) == 0 and len(found) <= 3:
        expressions = [part for part in found if not isinstance(part, str)]
        if len(expressions) == 1:
            return (expressions[0],)
    return tuple(found)


def _end_of(text: str, start: int) -> int:
    """Where the expression that begins at `start` ends; braces inside quoted texts do not count."""
    quote = ""
    position = start
    while position < len(text):
        sign = text[position]
        if quote:
            if sign == "\\":
                position += 1
            elif sign == quote:
                quote = ""
        elif sign in "\"'":
            quote = sign
        elif text.startswith("}}", position):
            return position
        position += 1
    raise TemplateError('A template is not closed: "}}" is missing.', fix="close it: {{ ... }}")


class _Parser:
    """Reads one expression."""

    def __init__(self, source: str) -> None:
        self._source = source.strip()
        self._tokens = self._read()
        self._next = 0

    def whole(self) -> Expression:
        if not self._tokens:
            raise TemplateError("A template is empty.", fix="write a name between the braces: {{ project_root }}")
        found = self._expression()
        if self._next < len(self._tokens):
            raise self._unexpected()
        return found

    def _read(self) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(self._source):
            found = _TOKEN.match(self._source, position)
            if found is None or found.lastgroup is None:
                rest = self._source[position:].lstrip()
                is_filter = rest.startswith("|")
                raise TemplateError(
                    f'"{rest[:1]}" cannot be read in the template "{self._source}".',
                    fix="filters are not supported: compute the value in a @template_var function"
                    if is_filter
                    else "use names, attributes, calls with literals, and + between texts",
                )
            tokens.append((found.lastgroup, found[found.lastgroup]))
            position = found.end()
            if len(tokens) > _MOST_TOKENS:
                raise TemplateError(
                    f'The template "{self._source[:40]}..." is too long.',
                    fix="compute the value in a @template_var function and write {{ its_name }}",
                )
        return tokens

    def _unexpected(self) -> TemplateError:
        got = f'"{self._tokens[self._next][1]}"' if self._next < len(self._tokens) else "its end"
        return TemplateError(
            f'{got} was not expected in the template "{self._source}".',
            fix="use names, attributes, calls with literals, and + between texts",
        )

    def _take(self, kind: str, text: str | None = None) -> str | None:
        if self._next < len(self._tokens):
            found, value = self._tokens[self._next]
            if found == kind and (text is None or value == text):
                self._next += 1
                return value
        return None

    def _need(self, kind: str, text: str | None = None) -> str:
        found = self._take(kind, text)
        if found is None:
            raise self._unexpected()
        return found

    def _expression(self) -> Expression:
        left = self._operand()
        while self._take("sign", "+") or self._take("sign", "~"):
            left = ("join", left, self._operand())
        return left

    def _operand(self) -> Expression:
        node = self._primary()
        while True:
            if self._take("sign", "."):
                node = ("attribute", node, self._need("name"))
            elif self._take("sign", "["):
                node = ("item", node, self._expression())
                self._need("sign", "]")
            elif self._take("sign", "("):
                node = ("call", node, *self._arguments())
            else:
                return node

    def _arguments(self) -> tuple[tuple[Expression, ...], tuple[tuple[str, Expression], ...]]:
        positional: list[Expression] = []
        named: list[tuple[str, Expression]] = []
        while not self._take("sign", ")"):
            if positional or named:
                self._need("sign", ",")
                if self._take("sign", ")"):
                    break
            is_named = self._next + 1 < len(self._tokens) and self._tokens[self._next + 1] == ("sign", "=")
            if is_named and self._tokens[self._next][0] == "name":
                name = self._need("name")
                self._need("sign", "=")
                named.append((name, self._expression()))
            else:
                positional.append(self._expression())
        return tuple(positional), tuple(named)

    def _primary(self) -> Expression:
        text = self._take("text")
        if text is not None:
            return ("literal", re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text[1:-1]))
        sign = -1 if self._take("sign", "-") else 1
        number = self._take("number")
        if number is not None:
            return ("literal", sign * (float(number) if "." in number else int(number)))
        name = self._take("name") if sign > 0 else None
        if name is not None:
            return ("literal", _WORDS[name]) if name in _WORDS else ("name", name)
        if self._take("sign", "("):
            inner = self._expression()
            self._need("sign", ")")
            return inner
        if self._take("sign", "["):
            items: list[Expression] = []
            while not self._take("sign", "]"):
                if items:
                    self._need("sign", ",")
                items.append(self._expression())
            return ("list", tuple(items))
        raise self._unexpected()


def _evaluate(node: Expression, scope: Mapping[str, Any]) -> Any:
    return _EVALUATORS[node[0]](node, scope)


def _name(node: Expression, scope: Mapping[str, Any]) -> Any:
    name = node[1]
    if name not in scope:
        raise TemplateError(
            f'"{name}" is not defined for templates.',
            facts={"known names": some_of(sorted(scope))},
            fix=did_you_mean(name, scope, "define it with @template_var in the module that template_vars_module names"),
        )
    value = scope[name]
    return value.value() if isinstance(value, Lazy) else value


def _attribute(node: Expression, scope: Mapping[str, Any]) -> Any:
    owner, name = _evaluate(node[1], scope), node[2]
    if name.startswith("_"):
        raise TemplateError(f'"{name}" is private and cannot be reached.', fix="use a public name")
    if isinstance(owner, Mapping) and name in owner:
        return owner[name]
    if name in _FORMATTING and (isinstance(owner, str) or owner is str):
        raise TemplateError(f'"{name}" cannot be called in a template.', fix='join texts with +: {{ "a_" + name }}')
    try:
        return getattr(owner, name)
    except AttributeError:
        known = list(owner) if isinstance(owner, Mapping) else [one for one in dir(owner) if not one.startswith("_")]
        raise TemplateError(
            f'"{_source(node[1])}" has no "{name}".',
            facts={"it has": some_of(known)},
            fix=did_you_mean(name, [str(one) for one in known], "check the name"),
        ) from None


def _item(node: Expression, scope: Mapping[str, Any]) -> Any:
    owner, key = _evaluate(node[1], scope), _evaluate(node[2], scope)
    try:
        return owner[key]
    except (KeyError, IndexError, TypeError) as error:
        raise TemplateError(
            f'"{_source(node[1])}" has no item {key!r}.',
            facts={"why": f"{type(error).__name__}: {error}"},
            fix="check the name or position in the brackets",
        ) from error


def _call(node: Expression, scope: Mapping[str, Any]) -> Any:
    function = _evaluate(node[1], scope)
    if not callable(function):
        raise TemplateError(
            f'"{_source(node[1])}" cannot be called.',
            facts={"it is": f"a {type(function).__name__}"},
            fix="leave the parentheses out",
        )
    arguments = [_evaluate(argument, scope) for argument in node[2]]
    return function(*arguments, **{name: _evaluate(argument, scope) for name, argument in node[3]})


def _join(node: Expression, scope: Mapping[str, Any]) -> Any:
    left, right = _evaluate(node[1], scope), _evaluate(node[2], scope)
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    if all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in (left, right)):
        return left + right
    return as_text(left) + as_text(right)


_EVALUATORS: Mapping[str, Callable[[Expression, Mapping[str, Any]], Any]] = {
    "literal": lambda node, scope: node[1],
    "name": _name,
    "attribute": _attribute,
    "item": _item,
    "call": _call,
    "join": _join,
    "list": lambda node, scope: [_evaluate(item, scope) for item in node[1]],
}


def _source(node: Expression) -> str:
    """An expression as a short text, for messages."""
    kind: str = node[0]
    if kind == "name":
        return str(node[1])
    if kind == "attribute":
        return f"{_source(node[1])}.{node[2]}"
    if kind == "call":
        return f"{_source(node[1])}(...)"
    return repr(node[1]) if kind == "literal" else "(...)"


class Lazy:
    """A value of the scope that is made when a template asks for it, once."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Sequence[Any] = ()

    def value(self) -> Any:
        """The value."""
        if not self._made:
            self._made = (self._make(),)
        return self._made[0]
