from __future__ import annotations

import sys

import pytest
from tests.golden.shop_components import Export

from weft import (
    AssetSpec,
    DefinitionError,
    build_component_defs,
    build_defs_for_component,
    component_defs,
    create_defs_folder_sandbox,
    get_all_components_defs_within_project,
    get_component_defs_within_project,
)


def test_a_component_gives_its_definitions_alone() -> None:
    component = Export(tables=["a"], specs=[AssetSpec("orders")])
    assert len(build_defs_for_component(component).assets) == 1
    made = component_defs(component=component, resources={"db": 1})
    assert dict(made.resources) == {"db": 1}


def test_a_sandbox_is_a_project_for_the_time_of_a_test() -> None:
    with create_defs_folder_sandbox() as sandbox:
        contents = {"attributes": {"tables": ["a"], "specs": [{"key": "orders"}]}}
        path = sandbox.scaffold_component(Export, "exports", defs_yaml_contents=contents)
        sandbox.scaffold_component(Export, scaffold_params={"tables": ["b"]}, scaffold_format="python")
        with sandbox.load_component_and_build_defs(path) as (component, made):
            assert isinstance(component, Export)
            assert [spec.key.to_user_string() for spec in made.resolve_all_asset_specs()] == ["orders"]
        with sandbox.build_all_defs() as everything:
            assert len(everything.assets) == 1
        found = get_all_components_defs_within_project(project_root=sandbox.project_root, component_path="exports")
        assert len(found) == 1
        with pytest.raises(DefinitionError) as error:
            get_component_defs_within_project(
                project_root=sandbox.project_root, component_path="exports", instance_key=1
            )
        assert error.value.code == "WEFT-D594"
        with pytest.warns(DeprecationWarning):
            assert len(build_component_defs(sandbox.defs_folder_path).assets) == 1
    assert not sandbox.project_root.exists()
    sys.path[:] = [entry for entry in sys.path if not entry.startswith(str(sandbox.project_root))]
