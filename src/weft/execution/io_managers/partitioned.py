"""Partitioned values: which places an output goes to, and what an input of several partitions looks like.

An input of one partition is its value; of several, a dict from partition key to value in the order of the definition. Partitions that are not
stored are an error, unless the input's metadata say ``allow_missing_partitions``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from weft.errors import IOManagerError, some_of
from weft.execution.io_contexts import InputContext, OutputContext

ALLOW_MISSING = "allow_missing_partitions"


class NotStored(Exception):
    """There is nothing at the place of a value."""

    def __init__(self, place: str) -> None:
        self.place = place
        super().__init__(place)


def store(context: OutputContext, value: Any, store_one: Callable[[str | None, Any], None]) -> None:
    """Call `store_one(partition, value)` for each partition that the output covers; with None where it has none.

    Raises:
        IOManagerError: (WEFT-X034) several partitions are covered, and the value is not a dict with a value for each.
    """
    keys = context.partition_keys if context.has_asset_partitions else ()
    if not keys:
        store_one(None, value)
        return
    if len(keys) == 1:
        store_one(keys[0], value)
        return
    given = set(value) if isinstance(value, Mapping) else set()
    if given != set(keys):
        raise IOManagerError(
            f'asset "{context.asset_key.to_user_string()}" was made for {len(keys)} partitions at once, '
            "but its value does not say which part belongs to which.",
            code="WEFT-X034",
            facts={"partitions": some_of(keys), "found": f"a {type(value).__name__}"},
            fix="return a dict from partition key to value, or store the parts yourself and return MaterializeResult()",
        )
    for key in keys:
        store_one(key, value[key])


def load(context: InputContext, load_one: Callable[[str | None], Any]) -> Any:
    """The value of an input: of `load_one(partition)`, or a dict of them.

    Raises:
        IOManagerError: (WEFT-X032) something is not stored.
    """
    if not context.has_asset_partitions:
        return _one(context, None, load_one)
    keys = context.partition_keys
    if len(keys) == 1:
        return _one(context, keys[0], load_one)
    allow_missing = bool(context.definition_metadata.get(ALLOW_MISSING))
    values: dict[str, Any] = {}
    missing: list[str] = []
    for key in keys:
        try:
            values[key] = load_one(key)
        except NotStored:
            missing.append(key)
    if missing and not allow_missing:
        raise IOManagerError(
            f'{len(missing)} of {len(keys)} partitions of asset "{context.asset_key.to_user_string()}" are not stored.',
            code="WEFT-X032",
            facts={"missing": some_of(missing), "needed by": f'input "{context.name}" of step "{context.step_key}"'},
            fix=f"make them first, or allow it: AssetIn(metadata={{{ALLOW_MISSING!r}: True}})",
        )
    return values


def _one(context: InputContext, key: str | None, load_one: Callable[[str | None], Any]) -> Any:
    try:
        return load_one(key)
    except NotStored as error:
        if context.has_asset_key:
            name = context.asset_key.to_user_string()
            partition = f' --partition "{key}"' if key is not None else ""
            what = f'asset "{name}"' if key is None else f'partition "{key}" of asset "{name}"'
            fix = f'make it first: weft asset materialize --select "{name}"{partition}'
        else:
            upstream = context.upstream_output
            where = upstream.step_key if upstream is not None else "?"
            what = f'output "{upstream.name if upstream is not None else context.name}" of step "{where}"'
            fix = "run that step again, or see that both steps use the same I/O manager"
        raise IOManagerError(
            f"{what} is not stored.",
            code="WEFT-X032",
            facts={"looked at": error.place, "needed by": f'input "{context.name}" of step "{context.step_key}"'},
            fix=fix,
        ) from None
