"""Names whose arguments are called otherwise in existing code: the same objects, taking those words too.

An adapted class is a subclass that only translates keywords, so that what it makes is weft's own in every other way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

_TYPE: Mapping[str, str] = {"dagster_type": "value_type"}

RENAMED_ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "asset": _TYPE,
    "AssetIn": _TYPE,
    "AssetOut": _TYPE,
    "In": _TYPE,
    "op": {"version": "code_version"},
    "Out": _TYPE,
    "DynamicOut": _TYPE,
    "check_dagster_type": _TYPE,
    "build_input_context": _TYPE,
    "build_output_context": _TYPE,
    "build_run_status_sensor_context": {
        "dagster_event": "event",
        "dagster_instance": "instance",
        "dagster_run": "run",
    },
}
"""Name to the arguments that existing code gives, and what they are called here."""


TAKING_ENTRIES = frozenset({"AssetMaterialization", "AssetObservation"})
"""Names whose metadata existing code may give as ``metadata_entries=``, a list of `EventMetadataEntry`."""


def adapted(name: str, found: Any) -> Any:
    """`found`, taking the arguments that existing code gives it."""
    if name == "RunsFilter":
        return runs_filter
    if name == "repository":
        from weft.compat import legacy  # it takes pipelines and partition sets, too

        return legacy.repository
    if name in ("observable_source_asset", "multi_observable_source_asset"):
        return _observing(found)
    if name in TAKING_ENTRIES:
        return _taking_entries(found)
    words = RENAMED_ARGUMENTS.get(name)
    if words is None:
        return found
    return _adapted_class(found, words) if isinstance(found, type) else _adapted_function(found, words)


def _observing(found: Callable[..., Any]) -> Callable[..., Any]:
    """The decorator, with the interval as the condition that it is."""

    @functools.wraps(found)
    def call(*arguments: Any, auto_observe_interval_minutes: float | None = None, **settings: Any) -> Any:
        if auto_observe_interval_minutes is not None:
            from weft.definitions.source_asset import observed_every

            settings.setdefault("automation_condition", observed_every(auto_observe_interval_minutes))
        return found(*arguments, **settings)

    return call


def _taking_entries(found: type[Any]) -> type[Any]:
    """The class, whose metadata may be a list of entries with labels."""

    def initialise(self: Any, *arguments: Any, metadata_entries: Any = None, **settings: Any) -> None:
        if metadata_entries is not None:
            settings["metadata"] = {entry.label: entry.value for entry in metadata_entries}
        super(made, self).__init__(*arguments, **settings)

    namespace = {"__init__": initialise, "__slots__": (), "__doc__": found.__doc__, "__module__": found.__module__}
    made: type[Any] = type(found.__name__, (found,), namespace)
    return made


def _adapted_class(found: type[Any], words: Mapping[str, str]) -> type[Any]:
    def initialise(self: Any, *arguments: Any, **settings: Any) -> None:
        super(made, self).__init__(*arguments, **_renamed(settings, words))

    namespace = {"__init__": initialise, "__slots__": (), "__doc__": found.__doc__, "__module__": found.__module__}
    made: type[Any] = type(found.__name__, (found,), namespace)
    return made


def _adapted_function(found: Callable[..., Any], words: Mapping[str, str]) -> Callable[..., Any]:
    @functools.wraps(found)
    def call(*arguments: Any, **settings: Any) -> Any:
        return found(*arguments, **_renamed(settings, words))

    return call


def _renamed(settings: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    return {words.get(name, name): value for name, value in settings.items()}


def runs_filter(
    run_ids: Any = None,
    job_name: str | None = None,
    statuses: Any = None,
    tags: Mapping[str, Any] | None = None,
    snapshot_id: str | None = None,
    updated_after: Any = None,
    updated_before: Any = None,
    created_after: Any = None,
    created_before: Any = None,
    exclude_subruns: bool | None = None,
) -> Any:
    """A `weft.RunFilter` of what existing code gives: lists and datetimes."""
    from weft.model.run import RunFilter

    return RunFilter(
        run_ids=tuple(run_ids) if run_ids is not None else None,
        job_name=job_name,
        statuses=tuple(statuses) if statuses is not None else None,
        tags={key: str(value) for key, value in (tags or {}).items()},
        updated_after=_seconds(updated_after),
        updated_before=_seconds(updated_before),
        created_after=_seconds(created_after),
        created_before=_seconds(created_before),
    )


def _seconds(moment: Any) -> float | None:
    return moment.timestamp() if isinstance(moment, datetime) else moment
