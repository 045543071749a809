from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import pytest

from weft import (
    AssetKey,
    AssetSpec,
    AutomationCondition,
    ConfigurableResource,
    EnvVar,
    Injected,
    LoadError,
    Model,
    ResolutionContext,
    Resolvable,
    ResolvedAssetKey,
    ResolvedAssetSpec,
    Resolver,
)


class Database(ConfigurableResource):
    password: str


class Client:
    def __init__(self, url: str) -> None:
        self.url = url


class Part(Model, Resolvable):
    name: str
    key: ResolvedAssetKey


class Whole(Model, Resolvable):
    parts: list[Part]
    by_name: dict[str, Part] = {}
    client: Annotated[Client, Resolver(lambda context, url: Client(url), model_field_type=str)] | None = None
    specs: Sequence[ResolvedAssetSpec] = ()
    database: Database | None = None
    token: EnvVar | None = None
    plain: str | None = None
    either: Part | ResolvedAssetKey | None = None


def test_nested_parts_become_their_resolved_form() -> None:
    made = Whole.resolve_from_yaml(
        """
        parts: [{name: a, key: x/y}]
        by_name: {b: {name: b, key: [p, q/r]}}
        client: http://host
        specs: [{key: s, deps: [x/y], automation_condition: eager, partitions_def: {type: static, partition_keys: [a]}}]
        either: k
        """
    )
    assert made.parts[0].key == AssetKey(["x", "y"])
    assert made.by_name["b"].key == AssetKey(["p", "q/r"])
    assert made.client is not None and made.client.url == "http://host"
    assert made.specs[0].automation_condition == AutomationCondition.eager()
    assert made.specs[0].partitions_def is not None
    assert made.either == AssetKey("k")
    assert isinstance(Whole.resolve_from_yaml("{parts: [], either: {name: a, key: b}}").either, Part)


def test_what_a_template_gives_may_be_of_the_resolved_form_already() -> None:
    specs = [AssetSpec("a")]
    client = Client("x")
    made = Whole.resolve_from_yaml(
        "{parts: '{{ parts }}', specs: '{{ specs }}', client: '{{ client }}'}",
        scope={"specs": specs, "client": client, "parts": [Part(name="n", key=AssetKey("k"))]},
    )
    assert list(made.specs) == specs
    assert made.client is client
    assert made.parts[0].name == "n"


def test_variables_stay_references_only_where_fields_hold_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_X", "secret")
    made = Whole.resolve_from_yaml(
        "{parts: [], database: {password: '{{ env.WEFT_X }}'}, token: '{{ env.WEFT_Y }}', plain: '{{ env.WEFT_X }}'}"
    )
    assert made.database is not None and made.database.password == EnvVar("WEFT_X")
    assert made.token == EnvVar("WEFT_Y")
    assert made.plain == "secret"
    assert type(made.plain) is str


@dataclass
class Point(Resolvable):
    x: int
    y: int = 2
    key: ResolvedAssetKey | None = None


class Annotated_(Resolvable):
    def __init__(self, first: str, second: Injected[Client] | None = None) -> None:
        self.first, self.second = first, second


def test_dataclasses_and_annotated_classes_are_resolvable() -> None:
    assert Point.resolve_from_yaml("{x: 1, key: a}") == Point(1, 2, AssetKey("a"))
    client = Client("u")
    made = Annotated_.resolve_from_yaml("{first: f, second: '{{ client }}'}", scope={"client": client})
    assert (made.first, made.second) == ("f", client)


def test_every_mistake_is_told_in_one_error() -> None:
    with pytest.raises(LoadError) as error:
        Whole.resolve_from_yaml("{parts: [{nam: a}], plain: [1], specs: [{}], unknown: 1, token: '{{ nothing }}'}")
    assert {problem.code for problem in error.value.problems} == {"WEFT-L030", "WEFT-L036", "WEFT-L037", "WEFT-L038"}


class Deferred(Model, Resolvable):
    names: Annotated[
        list[str],
        Resolver(
            lambda context, text: [context.with_scope(node=n).resolve_value(text, as_type=str) for n in "ab"],
            model_field_type=str,
            defer=True,
        ),
    ]
    total: Annotated[int, Resolver.from_model(lambda context, model: len(model.names))] = 0


def test_a_deferred_resolver_fills_its_templates_itself_and_one_may_read_the_whole_model() -> None:
    made = Deferred.resolve_from_yaml("names: 'n_{{ node }}'")
    assert made.names == ["n_a", "n_b"]
    assert made.total == len("n_{{ node }}")


def test_the_written_form_has_a_schema_for_editors() -> None:
    schema = Part.model().model_json_schema()
    assert set(schema["properties"]) == {"name", "key"}
    assert Whole.resolve_from_dict({"parts": []}, ResolutionContext.default()).parts == []
