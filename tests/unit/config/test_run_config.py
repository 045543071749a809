"""A run's configuration is checked as one document, however it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, strategies as st
from tests.unit.config.config_strategies import law, schemas, values

from weft.config.env import EnvVar
from weft.config.models import Config
from weft.config.run_config import (
    NodeConfigSchema,
    RunConfig,
    RunConfigSchema,
    run_config_document,
    scaffold_run_config,
    validate_run_config_value,
)
from weft.config.schema import Field, Int, IntSource, Permissive, Selector, Shape, StringSource
from weft.config.validation import validate
from weft.errors import ConfigError, Problem


class Limits(Config):
    limit: int
    mode: str = "fast"


LIMITS = Limits.to_config_schema()
EXECUTOR = Field(
    Selector({"multiprocess": {"max_concurrent": Field(Int, default_value=0)}, "in_process": {}}),
    default_value={"multiprocess": {}},
)
SCHEMA = RunConfigSchema(
    nodes={
        "clean": NodeConfigSchema(config=LIMITS),
        "plain": NodeConfigSchema(),
        "shop__orders": NodeConfigSchema(config=Field(Shape({"rows": Field(Int, default_value=1)}))),
        "prepare": NodeConfigSchema(
            nodes={
                "load": NodeConfigSchema(config=LIMITS, inputs={"path": Field(StringSource)}),
                "free": NodeConfigSchema(),
            },
            unselected=frozenset({"skipped_inside"}),
        ),
    },
    unselected=frozenset({"skipped"}),
    resources={"db": Field(Shape({"host": Field(StringSource), "port": Field(IntSource, default_value=5432)}))},
    unused_resources=frozenset({"mail"}),
    execution=EXECUTOR,
    executor_name="multi_or_in_process",
    loggers={
        "console": Field(Shape({"level": Field(StringSource, default_value="INFO")})),
        "remote": Field(Shape({"url": StringSource})),
    },
    inputs={"day": Field(StringSource, default_value="today")},
)
GOOD: dict[str, Any] = {
    "ops": {
        "clean": {"config": {"limit": 3}},
        "prepare": {"ops": {"load": {"config": {"limit": 1}, "inputs": {"path": "/tmp"}}}},
    },
    "resources": {"db": {"config": {"host": "h"}}},
}


def problems(document: Any, schema: RunConfigSchema = SCHEMA) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        validate_run_config_value(schema, document)
    return list(caught.value.problems)


def changed(**sections: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(GOOD)), **sections}


# --- what comes out ---------------------------------------------------------------------------------------------------


def test_a_document_is_checked_and_filled_in() -> None:
    resolved = validate_run_config_value(SCHEMA, GOOD).resolve({})
    assert resolved.document == {
        "ops": {
            "clean": {"config": {"limit": 3, "mode": "fast"}},
            "shop__orders": {"config": {"rows": 1}},
            "prepare": {"ops": {"load": {"config": {"limit": 1, "mode": "fast"}, "inputs": {"path": "/tmp"}}}},
        },
        "resources": {"db": {"config": {"host": "h", "port": 5432}}},
        "execution": {"config": {"multiprocess": {"max_concurrent": 0}}},
        "loggers": {"console": {"config": {"level": "INFO"}}},
        "inputs": {"day": "today"},
    }
    assert resolved.nodes["prepare.load"] == {"config": {"limit": 1, "mode": "fast"}, "inputs": {"path": "/tmp"}}
    assert list(resolved.nodes) == ["clean", "shop__orders", "prepare.load"]
    assert resolved.resources == {"db": {"host": "h", "port": 5432}}
    assert resolved.execution == {"multiprocess": {"max_concurrent": 0}}
    assert resolved.loggers == {"console": {"level": "INFO"}}
    assert (resolved.inputs, resolved.storage) == ({"day": "today"}, None)


def test_nothing_needed_and_nothing_given_is_nothing() -> None:
    resolved = validate_run_config_value(RunConfigSchema(nodes={"a": NodeConfigSchema()}), None).resolve({})
    assert (resolved.nodes, resolved.resources, resolved.execution) == ({}, {}, None)


def test_an_op_without_a_schema_takes_any_configuration() -> None:
    resolved = validate_run_config_value(
        RunConfigSchema(nodes={"a": NodeConfigSchema()}), {"ops": {"a": {"config": [1]}}}
    ).resolve({})
    assert resolved.nodes == {"a": {"config": [1]}}


def test_what_does_not_run_may_be_configured_and_is_ignored() -> None:
    document = changed(resources={"db": {"config": {"host": "h"}}, "mail": {"config": {"x": 1}}})
    document["ops"]["skipped"] = {"config": {"anything": 1}}
    document["ops"]["prepare"]["ops"]["skipped_inside"] = {"config": 3}
    resolved = validate_run_config_value(SCHEMA, document).resolve({})
    assert "mail" not in resolved.resources
    assert "skipped" not in resolved.nodes


def test_sections_and_entries_may_be_left_empty() -> None:
    text = """
    ops:
      clean: {config: {limit: 1}}
      plain:
      shop__orders:
        config:
      prepare: {ops: {load: {config: {limit: 1}, inputs: {path: x}}, free: }}
    resources: {db: {config: {host: h}}}
    execution:
    loggers:
    inputs:
    """
    resolved = validate_run_config_value(SCHEMA, yaml.safe_load(text)).resolve({})
    assert resolved.nodes["shop__orders"] == {"config": {"rows": 1}}


@law
@given(st.data())
def test_values_that_fit_their_schemas_fit_in_a_document(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(schemas(), min_size=3, max_size=3))
    given_values = [data.draw(values(kind)) for kind in kinds]
    schema = RunConfigSchema(
        nodes={
            "g": NodeConfigSchema(nodes={"a": NodeConfigSchema(config=Field(kinds[0]), inputs={"i": Field(kinds[1])})})
        },
        resources={"r": Field(kinds[2])},
    )
    document = {
        "ops": {"g": {"ops": {"a": {"config": given_values[0], "inputs": {"i": given_values[1]}}}}},
        "resources": {"r": {"config": given_values[2]}},
    }
    checked = validate_run_config_value(schema, document)
    single = [validate(kind, value).value for kind, value in zip(kinds, given_values, strict=True)]
    assert checked.document["ops"]["g"]["ops"]["a"] == {"config": single[0], "inputs": {"i": single[1]}}
    assert checked.document["resources"]["r"] == {"config": single[2]}


# --- ways to write it -------------------------------------------------------------------------------------------------


def test_objects_may_stand_in_place_of_entries() -> None:
    config = RunConfig(
        ops={
            "clean": Limits(limit=3),
            "prepare": RunConfig(ops={"load": {"config": Limits(limit=1), "inputs": {"path": "/tmp"}}}),
        },
        resources={"db": {"config": {"host": EnvVar("HOST")}}},
    )
    assert config.to_config_dict() == {
        "ops": {
            "clean": {"config": {"limit": 3, "mode": "fast"}},
            "prepare": {"ops": {"load": {"config": {"limit": 1, "mode": "fast"}, "inputs": {"path": "/tmp"}}}},
        },
        "resources": {"db": {"config": {"host": {"env": "HOST"}}}},
    }
    assert (
        validate_run_config_value(SCHEMA, config).document["ops"]
        == validate_run_config_value(SCHEMA, GOOD).document["ops"]
    )


def test_objects_may_stand_inside_a_plain_dict() -> None:
    document = {"ops": {"clean": Limits(limit=3), "prepare": {"ops": {"load": Limits(limit=1)}}}}
    assert run_config_document(document)["ops"]["prepare"] == {
        "ops": {"load": {"config": {"limit": 1, "mode": "fast"}}}
    }


def test_an_empty_run_config_is_an_empty_document() -> None:
    assert RunConfig().to_config_dict() == {}
    assert RunConfig(ops=None, resources=None).to_config_dict() == {}  # type: ignore[arg-type]
    assert run_config_document(None) == {}


def test_the_document_is_plain_data() -> None:
    document = run_config_document({"ops": {"a": {"config": {"x": (1, EnvVar("X"))}}}, "inputs": {"i": {1}}})
    assert json.loads(json.dumps(document)) == {
        "ops": {"a": {"config": {"x": [1, {"env": "X"}]}}},
        "inputs": {"i": [1]},
    }
    assert run_config_document(document) == document


def test_something_else_is_refused() -> None:
    assert problems(["ops"])[0].code == "WEFT-C030"


def test_the_old_word_for_ops_is_understood_at_every_level() -> None:
    document = {
        "solids": {"clean": {"config": {"limit": 3}}, "prepare": {"solids": GOOD["ops"]["prepare"]["ops"]}},
        "resources": GOOD["resources"],
    }
    assert validate_run_config_value(SCHEMA, document) == validate_run_config_value(SCHEMA, GOOD)


@pytest.mark.parametrize(
    "execution",
    [
        {"config": {"multiprocess": {"max_concurrent": 4}}},
        {"multiprocess": {"config": {"max_concurrent": 4}}},
        {"multiprocess": {"max_concurrent": 4}},
    ],
)
def test_the_executor_is_configured_in_the_current_and_the_older_forms(execution: Any) -> None:
    resolved = validate_run_config_value(SCHEMA, changed(execution=execution)).resolve({})
    assert resolved.execution == {"multiprocess": {"max_concurrent": 4}}


@pytest.mark.parametrize("execution", [{"in_process": None}, {"in_process": {}}, {"in_process": {"config": None}}])
def test_an_executor_may_be_named_without_settings(execution: Any) -> None:
    assert validate_run_config_value(SCHEMA, changed(execution=execution)).resolve({}).execution == {"in_process": {}}


def test_the_only_executor_may_be_called_by_its_name() -> None:
    schema = RunConfigSchema(execution=Field(Shape({"n": Field(Int, default_value=1)})), executor_name="dask")
    assert validate_run_config_value(schema, {"execution": {"dask": {"config": {"n": 2}}}}).resolve({}).execution == {
        "n": 2
    }
    assert validate_run_config_value(schema, {}).resolve({}).execution == {"n": 1}


def test_errors_in_the_older_form_have_the_path_as_written() -> None:
    (one,) = problems(changed(execution={"multiprocess": {"config": {"max_concurrent": "4"}}}))
    assert one.facts["path"] == "execution.multiprocess.config.max_concurrent"


@pytest.mark.parametrize("key", ["storage", "intermediate_storage"])
def test_older_documents_name_a_storage(key: str) -> None:
    assert validate_run_config_value(SCHEMA, changed(**{key: {"filesystem": None}})).resolve({}).storage == "filesystem"


# --- what is wrong ----------------------------------------------------------------------------------------------------


def test_all_sections_are_checked_in_one_pass() -> None:
    found = problems(
        {
            "opps": {},
            "ops": {"claen": {"config": {}}, "clean": {"config": {"limit": "3"}}, "prepare": {"ops": {"load": {}}}},
            "resources": {"db": {"config": {"port": "x"}}, "dbb": {}},
            "execution": {"config": {"threads": {}}},
            "loggers": {"console": {"config": {"level": 3}}, "other": {}},
            "inputs": {"dya": 1},
        }
    )
    assert sorted((one.code, str(one.facts["path"])) for one in found) == [
        ("WEFT-C001", "loggers.console.config.level"),
        ("WEFT-C001", "ops.clean.config.limit"),
        ("WEFT-C001", "resources.db.config.port"),
        ("WEFT-C002", "execution.config.threads"),
        ("WEFT-C002", "inputs.dya"),
        ("WEFT-C002", "loggers.other"),
        ("WEFT-C002", "opps"),
        ("WEFT-C002", "ops.claen"),
        ("WEFT-C002", "resources.dbb"),
        ("WEFT-C003", "ops.prepare.ops.load.config"),
        ("WEFT-C003", "ops.prepare.ops.load.inputs"),
        ("WEFT-C003", "resources.db.config"),
    ]


def test_missing_configuration_can_be_pasted() -> None:
    (one,) = problems(
        {"resources": {"db": {"config": {"host": "h"}}}},
        RunConfigSchema(nodes=SCHEMA.nodes, resources=SCHEMA.resources),
    )[:1]
    assert one.fix == "add:\nops:\n  clean:\n    config:\n      limit: 0  # Int"
    assert yaml.safe_load(one.fix.removeprefix("add:\n")) == {"ops": {"clean": {"config": {"limit": 0}}}}


@pytest.mark.parametrize(
    ("ops", "fix"),
    [
        ({"claen": {}}, 'did you mean "clean"?'),
        ({"load": {"config": {}}}, "it is inside a graph: write it at ops.prepare.ops.load"),
        ({"shop/orders": {}}, 'write the asset as its op: "shop__orders"'),
        ({"clean": {"config": {"limit": 1}, "mode": "x"}}, "write it one level lower: config.mode"),
        ({"prepare": {"load": {}}}, "write it one level lower: ops.load"),
        ({"zzz": {}}, "leave it out."),
    ],
)
def test_a_misplaced_key_is_told_its_place(ops: Any, fix: str) -> None:
    document = changed()
    for name, entry in ops.items():
        document["ops"].setdefault(name, {})
        document["ops"][name] = {**document["ops"][name], **entry}
    (one,) = problems(document)
    assert (one.code, one.fix) == ("WEFT-C002", fix)


def test_settings_of_a_resource_belong_below_config() -> None:
    found = problems(changed(resources={"db": {"host": "h"}}))
    assert [one.fix for one in found if one.code == "WEFT-C002"] == ["write it one level lower: config.host"]


@pytest.mark.parametrize("section", ["ops", "resources", "loggers", "inputs", "execution"])
def test_a_section_must_be_a_mapping(section: str) -> None:
    found = problems(changed(**{section: [1]}))
    assert (found[0].code, found[0].facts["path"], found[0].facts["found"]) == ("WEFT-C001", section, "list of 1")


def test_an_entry_must_be_a_mapping() -> None:
    assert problems(changed(resources={"db": "h"}))[0].facts["path"] == "resources.db"
    document = changed()
    document["ops"]["clean"] = 3
    assert problems(document)[0].facts["path"] == "ops.clean"


def test_environment_variables_of_the_whole_document_are_reported_at_once() -> None:
    document = changed(resources={"db": {"config": {"host": {"env": "DB_HOST"}, "port": {"env": "DB_PORT"}}}})
    document["ops"]["clean"] = Limits(limit=EnvVar.int("LIMIT"))
    checked = validate_run_config_value(SCHEMA, document)
    with pytest.raises(ConfigError) as caught:
        checked.resolve({})
    assert [one.facts["variable"] for one in caught.value.problems] == ["LIMIT", "DB_HOST", "DB_PORT"]
    assert caught.value.problems[0].facts["needed by"] == ["ops.clean.config.limit"]
    resolved = checked.resolve({"LIMIT": "7", "DB_HOST": "db.local", "DB_PORT": "1"})
    assert resolved.nodes["clean"] == {"config": {"limit": 7, "mode": "fast"}}
    assert resolved.secrets == {"7", "db.local", "1"}


# --- examples ---------------------------------------------------------------------------------------------------------


def test_the_example_of_a_run_fits_it_and_has_only_what_is_required() -> None:
    example = scaffold_run_config(SCHEMA)
    assert example == {
        "ops": {
            "clean": {"config": {"limit": 0}},
            "prepare": {"ops": {"load": {"config": {"limit": 0}, "inputs": {"path": "..."}}}},
        },
        "resources": {"db": {"config": {"host": "..."}}},
    }
    validate_run_config_value(SCHEMA, example)
    assert scaffold_run_config(RunConfigSchema(nodes={"a": NodeConfigSchema(config=Field(Permissive()))})) == {}
