"""Settings from ``weft.yaml``: what holds, where it came from, and every mistake with its line."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from weft.config.instance_file import duration_in_seconds, find_settings, read_settings, without_password
from weft.config.instance_settings import InstanceSettings, TagLimitSettings
from weft.errors import ConfigError


def read(tmp_path: Path, text: str, **environ: str) -> InstanceSettings:
    (tmp_path / "weft.yaml").write_text(textwrap.dedent(text), "utf-8")
    return find_settings(tmp_path, environ).settings


def refused(tmp_path: Path, text: str, **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, **environ)
    return caught.value


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    found = find_settings(tmp_path / "nothing_here", {})

    assert found.settings == InstanceSettings()
    assert found.file is None
    assert {shown.origin for shown in found.shown()} == {"default"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "queue:\n", "queue: {}\n"])
def test_a_file_may_say_nothing(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, text) == InstanceSettings()


def test_settings_are_read_by_section(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
        queue:
          max_concurrent_runs: 4
          tag_limits:
            - key: team
              limit: 2
              per_value: true
            - {key: kind, value: 7, limit: 0}
        pools: {default_limit: 1, granularity: run}
        retries: {strategy: all_steps}
        monitoring:
          max_runtime: 2h
        storage:
          config: {}
        """,
    )

    assert settings.queue.max_concurrent_runs == 4
    assert settings.queue.tag_limits == (
        TagLimitSettings(key="team", limit=2, per_value=True),
        TagLimitSettings(key="kind", value="7", limit=0),
    )
    assert (settings.pools.default_limit, settings.pools.granularity) == (1, "run")
    assert settings.retries.strategy == "ALL_STEPS"
    assert settings.monitoring.max_runtime_seconds == 7200


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5", 5),
        ("2.5", 2.5),
        ("1h 30m", 5400),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("2 d", 172800),
        ("'30s'", 30),
    ],
)
def test_a_time_is_a_number_of_its_unit_or_a_text(text: str, seconds: float, tmp_path: Path) -> None:
    assert read(tmp_path, f"launcher: {{idle_seconds: {text}}}").launcher.idle_seconds == seconds
    assert read(tmp_path, f"launcher: {{idle: {text}}}").launcher.idle_seconds == seconds


def test_an_age_in_days_may_be_a_text_as_well(tmp_path: Path) -> None:
    settings = read(tmp_path, "retention: {events_days: 30, logs: 2w, runs: none}")

    assert (settings.retention.events_days, settings.retention.logs_days, settings.retention.runs_days) == (
        30,
        14,
        None,
    )


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.sampled_from(["ms", "s", "m", "h", "d", "w"])), min_size=1, max_size=4)
)
def test_the_parts_of_a_duration_add_up(parts: list[tuple[int, str]]) -> None:
    each = [duration_in_seconds(f"{number}{unit}") for number, unit in parts]
    whole = duration_in_seconds(" ".join(f"{number}{unit}" for number, unit in parts))

    assert whole == pytest.approx(sum(one for one in each if one is not None))


@given(st.text(alphabet="0123456789smhd .x-"))
def test_what_is_no_duration_is_none_and_what_is_one_is_not_negative(text: str) -> None:
    found = duration_in_seconds(text)

    assert found is None or found >= 0


def test_values_come_from_environment_variables(tmp_path: Path) -> None:
    text = """
        storage: {url: {env: DB}}
        queue: {max_concurrent_runs: {env: MOST}, poll: {env: POLL, default: 9s}}
        pools: {default_limit: {env: LIMIT}}
        logs: {capture: {env: CAPTURE}}
    """
    settings = read(tmp_path, text, DB="postgresql://h/d", MOST="3", LIMIT="none", CAPTURE="no")

    assert settings.storage.url == "postgresql://h/d"
    assert settings.queue.max_concurrent_runs == 3
    assert settings.queue.poll_seconds == 9
    assert settings.pools.default_limit is None
    assert settings.logs.capture is False


def test_a_variable_that_is_not_set_is_an_error_with_its_line(tmp_path: Path) -> None:
    error = refused(tmp_path, "queue:\n  poll_seconds: {env: QUEUE_POL}\n", QUEUE_POLL="3")

    assert error.code == "WEFT-C155"
    assert error.facts == {"at": "weft.yaml:2", "similar": "QUEUE_POLL"}


@pytest.mark.parametrize(
    ("text", "code", "at", "says"),
    [
        ("queue:\n  max_concurent_runs: 4\n", "WEFT-C153", "weft.yaml:2", 'did you mean "max_concurrent_runs"'),
        ("que: {}\n", "WEFT-C153", "weft.yaml:1", 'did you mean "queue"'),
        ("queue:\n\n  tag_limits:\n    - {key: a, limt: 3}\n", "WEFT-C153", "weft.yaml:4", 'did you mean "limit"'),
        ("queue: [1]\n", "WEFT-C152", "weft.yaml:1", "name: value"),
        ("- queue\n", "WEFT-C152", "weft.yaml:1", "name: value"),
        ("queue:\n  max_concurrent_runs: many\n", "WEFT-C154", "weft.yaml:2", "a whole number, 0 or more, or none"),
        ("queue: {max_concurrent_runs: 1.5}\n", "WEFT-C154", "weft.yaml:1", "a whole number, 0 or more, or none"),
        ("queue: {max_concurrent_runs: -1}\n", "WEFT-C154", "weft.yaml:1", "a whole number, 0 or more, or none"),
        ("queue: {max_concurrent_runs: true}\n", "WEFT-C154", "weft.yaml:1", "a whole number, 0 or more, or none"),
        ("queue: {poll_seconds: 0}\n", "WEFT-C154", "weft.yaml:1", "a time such as 30s, 5m or 2h"),
        ("queue: {poll_seconds: soon}\n", "WEFT-C154", "weft.yaml:1", "a time such as 30s, 5m or 2h"),
        ("queue: {poll_seconds: .nan}\n", "WEFT-C154", "weft.yaml:1", "a time such as 30s, 5m or 2h"),
        ("queue: {tag_limits: team}\n", "WEFT-C154", "weft.yaml:1", "a list"),
        ("queue: {tag_limits: [{key: a}]}\n", "WEFT-C154", "weft.yaml:1", "limit is needed here"),
        ("queue: {tag_limits: [3]}\n", "WEFT-C152", "weft.yaml:1", "name: value"),
        ("pools: {granularity: asset}\n", "WEFT-C154", "weft.yaml:1", "op or run"),
        ("logs: {capture: maybe}\n", "WEFT-C154", "weft.yaml:1", "true or false"),
        ("logs: {folder: [a]}\n", "WEFT-C154", "weft.yaml:1", "a text, or none"),
        ("logs: {config: 3}\n", "WEFT-C154", "weft.yaml:1", "a mapping of arguments"),
        ("queue: {a: 1, a: 2}\n", "WEFT-C156", "weft.yaml:1", "keep one"),
        ("queue: {\n", "WEFT-C151", "weft.yaml:2", "correct the line"),
        ("queue: !!python/object:os.system {}\n", "WEFT-C153", "weft.yaml:1", ""),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, code: str, at: str, says: str, tmp_path: Path) -> None:
    error = refused(tmp_path, text)

    if "!!python" in text:  # nothing is made of it, whatever it says
        return
    assert error.code == code, str(error)
    assert error.facts["at"] == at
    assert says in (error.fix or "")


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    error = refused(tmp_path, "queue: {poll: no, colour: red}\npols: {}\nlogs: {capture: 7}\n")

    assert [problem.code for problem in error.problems] == ["WEFT-C154", "WEFT-C153", "WEFT-C153", "WEFT-C154"]


def test_what_a_variable_holds_is_not_shown_in_an_error(tmp_path: Path) -> None:
    error = refused(tmp_path, "queue: {poll: {env: PASSWORD}}\n", PASSWORD="hunter2")

    assert "hunter2" not in str(error)
    assert "$PASSWORD (weft.yaml:1)" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "monitoring: {lease: 2s, heartbeat: 2s}\n",
        "storage: {url: postgresql://h/d, custom: a:B}\n",
        "launcher: {kind: custom}\n",
    ],
)
def test_settings_that_contradict_each_other_are_refused(text: str, tmp_path: Path) -> None:
    assert refused(tmp_path, text).code == "WEFT-C157"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "weft.yaml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="cannot be read") as caught:
        find_settings(tmp_path, {})
    assert caught.value.code == "WEFT-C150"


def test_a_file_cannot_ask_for_more_than_a_file_may_hold(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert refused(tmp_path, "\n".join(lines)).code == "WEFT-C160"


# --- where files stand -----------------------------------------------------------------------------------------------


def test_the_file_of_a_project_may_stand_beside_its_home(tmp_path: Path) -> None:
    home = tmp_path / ".weft"
    (tmp_path / "weft.yaml").write_text("queue: {max_concurrent_runs: 2}\n")
    assert find_settings(home, {}).settings.queue.max_concurrent_runs == 2

    home.mkdir()
    (home / "weft.yaml").write_text("queue: {max_concurrent_runs: 3}\n")
    found = find_settings(home, {})
    assert found.settings.queue.max_concurrent_runs == 3
    assert found.passed_over == tmp_path / "weft.yaml"


def test_a_file_beside_any_other_folder_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "weft.yaml").write_text("queue: {max_concurrent_runs: 2}\n")

    assert find_settings(tmp_path / "home", {}).file is None


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_every_setting_is_shown_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / "weft.yaml").write_text("queue:\n  poll: 3s\n  max_concurrent_runs: {env: MOST}\n")
    shown = {one.path: one for one in find_settings(tmp_path, {"MOST": "4"}).shown()}

    assert (shown["queue.poll_seconds"].value, shown["queue.poll_seconds"].origin) == (3, "weft.yaml:2")
    assert shown["queue.max_concurrent_runs"].origin == "$MOST (weft.yaml:3)"
    assert shown["queue.fair_share"].origin == "default"
    expected = {
        f"{section}.{name}" for section, inner in msgspec.to_builtins(InstanceSettings()).items() for name in inner
    }
    assert shown.keys() == expected


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "weft.yaml").write_text(
        textwrap.dedent("""\
        storage:
          custom: shop.storage:Own
          config:
            url: https://ann:hunter2@example.com/x?sslpassword=hunter2&a=1
            api_key: hunter2
            region: {env: REGION}
            nested: [{password: hunter2}, {name: open}]
        """)
    )
    [shown] = [one for one in find_settings(tmp_path, {"REGION": "hunter2"}).shown() if one.path == "storage.config"]

    assert shown.value == {
        "url": "https://ann:(hidden)@example.com/x?sslpassword=(hidden)&a=1",
        "api_key": "(hidden)",
        "region": "(hidden)",
        "nested": [{"password": "(hidden)"}, {"name": "open"}],
    }


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1), st.text(alphabet="abc:!#", min_size=8))
def test_no_password_is_left_in_an_address(user: str, password: str) -> None:
    assert password not in without_password(f"postgresql://{user}:{password}@host:5432/db")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "queue": st.fixed_dictionaries({}, optional={"max_concurrent_runs": st.integers(0, 99) | st.none()}),
            "retention": st.fixed_dictionaries({}, optional={"runs_days": st.floats(0.1, 1000) | st.none()}),
            "logs": st.fixed_dictionaries({}, optional={"folder": st.text(min_size=1), "capture": st.booleans()}),
        },
    )
)
def test_what_is_written_is_what_holds(given: dict[str, Any]) -> None:
    import tempfile

    import yaml

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weft.yaml"
        path.write_text(yaml.safe_dump(given), "utf-8")
        settings = read_settings(path, {}).settings

    for section, values in given.items():
        for name, value in values.items():
            is_none = isinstance(value, str) and value.lower() in ("none", "null")
            assert getattr(getattr(settings, section), name) == (None if is_none else value)
