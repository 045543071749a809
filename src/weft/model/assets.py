"""Assets as described by their definitions, and the graph they form.

An `AssetNode` is everything that pages, selections and planning need to know of one asset without the user's code. The graph is
built in one linear pass; keys that are only named as a dependency become external stub nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from weft.model.automation import Condition
from weft.model.backfill import BackfillPolicy
from weft.model.freshness import AnyFreshnessPolicy
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.metadata import AnyMetadataValue
from weft.model.partitions.spec import MappingSpec, PartitionsSpec
from weft.model.retry import RetryPolicy

DEFAULT_GROUP = "default"


class AssetDependency(Struct, frozen=True, gc=False, omit_defaults=True):
    """One upstream asset. `input_name` is set where the value is loaded; otherwise it only orders."""

    asset_key: AssetKey
    input_name: str | None = None
    partition_mapping: MappingSpec | None = None


class AssetCheckNode(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One check of one asset, as described."""

    key: AssetCheckKey
    description: str | None = None
    blocking: bool = False
    # The op that computes it: the asset's own where it is checked in the same step.
    op_name: str | None = None
    additional_deps: tuple[AssetKey, ...] = ()
    metadata: Mapping[str, AnyMetadataValue] = {}
    partitions: PartitionsSpec | None = None
    automation_condition: Condition | None = None


class AssetNode(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One asset, as described."""

    key: AssetKey
    deps: tuple[AssetDependency, ...] = ()
    group_name: str = DEFAULT_GROUP
    description: str | None = None
    tags: Mapping[str, str] = {}
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    metadata: Mapping[str, AnyMetadataValue] = {}
    code_version: str | None = None
    partitions: PartitionsSpec | None = None
    retry_policy: RetryPolicy | None = None
    # None for an external asset: nothing here computes it.
    op_name: str | None = None
    # Assets and checks computed by one op that cannot run for a part of them share this name.
    compute_unit: str | None = None
    io_manager_key: str | None = None
    pool: str | None = None
    # A key that is only known because something depends on it.
    is_stub: bool = False
    is_virtual: bool = False
    is_observable: bool = False
    automation_condition: Condition | None = None
    freshness_policy: AnyFreshnessPolicy | None = None
    backfill_policy: BackfillPolicy | None = None
    # Keys that it had before; what is stored under them is its own.
    renamed_from: tuple[AssetKey, ...] = ()
    # Whether a step whose result exists for the same versions is skipped; None where nothing was said.
    cache: bool | None = None
    # ``path/to/file.py:31``, relative to the project where possible.
    declared_at: str | None = None

    @property
    def is_external(self) -> bool:
        """Whether nothing in these definitions computes it."""
        return self.op_name is None

    @property
    def is_materializable(self) -> bool:
        """Whether a run can make it."""
        return self.op_name is not None and not self.is_observable


class AssetGraph:
    """Assets and checks with their edges. Immutable; iteration is in topological order.

    Building it is one linear pass; every query is a lookup or a walk over the part it concerns.

    Raises (on construction):
        AssetGraphCycle: the dependencies form a cycle; carries the path.
    """

    __slots__ = ("_checks", "_checks_of", "_downstream", "_index", "_keys", "_nodes", "_order", "_upstream")

    def __init__(self, nodes: Iterable[AssetNode], checks: Iterable[AssetCheckNode] = ()) -> None:
        # Nodes and edges are numbered: hashing a key costs far more than an index, and each key is hashed once for each edge here.
        self._nodes: list[AssetNode] = list({node.key: node for node in nodes}.values())
        self._index: dict[AssetKey, int] = {node.key: number for number, node in enumerate(self._nodes)}
        index = self._index
        parents: list[list[int]] = []
        for node in self._nodes:  # grows while it is walked, by stubs
            found: dict[int, None] = {}
            for dep in node.deps:
                number = index.get(dep.asset_key)
                if number is None:
                    number = index[dep.asset_key] = len(self._nodes)
                    self._nodes.append(AssetNode(key=dep.asset_key, is_stub=True))
                found[number] = None
            parents.append(list(found))
        children: list[list[int]] = [[] for _ in self._nodes]
        for number, above in enumerate(parents):
            for parent in above:
                if parent != number:  # an asset may read its own earlier partitions
                    children[parent].append(number)
        self._upstream = self._keys_of(parents)
        self._downstream = self._keys_of(children)
        self._checks: dict[AssetCheckKey, AssetCheckNode] = {check.key: check for check in checks}
        of: dict[AssetKey, list[AssetCheckKey]] = {}
        for check_key in self._checks:
            of.setdefault(check_key.asset_key, []).append(check_key)
        self._checks_of: dict[AssetKey, tuple[AssetCheckKey, ...]] = {k: tuple(v) for k, v in of.items()}
        self._order = self._topological(parents, children)
        self._keys = tuple([self._nodes[number].key for number in self._order])

    def _keys_of(self, numbers: list[list[int]]) -> list[tuple[AssetKey, ...]]:
        keys = [node.key for node in self._nodes]
        return [tuple([keys[number] for number in some]) for some in numbers]

    @property
    def keys(self) -> tuple[AssetKey, ...]:
        """Every key, each after its upstream keys."""
        return self._keys

    @property
    def materializable_keys(self) -> tuple[AssetKey, ...]:
        """The keys that a run can make, in topological order."""
        return tuple(node.key for node in self if node.is_materializable)

    @property
    def checks(self) -> Mapping[AssetCheckKey, AssetCheckNode]:
        """Every check by key."""
        return self._checks

    def checks_of(self, key: AssetKey) -> tuple[AssetCheckKey, ...]:
        """The checks of one asset, in the order of declaration."""
        return self._checks_of.get(key, ())

    def upstream(self, key: AssetKey) -> tuple[AssetKey, ...]:
        """The direct dependencies of `key`."""
        return self._upstream[self._index[key]]

    def downstream(self, key: AssetKey) -> tuple[AssetKey, ...]:
        """The keys that depend on `key` directly."""
        return self._downstream[self._index[key]]

    def get(self, key: AssetKey) -> AssetNode | None:
        """The node of `key`, or None."""
        number = self._index.get(key)
        return self._nodes[number] if number is not None else None

    def __getitem__(self, key: AssetKey) -> AssetNode:
        return self._nodes[self._index[key]]

    def __contains__(self, key: object) -> bool:
        return key in self._index

    def __iter__(self) -> Iterator[AssetNode]:
        return (self._nodes[number] for number in self._order)

    def __len__(self) -> int:
        return len(self._nodes)

    def _topological(self, parents: list[list[int]], children: list[list[int]]) -> list[int]:
        waiting = [len(above) - (number in above) for number, above in enumerate(parents)]
        order = [number for number, count in enumerate(waiting) if not count]
        for number in order:  # grows while it is walked
            for child in children[number]:
                waiting[child] -= 1
                if not waiting[child]:
                    order.append(child)
        if len(order) < len(self._nodes):
            raise AssetGraphCycle(self._find_cycle({number for number, count in enumerate(waiting) if count}, parents))
        return order

    def _find_cycle(self, among: set[int], parents: list[list[int]]) -> tuple[AssetKey, ...]:
        """A cycle among nodes each of which has a parent among them: walking up has to come back."""
        path: list[int] = []
        place: dict[int, int] = {}
        number = min(among, key=lambda one: self._nodes[one].key)
        while number not in place:
            place[number] = len(path)
            path.append(number)
            number = next(parent for parent in parents[number] if parent in among and parent != number)
        cycle = [self._nodes[one].key for one in path[place[number] :]]
        return (cycle[0], *reversed(cycle))


class AssetGraphCycle(Exception):
    """The dependencies form a cycle. `path` starts and ends with the same key, each key upstream of the next.

    Definitions turn it into a `DefinitionError` with the places of declaration.
    """

    def __init__(self, path: tuple[AssetKey, ...]) -> None:
        self.path = path
        super().__init__(" -> ".join(key.to_user_string() for key in path))
