"""An instance for a test is durable, found as the instance of the process, and gone after it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from weft import Instance, asset, instance_for_test, materialize
from weft.errors import UsageError


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


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(UsageError), instance_for_test({"run_launcher": {}}):
        pass
