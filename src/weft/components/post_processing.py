"""What a document says is done with the assets of its component, once they are made."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from weft.components.asset_attributes import AssetAttributesModel
from weft.components.declaration import AssetPostProcessing, Declaration
from weft.components.resolution import ResolutionContext, resolve_into
from weft.definitions.asset_selection import AssetSelection
from weft.definitions.asset_spec import AssetSpec
from weft.definitions.assets import AssetsDefinition
from weft.definitions.definitions import Definitions
from weft.errors import Problem, WeftError
from weft.model.assets import AssetGraph
from weft.model.keys import AssetKey
from weft.planning.selection import Selector

EVERYTHING = "*"


def post_processed(
    made: Definitions, declaration: Declaration, context: ResolutionContext, problems: list[Problem]
) -> Definitions:
    """`made` with the assets changed as the document says, step by step. What is wrong goes to `problems`."""
    for step in declaration.post_processing:
        here = copy.copy(context)
        here.path, here.problems = (*step.path, "attributes"), problems
        attributes = resolve_into(AssetAttributesModel, step.attributes, here)
        if attributes is None:
            continue
        try:
            made = _changed(made, step, attributes)
        except WeftError as error:
            place = str(declaration.document.place((*step.path, "target")))
            for problem in error.problems:
                problem.facts = {"at": place, **problem.facts}
            problems.extend(error.problems)
    return made


def _changed(made: Definitions, step: AssetPostProcessing, attributes: AssetAttributesModel) -> Definitions:
    keys = None if step.target == EVERYTHING else _selected(made.assets, step.target)

    def change(spec: AssetSpec) -> AssetSpec:
        if keys is not None and spec.key not in keys:
            return spec
        return attributes.changed(spec, merge=step.operation == "merge")

    return made.map_asset_specs(func=change)


def _selected(assets: Iterable[Any], target: str) -> frozenset[AssetKey]:
    """The keys that a selection holds among `assets` alone: what they need elsewhere may not be there yet."""
    nodes = [node for item in _flat(assets) for node in _nodes_of(item)]
    return frozenset(Selector(AssetGraph(nodes)).assets(AssetSelection.of(target).expression))


def _nodes_of(item: Any) -> Iterable[Any]:
    if isinstance(item, AssetsDefinition):
        return item.describe_nodes()
    return [item.describe()] if isinstance(item, AssetSpec) else []


def _flat(items: Iterable[Any]) -> Iterable[Any]:
    for item in items:
        if isinstance(item, (list, tuple)):
            yield from _flat(item)
        else:
            yield item
