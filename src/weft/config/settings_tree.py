"""A file of settings as a tree of values that know where they stand, so that every message names a line.

``{env: NAME}`` anywhere stands for the text of an environment variable, ``{env: NAME, default: ...}`` for a value where it is not set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weft.config.yaml_limits import ALLOWED, MOST_LEVELS, MOST_VALUES, TooLarge, check_depth, safe_loader
from weft.errors import ConfigError, Problem, nearest, some_of

if TYPE_CHECKING:
    import yaml


class Node:
    """A value of the file.

    Attributes:
        value: a mapping of nodes, a list of nodes, or what the scalar is.
        text: the scalar as it is written.
        where: file and line.
        variable: the environment variable that it comes from.
        is_missing: whether that is not set, which is a problem already.
    """

    __slots__ = ("is_missing", "text", "value", "variable", "where")

    def __init__(
        self, value: Any, where: str, *, text: str = "", variable: str | None = None, is_missing: bool = False
    ) -> None:
        self.value = value
        self.where = where
        self.text = text or str(value)
        self.variable = variable
        self.is_missing = is_missing

    @property
    def origin(self) -> str:
        """Where the value comes from, for people."""
        return self.where if self.variable is None else f"${self.variable} ({self.where})"

    def plain(self) -> Any:
        """The value with all that is in it, without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def nodes(self) -> Iterator[tuple[tuple[str | int, ...], Node]]:
        """Every scalar below, with the way to it."""
        if isinstance(self.value, (dict, list)):
            pairs = self.value.items() if isinstance(self.value, dict) else enumerate(self.value)
            for key, node in pairs:
                for way, inner in node.nodes():
                    yield (key, *way), inner
        else:
            yield (), self


def read_tree(path: Path, environ: Mapping[str, str], problems: list[Problem]) -> Node:
    """The settings in a file; an empty one is an empty mapping.

    Args:
        path: the file.
        environ: the environment variables.
        problems: gets what is wrong and does not keep the rest from being read: WEFT-C152, C155 a variable is not set, C156 a key stands twice.

    Raises:
        ConfigError: WEFT-C150 it cannot be read, C151 is not YAML, C160 it holds too much.
    """
    import yaml  # only who has such a file needs it

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
        raise ConfigError(
            f"the settings in {path.name} cannot be read.",
            code="WEFT-C150",
            facts={"file": str(path), "why": why},
            fix="see that it is a text file in UTF-8 that you may read",
        ) from error
    try:
        check_depth(text)
        loader = safe_loader()(text)
        try:
            node = loader.get_single_node()
            values = _Values(loader, path.name, environ, problems)
            tree = Node({}, path.name) if node is None else values.of(node, f"{path.name}:{node.start_mark.line + 1}")
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        at = path.name if mark is None else f"{path.name}:{mark.line + 1}"
        raise ConfigError(
            f"the settings in {path.name} are not valid YAML.",
            code="WEFT-C151",
            facts={"at": at, "why": getattr(error, "problem", None) or str(error)},
            fix="correct the line; indent with spaces, and put texts with special characters in quotes",
        ) from error
    except TooLarge as error:
        raise ConfigError(
            f"the file of settings {path.name} {error}.",
            code="WEFT-C160",
            facts={"file": str(path), "allowed": ALLOWED},
            fix="take the aliases (*name) out of it",
        ) from error
    if not isinstance(tree.value, dict):
        problems.append(not_a_mapping("the file", tree))
        return Node({}, tree.where)
    return tree


def not_a_mapping(what: str, node: Node) -> Problem:
    """WEFT-C152."""
    return Problem(
        "WEFT-C152",
        f"{what} is no mapping.",
        facts={"at": node.where, "found": kind_of(node)},
        fix="write names and values: name: value, one a line, indented by two spaces",
    )


def unknown_key(path: str, node: Node, known: list[str], otherwise: str = "remove it") -> Problem:
    """WEFT-C153. `path` is that of the key, `node` stands where it does."""
    name = path.rpartition(".")[2]
    found = nearest(name, known)
    facts = {"at": node.where, "known": some_of(known)}
    if not known:
        del facts["known"]
    return Problem(
        "WEFT-C153",
        f'There is no setting "{path}".',
        facts=facts,
        fix=f'did you mean "{found[0]}"? Otherwise {otherwise}' if found else otherwise,
    )


def unfit(path: str, node: Node, expected: str) -> Problem:
    """WEFT-C154."""
    return Problem(
        "WEFT-C154",
        f'The setting "{path}" does not fit.',
        # What a variable holds is not shown: it may be a secret in the wrong place.
        facts={"at": node.origin, "found": "the text of the variable" if node.variable else kind_of(node)},
        fix=f"expected: {expected}",
    )


def contradiction(what: str, facts: Mapping[str, object], fix: str) -> Problem:
    """WEFT-C157."""
    return Problem("WEFT-C157", what, facts=facts, fix=fix)


def kind_of(node: Node) -> str:
    """What a node is, for people."""
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, list):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, str):
        return f'the text "{node.value:.60}"'
    return node.text[:60]


class _Values:
    """Makes nodes of YAML's nodes."""

    def __init__(self, loader: Any, file: str, environ: Mapping[str, str], problems: list[Problem]) -> None:
        self._loader = loader
        self._file = file
        self._environ = environ
        self._problems = problems
        self._count = 0
        self._depth = 0

    def of(self, node: yaml.Node, where: str) -> Node:
        self._count += 1
        if self._count > MOST_VALUES:
            raise TooLarge("holds too many values")
        if isinstance(node.value, str):
            return Node(self._scalar(node), where, text=node.value)
        if self._depth == MOST_LEVELS:  # by aliases, or by a value that holds itself
            raise TooLarge("is nested too deeply")
        self._depth += 1
        try:
            if node.value and not isinstance(node.value[0], tuple):
                return Node([self.of(item, self._place(item)) for item in node.value], where)
            if node.value or node.tag.endswith(":map"):
                return self._mapping(node, where)
            return Node([], where)
        finally:
            self._depth -= 1

    def _scalar(self, node: yaml.Node) -> Any:
        import yaml

        try:
            return self._loader.construct_object(node)
        except ValueError as error:  # a number of too many digits, a date that there is not
            raise yaml.YAMLError(str(error)) from error

    def _mapping(self, node: yaml.Node, where: str) -> Node:
        values: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node)
            if key_node.tag == "tag:yaml.org,2002:merge":
                is_several = value_node.value and not isinstance(value_node.value[0], tuple)
                for source in value_node.value if is_several else [value_node]:
                    found = self.of(source, place)
                    merged = {**(found.value if isinstance(found.value, dict) else {}), **merged}
                continue
            key = key_node.value if isinstance(key_node.value, str) else str(self.of(key_node, place).plain())
            if key in values:
                self._problems.append(
                    Problem(
                        "WEFT-C156",
                        f'the key "{key}" stands twice in one mapping.',
                        facts={"at": place, "first": values[key].where},
                        fix="keep one of them",
                    )
                )
            values[key] = self.of(value_node, place)
        values = {**merged, **values}
        if "env" in values and values.keys() <= {"env", "default"}:
            return self._variable(values, where)
        return Node(values, where)

    def _variable(self, values: dict[str, Node], where: str) -> Node:
        name = str(values["env"].value)
        text = self._environ.get(name)
        if text is not None:
            return Node(text, where, text=text, variable=name)
        if "default" in values:
            return Node(values["default"].value, where, text=values["default"].text)
        found = nearest(name, self._environ)
        self._problems.append(
            Problem(
                "WEFT-C155",
                f'The environment variable "{name}" is not set.',
                facts={"at": where, **({"similar": found[0]} if found else {})},
                fix=f"export {name}=..., or give a default: {{env: {name}, default: ...}}",
            )
        )
        return Node(None, where, is_missing=True)

    def _place(self, node: yaml.Node) -> str:
        return f"{self._file}:{node.start_mark.line + 1}"
