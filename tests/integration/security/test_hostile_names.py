"""Names from outside: none leads out of the instance's folder, none is taken for SQL, all are kept as they are or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft import AssetKey, Definitions, Instance, StorageError, asset, materialize
from weft.errors import UsageError, WeftError
from weft.execution.journal import FileJournal, journal_path
from weft.model.events import AssetMaterialized, Event
from weft.model.plan import RunPlan
from weft.model.run import Run, RunStatus
from weft.runs.delete import delete_run
from weft.runs.retry import RetryRequest, prepare_retry
from weft.storage.ports import RunFilter

PATHS = [
    "..",
    ".",
    "",
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\etc",
    "a/../../b",
    "a/b",
    "a\\b",
    "%2e%2e%2f",
    "a\0b",
    "a\nb",
    "a\n",
    "~root",
    "C:\\x",
    "\\\\host\\share",
    "*",
    "a*",
    "[a-z]",
    "-rf",
    "_a",
    "\u2024\u2024\u2215a",
    "\udcff",
    "a" * 65,
    "١٢٣",
]
SQL = [
    "'; DROP TABLE runs; --",
    '" OR 1=1 --',
    "%",
    "_",
    "a'b",
    'a"b',
    "a\\",
    "a;b",
    "a--b",
    "/*",
    "\N{GREEK SMALL LETTER ALPHA}\N{GRINNING FACE}",
    ":name",
    "?",
    "%(x)s",
    "{x}",
    "a\tb",
    "a b",
    "NULL",
]


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance.at(tmp_path / "home")


@pytest.mark.parametrize("name", PATHS)
def test_what_is_no_run_id_is_refused_everywhere(name: str, instance: Instance, tmp_path: Path) -> None:
    @asset
    def table() -> int:
        return 1

    (tmp_path / "kept").touch()
    with instance:
        for use in (
            lambda: instance.logs.read(name, "run", "stdout"),
            lambda: instance.logs.files(name),
            lambda: instance.logs.delete(name),
            lambda: instance.logs.open_capture(name, "run"),
            lambda: journal_path(tmp_path, name, 1),
            lambda: materialize([table], instance=instance, run_id=name),
            lambda: delete_run(name, instance, force=True),
            lambda: prepare_retry(name, RetryRequest(), Definitions([table]).resolve(), instance),
        ):
            with pytest.raises(UsageError) as refused:
                use()
            assert refused.value.code == "WEFT-U010"
        for use_key in (
            lambda: instance.logs.read("r1", name, "stdout"),
            lambda: instance.logs.open_capture("r1", name),
        ):
            if name == "a" * 65:
                continue
            with pytest.raises(StorageError) as refused_key:
                use_key()
            assert refused_key.value.code == "WEFT-T055"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "kept"]


@pytest.mark.parametrize("part", [*(part for part in PATHS if part and "\0" not in part and part != "\udcff"), *SQL])
def test_values_of_oddly_named_assets_stay_in_their_folder(part: str, instance: Instance, tmp_path: Path) -> None:
    try:
        key = AssetKey([part, "x"])
    except WeftError:
        return  # refused as a name, which is as good

    @asset(key=key)
    def table() -> int:
        return 1

    with instance:
        assert materialize([table], instance=instance).success
        assert instance.assets.get(key) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert {path.name for path in (tmp_path / "home").iterdir()} <= {"storage", "logs", "journals", "weft.db"}


def test_hostile_texts_are_stored_verbatim(instance: Instance) -> None:
    with instance:
        for number, text in enumerate(SQL):
            run_id = f"r{number}"
            key = AssetKey([text])
            run = Run(id=run_id, job_name=text, status=RunStatus.NOT_STARTED, created_at=1.0, tags={text: text})
            instance.runs.create(run, RunPlan(job_name=text, steps=()))
            body = AssetMaterialized(asset_key=key, partition=text)
            instance.events.append([Event(run_id=run_id, seq=1, time=1.0, body=body, step_key=text)])
            instance.keyvalue.set(text, text)
            instance.dynamic_partitions.add(text, [text])
        for number, text in enumerate(SQL):
            run_id = f"r{number}"
            for found in (RunFilter(job_name=text), RunFilter(tags={text: text})):
                assert [run.id for run in instance.runs.list(found).items] == [run_id]
            [event] = instance.events.of_asset(AssetKey([text]), partition=text)
            assert (event.event.step_key, event.event.partition) == (text, text)
            assert [stored.id for stored in instance.events.read(run_id, step_key=text)] == [event.id]
            assert instance.keyvalue.get(text) == text
        assert instance.runs.count() == len(SQL)


def test_a_link_in_the_place_of_a_journal_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    folder = tmp_path / "journals"
    folder.mkdir()
    journal_path(folder, "r1", 1).symlink_to(target)
    with pytest.raises(StorageError) as refused:
        FileJournal(folder, "r1")
    assert refused.value.code == "WEFT-T051"
    assert not target.exists()
