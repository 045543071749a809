"""Validation reports every problem at once, each with its path, and leaves environment variables to the place that runs."""

from __future__ import annotations

import enum
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.unit.config.config_strategies import broken, law, schemas, values

from weft.config.env import EnvVar
from weft.config.schema import (
    AnyOf,
    Array,
    BoolSource,
    Enum,
    EnumValue,
    Field,
    FloatSource,
    IntSource,
    Map,
    Noneable,
    Permissive,
    Refusal,
    ScalarUnion,
    Selector,
    Shape,
    StringSource,
    from_data,
    to_data,
)
from weft.config.validation import EnvReference, declared, path_text, resolve_env, validate
from weft.errors import ConfigError, DefinitionError, Problem


def problems(schema: Any, value: object, *, path: tuple[str | int, ...] = ()) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        validate(schema, value, path=path)
    return list(caught.value.problems)


def problem(schema: Any, value: object) -> Problem:
    (one,) = problems(schema, value, path=("ops", "clean", "config"))
    return one


# --- laws -------------------------------------------------------------------------------------------------------------


@law
@given(st.data())
def test_a_value_made_from_a_schema_fits_it(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    value = data.draw(values(schema))
    checked = validate(schema, value)
    assert checked == validate(schema, value)


@law
@given(st.data())
def test_a_value_that_fits_the_schema_fits_its_data(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    value = data.draw(values(schema))
    assert validate(from_data(to_data(Field(schema))), value) == validate(schema, value)


@law
@given(st.data())
def test_one_break_is_reported_once_with_its_path(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    value = data.draw(values(schema))
    break_ = data.draw(broken(schema, value))
    if break_ is None:
        return
    wrong, path, code = break_
    (found,) = problems(schema, wrong, path=("ops", "it", "config"))
    assert found.code == code
    assert found.facts["path"] == path_text(("ops", "it", "config", *path))


@law
@given(st.data())
def test_environment_references_are_resolved_or_all_reported(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    checked = validate(schema, data.draw(values(schema)))
    if not checked.has_env:
        assert checked.resolve({}).value == checked.value
        return
    with pytest.raises(ConfigError) as caught:
        checked.resolve({})
    assert {one.code for one in caught.value.problems} == {"WEFT-C020"}
    resolved = checked.resolve({"HOST": "1", "PORT": "1"})
    assert "EnvReference" not in repr(resolved.value)
    assert "1" in resolved.secrets


@law
@given(schemas())
def test_defaults_made_from_the_schema_pass_the_check_of_declarations(schema: Any) -> None:
    assert declared(schema).type == schema


# --- defaults ---------------------------------------------------------------------------------------------------------


def test_defaults_are_applied_at_every_level() -> None:
    schema = {"a": Field(int, default_value=1), "b": {"c": Field([int], default_value=[1, 2])}, "d": Noneable(str)}
    assert validate(schema, {}).value == {"a": 1, "b": {"c": [1, 2]}, "d": None}


def test_a_value_that_is_not_required_and_has_no_default_stays_away() -> None:
    assert validate({"a": Field(int, is_required=False)}, {}).value == {}


def test_nothing_given_means_the_default_of_the_whole() -> None:
    assert validate(Field(int, default_value=3)).value == 3
    with pytest.raises(ConfigError) as caught:
        validate(int)
    assert caught.value.code == "WEFT-C003"


def test_the_given_value_is_not_changed() -> None:
    given_value = {"b": {}}
    validate({"b": {"c": Field(int, default_value=1)}}, given_value)
    assert given_value == {"b": {}}


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_wrong_type_shows_expected_and_found_and_the_way_out() -> None:
    found = problem({"limit": int}, {"limit": "3"})
    assert str(found) == (
        "WEFT-C001  ops.clean.config.limit has the wrong type.\n"
        "  path          ops.clean.config.limit\n"
        "  expected      Int\n"
        "  found         String '3'\n"
        "  fix           write it without quotes: 3"
    )


@pytest.mark.parametrize(
    ("schema", "value", "expected", "found", "fix"),
    [
        (int, True, "Int", "Bool true", "write a value of type Int"),
        (int, 1.5, "Int", "Float 1.5", "write a value of type Int"),
        (float, "x", "Float", "String 'x'", "write a value of type Float"),
        (bool, 1, "Bool", "Int 1", "write a value of type Bool"),
        (str, 3, "String", "Int 3", 'put it in quotes: "3"'),
        (str, None, "String", "null", "write a value of type String"),
        ([int], 3, "list of Int", "Int 3", "write a list, also for a single item"),
        ({"a": int}, None, "mapping with a", "null", "leave the key out, or write {}"),
        ({"a": int}, [1], "mapping with a", "list of 1", "write a mapping with a"),
        (Map(str, int), 3, "mapping of String to Int", "Int 3", "write a mapping of String to Int"),
        (Noneable(int), "3", "Int", "String '3'", "write it without quotes: 3"),
        (int, {"a": 1}, "Int", "mapping with a", "write a value of type Int"),
        (int, {}, "Int", "an empty mapping", "write a value of type Int"),
        (
            Selector({"a": {}, "b": {}}),
            "a",
            "mapping with exactly one of: a, b",
            "String 'a'",
            'write "a:" with its settings below',
        ),
    ],
)
def test_wrong_types(schema: Any, value: object, expected: str, found: str, fix: str) -> None:
    one = problem(schema, value)
    assert (one.code, one.facts["expected"], one.facts["found"], one.fix) == ("WEFT-C001", expected, found, fix)


def test_long_values_are_cut() -> None:
    assert len(str(problem(int, "x" * 1000).facts["found"])) < 100


def test_an_unknown_key_gets_the_nearest_name() -> None:
    assert str(problem({"limit": Field(int, default_value=1), "host": Field(str, default_value="")}, {"limt": 3})) == (
        'WEFT-C002  ops.clean.config has no key "limt".\n'
        "  path          ops.clean.config.limt\n"
        "  known keys    limit, host\n"
        '  fix           did you mean "limit"? Otherwise leave it out.'
    )


def test_missing_keys_come_with_text_to_paste() -> None:
    schema = {
        "limit": Field(int, description="rows at most"),
        "store": {"bucket": str, "prefix": Field(str, default_value="")},
        "mode": Enum("Mode", [EnumValue("fast"), EnumValue("safe")]),
    }
    assert str(problem(schema, {})) == (
        "WEFT-C003  ops.clean.config needs 3 keys that are missing.\n"
        "  path          ops.clean.config\n"
        "  missing       limit, store, mode\n"
        "  fix           add:\n"
        "                ops:\n"
        "                  clean:\n"
        "                    config:\n"
        "                      limit: 0  # Int: rows at most\n"
        "                      store:\n"
        '                        bucket: "..."\n'
        "                      mode: fast  # one of: fast, safe"
    )


def test_one_missing_key_is_named() -> None:
    assert problem({"limit": int}, {}).what == 'ops.clean.config needs "limit".'


def test_a_missing_key_inside_a_list_is_pasted_below_its_item() -> None:
    one = problem([{"a": int}], [{"a": 1}, {}])
    assert one.facts["path"] == "ops.clean.config[1]"
    assert one.fix == "add:\na: 0  # Int"


@pytest.mark.parametrize(("value", "count"), [({}, "none"), ({"a": {}, "b": {}}, "2")])
def test_a_selector_takes_exactly_one_key(value: object, count: str) -> None:
    one = problem(Selector({"a": {}, "b": {}}), value)
    assert one.code == "WEFT-C004"
    assert one.what == f"ops.clean.config takes exactly one of several keys, but has {count}."
    assert one.facts["choices"] == "a, b"


def test_a_selector_names_the_nearest_choice() -> None:
    assert (
        problem(Selector({"local": {}, "remote": {}}), {"locl": {}}).fix
        == 'did you mean "local"? Otherwise leave it out.'
    )


def test_a_selector_with_nothing_below_its_key_takes_the_defaults() -> None:
    schema = Selector({"local": {"path": Field(str, default_value="/tmp")}, "remote": {}})
    assert validate(schema, {"local": None}).value == {"local": {"path": "/tmp"}}


def test_a_selector_with_one_choice_needs_no_key() -> None:
    schema = Selector({"local": {"path": Field(str, default_value="/tmp")}})
    assert validate(Field(schema)).value == {"local": {"path": "/tmp"}}
    assert validate(schema, {}).value == {"local": {"path": "/tmp"}}


def test_a_discriminated_selector_takes_both_forms_and_gives_the_flat_one() -> None:
    schema = Selector({"cat": {"lives": Field(int, default_value=9)}, "dog": {"breed": str}}, discriminator="kind")
    flat = {"kind": "cat", "lives": 9}
    assert validate(schema, {"cat": {}}).value == flat
    assert validate(schema, {"kind": "cat"}).value == flat
    assert validate(schema, flat).value == flat
    assert problem(schema, {"kind": "dog"}).facts["path"] == "ops.clean.config"
    assert problem(schema, {"kind": "dgo"}).facts["path"] == "ops.clean.config.kind"
    assert problem(schema, {"dog": {"bred": "x", "breed": "y"}}).facts["path"] == "ops.clean.config.dog.bred"


def test_an_enum_shows_its_choices_and_the_nearest() -> None:
    one = problem(Enum("Mode", [EnumValue("fast"), EnumValue("safe")]), "fsat")
    assert (one.code, one.facts["choices"], one.fix) == ("WEFT-C005", "fast, safe", 'did you mean "fast"?')


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize("written", ["RED", "red", Color.RED])
def test_a_python_enum_is_written_by_name_or_value_and_comes_out_as_member(written: object) -> None:
    assert validate({"color": Color}, {"color": written}).value == {"color": Color.RED}


def test_true_is_not_the_choice_one() -> None:
    assert problem(Enum("E", [EnumValue(1), EnumValue(2)]), True).code == "WEFT-C005"


def test_a_scalar_union_takes_the_short_and_the_long_form() -> None:
    schema = ScalarUnion(str, {"name": str})
    assert validate(schema, "x").value == "x"
    assert validate(schema, {"name": "x"}).value == {"name": "x"}
    assert problem(schema, 3).facts["expected"] == "String or mapping with name"
    assert problem(schema, {"nam": "x", "name": "y"}).code == "WEFT-C002"


def test_alternatives_say_what_is_wrong_with_the_one_that_was_meant() -> None:
    schema = AnyOf([int, {"a": int}])
    assert problem(schema, {"a": "x"}).facts["path"] == "ops.clean.config.a"
    assert problem(schema, "x").facts["expected"] == "Int or mapping with a"


def test_a_permissive_mapping_keeps_other_keys() -> None:
    schema = Permissive({"a": Field(int, default_value=1)})
    assert validate(schema, {"b": [1, {"c": 2}]}).value == {"a": 1, "b": [1, {"c": 2}]}


def test_keys_of_a_map_are_checked() -> None:
    assert validate(Map(int, str), {1: "a", "2": "b"}).value == {1: "a", 2: "b"}  # JSON has only text keys
    one = problem(Map(int, str), {"x": "a"})
    assert (one.code, one.facts["expected"]) == ("WEFT-C007", "Int")


@pytest.mark.parametrize(
    ("of", "bounds", "value", "reason"),
    [
        (int, {"ge": 1}, 0, "at least 1"),
        (int, {"gt": 1}, 1, "more than 1"),
        (float, {"le": 1}, 1.5, "at most 1"),
        (float, {"lt": 1}, 1, "less than 1"),
        (int, {"multiple_of": 5}, 7, "multiple of 5"),
        (str, {"min_length": 2}, "x", "at least 2 characters"),
        ([int], {"max_length": 1}, [1, 2], "at most 1 items"),
    ],
)
def test_bounds_are_checked(of: Any, bounds: dict[str, Any], value: object, reason: str) -> None:
    one = problem({"x": Field(of, constraints=bounds)}, {"x": value})
    assert (one.code, one.facts["path"]) == ("WEFT-C006", "ops.clean.config.x")
    assert reason in one.what


def test_everything_wrong_is_reported_at_once() -> None:
    schema = {"a": int, "b": [{"c": str}], "d": Selector({"x": {}, "y": {}}), "e": {"f": int}}
    found = problems(schema, {"a": "1", "b": [{"c": 1}, {"cc": "x", "c": "y"}], "d": {}, "e": {}, "g": 1})
    assert sorted((one.code, one.facts["path"]) for one in found) == [
        ("WEFT-C001", "a"),
        ("WEFT-C001", "b[0].c"),
        ("WEFT-C002", "b[1].cc"),
        ("WEFT-C002", "g"),
        ("WEFT-C003", "e"),
        ("WEFT-C004", "d"),
    ]


def test_a_further_check_runs_only_on_values_of_the_right_shape() -> None:
    seen = []

    def refine(value: Any) -> list[Refusal]:
        seen.append(value)
        return [Refusal(("low",), "low is above high", value["low"])] if value["low"] > value["high"] else []

    schema = Shape({"low": IntSource, "high": int}, refine=refine)
    assert len(problems(schema, {"low": "x", "high": 1})) == 1
    validate(schema, {"low": EnvVar.int("LOW"), "high": 1})
    assert seen == []
    one = problem(schema, {"low": 3, "high": 1})
    assert (one.code, one.what, one.facts["found"]) == (
        "WEFT-C006",
        "ops.clean.config.low is not accepted: low is above high.",
        "Int 3",
    )


# --- environment ------------------------------------------------------------------------------------------------------


def test_references_stay_references_until_they_are_resolved() -> None:
    schema = {"host": StringSource, "port": IntSource, "ratio": FloatSource, "on": BoolSource}
    written = {"host": EnvVar("HOST"), "port": EnvVar.int("PORT"), "ratio": {"env": "RATIO"}, "on": {"env": "ON"}}
    checked = validate(schema, written)
    assert checked.has_env
    assert checked.value["host"] == EnvReference("HOST", StringSource)
    resolved = checked.resolve({"HOST": "db.local", "PORT": "5432", "RATIO": "0.5", "ON": "true"})
    assert resolved.value == {"host": "db.local", "port": 5432, "ratio": 0.5, "on": True}
    assert resolved.secrets == {"db.local", "5432", "0.5", "true"}


def test_all_missing_variables_are_reported_at_once_with_their_paths() -> None:
    checked = validate(
        {"a": StringSource, "b": StringSource, "c": [StringSource]},
        {"a": {"env": "DB_PASSWORD"}, "b": {"env": "TOKEN"}, "c": [{"env": "DB_PASSWORD"}]},
    )
    with pytest.raises(ConfigError) as caught:
        checked.resolve({"DB_PASSWROD": "s3cret"}, path=("resources", "db", "config"))
    first, second = caught.value.problems
    assert str(first) == (
        'WEFT-C020  The environment variable "DB_PASSWORD" is not set.\n'
        "  variable      DB_PASSWORD\n"
        "  needed by     resources.db.config.a, resources.db.config.c[0]\n"
        '  fix           did you mean "DB_PASSWROD"? Otherwise set it where the run executes.'
    )
    assert (second.code, second.facts["variable"]) == ("WEFT-C020", "TOKEN")


@pytest.mark.parametrize(("source", "text"), [(IntSource, "12x"), (FloatSource, "1.2.3"), (BoolSource, "maybe")])
def test_a_text_that_cannot_be_read_is_reported_without_being_shown(source: Any, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validate({"x": source}, {"x": {"env": "X"}}).resolve({"X": text})
    assert caught.value.code == "WEFT-C021"
    assert text not in str(caught.value)


def test_only_source_types_take_references() -> None:
    one = problem({"host": str}, {"host": {"env": "HOST"}})
    assert one.fix == "to let it come from the environment, declare it as StringSource"
    assert validate({"x": dict}, {"x": {"env": "HOST"}}).has_env is False


def test_an_enum_may_come_from_the_environment() -> None:
    schema = Enum("Mode", [EnumValue("fast", 1), EnumValue("safe", 2)], from_env=True)
    checked = validate(schema, EnvVar("MODE"))
    assert checked.resolve({"MODE": "safe"}).value == 2
    with pytest.raises(ConfigError):
        checked.resolve({"MODE": "other"})


def test_a_reference_among_alternatives_is_read_as_text() -> None:
    checked = validate(AnyOf([IntSource, StringSource]), {"env": "X"})
    assert checked.resolve({"X": "abc"}).value == "abc"


def test_resolving_a_value_without_references_gives_it_back() -> None:
    assert resolve_env({"a": [1]}, {}).value == {"a": [1]}


def test_an_empty_variable_is_set_and_no_secret() -> None:
    resolved = validate(StringSource, {"env": "X"}).resolve({"X": ""})
    assert (resolved.value, resolved.secrets) == ("", frozenset())


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_texts_of_secret_fields_are_listed() -> None:
    schema = {"token": Field(str, is_secret=True), "keys": Field([str], is_secret=True), "host": str}
    checked = validate(schema, {"token": "abc", "keys": ["k1", ""], "host": "h"})
    assert checked.secrets == {"abc", "k1"}
    assert checked.resolve({}).secrets == {"abc", "k1"}


@pytest.mark.parametrize("nested", [False, True])
def test_a_reference_in_a_secret_field_cannot_say_that_it_is_none(nested: bool) -> None:
    kind = Array(StringSource) if nested else StringSource
    written: Any = {"env": "TOKEN", "is_secret": False}
    schema = {"token": Field(kind, is_secret=True), "region": StringSource}
    given = {"token": [written] if nested else written, "region": {"env": "REGION", "is_secret": False}}
    resolved = validate(schema, given).resolve({"TOKEN": "open sesame", "REGION": "eu-west"})
    assert resolved.secrets == {"open sesame"}


def test_no_message_shows_what_a_secret_field_holds() -> None:
    schema = {"pin": Field(int, is_secret=True), "word": Field(Enum("E", [EnumValue("hunter1")]), is_secret=True)}
    found = problems(schema, {"pin": "12345678", "word": "hunter2"})
    text = json.dumps([str(one) for one in found])
    assert len(found) == 2
    assert "12345678" not in text
    assert "hunter2" not in text


def test_a_further_check_does_not_show_secrets_either() -> None:
    schema = Shape(
        {"a": {"pin": Field(str, is_secret=True)}},
        refine=lambda value: [Refusal(("a", "pin"), "too short", value["a"]["pin"])],
    )
    assert "1234" not in str(problem(schema, {"a": {"pin": "1234"}}))


# --- declarations -----------------------------------------------------------------------------------------------------


def test_a_default_that_does_not_fit_is_found_when_it_is_declared() -> None:
    with pytest.raises(DefinitionError) as caught:
        declared({"a": Field(int, default_value="x"), "b": Array({"c": Field(bool, default_value=3)})})
    assert [one.code for one in caught.value.problems] == ["WEFT-D203", "WEFT-D203"]
    assert caught.value.problems[1].facts["path"] == "b.c"


@pytest.mark.parametrize(
    ("path", "text"),
    [(("ops", "a", "config"), "ops.a.config"), (("a", 2, "b"), "a[2].b"), (("a.b", "c d"), '["a.b"]["c d"]'), ((), "")],
)
def test_paths_as_text(path: tuple[str | int, ...], text: str) -> None:
    assert path_text(path) == text
