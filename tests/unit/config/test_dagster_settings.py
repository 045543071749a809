"""A ``dagster.yaml``: what becomes of each of its settings. None is passed over in silence."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from weft.config.dagster_settings import _SECTIONS
from weft.config.instance_file import FoundSettings, find_settings
from weft.config.instance_settings import TagLimitSettings
from weft.errors import ConfigError


def read(tmp_path: Path, text: str, **environ: str) -> FoundSettings:
    (tmp_path / "dagster.yaml").write_text(textwrap.dedent(text), "utf-8")
    return find_settings(tmp_path, environ)


def refused(tmp_path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    return caught.value


# Of the years in which such files were written: everything at once.
WHOLE = """
    storage:
      postgres:
        postgres_db:
          username: {env: PG_USER}
          password: {env: PG_PASSWORD}
          hostname: db.example.com
          db_name: shop
          port: 5433
          params: {sslmode: require}
        should_autocreate_tables: true
    run_coordinator:
      module: dagster.core.run_coordinator
      class: QueuedRunCoordinator
      config:
        max_concurrent_runs: 7
        tag_concurrency_limits:
          - {key: team, value: sales, limit: 2}
          - key: tenant
            value: {applyLimitPerUniqueValue: true}
            limit: 1
          - {key: heavy, limit: 3}
        dequeue_interval_seconds: 2
        dequeue_use_threads: true
        max_user_code_failure_retries: 4
        block_op_concurrency_limited_runs: {enabled: true, op_concurrency_slot_buffer: 2}
    run_launcher: {module: dagster, class: DefaultRunLauncher}
    concurrency:
      pools: {default_limit: 3, granularity: run}
    run_monitoring:
      enabled: true
      start_timeout_seconds: 60
      cancel_timeout_seconds: 30
      max_runtime_seconds: 0
      max_resume_run_attempts: 2
      poll_interval_seconds: 10
    run_retries: {enabled: true, max_retries: 3, retry_on_asset_or_op_failure: false}
    compute_logs:
      module: dagster.core.storage.local_compute_log_manager
      class: LocalComputeLogManager
      config: {base_dir: logs}
    scheduler: {module: dagster.core.scheduler, class: DagsterDaemonScheduler, config: {max_catchup_runs: 5}}
    telemetry: {enabled: false}
    retention: {sensor: {purge_after_days: 7}}
    python_logs: {python_log_level: INFO, managed_python_loggers: [shop, root]}
"""


def test_a_whole_file_becomes_settings_of_ours(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE, PG_USER="ann@x", PG_PASSWORD="p/w")
    settings = found.settings

    assert settings.storage.url == "postgresql://ann%40x:p%2Fw@db.example.com:5433/shop?sslmode=require"
    assert settings.queue.max_concurrent_runs == 7
    assert settings.queue.tag_limits == (
        TagLimitSettings(key="team", value="sales", limit=2),
        TagLimitSettings(key="tenant", limit=1, per_value=True),
        TagLimitSettings(key="heavy", limit=3),
    )
    assert settings.queue.poll_seconds == 2
    assert settings.queue.max_launch_retries == 4
    assert (settings.pools.default_limit, settings.pools.granularity, settings.pools.buffer) == (3, "run", 2)
    assert settings.launcher.kind == "local"
    monitoring = settings.monitoring
    assert (monitoring.start_timeout_seconds, monitoring.cancel_grace_seconds, monitoring.poll_seconds) == (60, 30, 10)
    assert (monitoring.max_runtime_seconds, monitoring.max_resume_attempts) == (None, 2)
    assert (settings.retries.max_retries, settings.retries.on_step_failure) == (3, False)
    assert settings.logs.folder == str(tmp_path / "logs")
    assert (settings.logs.level, settings.logs.managed_loggers) == ("INFO", ("shop", "root"))
    shown = {one.path: one for one in found.shown()}
    assert shown["queue.max_concurrent_runs"].origin == "dagster.yaml:16"
    assert "p%2Fw" not in shown["storage.url"].value


def test_every_setting_is_noted_as_taken_over_or_passed_over_with_a_reason(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE, PG_USER="a", PG_PASSWORD="b")

    becomes = {note.path: note.becomes for note in found.notes}
    assert becomes["run_coordinator.config.max_concurrent_runs"] == "queue.max_concurrent_runs"
    assert becomes["run_coordinator.config.dequeue_use_threads"] is None
    assert becomes["telemetry"] is None
    assert all(note.becomes or note.why for note in found.notes)
    tops = {note.path.partition(".")[0] for note in found.notes}
    assert tops == {
        line.strip().partition(":")[0] for line in WHOLE.splitlines() if line[:4].isspace() and line[4:5].isalpha()
    }


def test_every_section_of_the_format_is_known(tmp_path: Path) -> None:
    named = """storage run_storage event_log_storage schedule_storage local_artifact_storage compute_logs scheduler run_coordinator run_queue run_launcher
        concurrency run_monitoring run_retries code_servers secrets defs_state_storage retention backfills sensors schedules auto_materialize freshness python_logs
        telemetry nux instance_class"""
    assert set(named.split()) == _SECTIONS.keys()


@pytest.mark.parametrize(("name", "kind"), [("DefaultRunLauncher", "local"), ("SyncInMemoryRunLauncher", "in_process")])
def test_known_launchers_are_kinds_of_ours(name: str, kind: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"run_launcher: {{module: dagster, class: {name}, config: {{env_vars: [A]}}}}")

    assert found.settings.launcher.kind == kind
    assert [note.path for note in found.notes if note.becomes is None] == ["run_launcher.config"]


def test_negative_limits_are_no_limits(tmp_path: Path) -> None:
    assert read(tmp_path, "run_queue: {max_concurrent_runs: -1}").settings.queue.max_concurrent_runs is None
    assert read(tmp_path, "run_queue: {max_concurrent_runs: 0}").settings.queue.max_concurrent_runs == 0


def test_retries_that_are_not_enabled_are_off(tmp_path: Path) -> None:
    assert read(tmp_path, "run_retries: {max_retries: 3}").settings.retries.max_retries == 0


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("storage: {sqlite: {base_dir: data}}", "{folder}/data"),
        ("storage: {sqlite: {base_dir: /srv/data}}", "/srv/data"),
        ("storage: {postgres: {postgres_url: postgresql://h/d}}", "postgresql://h/d"),
        ("storage: {mysql: {mysql_db: {username: a, password: b, hostname: h, db_name: d}}}", "mysql://a:b@h/d"),
        (
            "run_storage: {module: dagster_postgres.run_storage, class: PostgresRunStorage, config: {postgres_url: postgresql://h/d}}",
            "postgresql://h/d",
        ),
        ("run_storage: {module: dagster, class: SqliteRunStorage, config: {base_dir: x}}", None),
    ],
)
def test_storages_become_an_address(text: str, url: str | None, tmp_path: Path) -> None:
    expected = None if url is None else url.format(folder=tmp_path)
    assert read(tmp_path, text).settings.storage.url == expected


def test_classes_of_ones_own_are_taken_where_there_is_a_port(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
        storage: {custom: {module: shop.storage, class: Own, config: {a: 1}}}
        run_launcher: {module: shop.launch, class: Rockets, config: {pad: 39}}
        compute_logs: {module: shop.logs, class: Tape}
        """,
    ).settings

    assert (settings.storage.custom, settings.storage.config) == ("shop.storage:Own", {"a": 1})
    assert (settings.launcher.kind, settings.launcher.target) == ("custom", "shop.launch:Rockets")
    assert settings.launcher.config == {"pad": 39}
    assert settings.logs.custom == "shop.logs:Tape"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("run_que: {}", "WEFT-C153", 'did you mean "run_queue"'),
        ("run_queue: {max_runs: 3}", "WEFT-C153", ""),
        ("run_monitoring: {start_timeout: 3}", "WEFT-C153", 'did you mean "start_timeout_seconds"'),
        ("run_queue: {max_concurrent_runs: many}", "WEFT-C154", "a whole number"),
        ("run_queue: {tag_concurrency_limits: {a: 1}}", "WEFT-C154", "a list of limits"),
        ("run_queue: {tag_concurrency_limits: [{key: a}]}", "WEFT-C154", "limit is needed here"),
        ("storage: {postgres: {postgres_db: {username: a}}}", "WEFT-C154", "hostname and db_name"),
        ("storage: {postgres: {auth_provider: {gcp_wif: {}}}}", "WEFT-C161", "a user with a password"),
        ("storage: {oracle: {}}", "WEFT-C153", "remove it"),
        ("run_launcher: {module: dagster_k8s, class: K8sRunLauncher}", "WEFT-C161", "DefaultRunLauncher"),
        ("run_coordinator: {module: shop, class: Own}", "WEFT-C161", "the queue of weft"),
        ("run_launcher: {class: Own}", "WEFT-C154", "module is missing"),
        ("instance_class: {module: a, class: B}", "WEFT-C161", "leave it out"),
        ("scheduler: {module: shop, class: Own}", "WEFT-C161", "daemon"),
        ("run_queue: [1]", "WEFT-C152", "name: value"),
        (
            "run_queue: {max_concurrent_runs: 3}\nconcurrency: {runs: {max_concurrent_runs: 4}}",
            "WEFT-C157",
            "keep one",
        ),
        (
            "run_queue: {max_concurrent_runs: 3}\nrun_coordinator: {module: dagster, class: DefaultRunCoordinator}",
            "WEFT-C157",
            "keep one",
        ),
    ],
)
def test_what_cannot_be_understood_is_an_error(text: str, code: str, says: str, tmp_path: Path) -> None:
    error = refused(tmp_path, text)

    assert error.code == code, str(error)
    assert says in (error.fix or "")
    assert "dagster.yaml:" in str(error)


def test_a_file_of_ours_is_read_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "weft.yaml").write_text("queue: {max_concurrent_runs: 2}\n")
    found = read(tmp_path, "run_queue: {max_concurrent_runs: 3}")

    assert found.settings.queue.max_concurrent_runs == 2
    assert found.passed_over == tmp_path / "dagster.yaml"
