"""Selections of assets: their two syntaxes, and what they mean over an asset graph.

`parse` and `to_string` translate between text and expressions (`weft.model.selection`); `select` gives what a run of an expression makes,
`resolve` the assets that a text means. A `Selector` does both many times over one graph.
"""

from __future__ import annotations

from weft.planning.selection.evaluate import AssetFacts, Selector, resolve, select
from weft.planning.selection.syntax import parse, to_string

__all__ = ["AssetFacts", "Selector", "parse", "resolve", "select", "to_string"]
