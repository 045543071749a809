"""YAML documents whose every value knows its file, line and column.

A file is composed into nodes by the safe loader and turned into plain values. Places are not kept for each value: they are found again in the nodes,
by path, when a message needs one, so a file without mistakes pays nothing for them.

How much a file may hold is limited (`weft.config.yaml_limits`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from weft.config.yaml_limits import ALLOWED, MOST_LEVELS, MOST_VALUES, TooLarge, check_depth, safe_loader
from weft.errors import Problem

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value is in a document: keys of mappings and positions in lists."""

# Dates stay texts: a field that wants a date reads it, and one that wants a text gets what was written.
_TEXTS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"})

_Loader = safe_loader()


class Place(NamedTuple):
    """A place in a file, counted from 1."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{shown(self.file)}:{self.line}"


class Document:
    """One document of a file: its value, and where each part of it is written."""

    def __init__(self, file: Path, index: int, node: yaml.Node, value: Any, text: str) -> None:
        self.file = file
        # The position among the documents of the file, from 0.
        self.index = index
        self.value = value
        self._text = text
        self._kept: yaml.Node | None = node
        # The path for messages: asked for once for every asset, and relative to where the process is.
        self._shown = shown(file)

    def forget_nodes(self) -> None:
        """Give the memory of the nodes back, which is many times that of the text. They are made again if a place is asked for."""
        self._kept = None

    @property
    def _node(self) -> yaml.Node:
        if self._kept is None:
            nodes = list(yaml.compose_all(self._text, Loader=_Loader))
            self._kept = nodes[self.index]
        return self._kept

    def place_text(self, path: KeyPath = ()) -> str:
        """``defs.yaml:12`` of the value at `path`, as messages have it."""
        return f"{self._shown}:{self.place(path).line}"

    def place(self, path: KeyPath = (), *, key: bool = False) -> Place:
        """Where the value at `path` is written; the nearest value around it where there is none there.

        Args:
            path: keys and positions from the top of the document.
            key: whether the key itself is meant, not its value.
        """
        node, at = self._node, self._node
        for part in path:
            found = _child(node, part)
            if found is None:
                break
            at, node = found[0] if key else found[1], found[1]
        mark = at.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1)

    def known_part(self, path: KeyPath) -> KeyPath:
        """`path` without the parts that the document does not have, but for the last one."""
        node: yaml.Node = self._node
        kept: list[str | int] = []
        for position, part in enumerate(path):
            found = _child(node, part)
            if found is not None:
                kept.append(part)
                node = found[1]
            elif position == len(path) - 1:
                kept.append(part)
        return tuple(kept)

    def problem(
        self,
        code: str,
        what: str,
        path: KeyPath = (),
        *,
        fix: str,
        facts: dict[str, object] | None = None,
        key: bool = False,
    ) -> Problem:
        """Something that is wrong at `path`, with the place as its first fact."""
        at: dict[str, object] = {"at": str(self.place(path, key=key))}
        if path:
            at["in the document"] = path_text(path)
        return Problem(code, what, facts={**at, **(facts or {})}, fix=fix)


def path_text(path: KeyPath) -> str:
    """A path as people read it: ``attributes.specs[0].key``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def shown(file: Path) -> str:
    """The path from the working directory where it lies below it."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def read_documents(file: Path) -> tuple[list[Document], list[Problem]]:
    """The documents of a file in their order, empty ones left out, and what is wrong with it as YAML."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
        return [], [
            Problem(
                "WEFT-L020",
                f"{file.name} cannot be read.",
                facts={"at": shown(file), "why": why},
                fix="see that it is a text file in UTF-8 that you may read",
            )
        ]
    return parse_documents(text, file)


def parse_documents(text: str, file: Path) -> tuple[list[Document], list[Problem]]:
    """As `read_documents`, of a text. `file` is for messages."""
    documents: list[Document] = []
    problems: list[Problem] = []
    loader = _Loader(text)
    try:
        check_depth(text)
        index = 0
        while loader.check_node():
            node: Any = loader.get_node()
            value = _Values(loader, file, problems).of(node)
            if value is not None:
                documents.append(Document(file, index, node, value, text))
            index += 1
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        problems.append(
            Problem(
                "WEFT-L021",
                f"{file.name} is not valid YAML.",
                facts={"at": f"{shown(file)}{line}", "why": getattr(error, "problem", None) or str(error)},
                fix=_yaml_fix(text, mark),
            )
        )
    except TooLarge as error:
        problems.append(
            Problem(
                "WEFT-L022",
                f"{file.name} {error}.",
                facts={"at": shown(file), "allowed": ALLOWED},
                fix="take the aliases (*name) out of it, or divide the file",
            )
        )
    finally:
        loader.dispose()
    return documents, problems


class _Values:
    """Makes values of nodes."""

    def __init__(self, loader: Any, file: Path, problems: list[Problem]) -> None:
        self._loader = loader
        self._file = file
        self._problems = problems
        self._count = 0
        self._around: set[int] = set()

    def of(self, node: yaml.Node) -> Any:
        self._count += 1
        if self._count > MOST_VALUES:
            raise TooLarge("holds too many values")
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.tag in _TEXTS else self._scalar(node)
        if id(node) in self._around:
            raise TooLarge("holds an alias of a value inside that value")
        if len(self._around) == MOST_LEVELS:  # by aliases of aliases
            raise TooLarge("is nested too deeply")
        self._around.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.of(item) for item in node.value]
            return self._mapping(node)
        finally:
            self._around.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self._problems.append(
                Problem(
                    "WEFT-L023",
                    f'"{node.value:.60}" is no value that weft reads.',
                    facts={"at": str(self._place(node)), "why": getattr(error, "problem", None) or str(error)},
                    fix="write a plain text, number, true, false or null; put it in quotes if it is a text",
                )
            )
            return None

    def _mapping(self, node: yaml.Node) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        for key_node, value_node in _pairs(node):
            if key_node.tag == "tag:yaml.org,2002:merge":
                for source in value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]:
                    merged = self.of(source)
                    if isinstance(merged, dict):
                        values = {**merged, **values}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._problems.append(
                    Problem(
                        "WEFT-L025",
                        "a key is not a text.",
                        facts={
                            "at": str(self._place(key_node)),
                            "it is": f"a {type(key_node).__name__.removesuffix('Node').lower()}",
                        },
                        fix='put a template in quotes: "{{ ... }}"',
                    )
                )
                continue
            key = self.of(key_node)
            if key in lines:
                self._problems.append(
                    Problem(
                        "WEFT-L024",
                        f'the key "{key}" stands twice in one mapping.',
                        facts={"at": str(self._place(key_node)), "first": f"line {lines[key]}"},
                        fix="keep one of them",
                    )
                )
            lines[key] = key_node.start_mark.line + 1
            values[key] = self.of(value_node)
        return values

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1)


def _pairs(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    yield from node.value


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """The nodes of the key and of the value; for a position in a list the same node twice."""
    if isinstance(node, yaml.SequenceNode):
        if isinstance(part, int) and part < len(node.value):
            return node.value[part], node.value[part]
    elif isinstance(node, yaml.MappingNode):
        for key, value in _pairs(node):
            if key.value == part or (isinstance(part, int) and key.value == str(part)):
                return key, value
    return None


def _yaml_fix(text: str, mark: Any) -> str:
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "indent with spaces; YAML allows no tabs there"
    if "{{" in line and '"{{' not in line and "'{{" not in line:
        return 'put the template in quotes: "{{ ... }}"'
    return "correct the line; texts with special characters belong in quotes"
