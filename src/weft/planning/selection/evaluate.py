"""What a selection means: from an expression and an asset graph to sets of assets and checks.

Every node gives assets and checks. The checks of selected assets come along, except where a node says otherwise; ``&``, ``|`` and ``-`` work
on both sets. Walks (`Upstream`, `Downstream`), `Sinks` and the like look at assets only, and the checks of what they give come along again.

A negation alone selects from everything, external assets included only where it says so; beside something in an `And` it takes away from
that, so ``+orders and not group:raw`` keeps the external assets above ``orders``.

A name that does not exist is an error, because it is nearly always a typing error: an asset, a check, a group, or a pattern that
matches nothing. A condition that holds for no asset (a tag, a kind) just selects nothing.

Each node costs time linear in the assets it looks at; walks are linear in the part of the graph they reach. A `Selector` keeps what it has
looked up (groups, kinds, tags, owners), so it pays to keep one as long as its graph.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set as AbstractSet
from typing import Protocol, TypeAlias

from weft.errors import InternalError, SelectionError, did_you_mean, nearest, some_of
from weft.model.assets import AssetGraph, AssetNode
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import TableSchemaMetadataValue, TextMetadataValue
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
from weft.planning.selection.syntax import has_wildcard, matcher, parse


class AssetFacts(Protocol):
    """What is known of assets beyond their definitions: their state, their code location, the jobs that make them."""

    def keys_with(self, attribute: str, value: str | None) -> AbstractSet[AssetKey] | None:
        """The assets whose `attribute` is `value` (None: that have none), or None where the attribute is not known here.

        Attributes are those of `weft.planning.selection.syntax.FACT_ATTRIBUTES`. What the definitions say themselves (``column``,
        ``table_name``) is added to the answer.
        """
        ...


Assets: TypeAlias = AbstractSet[AssetKey]


class _Picked:
    """What a node selects. `checks` is None where they are exactly the checks of `assets`."""

    __slots__ = ("assets", "checks")

    def __init__(self, assets: Assets, checks: AbstractSet[AssetCheckKey] | None = None) -> None:
        self.assets = assets
        self.checks = checks


class Selector:
    """Evaluates selections over one graph.

    Args:
        graph: the assets and checks.
        facts: answers attributes that the graph cannot.
        allow_missing: names that do not exist select nothing, instead of being an error. For stored selections, which may be older
            than the graph.
    """

    def __init__(self, graph: AssetGraph, facts: AssetFacts | None = None, *, allow_missing: bool = False) -> None:
        self._graph = graph
        self._facts = facts
        self._allow_missing = allow_missing
        self._nodes = tuple(graph)
        self._indexes: dict[str, dict[str, list[AssetKey]]] = {}
        self._asked: set[str] = set()
        self._all: Assets | None = None
        self._materializable: Assets | None = None
        self._external = frozenset([node.key for node in self._nodes if node.op_name is None])

    def select(self, expression: Selection) -> tuple[frozenset[AssetKey], frozenset[AssetCheckKey]]:
        """What a run of `expression` makes and evaluates: assets that nothing here computes are left out, and so are the checks that
        would come along with them. Assets that are only observed are left out too, unless nothing else is selected: a run either makes or
        observes.

        Raises:
            SelectionError: (WEFT-S002, S003, S004, S009) a name or pattern matches nothing; (WEFT-S007) an attribute cannot be
                answered here; (WEFT-S005, S006) a text cannot be read.
        """
        picked = self._pick(expression)
        assets = frozenset(picked.assets - self._external)
        made = frozenset([key for key in assets if not self._graph[key].is_observable])
        assets = made or assets
        return assets, frozenset(self._checks(_Picked(assets, picked.checks)))

    def assets(self, expression: Selection) -> frozenset[AssetKey]:
        """The assets of `expression`, external ones included where it reaches them. Errors as of `select`."""
        return frozenset(self._pick(expression).assets)

    def resolve(self, text: str, *, include_external: bool = False) -> frozenset[AssetKey]:
        """The assets that a selection text means; at least one.

        Args:
            text: a selection in the old or the new syntax; `weft.planning.selection.syntax` says which it is taken for.
            include_external: let ``*``, ``not``, groups, kinds, tags and owners cover external assets too.

        Raises:
            SelectionError: as of `select`; and (WEFT-S008) nothing is selected.
        """
        found = self.assets(parse(text, include_external=include_external))
        if not found and not self._allow_missing:
            raise SelectionError(
                "the selection holds no asset.",
                code="WEFT-S008",
                facts={"selection": text, "assets": f"{len(self._graph)} are known"},
                fix="try its parts alone to see which of them holds nothing",
            )
        return found

    # --- evaluating ---

    def _pick(self, node: Selection) -> _Picked:
        match node:
            case Keys():
                return self._keys(node)
            case Or():
                return self._or(node)
            case And():
                return self._and(node)
            case Not():
                return self._not(node)
            case Difference():
                return self._difference(node)
            case Upstream():
                return self._walked(node, self._graph.upstream)
            case Downstream():
                return self._walked(node, self._graph.downstream)
            case Checks():
                return self._named_checks(node)
            case ChecksOf():
                return _Picked(frozenset(), self._checks(_Picked(self._assets(node.child))))
            case WithoutChecks():
                return _Picked(self._assets(node.child), frozenset())
            case Text():
                return self._pick(parse(node.text))
            case All():
                # All checks: also those of assets that are not computed here.
                return _Picked(self._universe(node.include_external), self._graph.checks.keys())
        return _Picked(self._only_assets(node))

    def _only_assets(self, node: Selection) -> Assets:
        """What the nodes that say nothing of checks select."""
        graph = self._graph
        match node:
            case KeyGlob():
                return self._key_glob(node)
            case KeyPrefix():
                return {key for key in self._universe(node.include_external) if any(map(key.has_prefix, node.prefixes))}
            case KeySubstring():
                return {key for key in self._universe(node.include_external) if node.text in key.to_user_string()}
            case Groups():
                return self._groups(node)
            case Tag():
                return self._tag(node)
            case Kind():
                kind = self._labelled("kind", lambda asset: asset.kinds, node.name)
                return self._limited(kind, node.include_external)
            case Owner():
                owned = self._labelled("owner", lambda asset: asset.owners, node.owner)
                return self._limited(owned, node.include_external)
            case Attribute():
                return self._attribute(node)
            case Sinks():
                return self._ends(node.child, graph.downstream)
            case Roots():
                return self._ends(node.child, graph.upstream)
            case Materializable():
                return {key for key in self._assets(node.child) if graph[key].is_materializable}
            case External():
                return self._assets(node.child) & self._external
            case RequiredNeighbours():
                return self._neighbours(node)
        raise InternalError("a selection has a node of an unknown kind", facts={"kind": type(node).__name__})

    def _assets(self, node: Selection) -> Assets:
        return self._pick(node).assets

    def _checks(self, picked: _Picked) -> AbstractSet[AssetCheckKey]:
        if picked.checks is not None:
            return picked.checks
        assets, graph = picked.assets, self._graph
        if len(graph.checks) < len(assets):
            return {check for check in graph.checks if check.asset_key in assets}
        return {check for key in assets for check in graph.checks_of(key)}

    def _keys(self, node: Keys) -> _Picked:
        graph = self._graph
        missing = [key for key in node.keys if key not in graph]
        if not missing:
            return _Picked(frozenset(node.keys))
        if self._allow_missing:
            return _Picked(frozenset(node.keys).difference(missing))
        names = [key.to_user_string() for key in missing]
        known = [key.to_user_string() for key in graph.keys]
        near = [one for name in names for one in _nearest_key(name, known)]
        raise SelectionError(
            f'there is no asset "{names[0]}".' if len(names) == 1 else f"there are no assets {some_of(names)}.",
            code="WEFT-S002",
            facts={"known assets": some_of(near or known)},
            fix=(f'did you mean "{near[0]}"? ' if near else "") + 'To match part of a name, write key:"*part*"',
        )

    def _key_glob(self, glob: KeyGlob) -> Assets:
        matches = matcher(glob.pattern)
        found = frozenset([node.key for node in self._nodes if matches(node.key.to_user_string())])
        if not found and not self._allow_missing:
            known = [key.to_user_string() for key in self._graph.keys]
            raise SelectionError(
                f'no asset matches "{glob.pattern}".',
                code="WEFT-S003",
                facts={"known assets": some_of(known)},
                fix=did_you_mean(glob.pattern.replace("*", ""), known, "check the pattern; * stands for any text"),
            )
        return found

    def _groups(self, groups: Groups) -> Assets:
        exact = {name for name in groups.names if not has_wildcard(name)}
        patterns = [name for name in groups.names if name not in exact]
        wanted = exact
        if patterns:
            known = {node.group_name for node in self._nodes}
            for pattern in patterns:
                matches = matcher(pattern)
                found = {name for name in known if matches(name)}
                wanted = wanted | (found or {pattern})
        keys = [node.key for node in self._nodes if node.group_name in wanted]
        if not self._allow_missing:
            self._check_groups(wanted, patterns)
        return self._limited(frozenset(keys), groups.include_external)

    def _check_groups(self, wanted: AbstractSet[str], patterns: Sequence[str]) -> None:
        known = {node.group_name for node in self._nodes}
        for name in sorted(wanted - known):
            raise SelectionError(
                f'no group matches "{name}".' if name in patterns else f'there is no group "{name}".',
                code="WEFT-S004",
                facts={"known groups": some_of(sorted(known))},
                fix=did_you_mean(name, known, "use one of the known groups"),
            )

    def _tag(self, tag: Tag) -> Assets:
        if tag.value is None:
            keys = self._labelled("tag", lambda node: node.tags, tag.key)
        else:
            keys = frozenset([node.key for node in self._nodes if node.tags.get(tag.key) == tag.value])
        return self._limited(keys, tag.include_external)

    def _labelled(self, name: str, labels: Callable[[AssetNode], Collection[str]], label: str | None) -> Assets:
        """The assets that carry a label; None: that carry none.

        The first question about a kind of label is answered by looking at all assets, which is faster than an index made for one answer;
        from the second on there is an index.
        """
        if label is None:
            return frozenset([node.key for node in self._nodes if not labels(node)])
        if name not in self._asked:
            self._asked.add(name)
            return frozenset([node.key for node in self._nodes if label in labels(node)])
        return frozenset(self._index(name, labels).get(label, ()))

    def _attribute(self, node: Attribute) -> Assets:
        graph = self._graph
        if node.name == "tag":  # tag:<null>
            return {key for key in graph.keys if not graph[key].tags}
        found = self._facts.keys_with(node.name, node.value) if self._facts is not None else None
        declared = _DECLARED.get(node.name)
        if declared is None:
            if found is None:
                raise SelectionError(
                    f'"{node.name}" cannot be selected by here.',
                    code="WEFT-S007",
                    facts={"attribute": node.name},
                    fix="it needs the state of the instance, or all code locations: use it on the command line with an instance, or in the UI",
                )
            return {key for key in found if key in graph}
        index = self._index(node.name, declared)
        if node.value is None:
            with_any = {key for keys in index.values() for key in keys}
            lacking = graph.keys if found is None else (key for key in graph.keys if key in found)
            return {key for key in lacking if key not in with_any}
        by_definition = set(index.get(node.value, ()))
        return by_definition if found is None else by_definition | {key for key in found if key in graph}

    def _walked(self, node: Upstream | Downstream, beside: Callable[[AssetKey], Iterable[AssetKey]]) -> _Picked:
        start = self._assets(node.child)
        seen = set(start)
        level: Iterable[AssetKey] = start
        depth = len(self._graph) if node.depth is None else node.depth
        while level and depth > 0:
            depth -= 1
            fresh = []
            for key in level:
                for near in beside(key):
                    if near not in seen:
                        seen.add(near)
                        fresh.append(near)
            level = fresh
        return _Picked(seen if node.include_self else seen - start)

    def _or(self, node: Or) -> _Picked:
        parts = [self._pick(child) for child in _flattened(node, Or)]
        if all(part.checks is None for part in parts):
            return _Picked(frozenset().union(*(part.assets for part in parts)))
        return _Picked(
            frozenset().union(*(part.assets for part in parts)),
            frozenset().union(*map(self._checks, parts)),
        )

    def _and(self, node: And) -> _Picked:
        children = _flattened(node, And)
        wanted = [child for child in children if not isinstance(child, Not)]
        if not wanted:  # only negations: what each of them leaves of everything
            parts = [self._pick(child) for child in children]
            return self._common(parts) if parts else _Picked(frozenset())
        picked = self._common([self._pick(child) for child in wanted])
        for child in children:
            if isinstance(child, Not):
                picked = self._minus(picked, self._pick(child.child))
        return picked

    def _common(self, parts: Sequence[_Picked]) -> _Picked:
        assets = frozenset(parts[0].assets).intersection(*(part.assets for part in parts[1:]))
        if all(part.checks is None for part in parts):
            return _Picked(assets)
        return _Picked(assets, frozenset(self._checks(parts[0])).intersection(*map(self._checks, parts[1:])))

    def _not(self, node: Not) -> _Picked:
        return self._minus(self._pick(All(node.include_external)), self._pick(node.child))

    def _difference(self, node: Difference) -> _Picked:
        left: Selection = node
        rights: list[Selection] = []
        while isinstance(left, Difference):  # a - b - c - ... may be long
            rights.append(left.right)
            left = left.left
        picked = self._pick(left)
        for right in reversed(rights):
            picked = self._minus(picked, self._pick(right))
        return picked

    def _minus(self, left: _Picked, right: _Picked) -> _Picked:
        assets = left.assets - right.assets
        if left.checks is None and right.checks is None:
            return _Picked(assets)
        return _Picked(assets, self._checks(left) - self._checks(right))

    def _ends(self, child: Selection, beside: Callable[[AssetKey], Iterable[AssetKey]]) -> Assets:
        among = self._assets(child)
        return {key for key in among if not any(near in among and near != key for near in beside(key))}

    def _neighbours(self, node: RequiredNeighbours) -> Assets:
        index = self._index("unit", lambda asset: (asset.compute_unit,) if asset.compute_unit is not None else ())
        found = set(self._assets(node.child))
        graph = self._graph
        for unit in {graph[key].compute_unit for key in found}:
            found.update(index.get(unit, ()) if unit is not None else ())
        return found

    def _named_checks(self, node: Checks) -> _Picked:
        checks = self._graph.checks
        missing = [key.to_user_string() for key in node.keys if key not in checks]
        if missing and not self._allow_missing:
            known = [key.to_user_string() for key in checks]
            raise SelectionError(
                f'there is no check "{missing[0]}".',
                code="WEFT-S009",
                facts={"known checks": some_of(known)},
                fix=did_you_mean(missing[0], known, "use one of the known checks"),
            )
        return _Picked(frozenset(), frozenset(key for key in node.keys if key in checks))

    # --- looking things up ---

    def _universe(self, include_external: bool) -> Assets:
        if include_external:
            if self._all is None:
                self._all = frozenset(self._graph.keys)
            return self._all
        if self._materializable is None:
            self._materializable = frozenset([node.key for node in self._nodes if node.is_materializable])
        return self._materializable

    def _limited(self, keys: Assets, include_external: bool) -> Assets:
        return keys if include_external else keys & self._universe(False)

    def _index(self, name: str, labels: Callable[[AssetNode], Iterable[str]]) -> Mapping[str, list[AssetKey]]:
        """Label to the assets that carry it, in topological order; made on first use."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            for node in self._nodes:
                for label in labels(node):
                    index.setdefault(label, []).append(node.key)
        return index


def select(
    expression: Selection, graph: AssetGraph, facts: AssetFacts | None = None
) -> tuple[frozenset[AssetKey], frozenset[AssetCheckKey]]:
    """What a run of `expression` makes and evaluates; see `Selector.select`."""
    return Selector(graph, facts).select(expression)


def resolve(text: str, graph: AssetGraph, facts: AssetFacts | None = None) -> frozenset[AssetKey]:
    """The assets that a selection text means, at least one; see `Selector.resolve`."""
    return Selector(graph, facts).resolve(text)


def _flattened(node: Or | And, kind: type[Or | And]) -> list[Selection]:
    """The children of a node and of nodes of its kind below it, in order. Built with ``|`` they are as deep as they are many."""
    found: list[Selection] = []
    stack: list[Selection] = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, kind):
            stack.extend(reversed(one.children))
        else:
            found.append(one)
    return found


def _nearest_key(name: str, known: Collection[str]) -> list[str]:
    """The known keys that look most like `name`; the last part of a key counts, where prefixes differ."""
    last = name.rsplit("/", 1)[-1]
    same = [one for one in known if one.rsplit("/", 1)[-1] == last]
    return same[:3] or nearest(name, known, most=3)


def _columns(asset: AssetNode) -> Iterable[str]:
    for name, value in asset.metadata.items():
        if name.endswith("/column_schema") and isinstance(value, TableSchemaMetadataValue):
            yield from (column.name for column in value.schema.columns)


def _table_names(asset: AssetNode) -> Iterable[str]:
    for name, value in asset.metadata.items():
        if name.endswith("/table_name") and isinstance(value, TextMetadataValue):
            yield value.text


def _column_tags(asset: AssetNode) -> Iterable[str]:
    for name, value in asset.metadata.items():
        if name.endswith("/column_schema") and isinstance(value, TableSchemaMetadataValue):
            for column in value.schema.columns:
                for tag, content in column.tags.items():
                    yield tag
                    yield f"{tag}={content}"


_DECLARED: dict[str, Callable[[AssetNode], Iterable[str]]] = {
    "column": _columns,
    "column_tag": _column_tags,
    "table_name": _table_names,
}
"""Attributes that definitions may answer in their metadata."""
