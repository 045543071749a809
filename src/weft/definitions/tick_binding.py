"""Connecting schedules and sensors to the definitions around them: names are unique, their jobs are there, every problem is found in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from weft.definitions.schedules import ScheduleDefinition
from weft.definitions.sensors import SensorDefinition
from weft.definitions.tick_source import Job, TickSource
from weft.errors import DefinitionError, Problem, did_you_mean, some_of

S = TypeVar("S", ScheduleDefinition, SensorDefinition)


class TickSources:
    """The schedules and sensors of some definitions, by name, and the problems of telling them apart."""

    def __init__(self, schedules: Iterable[Any], sensors: Iterable[Any]) -> None:
        self.problems: list[Problem] = []
        self.schedules = self._by_name(
            schedules, ScheduleDefinition, "WEFT-D474", "@schedule or ScheduleDefinition(...)"
        )
        self.sensors = self._by_name(sensors, SensorDefinition, "WEFT-D475", "@sensor or SensorDefinition(...)")

    def __iter__(self) -> Iterator[TickSource]:
        yield from self.schedules.values()
        yield from self.sensors.values()

    def assets(self) -> list[Any]:
        """Definitions of assets that they bring along."""
        return [asset for source in self for asset in source.targets.assets]

    def jobs(self) -> list[tuple[Job, TickSource]]:
        """Definitions of jobs that they bring along, each with who brings it."""
        return [(job, source) for source in self for job in source.jobs]

    def _by_name(self, items: Iterable[Any], kind: type[S], code: str, made_by: str) -> dict[str, S]:
        found: dict[str, S] = {}
        for item in items:
            if not isinstance(item, kind):
                self.problems.append(
                    Problem(
                        code,
                        f"{item!r:.100} is not a {kind.what}.",
                        facts={"found": type(item).__name__},
                        fix=f"make one with {made_by}",
                    )
                )
            elif item.name in found and found[item.name] is not item:
                self.problems.append(
                    Problem(
                        "WEFT-D476",
                        f'Two {kind.what}s are named "{item.name}".',
                        facts={"declared in": f"{found[item.name].declared_at or '?'}\n{item.declared_at or '?'}"},
                        fix="rename one of them",
                    )
                )
            else:
                found[item.name] = item
        return found

    def check_jobs(self, jobs: Mapping[str, object]) -> None:
        """Note every job that is asked for by a name that nobody has."""
        for source in self:
            for name in source.job_names:
                if name not in jobs:
                    self.problems.append(
                        Problem(
                            "WEFT-D458",
                            f'{source.what} "{source.name}" is to run the job "{name}", which is not defined.',
                            facts={"declared in": source.declared_at or "?", "known jobs": some_of(jobs)},
                            fix=did_you_mean(name, jobs, f'add it: Definitions(jobs=[...]) with a job "{name}"'),
                        )
                    )

    def bind(self, repository: Any) -> None:
        """Give each schedule what only the definitions know."""
        for name, schedule in self.schedules.items():
            try:
                self.schedules[name] = schedule.bound_to(repository)
            except DefinitionError as error:
                self.problems.extend(error.problems)
