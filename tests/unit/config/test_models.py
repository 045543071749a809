"""Config classes become schemas, checked values become objects of the class, and environment references wait for the run."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import pathlib
import pickle
import uuid
import warnings
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NewType, Optional

import pytest
from hypothesis import given, strategies as st
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from tests.unit.config.config_strategies import law

from weft.config import schema as s
from weft.config.data import config_data
from weft.config.env import EnvVar
from weft.config.models import Config, PermissiveConfig, instantiate, schema_of_annotation, shape_of
from weft.config.scaffold import scaffold
from weft.config.validation import validate
from weft.definitions.resource_annotations import is_config_class, is_resource_annotation
from weft.errors import ConfigError, DefinitionError


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Inner(Config):
    x: int
    names: list[str] = ["a"]


class Cat(Config):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(Config):
    kind: Literal["dog", "wolf"] = "dog"
    breed: str


class Rich(Config):
    """Everything at once."""

    limit: int = Field(3, ge=1, description="rows")
    ratio: float = 0.5
    inner: Inner
    many: list[Inner] = []
    by_name: dict[str, Inner] = {}
    by_color: dict[Color, int] = {}
    color: Color = Color.RED
    mode: Literal["fast", "safe"] = "fast"
    maybe: Optional[int] = None  # noqa: UP045
    either: int | str = 1
    pet: Cat | Dog = Field(default_factory=Cat, discriminator="kind")
    day: datetime.date = datetime.date(2024, 1, 1)
    path: pathlib.Path = pathlib.Path("/tmp")
    amount: decimal.Decimal = decimal.Decimal("1.5")
    pair: tuple[int, str] = (1, "a")
    tags: frozenset[str] = frozenset()
    token: SecretStr = SecretStr("t")


def fields(model: type[BaseModel]) -> Mapping[str, s.Field]:
    return shape_of(model).fields or {}


def refused(model: type[Config], value: object, **options: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        instantiate(model, value, path=("ops", "clean", "config"), **options)
    return caught.value


# --- use as plain objects ---------------------------------------------------------------------------------------------


def test_an_object_is_made_with_keywords_and_cannot_be_changed() -> None:
    config = Inner(x=3)
    assert (config.x, config.names) == (3, ["a"])
    with pytest.raises(ValidationError):
        config.x = 4  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Inner(x=3, y=4)  # type: ignore[call-arg]


def test_a_permissive_object_keeps_other_keys() -> None:
    class Open(PermissiveConfig):
        a: int = 1

    config = Open(b=[1])  # type: ignore[call-arg]
    assert config.b == [1]  # type: ignore[attr-defined]
    assert config_data(config) == {"a": 1, "b": [1]}
    assert validate(Open, {"b": {"c": 2}}).value == {"a": 1, "b": {"c": 2}}


def test_config_classes_carry_the_marker() -> None:
    assert is_config_class(Inner)
    assert is_config_class(PermissiveConfig)
    assert not is_resource_annotation(Inner)


@pytest.mark.parametrize(
    "name", ["schema", "copy", "json", "dict", "construct", "validate", "parse_obj", "model_x", "model_name"]
)
def test_fields_may_have_names_that_pydantic_only_keeps_for_old_code(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = type(Config)("Made", (Config,), {"__annotations__": {name: str}, "__module__": __name__})
    assert getattr(made(**{name: "v"}), name) == "v"
    assert config_data(made(**{name: "v"})) == {name: "v"}


def test_a_class_defined_with_such_a_name_in_a_body() -> None:
    class Table(Config):
        schema: str = "public"  # type: ignore[assignment]
        copy: bool = False  # type: ignore[assignment]

    assert (Table().schema, Table(copy=True).copy) == ("public", True)


def test_a_type_that_cannot_be_configuration_is_refused_with_the_way_out() -> None:
    class Client: ...

    with pytest.raises(DefinitionError) as caught:

        class Bad(Config):
            client: Client

    assert caught.value.code == "WEFT-D204"
    assert "ResourceDependency" in str(caught.value)


def test_objects_survive_pickle() -> None:
    for config in (Inner(x=3), Inner(x=EnvVar.int("X"))):
        assert pickle.loads(pickle.dumps(config)) == config


def test_secret_texts_do_not_show_in_repr() -> None:
    class Db(Config):
        db_password: str
        token_limit: int = 5
        host: str = "h"

    assert repr(Db(db_password="hunter2")) == "Db(db_password='(hidden)', token_limit=5, host='h')"
    assert repr(Db(db_password=EnvVar("PW"))) == "Db(db_password=EnvVar('PW'), token_limit=5, host='h')"


# --- schemas ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "meant"),
    [
        (int, s.IntSource),
        (str, s.StringSource),
        (float, s.FloatSource),
        (bool, s.BoolSource),
        (Any, s.AnyType(from_env=True)),
        (Optional[int], s.Noneable(s.IntSource)),  # noqa: UP045
        (int | None, s.Noneable(s.IntSource)),
        (Annotated[int, "x"], s.IntSource),
        (NewType("Id", int), s.IntSource),
        (list[int], s.Array(s.IntSource)),
        (Sequence[str], s.Array(s.StringSource)),
        (set[str], s.Array(s.StringSource)),
        (tuple[int, ...], s.Array(s.IntSource)),
        (dict[str, int], s.Map(s.String, s.IntSource)),
        (Mapping[int, str], s.Map(s.Int, s.StringSource)),
        (dict, s.Permissive(extra=s.AnyType(from_env=True))),
        (int | str, s.AnyOf([s.IntSource, s.StringSource])),
        (Literal["a", "b"], s.Enum("Literal", [s.EnumValue("a"), s.EnumValue("b")], from_env=True)),
        (Literal["a", None], s.Noneable(s.Enum("Literal", [s.EnumValue("a")], from_env=True))),
        (SecretStr, s.StringSource),
        (datetime.datetime, s.AnyType("datetime", from_env=True)),
        (uuid.UUID, s.AnyType("UUID", from_env=True)),
        (Annotated[int, BeforeValidator(int)], s.AnyType("int", from_env=True)),
    ],
)
def test_annotations_mean_config_types(annotation: object, meant: s.ConfigType) -> None:
    assert schema_of_annotation(annotation) == meant


def test_an_enum_class_is_written_by_name_and_may_come_from_the_environment() -> None:
    of = schema_of_annotation(Color)
    assert isinstance(of, s.Enum)
    assert (of.config_values, of.from_env) == (["RED", "BLUE"], True)


def test_fields_keep_defaults_descriptions_and_bounds() -> None:
    class C(Config):
        """What it is."""

        a: int = Field(3, ge=1, lt=10, description="how many")
        b: str = Field(min_length=2)
        c: list[int] = Field(default_factory=list, max_length=3)
        d: str = EnvVar("D")

    found = fields(C)
    assert found["a"] == s.Field(s.IntSource, default_value=3, description="how many", constraints={"ge": 1, "lt": 10})
    assert found["b"] == s.Field(s.StringSource, constraints={"min_length": 2})
    assert found["c"] == s.Field(s.Array(s.IntSource), is_required=False, constraints={"max_length": 3})
    assert found["d"].default_value == {"env": "D"}
    assert C.to_config_schema().description == "What it is."
    assert Inner.to_config_schema().description is None


def test_a_default_of_none_for_a_type_without_none_counts_where_nothing_is_given() -> None:
    class C(Config):
        a: int = None  # type: ignore[assignment]

    assert validate(C, {}).value == {}
    assert instantiate(C, {}).a is None
    assert config_data(C()) == {}


def test_secret_fields_are_known_by_type_name_or_word() -> None:
    class C(Config):
        a: SecretStr
        db_password: str
        api_key: Optional[str] = None  # noqa: UP045
        access_token: str = ""
        token_limit: int = 1
        tokens_per_day: str = ""
        plain: str = Field("", json_schema_extra={"is_secret": True})
        secret: str = Field("", json_schema_extra={"is_secret": False})

    assert [name for name, field in fields(C).items() if field.is_secret] == [
        "a",
        "db_password",
        "api_key",
        "access_token",
        "plain",
    ]


def test_an_alias_is_the_key() -> None:
    class C(Config):
        a: int = Field(1, alias="A")
        b: int = Field(1, validation_alias=AliasChoices("B", "bb"))

    assert list(fields(C)) == ["A", "B"]
    assert config_data(C(A=5)) == {"A": 5, "B": 1}
    assert instantiate(C, validate(C, {"A": 2, "B": 3}).value).b == 3
    assert validate(C, C(A=EnvVar.int("X"))).resolve({"X": "4"}).value == {"A": 4, "B": 1}


def test_a_field_with_a_validator_before_pydantic_takes_anything() -> None:
    class C(Config):
        period: int

        @field_validator("period", mode="before")
        @classmethod
        def days(cls, value: object) -> object:
            return int(value[:-1]) if isinstance(value, str) else value

    assert instantiate(C, validate(C, {"period": "3d"}).value).period == 3


def test_a_class_that_contains_itself_ends() -> None:
    class Tree(Config):
        name: str
        children: list[Tree] = []

    value = {"name": "a", "children": [{"name": "b", "children": []}]}
    assert instantiate(Tree, validate(Tree, value).value).children[0].name == "b"
    json.dumps(s.to_data(Tree.to_config_schema()))


def test_a_plain_pydantic_model_may_be_a_field() -> None:
    class Point(BaseModel):
        x: int
        y: int = 0

    class C(Config):
        at: Point

    assert config_data(C(at=Point(x=1))) == {"at": {"x": 1, "y": 0}}
    with pytest.raises(ConfigError) as caught:
        validate(C, {"at": {"x": "1"}})
    assert caught.value.facts["path"] == "at.x"


def test_equal_classes_give_equal_schemas() -> None:
    assert Inner.to_config_schema() == Inner.to_config_schema()
    assert s.from_data(s.to_data(Rich.to_config_schema())) == s.from_data(s.to_data(Rich.to_config_schema()))


# --- values to objects ------------------------------------------------------------------------------------------------

CATS = st.builds(Cat, lives=st.integers())
DOGS = st.builds(Dog, kind=st.sampled_from(["dog", "wolf"]), breed=st.text(max_size=3))
INNERS = st.builds(Inner, x=st.integers(), names=st.lists(st.text(max_size=3), max_size=2))
RICH = st.builds(
    Rich,
    limit=st.integers(min_value=1),
    ratio=st.floats(allow_nan=False),
    inner=INNERS,
    many=st.lists(INNERS, max_size=2),
    by_name=st.dictionaries(st.text(max_size=3), INNERS, max_size=2),
    by_color=st.dictionaries(st.sampled_from(Color), st.integers(), max_size=2),
    color=st.sampled_from(Color),
    mode=st.sampled_from(["fast", "safe"]),
    maybe=st.none() | st.integers(),
    either=st.integers() | st.text(max_size=3),
    pet=CATS | DOGS,
    day=st.dates(),
    path=st.sampled_from([pathlib.Path("a"), pathlib.Path("/b/c")]),
    amount=st.decimals(allow_nan=False, allow_infinity=False),
    pair=st.tuples(st.integers(), st.text(max_size=3)),
    tags=st.frozensets(st.text(max_size=3), max_size=3),
    token=st.text(max_size=3).map(SecretStr),
)


@law
@given(RICH)
def test_an_object_comes_back_from_its_data(config: Rich) -> None:
    data = config_data(config)
    assert json.loads(json.dumps(data)) == data
    checked = validate(Rich, json.loads(json.dumps(data)))
    assert instantiate(Rich, checked.value) == config
    assert validate(Rich, config) == checked


@law
@given(RICH)
def test_data_fits_the_snapshot_of_the_schema(config: Rich) -> None:
    stored = s.from_data(json.loads(json.dumps(s.to_data(Rich.to_config_schema()))))
    validate(stored, config_data(config))


def test_the_example_of_a_class_makes_an_object() -> None:
    assert scaffold(Rich) == {"inner": {"x": 0}}
    assert instantiate(Rich, validate(Rich, scaffold(Rich)).value) == Rich(inner=Inner(x=0))


@pytest.mark.parametrize("written", [{"dog": {"breed": "x"}}, {"kind": "dog", "breed": "x"}])
def test_a_discriminated_union_is_written_in_two_ways(written: object) -> None:
    config = instantiate(Rich, validate(Rich, {"inner": {"x": 1}, "pet": written}).value)
    assert config.pet == Dog(breed="x")


def test_one_class_may_stand_for_several_choices() -> None:
    config = instantiate(Rich, validate(Rich, {"inner": {"x": 1}, "pet": {"wolf": {"breed": "grey"}}}).value)
    assert config.pet == Dog(kind="wolf", breed="grey")


class Bounded(Config):
    low: int
    high: int
    name: str = "x"
    inner: Inner = Inner(x=1)

    @field_validator("name")
    @classmethod
    def short(cls, value: str) -> str:
        if len(value) > 3:
            raise ValueError("the name is too long.")
        return value

    @model_validator(mode="after")
    def ordered(self) -> Bounded:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


def test_conditions_of_the_class_are_part_of_validation() -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Bounded, {"low": 3, "high": 1}, path=("ops", "clean", "config"))
    assert str(caught.value) == (
        "WEFT-C006  ops.clean.config is not accepted: low is above high.\n"
        "  path          ops.clean.config\n"
        "  found         mapping with low, high, name, inner\n"
        "  fix           give a value that holds the condition"
    )


def test_all_conditions_that_do_not_hold_are_reported_at_once_with_their_paths() -> None:
    class Both(Config):
        first: Bounded
        items: list[Bounded]

    bad = {"low": 1, "high": 2, "name": "much too long"}
    error = refused(Both, {"first": bad, "items": [{"low": 1, "high": 2}, {"low": 2, "high": 1}]})
    assert [(one.code, one.facts["path"]) for one in error.problems] == [
        ("WEFT-C006", "ops.clean.config.first.name"),
        ("WEFT-C006", "ops.clean.config.items[1]"),
    ]
    assert error.problems[0].what.endswith("the name is too long.")


def test_what_came_from_the_environment_is_not_shown() -> None:
    class C(Config):
        name: str
        pin: SecretStr = Field(SecretStr("0000"), min_length=4)

        @field_validator("name")
        @classmethod
        def refuse(cls, value: str) -> str:
            raise ValueError(f"{value} is not a name")

    checked = validate(C, {"name": EnvVar("NAME"), "pin": {"env": "PIN"}})
    resolved = checked.resolve({"NAME": "s3cret", "PIN": "12"})
    error = refused(C, resolved.value, secrets=resolved.secrets)
    assert len(error.problems) == 2
    assert "s3cret" not in str(error)
    assert "12" not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None


def test_an_object_of_the_class_stays_itself() -> None:
    config = Inner(x=1)
    assert instantiate(Inner, config) is config


# --- environment ------------------------------------------------------------------------------------------------------


def test_references_fit_fields_of_every_type_and_are_resolved_at_the_end() -> None:
    template = Rich(
        limit=EnvVar.int("LIMIT"),
        ratio=EnvVar("RATIO"),  # type: ignore[arg-type]
        inner={"x": EnvVar.int("X"), "names": [EnvVar("NAME"), "b"]},  # type: ignore[arg-type]
        color=EnvVar("COLOR"),  # type: ignore[arg-type]
        mode=EnvVar("MODE"),  # type: ignore[arg-type]
        day=EnvVar("DAY"),  # type: ignore[arg-type]
        token=EnvVar("TOKEN"),  # type: ignore[arg-type]
        either=EnvVar("EITHER"),
    )
    assert template.limit == EnvVar.int("LIMIT")
    assert template.pet == Cat()
    environ = {
        "LIMIT": "7",
        "RATIO": "0.25",
        "X": "1",
        "NAME": "n",
        "COLOR": "BLUE",
        "MODE": "safe",
        "DAY": "2024-02-29",
        "TOKEN": "s3cret",
        "EITHER": "5a",
    }
    resolved = validate(Rich, template).resolve(environ)
    assert resolved.secrets >= set(environ.values())
    assert instantiate(Rich, resolved.value, secrets=resolved.secrets) == Rich(
        limit=7,
        ratio=0.25,
        inner=Inner(x=1, names=["n", "b"]),
        color=Color.BLUE,
        mode="safe",
        day=datetime.date(2024, 2, 29),
        token=SecretStr("s3cret"),
        either="5a",
    )


def test_the_shape_of_a_template_is_checked_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Bounded(low=EnvVar.int("LOW"), hihg=1)  # type: ignore[call-arg]
    assert [one.code for one in caught.value.problems] == ["WEFT-C003", "WEFT-C002"]
    with pytest.raises(ConfigError):
        Inner(x=1, names=EnvVar("NAMES"))  # type: ignore[arg-type]


def test_validators_wait_until_the_value_is_known() -> None:
    template = Bounded(low=EnvVar.int("LOW"), high=1)
    resolved = validate(Bounded, template).resolve({"LOW": "3"})
    assert refused(Bounded, resolved.value).what == "ops.clean.config is not accepted: low is above high."


def test_references_are_found_however_an_object_is_made() -> None:
    assert Inner.model_validate({"x": EnvVar.int("X")}).x == EnvVar.int("X")
    assert config_data(Bounded(low=1, high=2, inner={"x": EnvVar.int("X")})) == {  # type: ignore[arg-type]
        "low": 1,
        "high": 2,
        "name": "x",
        "inner": {"x": {"env": "X"}},
    }
    nested = Bounded(low=1, high=2, inner=Inner(x=EnvVar.int("X")))
    assert config_data(nested)["inner"]["x"] == {"env": "X"}


def test_a_template_has_its_private_attributes() -> None:
    class C(Config):
        a: str
        _seen: list[str] = PrivateAttr(default_factory=list)

    assert C(a=EnvVar("A"))._seen == []


def test_defaults_of_a_template_are_fresh() -> None:
    class C(Config):
        a: str
        b: list[int] = []

    first, second = C(a=EnvVar("A")), C(a=EnvVar("A"))
    assert first.b is not second.b


def test_arbitrary_types_are_accepted_where_the_class_allows_them() -> None:
    class Client: ...

    class C(Config):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        client: Client

    client = Client()
    assert instantiate(C, validate(C, {"client": client}).value).client is client
