"""An instance for a test is durable, found as the instance of the process, and gone after it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from weft import Instance, asset, instance_for_test, materialize
from weft.errors import ConfigError


@asset
def orders() -> int:
    return 3


def test_runs_are_recorded_and_the_folder_is_removed() -> None:
    with instance_for_test() as instance:
        assert Instance.get() is instance
        home = Path(os.environ["WEFT_HOME"])
        run_id = materialize([orders], instance=instance).run_id
        assert instance.has_run(run_id)
    assert not home.exists()
    assert os.environ.get("WEFT_HOME") != str(home)


def test_a_folder_that_was_given_stays(tmp_path: Path) -> None:
    with instance_for_test(temp_dir=str(tmp_path)) as instance:
        run_id = materialize([orders], instance=instance).run_id
    with instance_for_test(temp_dir=tmp_path, set_home=False) as instance:
        assert instance.has_run(run_id)


@pytest.mark.parametrize(
    "overrides", [{"queue": {"max_concurrent_runs": 3}}, {"run_queue": {"max_concurrent_runs": 3}}]
)
def test_settings_hold_for_the_instance_and_for_processes_that_the_test_starts(overrides: dict[str, Any]) -> None:
    with instance_for_test(overrides) as instance:
        assert instance.settings.queue.max_concurrent_runs == 3
        code = "from weft import Instance; print(Instance.get().settings.queue.max_concurrent_runs)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "3\n"


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="no setting"), instance_for_test({"run_launch": {}}):
        pass
