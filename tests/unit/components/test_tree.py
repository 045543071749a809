from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.components.sandbox import project

from weft import AssetKey, Component, DefsFolderComponent, LoadError, PythonScriptComponent

RAW = """
from weft import asset

@asset
def orders(): ...
"""


def keys(tree: object) -> list[str]:
    return sorted(key.to_user_string() for key in tree.build_defs().get_asset_graph().keys)  # type: ignore[attr-defined]


def test_modules_and_documents_of_nested_folders_are_collected_once(tmp_path: Path) -> None:
    tree = project(
        tmp_path,
        raw__a_py=RAW,
        # What is imported from another file belongs to that file.
        marts__b_py="from PACKAGE.defs.raw.a import orders\nfrom weft import asset\n@asset\ndef total(orders): ...\n",
        marts___hidden_py="raise RuntimeError",
        legacy__definitions_py="from weft import AssetSpec, Definitions\ndefs = Definitions(assets=[AssetSpec('feed')])\n",
        legacy__other_py="raise RuntimeError",
        script__defs_yaml="type: weft.PythonScriptComponent\nattributes: {execution: {path: s.py}, assets: [{key: made}]}\n",
        script__s_py="raise RuntimeError",
    )
    assert keys(tree) == ["feed", "made", "orders", "total"]
    assert [type(one) for one in tree.get_all_components()] == [PythonScriptComponent]


def test_post_processing_changes_what_the_folder_below_declares(tmp_path: Path) -> None:
    tree = project(
        tmp_path,
        sales__defs_yaml="""
            type: weft.DefsFolderComponent
            post_processing:
              assets:
                - {target: "key:orders", attributes: {tags: {tier: gold}, group_name: sales}}
                - {operation: replace, attributes: {owners: ["team:sales"]}}
        """,
        sales__inner__a_py=RAW + "@asset(owners=['team:x'])\ndef other(): ...\n",
        b_py="from weft import asset\n@asset\ndef apart(): ...\n",
    )
    graph = tree.build_defs().get_asset_graph()
    assert graph[AssetKey("orders")].tags["tier"] == "gold"
    assert graph[AssetKey("orders")].group_name == "sales"
    assert "tier" not in graph[AssetKey("other")].tags
    assert list(graph[AssetKey("other")].owners) == ["team:sales"]
    assert list(graph[AssetKey("apart")].owners) == []
    assert [type(one) for one in tree.get_all_components(of_type=DefsFolderComponent)] == [DefsFolderComponent]


COMPONENTS = """
from weft import *

class Tables(Component, Model, Resolvable):
    names: list[str]
    prefix: str = ""
    def build_defs(self, context):
        return Definitions(assets=[AssetSpec(self.prefix + name) for name in self.names])

@template_var
def prefix(context):
    return context.path.name + "_"

@template_var
def many():
    return lambda number: [f"t{one}" for one in range(number)]
"""


def test_types_template_variables_and_components_of_the_folder_itself(tmp_path: Path) -> None:
    tree = project(
        tmp_path,
        a__defs_yaml="""
            type: .tables.Tables
            template_vars_module: .tables
            attributes: {names: "{{ many(2) }}", prefix: "{{ prefix }}"}
            ---
            type: .tables.Tables
            attributes: {names: "{{ load_component_at_path('a').names + ['own'] }}", prefix: second_}
        """,
        a__tables_py=COMPONENTS,
        b_py="""
            from weft import component_instance
            from PACKAGE.defs.a.tables import Tables

            @component_instance
            def from_python(context):
                return Tables(names=context.load_component("a", 1).names, prefix="b_")
        """,
    )
    assert keys(tree) == [
        "a_t0", "a_t1", "b_own", "b_t0", "b_t1", "second_own", "second_t0", "second_t1",
    ]  # fmt: skip


def test_every_error_of_every_file_is_in_one_report(tmp_path: Path) -> None:
    tree = project(
        tmp_path,
        a__defs_yaml="type: weft.PythonScriptComponent\nattributes: {execution: {path: gone.py}, assets: [{key: a}]}\n",
        b_py="import nothing_like_this\n",
        c_py="def f(:\n",
        d_py="from weft import asset\n@asset(owners=['joe'])\ndef x(): ...\n",
        e__defs_yaml="type: weft.PythonScriptComponent\nattributes: {execution: {pat: x}}\n---\na: b: c\n",
        f_py="from weft import component_instance\n@component_instance\ndef x(): return 3\n",
    )
    with pytest.raises(LoadError) as error:
        tree.build_defs()
    codes = sorted(problem.code for problem in error.value.problems)
    assert codes == [
        "WEFT-D006", "WEFT-D583", "WEFT-D586", "WEFT-L021", "WEFT-L036", "WEFT-L037", "WEFT-L055", "WEFT-L055",
    ]  # fmt: skip
    assert "nothing_like_this" in error.value.traceback_text
    # A second look finds the same.
    assert tree.problems == []


def test_a_component_cannot_be_asked_for_where_none_is(tmp_path: Path) -> None:
    tree = project(tmp_path, b_py="")
    with pytest.raises(LoadError) as error:
        tree.load_component("b")
    assert error.value.code == "WEFT-L047"
    assert tree.get_all_components(of_type=Component) == []


def test_a_project_without_a_folder_of_definitions_is_told_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    from weft import load_from_defs_folder

    with pytest.raises(LoadError) as error:
        load_from_defs_folder(path_within_project=tmp_path)
    assert error.value.code == "WEFT-L040"
