from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import pandas
import polars
import pytest
from tests.conformance.io_managers.building import asset_input, asset_output, op_input, op_output
from upath import UPath

from weft import Instance, asset, materialize
from weft.config.env import EnvVar
from weft.definitions.value_type import value_type
from weft.errors import IOManagerError
from weft.execution.io_contexts import InputContext
from weft.execution.io_managers.filesystem import FilesystemIOManager, find_unpicklable
from weft.execution.io_managers.places import place_of
from weft.model.metadata import MetadataValue


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_values_are_files_that_anybody_can_read(tmp_path: Path) -> None:
    manager = FilesystemIOManager(str(tmp_path / "made"))
    output = asset_output("shop", "orders", partitions=["2024-01-01"])
    manager.handle_output(output, {"rows": 3})
    path = tmp_path / "made" / "shop" / "orders" / "2024-01-01.json"
    assert json.loads(path.read_bytes()) == {"rows": 3}
    assert output.output_metadata == {"path": MetadataValue.path(str(path))}
    assert manager.get_path(output, "2024-01-01") == path
    assert manager.base_dir == str(tmp_path / "made")


def test_outputs_of_ops_stand_by_run_and_step(tmp_path: Path) -> None:
    FilesystemIOManager(tmp_path).handle_output(op_output(run_id="0198f-1"), 1)
    assert files(tmp_path) == ["0198f-1/load~result.json"]


def test_the_folder_may_be_named_by_an_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = FilesystemIOManager(EnvVar("WEFT_TEST_FOLDER"))
    monkeypatch.delenv("WEFT_TEST_FOLDER", raising=False)
    with pytest.raises(IOManagerError, match="WEFT_TEST_FOLDER is not set") as caught:
        manager.handle_output(asset_output("a"), 1)
    assert caught.value.code == "WEFT-X036"
    monkeypatch.setenv("WEFT_TEST_FOLDER", str(tmp_path))
    manager.handle_output(asset_output("a"), 1)
    assert files(tmp_path) == ["a.json"]


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path / "s")
    manager.handle_output(asset_output("a"), 1)
    (tmp_path / "s" / "a.json").unlink()
    (tmp_path / "s").rmdir()
    manager.handle_output(asset_output("a"), 2)
    assert manager.load_input(asset_input("a")) == 2


# --- writing ---------------------------------------------------------------------------------------------------------


class Interrupt(BaseException):
    pass


class Fails:
    """Raises when it is pickled."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [ValueError("no"), OSError("disk"), Interrupt(), MemoryError()])
def test_a_write_that_fails_leaves_the_old_value_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    manager = FilesystemIOManager(tmp_path)
    manager.handle_output(asset_output("a"), "old")
    with pytest.raises((type(error), IOManagerError)):
        manager.handle_output(asset_output("a"), ["x" * 1_000_000, Fails(error)])
    assert manager.load_input(asset_input("a")) == "old"
    assert files(tmp_path) == ["a.txt"]


def test_a_killed_writer_leaves_the_old_value(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path)
    manager.handle_output(asset_output("a"), "old")
    script = """
import os, signal, sys
from tests.conformance.io_managers.building import asset_output
from weft.execution.io_managers.filesystem import FilesystemIOManager
class Kills:
    def __reduce__(self):
        os.kill(os.getpid(), signal.SIGKILL)
FilesystemIOManager(sys.argv[1]).handle_output(asset_output("a"), ["x" * 1_000_000, Kills()])
"""
    root = Path(__file__).parents[4]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=environment, check=False).returncode == -9
    assert manager.load_input(asset_input("a")) == "old"


def test_writers_of_one_value_do_not_meet(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path)
    values = [chr(ord("a") + number) * 100_000 for number in range(8)]
    manager.handle_output(asset_output("x"), values[0])
    stop = threading.Event()
    problems: list[str] = []

    def read() -> None:
        while not stop.is_set():
            if manager.load_input(asset_input("x")) not in values:
                problems.append("a mixture was read")

    def write(value: str) -> None:
        for _ in range(10):
            manager.handle_output(asset_output("x"), value)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(value,)) for value in values]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert problems == []
    assert files(tmp_path) == ["x.txt"]


def test_storing_and_loading_a_large_value_takes_little_memory_beside_it(tmp_path: Path) -> None:
    """Promise a19."""
    script = """
import resource, sys
from tests.conformance.io_managers.building import asset_input, asset_output
from weft.execution.io_managers.filesystem import FilesystemIOManager
value = [bytearray(64 << 20) for _ in range(4)]
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
FilesystemIOManager(sys.argv[1]).handle_output(asset_output("a"), value)
print(peak() - before)
del value
loaded = FilesystemIOManager(sys.argv[1]).load_input(asset_input("a"))
print(peak() - before)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    stored, loaded = map(int, done.stdout.split())
    assert stored < 80 and loaded < 140, "in MiB, for a value of 256"


# --- what cannot be pickled ------------------------------------------------------------------------------------------


class Connection:
    def __init__(self) -> None:
        self.lock = threading.Lock()


def test_a_value_that_cannot_be_pickled_is_named_with_what_is_to_blame(tmp_path: Path) -> None:
    value = {"fine": [1, 2], "rows": [0, Connection()]}
    with pytest.raises(IOManagerError) as caught:
        FilesystemIOManager(tmp_path).handle_output(asset_output("a"), value)
    error = caught.value
    assert error.code == "WEFT-X031"
    assert error.what == 'asset "a" cannot be pickled, so it cannot be stored.'
    assert error.facts["made by"] == 'output "result" of step "make"'
    assert error.facts["type"] == "dict"
    assert error.facts["because of"] == "value['rows'][1].lock, a _thread.lock"
    assert "io_manager_key" in (error.fix or "")
    assert isinstance(error.__cause__, TypeError)
    assert files(tmp_path) == []


def deep(levels: int) -> Any:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [lambda: 1, deep(100_000), (number for number in range(3)), Fails(KeyError("odd"))])
def test_whatever_goes_wrong_in_pickling_is_told_in_one_form(tmp_path: Path, value: Any) -> None:
    with pytest.raises(IOManagerError) as caught:
        FilesystemIOManager(tmp_path).handle_output(op_output(), value)
    assert caught.value.code == "WEFT-X031"


@pytest.mark.parametrize(
    ("value", "way"),
    [
        ([1, 2, [3, {"a": lambda: 1}]], "value[2][1]['a']"),
        ({"a", print, max}, None),
        ({threading.Lock()}, "value member <unlocked"),
        ({(1, threading.Lock()): 2}, "value key (1, <unlocked"),
        (Connection(), "value.lock"),
        (lambda: 1, None),
        (5, None),
    ],
)
def test_the_innermost_part_to_blame_is_found(value: Any, way: str | None) -> None:
    found = find_unpicklable(value)
    assert (found is None) if way is None else (found is not None and found[0].startswith(way))


# --- what cannot be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "EOFError"),
        (b"not a pickle", "UnpicklingError"),
        (pickle.dumps([1, 2, 3])[:-3], "UnpicklingError"),
        (b"cno_such_module\nThing\n.", "ModuleNotFoundError: No module named 'no_such_module'"),
        (b"cos\nno_such_thing\n.", "AttributeError"),
    ],
)
def test_a_file_that_cannot_be_read_says_which_and_why(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.pickle").write_bytes(content)
    with pytest.raises(IOManagerError) as caught:
        FilesystemIOManager(tmp_path).load_input(asset_input("a"))
    error = caught.value
    assert error.code == "WEFT-X033"
    assert error.facts["path"] == str(tmp_path / "a.pickle")
    assert reason in str(error.facts["reason"])
    assert error.facts["needed by"] == 'input "value" of step "use"'


def test_a_folder_in_the_place_of_a_file_is_unreadable_and_not_missing(tmp_path: Path) -> None:
    (tmp_path / "a.pickle").mkdir()
    with pytest.raises(IOManagerError, match="cannot be read"):
        FilesystemIOManager(tmp_path).load_input(asset_input("a"))


def test_a_file_where_a_folder_is_needed_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("of another program")
    with pytest.raises(IOManagerError) as caught:
        FilesystemIOManager(tmp_path).handle_output(asset_output("shop", "orders"), 1)
    assert caught.value.code == "WEFT-X035"
    assert (tmp_path / "shop").read_text() == "of another program"


def test_loading_the_module_loads_nothing_heavy() -> None:
    script = """
import sys, weft.execution.io_managers.filesystem
print({"asyncio", "fsspec", "upath", "pydantic", "dataclasses", "pandas", "polars", "pyarrow", "tempfile"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_values_of_one_process_are_loaded_in_another(tmp_path: Path) -> None:
    output = op_output()
    FilesystemIOManager(tmp_path).handle_output(output, {"a": 1})
    assert FilesystemIOManager(tmp_path).load_input(op_input(output)) == {"a": 1}


# --- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["local", "memory"])
def test_a_value_in_another_form_takes_the_place_of_the_old_one(tmp_path: Path, base: str) -> None:
    manager = FilesystemIOManager(tmp_path if base == "local" else f"memory://{uuid.uuid4().hex}/values")
    for output, given in ((asset_output("a"), asset_input("a")), (op_output(), op_input(op_output()))):
        for value in (1, "one", b"one", {1}, [1], polars.DataFrame({"a": [1]}), None):
            manager.handle_output(output, value)
            loaded = manager.load_input(given)
            assert loaded.equals(value) if isinstance(value, polars.DataFrame) else loaded == value
            found = [path.name for path in manager.path_at(place_of(output)).parent.iterdir() if path.is_file()]
            assert len(found) == 1, found


class _Executed:
    """Leaves a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def _fresh_folder(tmp_path: Path, base: str) -> Any:
    return UPath(base) / uuid.uuid4().hex if base else tmp_path


@pytest.mark.parametrize("base", ["", "memory://"])
def test_of_several_files_the_plainest_counts_whichever_is_newer(tmp_path: Path, base: str) -> None:
    folder = _fresh_folder(tmp_path, base)
    manager = FilesystemIOManager(folder)
    manager.handle_output(asset_output("a"), 1)
    (folder / "a.pickle").write_bytes(pickle.dumps(_Executed(tmp_path / "executed")))
    (folder / "a.txt").write_bytes(b"one")
    assert manager.load_input(asset_input("a")) == 1
    assert not (tmp_path / "executed").exists()
    manager.handle_output(asset_output("a"), "two")
    assert sorted(path.name for path in folder.iterdir() if path.name != "executed") == ["a.txt"]


@pytest.mark.parametrize("base", ["", "memory://"])
def test_pickles_can_be_forbidden(tmp_path: Path, base: str) -> None:
    folder = _fresh_folder(tmp_path, base)
    manager = FilesystemIOManager(folder, allow_pickle=False)
    manager.handle_output(asset_output("a"), [1])
    for value in ({1, 2}, "\ud800"):  # one that is pickled at once, and one that turns out to be no text of UTF-8
        with pytest.raises(IOManagerError, match="stores no pickles") as raised:
            manager.handle_output(asset_output("a"), value)
        assert raised.value.code == "WEFT-X175"
    assert manager.load_input(asset_input("a")) == [1]
    assert [path.name for path in folder.iterdir()] == ["a.json"]


@pytest.mark.parametrize(("asset", "file"), [("a", "a.pickle"), ("v1.2", "v1.2.pickle")])
def test_a_forbidden_pickle_is_not_loaded(tmp_path: Path, asset: str, file: str) -> None:
    (tmp_path / file).write_bytes(pickle.dumps(_Executed(tmp_path / "executed")))
    manager = FilesystemIOManager(tmp_path, allow_pickle=False)
    with pytest.raises(IOManagerError, match="loads no pickles") as raised:
        manager.load_input(asset_input(asset))
    assert raised.value.code == "WEFT-X176"
    with pytest.raises(IOManagerError, match="loads no pickles"):
        manager.load_from_path(asset_input(asset), tmp_path / file)
    assert not (tmp_path / "executed").exists()


def test_pickles_stay_forbidden_where_the_instance_gives_the_folder(tmp_path: Path) -> None:
    @asset
    def members() -> set[int]:
        return {1}

    with Instance.at(tmp_path / "home") as instance:
        resources = {"io_manager": FilesystemIOManager(allow_pickle=False)}
        result = materialize([members], instance=instance, resources=resources, raise_on_error=False)
    assert not result.success


@pytest.mark.parametrize("name", ["a", "a.pkl", "a.pickle.bak"])
def test_a_file_of_an_unknown_form_is_never_unpickled(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(_Executed(tmp_path / "executed")))
    with pytest.raises(IOManagerError, match="in which form") as raised:
        FilesystemIOManager(tmp_path).load_from_path(asset_input("a"), tmp_path / name)
    assert raised.value.code == "WEFT-X177"
    assert not (tmp_path / "executed").exists()


def test_the_folder_without_an_instance_goes_with_the_process() -> None:
    script = "from weft.execution.io_managers.filesystem import storage_folder; print(storage_folder(None))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "weft-values-" in done.stdout
    assert not Path(done.stdout.strip()).exists()


def test_pickles_of_earlier_releases_are_found_where_they_were_put(tmp_path: Path) -> None:
    for name in ("a.pickle", "v1.2.pickle"):
        (tmp_path / name).write_bytes(pickle.dumps([name]))
    manager = FilesystemIOManager(tmp_path)
    assert manager.load_input(asset_input("a")) == ["a.pickle"]
    assert manager.load_input(asset_input("v1.2")) == ["v1.2.pickle"]


def test_an_asset_named_like_a_file_is_no_folder_of_that_file(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path)
    names = ("a", "a.json", "a.txt", "a.pickle", "a.tar.gz", "a.json.json")
    for name in names:
        manager.handle_output(asset_output(name), name)
        manager.handle_output(asset_output(name, "below"), {"below": name})
    for name in names:
        assert manager.load_input(asset_input(name)) == name
        assert manager.load_input(asset_input(name, "below")) == {"below": name}


def test_a_remote_value_that_cannot_be_written_leaves_the_old_one() -> None:
    manager = FilesystemIOManager(f"memory://{uuid.uuid4().hex}/values")
    manager.handle_output(asset_output("a"), "old")
    with pytest.raises(IOManagerError):
        manager.handle_output(asset_output("a"), ["x" * 100_000, Fails(ValueError("no"))])
    assert manager.load_input(asset_input("a")) == "old"


# --- tables ----------------------------------------------------------------------------------------------------------


def typed_input(annotation: Any, partitions: list[str] | None = None, **more: Any) -> InputContext:
    given = asset_input("t", partitions=partitions, **more)
    given.value_type = value_type(annotation)
    return given


@pytest.mark.parametrize("base", ["local", "memory"])
def test_one_lazy_frame_stands_for_all_partitions_that_were_asked_for(tmp_path: Path, base: str) -> None:
    manager = FilesystemIOManager(tmp_path if base == "local" else f"memory://{uuid.uuid4().hex}/values")
    for key in ("a", "b", "c"):
        manager.handle_output(asset_output("t", partitions=[key]), polars.DataFrame({"key": [key], "n": [ord(key)]}))
    lazy = manager.load_input(typed_input(polars.LazyFrame, ["c", "a"]))
    assert isinstance(lazy, polars.LazyFrame)
    assert lazy.select("key").collect().rows() == [("c",), ("a",)]
    each = manager.load_input(typed_input(dict[str, polars.LazyFrame], ["a", "b"]))
    assert {key: frame.collect().rows() for key, frame in each.items()} == {"a": [("a", 97)], "b": [("b", 98)]}


def test_a_lazy_frame_reads_only_the_partitions_that_were_asked_for(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path)
    manager.handle_output(
        asset_output("t", partitions=["a", "c"]), {key: polars.DataFrame({"key": [key]}) for key in "ac"}
    )
    (tmp_path / "t" / "@b.parquet").write_text("no table at all")
    assert manager.load_input(typed_input(polars.LazyFrame, ["a", "c"])).collect().rows() == [("a",), ("c",)]


def test_missing_partitions_of_a_lazy_frame_are_named_or_left_out(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path)
    manager.handle_output(asset_output("t", partitions=["a"]), polars.DataFrame({"key": ["a"]}))
    with pytest.raises(IOManagerError, match='partition "b" of asset "t" is not stored'):
        manager.load_input(typed_input(polars.LazyFrame, ["a", "b"]))
    allowed = {"allow_missing_partitions": True}
    assert manager.load_input(typed_input(polars.LazyFrame, ["a", "b"], metadata=allowed)).collect().rows() == [("a",)]
    assert manager.load_input(typed_input(polars.LazyFrame, ["b", "c"], metadata=allowed)).collect().is_empty()


def test_a_table_that_was_pickled_is_converted_as_well(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"a": [1, 2]})
    (tmp_path / "t.pickle").write_bytes(pickle.dumps(frame))
    assert FilesystemIOManager(tmp_path).load_input(typed_input(polars.DataFrame)).rows() == [(1,), (2,)]


def test_a_frame_that_parquet_cannot_carry_is_pickled(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"a": [{1}, "x"]})
    FilesystemIOManager(tmp_path).handle_output(asset_output("t"), frame)
    assert files(tmp_path) == ["t.pickle"]
    pandas.testing.assert_frame_equal(FilesystemIOManager(tmp_path).load_input(asset_input("t")), frame)
