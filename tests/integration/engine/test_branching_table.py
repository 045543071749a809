"""Which step runs after what, by the rule of the edge: the table in the documentation, executed for every kind of step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from weft import (
    AssetCheckResult,
    AssetDep,
    AssetIn,
    AssetOut,
    EdgeRule,
    ExecuteInProcessResult,
    In,
    Out,
    Output,
    Skip,
    asset,
    asset_check,
    job,
    materialize,
    multi_asset,
    op,
)

PAGE = Path(__file__).resolve().parents[3] / "docs/howto/branching.md"
KINDS = ("op", "asset", "multi-asset", "check")


def the_table() -> Iterator[tuple[str, EdgeRule, str]]:
    """Upstream outcome, rule and expectation of each cell."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    for outcome, *cells in rows:
        for rule, expected in zip(header[1:], cells, strict=True):
            yield outcome, EdgeRule[rule], expected


CELLS = list(the_table())


class Boom(Exception):
    pass


def source(outcome: str) -> Callable[[], Iterator[Output[int]]]:
    """What the upstream step does. What comes after a failure is `source` itself behind a failing step."""

    def up() -> Iterator[Output[int]]:
        if outcome == "failed":
            raise Boom
        if outcome == "skipped itself":
            raise Skip("nothing to do")
        if outcome != "did not yield the output":
            yield Output(7)

    return up


def fail() -> int:
    raise Boom


def follow(kind: str, outcome: str, rule: EdgeRule, seen: list[int | None]) -> ExecuteInProcessResult:
    """Run a step of `kind` below a step that ends with `outcome`."""
    after_failure = outcome == "skipped after a failure"

    if kind == "op":

        @op(ins={"up": In(int, rule=rule)})
        def below(up):  # type: ignore[no-untyped-def]
            seen.append(up)

        first = op(name="fail")(fail)
        upstream = op(name="up", out=Out(int, is_required=False), ins={"start": In(int)} if after_failure else None)(
            (lambda start: start) if after_failure else source(outcome)
        )

        @job
        def the_job() -> None:
            below(upstream(first()) if after_failure else upstream())

        return the_job.execute_in_process(raise_on_error=False)

    definitions: list[Any] = [
        asset(name="up", output_required=False, deps=["fail"] if after_failure else [])(source(outcome))
    ]
    if after_failure:
        definitions.append(asset(fail))
    edge = AssetIn("up", rule=rule)
    if kind == "asset":

        @asset(name="below", ins={"value": edge})
        def one(value: int) -> None:
            seen.append(value)

        definitions.append(one)
    elif kind == "multi-asset":

        @multi_asset(name="below", ins={"value": edge}, outs={"left": AssetOut(), "right": AssetOut()})
        def two(value: int) -> tuple[int, int]:
            seen.append(value)
            return 1, 2

        definitions.append(two)
    else:

        @asset
        def checked() -> None: ...

        @asset_check(asset=checked, additional_ins={"value": edge})
        def below_check(value: int) -> bool:
            seen.append(value)
            return True

        definitions += [checked, below_check]
    return materialize(definitions, raise_on_error=False)


def test_the_table_has_every_rule_and_five_outcomes() -> None:
    assert {rule for _, rule, _ in CELLS} == set(EdgeRule)
    assert len({outcome for outcome, _, _ in CELLS}) == 5
    assert len(CELLS) == 20


@pytest.mark.parametrize(
    ("kind", "cell"),
    [pytest.param(kind, cell, id=f"{kind}, {cell[0]}, {cell[1].value}") for kind, cell in product(KINDS, CELLS)],
)
def test_a_step_does_what_the_table_says(kind: str, cell: tuple[str, EdgeRule, str]) -> None:
    outcome, rule, expected = cell
    seen: list[int | None] = []

    result = follow(kind, outcome, rule, seen)

    assert result.success is (outcome not in ("failed", "skipped after a failure"))
    assert seen == {"with": [7], "without": [None], "skipped": []}[expected]
    name = "checked_below_check" if kind == "check" else "below"
    assert result.is_node_skipped(name) is (expected == "skipped")


@pytest.mark.parametrize("kind", ["op", "asset"])
def test_one_of_several_inputs_is_enough_for_any_succeeded(kind: str) -> None:
    seen: list[tuple[int | None, int | None]] = []
    if kind == "op":

        @op
        def left() -> int:
            raise Boom

        @op
        def right() -> int:
            return 2

        @op(ins={"a": In(int, rule=EdgeRule.ANY_SUCCEEDED), "b": In(int, rule=EdgeRule.ANY_SUCCEEDED)})
        def both(a, b) -> None:  # type: ignore[no-untyped-def]
            seen.append((a, b))

        @job
        def the_job() -> None:
            both(left(), right())

        the_job.execute_in_process(raise_on_error=False)
    else:

        @asset
        def left_asset() -> int:
            raise Boom

        @asset
        def right_asset() -> int:
            return 2

        edges = {
            "a": AssetIn("left_asset", rule=EdgeRule.ANY_SUCCEEDED),
            "b": AssetIn("right_asset", rule=EdgeRule.ANY_SUCCEEDED),
        }

        @asset(ins=edges)
        def merged(a: int, b: int) -> None:
            seen.append((a, b))

        materialize([left_asset, right_asset, merged], raise_on_error=False)

    assert seen == [(None, 2)]


@pytest.mark.parametrize(
    ("rule", "runs"),
    [
        (EdgeRule.ALL_SUCCEEDED, False),
        (EdgeRule.ANY_SUCCEEDED, False),
        (EdgeRule.ALL_DONE, True),
        (EdgeRule.OPTIONAL, True),
    ],
)
def test_an_edge_that_only_orders_has_a_rule_too(rule: EdgeRule, runs: bool) -> None:
    @asset
    def up() -> None:
        raise Skip("nothing to do")

    @asset(deps=[AssetDep(up, rule=rule)])
    def below() -> None: ...

    result = materialize([up, below])

    assert result.is_node_success("below") is runs


def test_a_check_that_waits_for_another_asset_has_a_rule_for_it() -> None:
    @asset
    def up() -> None:
        raise Skip("nothing to do")

    @asset
    def checked() -> None: ...

    @asset_check(asset=checked, additional_deps=[AssetDep(up, rule=EdgeRule.ALL_DONE)])
    def is_fine() -> AssetCheckResult:
        return AssetCheckResult(passed=True)

    result = materialize([up, checked, is_fine])

    assert len(result.get_asset_check_evaluations()) == 1
