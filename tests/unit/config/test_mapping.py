"""Configuration that is computed: what is written is checked, what the function gives is checked, all problems come at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from weft import (
    Config,
    ConfigError,
    ConfigMapping,
    DefinitionError,
    EnvVar,
    Field,
    OpExecutionContext,
    RunConfig,
    StringSource,
    colored_console_logger,
    config_mapping,
    configured,
    graph,
    graph_asset,
    in_process_executor,
    job,
    materialize,
    op,
    resource,
)


@op(config_schema={"rows": int, "unit": Field(str, default_value="t")})
def load(context: OpExecutionContext) -> Any:
    return context.op_config


class Limits(Config):
    rows: int


@op
def limited(config: Limits) -> int:
    return config.rows


def test_an_op_keeps_configuration_that_was_given() -> None:
    ten = load.configured({"rows": 10}, name="ten")

    @job
    def both() -> None:
        ten()
        load()

    result = both.execute_in_process({"ops": {"load": {"config": {"rows": 1}}}})
    assert result.output_for_node("ten") == {"rows": 10, "unit": "t"}
    assert result.output_for_node("load") == {"rows": 1, "unit": "t"}


def test_the_function_of_an_op_gets_what_was_computed() -> None:
    @configured(limited, config_schema=int)
    def doubled(given: int) -> Mapping[str, Any]:
        return {"rows": 2 * given}

    assert doubled.name == "doubled"

    @job
    def one() -> None:
        doubled()

    assert one.execute_in_process({"ops": {"doubled": {"config": 4}}}).output_for_node("doubled") == 8


def test_a_config_object_may_be_given_or_computed() -> None:
    assert limited.configured(Limits(rows=3)).config_field.default_value == {"rows": 3}  # type: ignore[union-attr]

    @job
    def one() -> None:
        limited.configured(lambda given: Limits(rows=given), config_schema=int)()

    assert one.execute_in_process({"ops": {"limited": {"config": 5}}}).output_for_node("limited") == 5


def test_configured_of_a_name_and_a_value() -> None:
    assert configured(load, name="seven")({"rows": 7}).name == "seven"
    with pytest.raises(DefinitionError) as refused:
        configured(3)  # type: ignore[type-var]
    assert refused.value.code == "WEFT-D530"


def test_a_graph_computes_the_configuration_of_its_nodes() -> None:
    @graph(config=ConfigMapping(lambda given: {"load": {"config": {"rows": given["n"]}}}, {"n": int}))
    def prepare() -> Any:
        return load()

    @job
    def outer() -> None:
        prepare()

    result = outer.execute_in_process({"ops": {"prepare": {"config": {"n": 3}}}})
    assert result.output_for_node("prepare.load") == {"rows": 3, "unit": "t"}
    with pytest.raises(ConfigError) as refused:
        outer.execute_in_process({"ops": {"prepare": {"config": {"m": 3}, "ops": {}}}})
    assert [problem.code for problem in refused.value.problems] == ["WEFT-C003", "WEFT-C002", "WEFT-C002"]


def test_what_a_graph_computes_wrongly_is_told_with_its_path_and_function() -> None:
    def compute(given: Any) -> Any:
        return {"laod": {}, "load": {"config": {"rows": "many"}}}

    @graph(config=ConfigMapping(compute, {}))
    def prepare() -> Any:
        return load()

    @job
    def outer() -> None:
        prepare()

    with pytest.raises(ConfigError) as refused:
        outer.execute_in_process()
    assert {problem.facts["path"] for problem in refused.value.problems} == {
        "ops.prepare.ops.load.config.rows",
        "ops.prepare.ops.laod",
    }
    assert all("compute" in str(problem.facts["computed by"]) for problem in refused.value.problems)


def test_a_function_that_raises_is_one_problem_among_others() -> None:
    def broken(given: Any) -> Any:
        raise KeyError("n")

    @graph(config=ConfigMapping(broken, {}))
    def prepare() -> Any:
        return load()

    @job
    def outer() -> None:
        prepare()
        load()

    with pytest.raises(ConfigError) as refused:
        outer.execute_in_process()
    assert {problem.code for problem in refused.value.problems} == {"WEFT-C100", "WEFT-C003"}


def test_the_graph_of_a_job_has_its_configuration_at_ops() -> None:
    @graph(config=ConfigMapping(lambda given: RunConfig(ops={"load": {"config": {"rows": given}}}), int))
    def prepare() -> Any:
        return load()

    assert prepare.to_job().execute_in_process({"ops": {"config": 6}}).output_for_node("load")["rows"] == 6
    fixed = prepare.configured(9, name="nine").to_job()
    assert fixed.execute_in_process().output_for_node("load")["rows"] == 9

    @graph
    def plain() -> Any:
        return load()

    with pytest.raises(DefinitionError) as refused:
        plain.configured({})
    assert refused.value.code == "WEFT-D532"


def test_fixed_configuration_of_a_graph_stays_with_it() -> None:
    @graph(config={"load": {"config": {"rows": 2}}})
    def two() -> Any:
        return load()

    @graph(config={"ops": {"load": {"config": {"rows": 3}}}})
    def three() -> Any:
        return load()

    @job
    def outer() -> None:
        two()
        three()

    result = outer.execute_in_process()
    assert result.output_for_node("two.load")["rows"] == 2
    assert result.output_for_node("three.load")["rows"] == 3
    assert two.to_job().execute_in_process().output_for_node("load")["rows"] == 2


def test_a_graph_asset_is_configured_at_its_own_name() -> None:
    @graph_asset(config=ConfigMapping(lambda given: {"load": {"config": {"rows": given}}}, int))
    def orders() -> Any:
        return load()

    assert materialize([orders], {"ops": {"orders": {"config": 8}}}).output_for_node("orders.load")["rows"] == 8


def test_a_job_computes_its_whole_configuration() -> None:
    @config_mapping(config_schema={"rows": int})
    def simple(given: Any) -> Any:
        return {"ops": {"load": {"config": given}}}

    @job(config=simple)
    def nightly() -> None:
        load()

    assert nightly.execute_in_process({"rows": 4}).output_for_node("load")["rows"] == 4
    with pytest.raises(ConfigError) as refused:
        nightly.execute_in_process({"ops": {}})
    assert "rows" in str(refused.value)
    assert simple({"rows": 1}) == {"ops": {"load": {"config": {"rows": 1}}}}


def test_functions_see_the_environment_and_its_texts_stay_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "very-secret-host")

    @resource(config_schema={"url": str})
    def database(context: Any) -> Any:
        return context.resource_config["url"]

    @configured(database, config_schema={"host": StringSource})
    def by_host(given: Any) -> Any:
        return {"url": f"db://{given['host']}"}

    seen = []

    @op(required_resource_keys={"db"})
    def use(context: OpExecutionContext) -> None:
        seen.append(context.resources.db)

    @job(resource_defs={"db": by_host})
    def some() -> None:
        use()

    result = some.execute_in_process({"resources": {"db": {"config": {"host": EnvVar("DB_HOST")}}}})
    assert seen == ["db://very-secret-host"]
    assert "very-secret" not in str(result.run.run_config)


def test_loggers_and_executors_are_configured_alike() -> None:
    quiet = colored_console_logger.configured(lambda level: {"log_level": level}, config_schema=str)

    @job(logger_defs={"console": quiet}, executor_def=in_process_executor.configured({}))
    def some() -> None:
        load.configured({"rows": 1})()

    assert some.execute_in_process({"loggers": {"console": {"config": "ERROR"}}}).success


def test_a_mapping_needs_a_function() -> None:
    with pytest.raises(DefinitionError) as refused:
        ConfigMapping({"rows": 1})  # type: ignore[arg-type]
    assert refused.value.code == "WEFT-D531"
