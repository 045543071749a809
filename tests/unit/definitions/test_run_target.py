"""The user's side of a run: bodies, resources, hooks, values, and where assets are stored."""

from __future__ import annotations

from typing import Any

from tests.unit.definitions.refusal import refused

from weft.definitions.asset_spec import AssetSpec
from weft.definitions.assets import AssetsDefinition, asset
from weft.definitions.graph import graph
from weft.definitions.hooks import success_hook
from weft.definitions.inputs_outputs import DynamicOut
from weft.definitions.job import AssetJobDefinition, define_asset_job, job
from weft.definitions.op import op
from weft.definitions.repository import Repository
from weft.definitions.run_target import asset_target, job_target
from weft.model.keys import AssetKey
from weft.model.run import IMPLICIT_ASSET_JOB


@op(out=DynamicOut(int))
def spread() -> Any: ...


@op
def add(left: int, right: int = 0) -> int:
    return left + right


@success_hook
def tell(context: Any) -> None: ...


@success_hook
def also(context: Any) -> None: ...


def test_a_copy_made_by_a_dynamic_output_has_the_body_of_its_template() -> None:
    @job
    def nightly() -> None:
        spread().map(add)

    target = job_target(nightly)
    assert target.body("add[a]") is target.body("add[b]") is target.body("add")
    assert target.node_names() == {"spread", "add"}
    assert target.repository is None
    assert target.asset(AssetKey("x")) is target.spec(AssetKey("x")) is None
    assert target.io_manager_key_of(AssetKey("x")) == "io_manager"


def test_values_of_a_job_are_those_of_the_caller_then_its_own_then_defaults() -> None:
    @graph
    def inner(z: Any = 7) -> Any:
        return add(z)

    @graph
    def outer(x: Any, y: Any = 2) -> None:
        add(x, y)
        inner()

    made = outer.to_job(input_values={"y": 3}, resource_defs={"db": 1, "x": 1}, config={"ops": {}}, tags={"a": "b"})
    target = job_target(made, resources={"db": 2}, input_values={"x": 1})
    assert target.input_values == {"inner.z": 7, "x": 1, "y": 3}
    assert target.resource_defs == {"db": 2, "x": 1}
    assert (target.config, target.tags, target.job_name) == ({"ops": {}}, {"a": "b"}, "outer")


def test_only_the_definitions_of_the_run_bring_their_resources() -> None:
    @asset(resource_defs={"db": "mine"})
    def orders(db: Any) -> None: ...

    @asset(resource_defs={"db": "theirs"})
    def users(db: Any) -> None: ...

    @asset
    def plain() -> None: ...

    repository = Repository([orders, users, plain], resource_defs={"slack": "s", "db": "shared"})
    assert asset_target(repository, ["orders", "plain"]).resource_defs == {"slack": "s", "db": "mine"}
    assert asset_target(repository, ["plain"], resources={"db": "given"}).resource_defs == {"slack": "s", "db": "given"}
    with refused("WEFT-D037", '"db"', "orders, users"):
        asset_target(repository, ["orders", "users"])


def test_hooks_of_the_asset_come_before_those_of_the_job() -> None:
    @asset(hooks={tell})
    def orders() -> None: ...

    nightly = define_asset_job("nightly", hooks={also}, tags={"a": "b"}, config={"ops": {}})
    repository = Repository([orders], jobs=[nightly])
    bound = repository.jobs["nightly"]
    assert isinstance(bound, AssetJobDefinition)
    target = asset_target(repository, ["orders"], job=bound)
    assert target.body("orders").hooks == (tell, also)
    assert (target.job_name, target.tags, target.config) == ("nightly", {"a": "b"}, {"ops": {}})
    implicit = asset_target(repository, ["orders"])
    assert implicit.body("orders").hooks == (tell,)
    assert (implicit.job_name, implicit.config) == (IMPLICIT_ASSET_JOB, None)


def test_defaults_inside_graphs_of_assets_are_handed_over() -> None:
    @graph
    def inner(x: Any = 5) -> Any:
        return add(x)

    @graph
    def computed() -> Any:
        return inner()

    definition = AssetsDefinition(computed, specs_by_output={"result": AssetSpec("made")})
    repository = Repository([definition])
    assert asset_target(repository, ["computed.inner.add"]).input_values == {"computed.inner.x": 5}


def test_an_asset_is_loaded_by_the_manager_that_stored_it() -> None:
    @asset(io_manager_key="files")
    def orders() -> int: ...  # type: ignore[empty-body]

    external = AssetSpec("raw").with_io_manager_key("csv")
    repository = Repository([orders, external, AssetSpec("other")], resource_defs={"files": 1})
    target = asset_target(repository, ["orders"])
    keys = {name: target.io_manager_key_of(AssetKey(name)) for name in ("orders", "raw", "other", "unknown")}
    assert keys == {"orders": "files", "raw": "csv", "other": "io_manager", "unknown": "io_manager"}
