"""Rewriting existing code to weft's own imports: one file's text to another, with a remark for what is left to its author.

Names are followed by what they are bound to, not by their spelling: a local variable that happens to be called like an import stays. A name that is
called otherwise here is renamed throughout the file where nothing else has the new name, else it is imported under the old one; so it is where a
text in the file mentions it, such as `__all__` or an annotation in quotes. A star import becomes the names that the file uses. What has no
counterpart keeps its import and gets a remark, so nothing changes its meaning in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import libcst as cst
from libcst.metadata import (
    MetadataWrapper,
    PositionProvider,
    QualifiedName,
    QualifiedNameProvider,
    QualifiedNameSource,
)
from msgspec import Struct

from weft.compat.dagster import INTEGRATIONS, PACKAGE, advice, names as public_names, state_of
from weft.compat.dagster.adapters import RENAMED_ARGUMENTS
from weft.compat.dagster.catalogue import RENAMED

_WORD = re.compile(r"[A-Za-z_]\w*")
_ATTRIBUTE = re.compile(r"(?<![\w.])(\w+)\.(\w+)")
_PATH = re.compile(rf"{PACKAGE}(\.\w+)*")


class Remark(Struct, frozen=True):
    """Something in a file that its author has to look at."""

    line: int
    text: str


class Migration(Struct, frozen=True):
    """A file's new text, and what is left to do in it. The text is the old one where there was nothing to change."""

    text: str
    remarks: tuple[Remark, ...] = ()


def migrated(source: str) -> Migration:
    """`source` with weft's own imports.

    Raises:
        libcst.ParserSyntaxError: it is no Python.
    """
    if PACKAGE not in source:
        return Migration(source)
    wrapper = MetadataWrapper(cst.parse_module(source))
    names = _Names()
    wrapper.visit(names)
    rewriter = _Rewriter(names)
    text = wrapper.visit(rewriter).code
    return Migration(text, tuple(rewriter.remarks))


class _Names(cst.CSTVisitor):
    """Every identifier of a file, which a new name must not clash with; words in its texts; whether the package is still needed under its own name."""

    def __init__(self) -> None:
        self.bound: set[str] = set()
        # Words in texts that are not prose: of `__all__`, annotations in quotes, arguments.
        self.mentioned: set[str] = set()
        # What the package is called in the file.
        self.aliases: set[str] = set()
        self.needs_package = False

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        self.mentioned.update(_WORD.findall(node.value))

    def visit_Import(self, node: cst.Import) -> None:
        for alias in node.names:
            if _dotted(alias.name) == PACKAGE:
                given = alias.asname.name if alias.asname is not None else None
                self.aliases.add(given.value if isinstance(given, cst.Name) else PACKAGE)

    def visit_Expr(self, node: cst.Expr) -> bool:
        return not isinstance(node.value, (cst.SimpleString, cst.ConcatenatedString))  # a docstring

    def visit_Name(self, node: cst.Name) -> None:
        self.bound.add(node.value)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        if isinstance(node.value, cst.Name) and node.value.value == PACKAGE and _home(node.attr.value) is None:
            self.needs_package = True


class _Rewriter(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (QualifiedNameProvider, PositionProvider)

    def __init__(self, names: _Names) -> None:
        self._names = names
        self._needs_package = names.needs_package
        # The statements that the import of the line has become.
        self._statements: list[cst.ImportFrom] = []
        self.remarks: list[Remark] = []
        self._in_import = 0
        self._in_annotation = 0

    # --- imports -----------------------------------------------------------------------------------------------------

    def visit_Import(self, node: cst.Import) -> None:
        self._in_import += 1

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        self._in_import += 1

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:
        self._in_import -= 1
        aliases = []
        for alias in updated_node.names:
            name = _dotted(alias.name)
            here = _module(name)
            if here is None:
                aliases.append(alias)
                continue
            changed = alias.with_changes(name=_expression(here))
            if alias.asname is None and name != PACKAGE:
                # What says ``dagster_duckdb.X`` in the file goes on to do so.
                changed = changed.with_changes(asname=cst.AsName(name=cst.Name(name.split(".")[0])))
            aliases.append(changed)
            if name == PACKAGE and alias.asname is None and self._needs_package:
                aliases[-1] = changed.with_changes(comma=cst.MaybeSentinel.DEFAULT)
                aliases.append(alias)
        return updated_node.with_changes(names=aliases)

    def leave_ImportFrom(self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom) -> cst.ImportFrom:
        self._in_import -= 1
        if updated_node.module is None or updated_node.relative:
            return updated_node
        module = _dotted(updated_node.module)
        if module.split(".")[0] in INTEGRATIONS:
            here = INTEGRATIONS[module.split(".")[0]]
            return updated_node.with_changes(module=_expression(here))
        if module.split(".")[0] != PACKAGE:
            return updated_node
        if isinstance(updated_node.names, cst.ImportStar):
            return self._named(original_node, updated_node, module)
        kept: dict[str, list[cst.ImportAlias]] = {}
        for alias in updated_node.names:
            name = _dotted(alias.name)
            target = _home(name)
            if target is None:
                self._remark(original_node, f"{name}: {advice(name)}")
                kept.setdefault(module, []).append(alias)
                continue
            kept.setdefault(target, []).append(self._renamed_alias(alias, name))
        return self._split(updated_node, kept)

    def _named(self, original: cst.ImportFrom, node: cst.ImportFrom, module: str) -> cst.ImportFrom:
        """A star import by the names that the file uses, under the names that they had."""
        used = sorted((self._names.bound | self._names.mentioned) & frozenset(public_names()))
        kept: dict[str, list[cst.ImportAlias]] = {}
        for name in used:
            target = _home(name)
            if target is None:
                continue
            new = RENAMED.get(name, name)
            asname = cst.AsName(name=cst.Name(name)) if new != name else None
            kept.setdefault(target, []).append(cst.ImportAlias(name=cst.Name(new), asname=asname))
        if module != PACKAGE or not kept:
            self._remark(original, "a star import: name what is used of it")
            return node
        self._remark(
            original, "a star import: it became the names used here; add those that other modules import from this one"
        )
        return self._split(node, kept)

    def _keeps_its_name(self, name: str, new: str) -> bool:
        return new in self._names.bound or name in self._names.mentioned

    def _renamed_alias(self, alias: cst.ImportAlias, name: str) -> cst.ImportAlias:
        new = RENAMED.get(name, name)
        if new == name:
            return alias
        renamed = alias.with_changes(name=cst.Name(new))
        if alias.asname is None and self._keeps_its_name(name, new):
            return renamed.with_changes(asname=cst.AsName(name=cst.Name(name)))
        return renamed

    def _split(self, node: cst.ImportFrom, kept: Mapping[str, Sequence[cst.ImportAlias]]) -> cst.ImportFrom:
        """One statement for each module. Where there are several, the others are put on lines of their own behind it."""
        if len(kept) == 1:
            [(module, aliases)] = kept.items()
            return node.with_changes(module=_expression(module), names=aliases)
        statements = [
            node.with_changes(
                module=_expression(module),
                names=[alias.with_changes(comma=cst.MaybeSentinel.DEFAULT) for alias in aliases],
                lpar=None,
                rpar=None,
                semicolon=cst.MaybeSentinel.DEFAULT,
            )
            for module, aliases in kept.items()
        ]
        self._statements += statements[1:]
        return statements[0]

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.FlattenSentinel[cst.SimpleStatementLine]:
        more, self._statements = self._statements, []
        if not more:
            return updated_node
        lines = [cst.SimpleStatementLine(body=[statement]) for statement in more]
        return cst.FlattenSentinel([updated_node, *lines])

    # --- uses --------------------------------------------------------------------------------------------------------

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        name = self._foreign_name(original_node)
        if name is None or self._in_import or original_node.value != name:
            return updated_node
        new = RENAMED.get(name, name)
        if new == name or self._keeps_its_name(name, new) or _home(name) is None:
            return updated_node
        return updated_node.with_changes(value=new)

    def visit_Annotation(self, node: cst.Annotation) -> None:
        self._in_annotation += 1

    def leave_Annotation(self, original_node: cst.Annotation, updated_node: cst.Annotation) -> cst.Annotation:
        self._in_annotation -= 1
        return updated_node

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.SimpleString:
        text = updated_node.value
        if self._in_annotation:
            return updated_node.with_changes(value=_ATTRIBUTE.sub(self._in_quotes, text))
        if _PATH.fullmatch(text.strip("rRbBuU").strip("'\"")):
            self._remark(original_node, f"the text {text} names the package")
        return updated_node

    def _in_quotes(self, found: re.Match[str]) -> str:
        base, name = found.groups()
        if base not in self._names.aliases or _home(name) is None:
            return found.group()
        return f"{'weft' if base == PACKAGE else base}.{RENAMED.get(name, name)}"

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.Attribute:
        name = self._foreign_name(original_node)
        if name is None or self._in_import or original_node.attr.value != name:
            return updated_node
        if _home(name) is None:
            self._remark(original_node, f"{name}: {advice(name)}")
            return updated_node
        base = updated_node.value
        if isinstance(base, cst.Name) and base.value == PACKAGE:
            updated_node = updated_node.with_changes(value=cst.Name("weft"))
        return updated_node.with_changes(attr=cst.Name(RENAMED.get(name, name)))

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        name = self._foreign_name(original_node.func)
        if name == "RunsFilter" and original_node.args:
            self._remark(original_node, "RunFilter takes tuples, and times in seconds")
        words = RENAMED_ARGUMENTS.get(name) if name is not None else None
        if words is None:
            return updated_node
        arguments = [
            argument.with_changes(keyword=cst.Name(words[argument.keyword.value]))
            if argument.keyword is not None and argument.keyword.value in words
            else argument
            for argument in updated_node.args
        ]
        return updated_node.with_changes(args=arguments)

    def _foreign_name(self, node: cst.CSTNode) -> str | None:
        """The public name that an expression stands for, where it was imported from the package."""
        found: Iterable[QualifiedName] = self.get_metadata(QualifiedNameProvider, node, ())
        for one in found:
            parts = one.name.split(".")
            if one.source is QualifiedNameSource.IMPORT and parts[0] == PACKAGE and len(parts) >= 2:
                return parts[-1] if len(parts) == 2 or parts[1].startswith("_") else None
        return None

    def _remark(self, node: cst.CSTNode, text: str) -> None:
        position = self.get_metadata(PositionProvider, node)
        remark = Remark(position.start.line, text)
        if remark not in self.remarks:
            self.remarks.append(remark)


def _home(name: str) -> str | None:
    """The module here that has a name; None where there is none."""
    state = state_of(name)
    if state == "legacy":
        return "weft.compat.legacy"
    if state not in ("same", "renamed"):
        return None
    return "typing" if name in ("Any", "Dict", "List", "Optional", "Set", "Tuple") else "weft"


def _module(name: str) -> str | None:
    package = name.split(".", maxsplit=1)[0]
    if name == PACKAGE:
        return "weft"
    return INTEGRATIONS.get(package) if "." not in name else None


def _dotted(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    assert isinstance(node, cst.Name)
    return node.value


def _expression(dotted: str) -> cst.Name | cst.Attribute:
    first, *rest = dotted.split(".")
    found: cst.Name | cst.Attribute = cst.Name(first)
    for part in rest:
        found = cst.Attribute(value=found, attr=cst.Name(part))
    return found
