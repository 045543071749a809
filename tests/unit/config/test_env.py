"""References to environment variables show their name, never a value, and cannot pass for one."""

from __future__ import annotations

import os
import pickle

import pytest

from weft.config.data import config_data
from weft.config.env import EnvVar, IntEnvVar, env_name_in, holds_env_var, is_env_var
from weft.config.schema import IntSource, StringSource
from weft.config.validation import validate
from weft.errors import ConfigError, DefinitionError, InvocationError


def test_a_reference_is_a_str_that_shows_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "s3cret")
    reference = EnvVar("DB_PASSWORD")
    assert isinstance(reference, str)
    assert repr(reference) == str(reference) == f"{reference}" == "EnvVar('DB_PASSWORD')"
    assert reference.env_var_name == "DB_PASSWORD"


def test_an_int_reference_is_an_int_that_shows_its_name() -> None:
    reference = EnvVar.int("PORT")
    assert isinstance(reference, int)
    assert repr(reference) == str(reference) == f"{reference}" == "EnvVar.int('PORT')"


def test_the_value_is_read_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "db")
    monkeypatch.setenv("PORT", "5432")
    monkeypatch.delenv("OTHER", raising=False)
    assert EnvVar("HOST").get_value() == "db"
    assert EnvVar.int("PORT").get_value() == 5432
    assert EnvVar("OTHER").get_value() is None
    assert EnvVar("OTHER").get_value("x") == "x"
    assert EnvVar.int("OTHER").get_value(7) == 7


def test_a_text_that_is_no_number_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "s3cret")
    with pytest.raises(ConfigError) as caught:
        EnvVar.int("PORT").get_value()
    assert "s3cret" not in str(caught.value)


def test_an_int_reference_does_not_count_as_a_number() -> None:
    with pytest.raises(InvocationError):
        int(EnvVar.int("PORT"))


def test_references_are_equal_only_to_references_of_the_same_variable() -> None:
    assert EnvVar("A") == EnvVar("A") != EnvVar("B")
    assert EnvVar("A") != "A"
    assert EnvVar.int("A") == EnvVar.int("A") != EnvVar.int("B")
    assert EnvVar.int("A") != 0
    assert len({EnvVar("A"), EnvVar("A"), EnvVar.int("A"), "A", 0}) == 4


@pytest.mark.parametrize("reference", [EnvVar("A"), EnvVar.int("A")])
def test_references_survive_pickle(reference: EnvVar | IntEnvVar) -> None:
    copy = pickle.loads(pickle.dumps(reference))
    assert copy == reference
    assert type(copy) is type(reference)


@pytest.mark.parametrize("name", ["", "A=B", 3, None])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(DefinitionError):
        EnvVar(name)  # type: ignore[arg-type]


def test_references_are_found_inside_collections() -> None:
    assert holds_env_var({"a": [1, (EnvVar("A"),)]})
    assert holds_env_var([{EnvVar.int("A")}])
    assert not holds_env_var({"a": [1, "EnvVar", None, {"env": "A"}]})
    assert is_env_var(EnvVar("A"))
    assert not is_env_var("A")


@pytest.mark.parametrize("value", [{"env": "A", "b": 1}, {"env": 3}, {"env": ""}, "env", {"ENV": "A"}, None])
def test_only_the_exact_written_form_names_a_variable(value: object) -> None:
    assert env_name_in({"env": "A"}) == "A"
    assert env_name_in(value) is None


def test_the_written_form_is_plain_data() -> None:
    assert config_data({"a": EnvVar("A"), "b": (EnvVar.int("B"), {1})}) == {"a": {"env": "A"}, "b": [{"env": "B"}, [1]]}


def test_a_reference_may_say_that_its_text_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("REGION", "north"), ("DB_PASSWORD", "s3cret"), ("PORT", "5432")):
        monkeypatch.setenv(name, text)
    given = {
        "region": EnvVar("REGION", is_secret=False),
        "password": EnvVar("DB_PASSWORD"),
        "port": EnvVar.int("PORT", is_secret=False),
    }
    assert config_data(given["region"]) == {"env": "REGION", "is_secret": False}
    assert pickle.loads(pickle.dumps(given["port"])).is_secret is False
    checked = validate({"region": StringSource, "password": StringSource, "port": IntSource}, given)
    resolved = checked.resolve(os.environ)
    assert resolved.value == {"region": "north", "password": "s3cret", "port": 5432}
    assert resolved.secrets == {"s3cret"}
