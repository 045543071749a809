"""Configurable resources: declared once, configured for each run, set up with the resources in their fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Optional

import pytest
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator

from weft.config.data import config_data
from weft.config.env import EnvVar
from weft.config.models import Config
from weft.config.run_config import RunConfig, RunConfigSchema, validate_run_config_value
from weft.definitions.configurable_resource import (
    ConfigurableLegacyResourceAdapter,
    ConfigurableResource,
    ConfigurableResourceFactory,
)
from weft.definitions.resource_annotations import ResourceDependency, is_config_class, is_resource_annotation
from weft.definitions.resource_set import as_resource_definition, bind_resources, initialisation_order
from weft.definitions.resources import InitResourceContext, ResourceDefinition, resource
from weft.definitions.scoped_resources import IAttachDifferentObjectToOpContext, ScopedResources
from weft.errors import ConfigError, DefinitionError, InvocationError, ResourceError


class Session:
    """What a run does with resources, in small: validate, resolve, set up in order, tear down backwards."""

    def __init__(self, resources: dict[str, Any], config: Any = None, environ: dict[str, str] | None = None) -> None:
        self.definitions = bind_resources(resources)
        schema = RunConfigSchema(resources={key: one.config_schema for key, one in self.definitions.items()})
        self.resolved = validate_run_config_value(schema, {"resources": config or {}}).resolve(environ or {})
        self.open: list[Any] = []

    def __enter__(self) -> Any:
        values: dict[str, Any] = {}
        for key in initialisation_order(self.definitions, list(self.definitions)):
            definition = self.definitions[key]
            context = InitResourceContext(
                resource_config=self.resolved.resources[key],
                resources={inner: values[inner] for inner in definition.required_resource_keys},
                resource_key=key,
                resource_def=definition,
            )
            manager = definition.open(context)
            values[key] = manager.__enter__()
            self.open.append(manager)
        return ScopedResources(values)

    def __exit__(self, *_: object) -> None:
        for manager in reversed(self.open):
            manager.__exit__(None, None, None)


def used(value: Any, config: Any = None, environ: dict[str, str] | None = None) -> Any:
    """The resource as a step sees it."""
    with Session({"it": value}, {"it": {"config": config}} if config is not None else {}, environ) as resources:
        return resources.it


class Db(ConfigurableResource):
    host: str
    port: int = 5432
    password: str = ""

    def url(self) -> str:
        return f"{self.host}:{self.port}"


LOG: list[str] = []


@pytest.fixture(autouse=True)
def _fresh_log() -> None:
    LOG.clear()


class Logged(ConfigurableResource):
    name: str
    _client: str = PrivateAttr(default="")

    def setup_for_execution(self, context: InitResourceContext) -> None:
        self._client = f"client of {self.name}"
        LOG.append(f"up {self.name}")

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        LOG.append(f"down {self.name}")


class Outer(ConfigurableResource):
    inner: Logged
    label: str = "outer"

    def setup_for_execution(self, context: InitResourceContext) -> None:
        LOG.append(f"up {self.label} with {self.inner._client}")

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        LOG.append(f"down {self.label}")


# --- as plain objects -------------------------------------------------------------------------------------------------


def test_a_resource_works_directly_with_keywords() -> None:
    db = Db(host="h")
    assert db.url() == "h:5432"
    with pytest.raises(ValidationError):
        db.host = "x"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Db(host="h", prt=1)  # type: ignore[call-arg]


def test_resource_classes_carry_the_marker() -> None:
    assert is_resource_annotation(Db)
    assert is_resource_annotation(ConfigurableResourceFactory[str])
    assert is_resource_annotation(Optional[Db])  # noqa: UP045
    assert not is_config_class(Db)


def test_secrets_do_not_show_in_repr() -> None:
    assert "hunter2" not in repr(Db(host="h", password="hunter2"))


def test_what_was_not_set_up_has_no_context() -> None:
    with pytest.raises(InvocationError) as caught:
        Db(host="h").get_resource_context()
    assert caught.value.code == "WEFT-I091"


# --- configuration ----------------------------------------------------------------------------------------------------


def test_declared_values_are_the_defaults_of_the_run_configuration() -> None:
    assert used(Db(host="h")).url() == "h:5432"
    assert used(Db(host="h"), {"port": 1}).url() == "h:1"
    assert used(Db(host="h"), {"host": "other"}).url() == "other:5432"


def test_a_run_cannot_configure_what_is_no_field() -> None:
    with pytest.raises(ConfigError) as caught:
        used(Db(host="h"), {"hots": "x"})
    assert caught.value.facts["path"] == "resources.it.config.hots"


def test_environment_variables_are_read_when_the_run_starts() -> None:
    db = Db(host=EnvVar("HOST"), port=EnvVar.int("PORT"), password=EnvVar("PW"))
    session = Session({"it": db}, environ={"HOST": "h", "PORT": "7", "PW": "s3cret"})
    assert session.resolved.secrets == {"h", "7", "s3cret"}
    with session as resources:
        assert resources.it.url() == "h:7"
        assert resources.it.password == "s3cret"
    assert db.host == EnvVar("HOST")
    with pytest.raises(ConfigError) as caught:
        Session({"it": db}, environ={"PORT": "7"})
    assert [(one.code, one.facts["needed by"]) for one in caught.value.problems] == [
        ("WEFT-C020", ["resources.it.config.host"]),
        ("WEFT-C020", ["resources.it.config.password"]),
    ]


def test_an_environment_variable_may_be_a_default_of_the_class() -> None:
    class Api(ConfigurableResource):
        token: str = EnvVar("TOKEN")

    assert used(Api(), environ={"TOKEN": "t"}).token == "t"


def test_a_template_with_a_wrong_shape_is_refused_at_once() -> None:
    with pytest.raises(ConfigError):
        Db(hots=EnvVar("HOST"))  # type: ignore[call-arg]


def test_validators_see_values_and_not_references() -> None:
    class Ranged(ConfigurableResource):
        low: int
        high: int

        @field_validator("low")
        @classmethod
        def positive(cls, value: int) -> int:
            if value < 0:
                raise ValueError("low is negative")
            return value

        @model_validator(mode="after")
        def ordered(self) -> Ranged:
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    with pytest.raises(ConfigError) as caught:
        used(Ranged(low=EnvVar.int("LOW"), high=3), environ={"LOW": "-12345"})
    assert caught.value.what == "resources.it.config.low is not accepted: low is negative."
    assert "12345" not in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        used(Ranged(low=1, high=3), {"high": 0})
    assert caught.value.what == "resources.it.config is not accepted: low is above high."


def test_values_of_every_type_reach_the_resource() -> None:
    class Tls(Config):
        cert: str
        verify: bool = True

    class Api(ConfigurableResource):
        tls: Tls
        mode: Literal["a", "b"] = "a"
        hosts: list[str] = []
        token: SecretStr = SecretStr("t")
        limits: dict[str, int] = Field(default_factory=dict)

    declared = Api(tls=Tls(cert="c"), hosts=["x"], token=SecretStr("s3cret"))
    api = used(declared, {"mode": "b", "tls": {"cert": "d"}})
    assert (api.tls, api.mode, api.hosts, api.token.get_secret_value()) == (Tls(cert="d"), "b", ["x"], "s3cret")
    assert used(declared).model_dump() == declared.model_dump()


def test_the_description_hides_secrets_and_shows_references() -> None:
    shown = as_resource_definition(Db(host=EnvVar("HOST"), password="hunter2")).describe("db")
    text = json.dumps(shown.config_schema)
    assert "hunter2" not in text
    assert shown.config_schema["config"]["fields"]["host"]["default"] == {"env": "HOST"}
    assert shown.type_name.endswith("test_configurable_resource.Db")


# --- left to launch ---------------------------------------------------------------------------------------------------


def test_fields_may_be_left_to_the_launch() -> None:
    at_launch = Db.configure_at_launch(port=1)
    assert used(at_launch, {"host": "h"}).url() == "h:1"
    assert used(at_launch, {"host": "h", "port": 2}).url() == "h:2"
    with pytest.raises(ConfigError) as caught:
        used(at_launch)
    assert caught.value.code == "WEFT-C003"
    assert 'host: "..."' in str(caught.value.fix)


def test_what_is_left_to_launch_names_fields_of_the_class() -> None:
    with pytest.raises(DefinitionError) as caught:
        Db.configure_at_launch(hots="x")
    assert (caught.value.code, caught.value.fix) == ("WEFT-D220", 'did you mean "host"? Otherwise leave it out.')


def test_a_resource_cannot_be_left_to_launch() -> None:
    with pytest.raises(DefinitionError) as caught:
        Outer.configure_at_launch()
    assert caught.value.code == "WEFT-D222"


# --- life -------------------------------------------------------------------------------------------------------------


def test_set_up_and_teardown_happen_around_the_use() -> None:
    declared = Logged(name="a")
    with Session({"it": declared}) as resources:
        assert resources.it._client == "client of a"
        assert resources.it.get_resource_context().resource_key == "it"
        assert LOG == ["up a"]
    assert LOG == ["up a", "down a"]
    assert declared._client == ""


def test_state_of_the_declared_object_is_copied() -> None:
    declared = Db(host="h")
    assert used(declared) is not declared
    assert used(declared).host == "h"

    class Stateful(ConfigurableResource):
        _client: str = PrivateAttr(default="real")

    fake = Stateful()
    fake._client = "fake"
    assert used(fake)._client == "fake"


def test_yield_for_execution_may_be_overridden() -> None:
    class Conn(ConfigurableResource):
        dsn: str
        _conn: str = PrivateAttr()

        @contextmanager
        def yield_for_execution(self, context: InitResourceContext) -> Iterator[Conn]:
            self._conn = f"conn to {self.dsn}"
            LOG.append("up")
            yield self
            LOG.append("down")

    with Session({"it": Conn(dsn="x")}) as resources:
        assert resources.it._conn == "conn to x"
    assert LOG == ["up", "down"]


def test_teardown_happens_when_making_the_resource_fails() -> None:
    class Broken(ConfigurableResourceFactory[str]):
        def create_resource(self, context: InitResourceContext) -> str:
            raise OSError("no")

        def teardown_after_execution(self, context: InitResourceContext) -> None:
            LOG.append("down")

    with pytest.raises(ResourceError) as caught:
        used(Broken())
    assert isinstance(caught.value.__cause__, OSError)
    assert LOG == ["down"]


def test_a_factory_makes_another_object() -> None:
    class Client:
        def __init__(self, url: str) -> None:
            self.url = url

    class ClientFactory(ConfigurableResourceFactory[Client]):
        url: str

        def create_resource(self, context: InitResourceContext) -> Client:
            return Client(self.url)

    assert used(ClientFactory(url=EnvVar("URL")), environ={"URL": "u"}).url == "u"


def test_a_factory_must_say_what_it_makes() -> None:
    class Nothing(ConfigurableResourceFactory[str]): ...

    with pytest.raises(DefinitionError) as caught:
        used(Nothing())
    assert caught.value.code == "WEFT-D221"


def test_post_init_runs_on_values_and_private_attributes_are_there() -> None:
    class Eager(ConfigurableResource):
        name: str
        _upper: str = PrivateAttr()

        def model_post_init(self, context: Any, /) -> None:
            self._upper = self.name.upper()

    assert used(Eager(name="a"))._upper == "A"
    assert used(Eager(name=EnvVar("NAME")), environ={"NAME": "b"})._upper == "B"
    assert used(Eager(name="a"), {"name": "c"})._upper == "C"


# --- resources in fields ----------------------------------------------------------------------------------------------


def test_a_resource_in_a_field_is_set_up_before_and_torn_down_after() -> None:
    with Session({"it": Outer(inner=Logged(name="a"))}) as resources:
        assert resources.it.inner._client == "client of a"
        assert resources.it.inner.get_resource_context().resource_key == "it.inner"
    assert LOG == ["up a", "up outer with client of a", "down outer", "down a"]


def test_a_resource_in_a_field_is_configured_through_the_outer_one() -> None:
    outer = Outer(inner=Logged(name="a"))
    assert used(outer, {"inner": {"name": "b"}}).inner.name == "b"
    assert used(Outer(inner=Logged(name=EnvVar("NAME"))), environ={"NAME": "n"}).inner.name == "n"
    with pytest.raises(ConfigError) as caught:
        used(outer, {"inner": {"nam": "b"}})
    assert caught.value.facts["path"] == "resources.it.config.inner.nam"


def test_a_resource_in_a_field_may_be_left_to_launch() -> None:
    outer = Outer(inner=Logged.configure_at_launch())
    assert used(outer, {"inner": {"name": "b"}}).inner._client == "client of b"
    with pytest.raises(ConfigError) as caught:
        used(outer)
    assert caught.value.what == 'resources.it.config needs "inner".'
    assert 'inner:\n        name: "..."' in str(caught.value.fix)


def test_a_resource_with_a_key_of_its_own_is_shared() -> None:
    inner = Logged(name="a")
    with Session(
        {"outer": Outer(inner=inner), "shared": inner, "second": Outer(inner=inner, label="second")}
    ) as resources:
        assert resources.outer.inner is resources.shared is resources.second.inner
    assert LOG == [
        "up a",
        "up outer with client of a",
        "up second with client of a",
        "down second",
        "down outer",
        "down a",
    ]
    definitions = bind_resources({"outer": Outer(inner=inner), "shared": inner})
    assert definitions["outer"].required_resource_keys == {"shared"}
    with pytest.raises(ConfigError):
        Session({"outer": Outer(inner=inner), "shared": inner}, {"outer": {"config": {"inner": {"name": "x"}}}})


def test_resources_are_nested_at_any_depth() -> None:
    class Top(ConfigurableResource):
        outer: Outer

    top = Top(outer=Outer(inner=Logged(name="a")))
    assert used(top, {"outer": {"label": "l", "inner": {"name": "b"}}}).outer.inner._client == "client of b"
    assert LOG[:2] == ["up b", "up l with client of b"]
    inner = Logged(name="deep")
    assert bind_resources({"top": Top(outer=Outer(inner=inner)), "deep": inner})["top"].required_resource_keys == {
        "deep"
    }


def test_collections_of_resources_are_set_up() -> None:
    class Pool(ConfigurableResource):
        members: list[Logged]
        by_name: dict[str, Logged] = {}
        backup: Optional[Logged] = None  # noqa: UP045

    pool = used(Pool(members=[Logged(name="a"), Logged(name="b")], by_name={"c": Logged(name="c")}))
    assert [member._client for member in pool.members] == ["client of a", "client of b"]
    assert pool.by_name["c"]._client == "client of c"
    assert pool.backup is None

    class Any_(ConfigurableResource):
        clients: ResourceDependency[list[Client]]

    client = Client("plain")
    assert used(Any_(clients=[client])).clients == [client]
    both = used(Any_(clients=[ClientFactory(name="f"), client])).clients  # type: ignore[list-item]
    assert [one.name for one in both] == ["f", "plain"]


class Client:
    def __init__(self, name: str) -> None:
        self.name = name


class ClientFactory(ConfigurableResourceFactory[Client]):
    name: str

    def create_resource(self, context: InitResourceContext) -> Client:
        return Client(self.name)


class UsesClient(ConfigurableResource):
    client: ResourceDependency[Client]


def test_a_dependency_may_be_an_object_a_factory_or_a_function() -> None:
    @resource(config_schema={"name": str}, required_resource_keys={"base"})
    def from_function(context: InitResourceContext) -> Client:
        return Client(context.resource_config["name"] + context.resources.base)

    client = Client("plain")
    assert used(UsesClient(client=client)).client is client
    assert used(UsesClient(client=ClientFactory(name="f"))).client.name == "f"  # type: ignore[arg-type]
    assert used(UsesClient(client=ClientFactory.configure_at_launch()), {"client": {"name": "l"}}).client.name == "l"
    resources = {"it": UsesClient(client=from_function), "base": "!"}  # type: ignore[arg-type]
    with Session(resources, {"it": {"config": {"client": {"name": "fn"}}}}) as opened:
        assert opened.it.client.name == "fn!"


def test_a_field_annotated_with_a_factory_holds_what_it_makes() -> None:
    class Holder(ConfigurableResource):
        client: ClientFactory

    assert used(Holder(client=ClientFactory(name="x"))).client.name == "x"
    assert isinstance(used(Holder(client=ClientFactory(name="x"))).client, Client)


def test_a_field_takes_no_other_resource() -> None:
    with pytest.raises(ValidationError):
        Outer(inner=Db(host="h"))  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        Outer(inner=Db.configure_at_launch())


def test_a_resource_in_a_field_may_be_written_as_a_dict() -> None:
    assert used(Outer(inner={"name": "a"})).inner._client == "client of a"  # type: ignore[arg-type]
    templated = Outer(inner={"name": EnvVar("NAME")})  # type: ignore[arg-type]
    assert used(templated, environ={"NAME": "n"}).inner._client == "client of n"


def test_a_missing_resource_of_a_template_is_reported() -> None:
    with pytest.raises(ConfigError) as caught:
        Outer(label=EnvVar("LABEL"))  # type: ignore[call-arg]
    assert caught.value.code == "WEFT-C008"


def test_an_error_in_a_field_names_the_field() -> None:
    class Broken(ConfigurableResource):
        def setup_for_execution(self, context: InitResourceContext) -> None:
            raise OSError("no")

    class Holder(ConfigurableResource):
        broken: Broken

    with pytest.raises(ResourceError) as caught:
        used(Holder(broken=Broken()))
    assert caught.value.what == 'Setting up the resource "it.broken" failed.'


def test_resources_show_another_object_on_the_context() -> None:
    class Wrapped(ConfigurableResource, IAttachDifferentObjectToOpContext):
        def get_object_to_set_on_execution_context(self) -> object:
            return "the client"

    assert used(Wrapped()) == "the client"


# --- use outside runs and from older code -----------------------------------------------------------------------------


def test_a_resource_is_set_up_for_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "n")
    outer = Outer(inner=Logged(name=EnvVar("NAME")))
    assert outer.process_config_and_initialize().inner._client == "client of n"
    LOG.clear()
    with outer.process_config_and_initialize_cm() as made:
        assert made.inner._client == "client of n"
    assert LOG[-1] == "down n"


def test_what_needs_a_teardown_is_not_set_up_without() -> None:
    class Conn(ConfigurableResource):
        @contextmanager
        def yield_for_execution(self, context: InitResourceContext) -> Iterator[Conn]:
            yield self

    with pytest.raises(InvocationError) as caught:
        Conn().process_config_and_initialize()
    assert caught.value.code == "WEFT-I092"
    with Conn().process_config_and_initialize_cm() as conn:
        assert isinstance(conn, Conn)


def test_the_function_of_an_older_resource_may_use_the_class() -> None:
    @resource(config_schema=Db.to_config_schema())
    def db(context: InitResourceContext) -> Db:
        return Db.from_resource_context(context)

    @resource(config_schema=Logged.to_config_schema())
    def logged(context: InitResourceContext) -> Iterator[Logged]:
        with Logged.from_resource_context_cm(context) as value:
            yield value

    assert used(db, {"host": "h"}).url() == "h:5432"
    assert used(logged, {"name": "a"})._client == "client of a"
    assert LOG == ["up a", "down a"]


def test_the_context_can_be_replaced() -> None:
    context = InitResourceContext(resource_key="x")
    db = Db(host="h")
    assert db.with_replaced_resource_context(context).get_resource_context() is context
    with pytest.raises(InvocationError):
        db.get_resource_context()


def test_an_older_function_gets_fields_from_an_adapter() -> None:
    @resource(config_schema={"name": str})
    def old(context: InitResourceContext) -> Iterator[str]:
        LOG.append("up")
        yield f"old {context.resource_config['name']}"
        LOG.append("down")

    class New(ConfigurableLegacyResourceAdapter):
        name: str

        @property
        def wrapped_resource(self) -> ResourceDefinition:
            return old

    assert used(New(name="n")) == "old n"
    assert used(New(name="n"), {"name": "m"}) == "old m"
    assert LOG == ["up", "down"] * 2


def test_a_run_config_takes_resource_objects() -> None:
    document = RunConfig(
        resources={"db": Db(host="h"), "outer": Outer(inner=Logged(name=EnvVar("N")))}
    ).to_config_dict()
    assert document["resources"]["db"] == {"config": {"host": "h", "port": 5432, "password": ""}}
    assert document["resources"]["outer"] == {"config": {"label": "outer", "inner": {"name": {"env": "N"}}}}
    assert config_data(Db(host="h"))["host"] == "h"


def test_a_resource_definition_is_equal_in_effect_each_time() -> None:
    db = Db(host="h")
    first, second = as_resource_definition(db), as_resource_definition(db)
    assert first.source is second.source is db
    assert first.config_schema == second.config_schema


def test_a_resource_that_keeps_extra_keys() -> None:
    class Open(ConfigurableResource):
        model_config = {"extra": "allow"}  # noqa: RUF012
        a: int = 1

    assert used(Open(b=2), {"c": 3}).model_extra == {"b": 2, "c": 3}  # type: ignore[call-arg]
    assert used(Open(b=2), {"b": 4}).b == 4  # type: ignore[call-arg]
