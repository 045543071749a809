from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.unit.components.sandbox import project

from weft import AssetKey, Definitions, StaticPartitionsDefinition, asset, materialize
from weft.definitions.assets import AssetsDefinition


def assets(made: Definitions) -> list[AssetsDefinition[..., object]]:
    return list(made.assets)


def test_a_script_runs_in_its_own_process_with_its_output_and_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tree = project(
        tmp_path,
        a__defs_yaml="""
            type: weft.PythonScriptComponent
            attributes:
              execution: {path: make.py, args: [one], env: {GREETING: hello}}
              assets: [{key: a/b}, {key: c}]
        """,
        a__make_py="import os, sys\nprint(os.environ['GREETING'], sys.argv[1], os.environ['WEFT_ASSET_KEYS'])\n",
    )
    result = materialize(assets(tree.build_defs()))
    assert "hello one a/b,c" in capfd.readouterr().out
    made = {event.asset_key: event.metadata for event in result.asset_materializations_for_node("make")}
    assert set(made) == {AssetKey(["a", "b"]), AssetKey("c")}
    assert made[AssetKey("c")]["exit_code"].value == 0


def test_a_script_that_fails_fails_the_step_with_its_last_lines(tmp_path: Path) -> None:
    tree = project(
        tmp_path,
        a__defs_yaml="type: weft.PythonScriptComponent\nattributes: {execution: {path: s.py}, assets: [{key: x}]}\n",
        a__s_py="import sys\nsys.exit('no data today')\n",
    )
    result = materialize(assets(tree.build_defs()), raise_on_error=False)
    assert not result.success
    error = result.failure_data_for_node("s").error
    assert "exit code 1" in error.message
    assert "no data today" in str(error.metadata["last_lines"].value)


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_a_script_runs_by_uv(tmp_path: Path) -> None:
    tree = project(
        tmp_path,
        a__defs_yaml="type: weft.UvRunComponent\nattributes: {execution: {path: s.py}, uv_args: [--no-project, --offline], assets: [{key: x}]}\n",
        a__s_py="print('by uv')\n",
    )
    assert materialize(assets(tree.build_defs())).success


def test_without_uv_the_step_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    tree = project(
        tmp_path,
        a__defs_yaml="type: weft.UvRunComponent\nattributes: {execution: {path: s.py}, assets: [{key: x}]}\n",
        a__s_py="",
    )
    result = materialize(assets(tree.build_defs()), raise_on_error=False)
    assert "uv is not installed" in result.failure_data_for_node("s").error.message


def test_a_function_makes_assets_and_evaluates_checks(tmp_path: Path) -> None:
    tree = project(
        tmp_path,
        a__defs_yaml="""
            type: weft.FunctionComponent
            attributes:
              execution: PACKAGE.defs.a.work.make
              assets: [{key: x}]
              checks: [{name: full, asset: x}]
            ---
            type: weft.FunctionComponent
            template_vars_module: .work
            attributes: {execution: "{{ plain }}", assets: [{key: y}], name: second}
        """,
        a__work_py="""
            from weft import AssetCheckResult, MaterializeResult, template_var
            def make(context):
                yield MaterializeResult(metadata={"rows": 2}, asset_key="x")
                yield AssetCheckResult(passed=True, asset_key="x", check_name="full")
            @template_var
            def plain():
                return lambda: None
        """,
    )
    result = materialize(assets(tree.build_defs()))
    assert result.success
    assert [one.passed for one in result.get_asset_check_evaluations()] == [True]
    assert result.asset_materializations_for_node("make")[0].metadata["rows"].value == 2
    assert len(result.asset_materializations_for_node("second")) == 1


def test_a_statement_gets_its_values_as_bound_parameters(tmp_path: Path) -> None:
    tree = project(
        tmp_path,
        a__defs_yaml="""
            type: weft.TemplatedSqlComponent
            attributes:
              sql: "insert into {{ 'orders' }} values (:name, :day)"
              connection: db
              parameters: {name: "o'; drop table orders; --"}
              partition_parameter: day
              assets: [{key: x, partitions_def: {type: static, partition_keys: [mon, tue]}}]
            ---
            type: weft.TemplatedSqlComponent
            attributes: {sql: {path: q.sql}, connection: db, assets: [{key: y}]}
        """,
        a__q_sql="update orders set day = day",
    )
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("create table orders (name text, day text)")
    first, second = assets(tree.build_defs())
    assert first.partitions_def == StaticPartitionsDefinition(["mon", "tue"])
    assert materialize([first], resources={"db": connection}, partition_key="tue").success
    assert connection.execute("select * from orders").fetchall() == [("o'; drop table orders; --", "tue")]
    result = materialize([second], resources={"db": connection})
    assert result.asset_materializations_for_node("y")[0].metadata["rows"].value == 1
    connection.close()


def test_what_a_statement_got_from_the_environment_is_not_among_the_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEED_TOKEN", "open sesame")
    tree = project(
        tmp_path,
        a__defs_yaml="""
            type: weft.TemplatedSqlComponent
            attributes:
              sql: "create table feed as select '{{ env.FEED_TOKEN }}' as token"
              connection: db
              assets: [{key: feed}]
        """,
    )
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    result = materialize(assets(tree.build_defs()), resources={"db": connection})
    assert connection.execute("select token from feed").fetchall() == [("open sesame",)]
    [event] = result.asset_materializations_for_node("feed")
    assert event.metadata["sql"].value == "create table feed as select '(hidden)' as token"


def test_a_script_of_checks_alone_knows_that_it_makes_no_asset(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tree = project(
        tmp_path,
        a__defs_yaml="""
            type: weft.PythonScriptComponent
            attributes: {execution: {path: look.py}, checks: [{asset: a, name: c}]}
        """,
        a__look_py="import os\nprint('makes', [os.environ['WEFT_ASSET_KEYS']])\n",
    )
    # What it does not report is a failure of the check, which is not what this is about.
    materialize([asset(name="a")(lambda: 1), *tree.build_defs().asset_checks], raise_on_error=False)
    assert "makes ['']" in capfd.readouterr().out
