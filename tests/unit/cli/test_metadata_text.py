"""Metadata as text."""

from __future__ import annotations

import io
from typing import Any

import pytest

from weft.cli.metadata_text import metadata_lines, value_lines
from weft.cli.terminal import Terminal
from weft.model.keys import AssetKey
from weft.model.metadata import (
    MetadataValue,
    TableColumn,
    TableColumnDep,
    TableColumnLineage,
    TableSchema,
    metadata_value,
    metadata_values,
)

PLAIN = Terminal(io.StringIO(), {})


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("text\nof two lines", ["text", "of two lines"]),
        (1234567, ["1,234,567"]),
        (0.1, ["0.1"]),
        (False, ["False"]),
        (None, ["null"]),
        ({"a": [1]}, ["{", '  "a": [', "    1", "  ]", "}"]),
        (AssetKey(["shop", "orders"]), ["shop/orders"]),
        (MetadataValue.path("/data/x.csv"), ["/data/x.csv"]),
        (MetadataValue.url("https://example.org"), ["https://example.org"]),
        (MetadataValue.job("nightly"), ["nightly"]),
        (MetadataValue.run("r1"), ["r1"]),
        (MetadataValue.python_artifact(Terminal), ["weft.cli.terminal.Terminal"]),
        (
            MetadataValue.table([{"day": "2024-01-01", "n": 1}, {"day": "2024-01-02", "n": None}]),
            ["day         n", "2024-01-01  1", "2024-01-02"],
        ),
        (
            TableSchema((TableColumn("id", "int", "the key"), TableColumn("name"))),
            ["id    int     the key", "name  string"],
        ),
        (
            TableColumnLineage(
                {"a": (TableColumnDep(AssetKey("up"), "x"), TableColumnDep(AssetKey("up"), "y")), "b": ()}
            ),
            ["a <- up.x, up.y", "b <- (nothing)"],
        ),
    ],
)
def test_each_kind_has_its_text(value: Any, lines: list[str]) -> None:
    assert list(value_lines(metadata_value(value), PLAIN)) == lines


def test_what_takes_several_lines_stands_below_its_label() -> None:
    metadata = metadata_values({"rows": 3, "preview": MetadataValue.table([{"a": 1}]), "note": "x\ny"})
    assert list(metadata_lines(metadata, PLAIN, indent="  ")) == [
        "  rows     3",
        "  preview",
        "    a",
        "    1",
        "  note",
        "    x",
        "    y",
    ]
