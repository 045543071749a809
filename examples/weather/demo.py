"""The demo: makes every asset of the project on a persistent instance, and shows what came of it.

Run it with ``make demo`` in the folder of weft, or with any Python that has weft and the dependencies of this project.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("WEFT_HOME", str(HERE / ".weft"))

from weather.definitions import OUTPUT, defs
from weather.raw import MONTHS

from weft import AssetCheckSeverity, AssetKey, ExecuteInProcessResult, Instance


def main() -> int:
    """Make everything; 0 where all runs succeeded."""
    started = time.perf_counter()
    with Instance.get() as instance:
        results = make_everything(instance)
        seconds = time.perf_counter() - started
        show_assets(instance)
        show_checks(results)
        show_steps(results)
        show_places(instance, results, seconds)
    return 0 if all(result.success for result in results) else 1


def make_everything(instance: Instance) -> list[ExecuteInProcessResult]:
    """One run for each month of weather, one for all that is not partitioned, one for the job of ops."""
    months = list(MONTHS.get_partition_keys())
    print(f"Making {len(months)} months of weather, one run each ", end="", flush=True)
    weather = defs.get_job_def("monthly_weather")
    results = []
    for number, month in enumerate(months):
        results.append(weather.execute_in_process(instance=instance, partition_key=month, raise_on_error=False))
        if number % 12 == 11:
            print(f"{month[:4]} ", end="", flush=True)
    print("\nMaking everything else\n")
    results.extend(
        defs.get_job_def(name).execute_in_process(instance=instance, raise_on_error=False)
        for name in ("everything_else", "airport_fact_sheet")
    )
    return results


def show_assets(instance: Instance) -> None:
    """A line for each asset: its group, how many rows it has, how often it was made."""
    print(f"{'asset':<30} {'group':<10} {'rows':>7}  {'partitions':>10}")
    for node in defs.get_asset_graph():
        state = instance.assets.get(node.key)
        if node.is_external or state is None:
            continue
        made = sum(instance.assets.partition_counts(node.key).values())
        rows = row_count(instance, node.key)
        print(
            f"{node.key.to_user_string():<30} {node.group_name:<10} "
            f"{'' if rows is None else rows:>7}  {made if node.partitions is not None else '':>10}"
        )


def row_count(instance: Instance, key: AssetKey) -> int | None:
    """The rows of the latest materialisation; of all partitions together where there are some."""
    events = instance.events.of_asset(key, types=["ASSET_MATERIALIZATION"], limit=1000)
    latest: dict[str | None, int] = {}
    for stored in events:  # newest first
        counted = stored.event.body.metadata.get("weft/row_count")
        if counted is not None:
            latest.setdefault(stored.event.partition, counted.value)
    return sum(latest.values()) if latest else None


def show_checks(results: list[ExecuteInProcessResult]) -> None:
    """A line for each check, over all runs."""
    answers: dict[str, list[bool]] = {}
    warns: set[str] = set()
    for result in results:
        for evaluation in result.get_asset_check_evaluations():
            name = evaluation.check_key.to_user_string()
            answers.setdefault(name, []).append(evaluation.passed)
            if evaluation.severity is AssetCheckSeverity.WARN:
                warns.add(name)
    print(f"\n{'check':<50} {'passed':>7}")
    for name, passed in answers.items():
        mark = "" if all(passed) else ("  warns" if name in warns else "  FAILED")
        print(f"{name:<50} {sum(passed):>3}/{len(passed):<3}{mark}")


def show_steps(results: list[ExecuteInProcessResult]) -> None:
    """The mean wall time of each step, in milliseconds."""
    seconds: dict[str, list[float]] = {}
    for result in results:
        starts = {event.step_key: event.time for event in result.all_events if event.type == "STEP_START"}
        for event in result.get_step_success_events():
            assert event.step_key is not None
            seconds.setdefault(event.step_key, []).append(event.time - starts[event.step_key])
    print(f"\n{'step':<50} {'ms':>7}")
    for step_key, durations in seconds.items():
        print(f"{step_key:<50} {1000 * sum(durations) / len(durations):>7.1f}")


def show_places(instance: Instance, results: list[ExecuteInProcessResult], seconds: float) -> None:
    """Where everything is, and what to do next."""
    last = results[-2].run_id
    failed = [result.run_id for result in results if not result.success]
    print(f"\n{len(results)} runs in {seconds:.1f} s, {len(failed)} failed{': ' if failed else ''}{', '.join(failed)}")
    print(f"outputs    {OUTPUT}")
    print(f"plot       {OUTPUT / 'rain.png'}")
    print(f"database   {OUTPUT / 'warehouse.duckdb'}")
    print(f"instance   {instance.home} (runs, events, captured output)")
    print("\nTo look further:")
    print(f"  cd {os.path.relpath(HERE)}")
    weft = os.path.relpath(Path(sys.executable).parent / "weft", HERE)
    for command in (
        "run list",
        f"run show {last}",
        "asset list",
        "asset show marts/weather_by_year",
        "asset materialize --select cleaned/weather --partition 2015-12-01",
    ):
        print(f"  {weft} {command}")


if __name__ == "__main__":
    sys.exit(main())
