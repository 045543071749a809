"""Which storage an address means."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from weft.errors import StorageError
from weft.storage.memory import MemoryStorage
from weft.storage.opening import as_storage, open_storage


def refused(address: str) -> StorageError:
    with pytest.raises(StorageError) as caught:
        open_storage(address)
    return caught.value


def test_paths_and_addresses_of_sqlite_mean_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, address in enumerate((tmp_path / "0", str(tmp_path / "1"), f"sqlite:///{tmp_path}/2", "sqlite:///3")):
        storage = open_storage(address)
        assert storage.describe()["kind"] == "sqlite"
        storage.close()
        assert (tmp_path / str(number) / "weft.db").is_file()


def test_relative_paths_start_from_the_base_that_is_named(tmp_path: Path) -> None:
    for address in ("one", "sqlite:///two", str(tmp_path / "three")):
        open_storage(address, base=tmp_path / "home" if "three" not in address else tmp_path / "elsewhere").close()
    assert (tmp_path / "home" / "one" / "weft.db").is_file()
    assert (tmp_path / "home" / "two" / "weft.db").is_file()
    assert (tmp_path / "three" / "weft.db").is_file()


def test_memory_needs_no_place() -> None:
    storage = open_storage("memory://")
    assert isinstance(storage, MemoryStorage)
    storage.close()


@pytest.mark.parametrize(
    "address",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "oracle://somewhere/db",
        "mysql://somewhere",
        "mysql://somewhere/db?charset=latin1",
        "postgresql://somewhere:port/db",
        "://",
    ],
)
def test_an_address_that_means_nothing_is_refused_for_good(address: str) -> None:
    error = refused(address)
    assert (error.code, error.may_pass) == ("WEFT-T062", False)
    assert "postgresql://user:password@host/database" in str(error)


@pytest.mark.parametrize(
    ("address", "module", "extra"),
    [
        ("postgresql://h/d", "psycopg", "postgres"),
        ("mysql://h/d", "pymysql", "mysql"),
        ("mariadb://h/d", "pymysql", "mysql"),
    ],
)
def test_a_driver_that_is_not_installed_is_named_with_its_extra(address: str, module: str, extra: str) -> None:
    program = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from weft.errors import StorageError
from weft.storage.opening import open_storage
try:
    open_storage({address!r})
except StorageError as error:
    print(error.code, error.may_pass, error.fix)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == f'WEFT-T067 False pip install "weft[{extra}]"\n'


def test_opening_a_file_loads_no_driver_of_a_server(tmp_path: Path) -> None:
    program = f"""
import sys
from weft.storage.opening import open_storage
open_storage({str(tmp_path)!r}).close()
print([name for name in sys.modules if name.partition(".")[0] in ("psycopg", "pymysql", "alembic")])
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_an_object_with_all_ports_is_a_storage() -> None:
    made = MemoryStorage()
    assert as_storage(made, named="shop:Own") is made
    made.close()


def test_an_object_that_lacks_ports_is_named_with_what_it_lacks() -> None:
    class Half:
        runs = events = None

    with pytest.raises(StorageError, match="shop:Half") as caught:
        as_storage(Half(), named="shop:Half")
    assert caught.value.code == "WEFT-T068"
    assert "history" in str(caught.value.facts["reason"])
    assert "runs" not in str(caught.value.facts["reason"])
