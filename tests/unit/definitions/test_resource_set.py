"""Resources are set up after those they require; what cannot be is reported at once."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from weft.definitions.io_manager import IOManager, IOManagerDefinition
from weft.definitions.resource_set import as_resource_definition, bind_resources, initialisation_order
from weft.definitions.resources import ResourceDefinition
from weft.errors import DefinitionError


def needing(*keys: str) -> ResourceDefinition:
    return ResourceDefinition(lambda: None, required_resource_keys=keys)


@given(st.lists(st.sets(st.integers(0, 9)), max_size=10), st.sets(st.integers(0, 9)))
def test_each_resource_comes_once_and_after_what_it_requires(needs: list[set[int]], wanted: set[int]) -> None:
    definitions = {
        str(index): needing(*(str(below) for below in below_all if below < index))
        for index, below_all in enumerate(needs)
    }
    required = [str(key) for key in sorted(wanted) if key < len(needs)]
    order = initialisation_order(definitions, required)
    assert len(set(order)) == len(order)
    assert set(required) <= set(order)
    for place, key in enumerate(order):
        assert definitions[key].required_resource_keys <= set(order[:place])
    reachable = set(required)
    for key in reversed(order):
        if key in reachable:
            reachable |= definitions[key].required_resource_keys
    assert set(order) == reachable


def test_independent_resources_keep_the_order_in_which_they_are_asked_for() -> None:
    definitions = {key: needing() for key in "abc"}
    assert initialisation_order(definitions, ["c", "a"]) == ("c", "a")


def test_a_circle_is_printed_as_a_path() -> None:
    definitions = {"a": needing("b"), "b": needing("c"), "c": needing("b")}
    with pytest.raises(DefinitionError) as caught:
        initialisation_order(definitions, ["a"])
    assert (caught.value.code, caught.value.facts["circle"]) == ("WEFT-D212", "b -> c -> b")


def test_missing_resources_say_who_needs_them() -> None:
    definitions = {"client": needing("config"), "db": needing("cleint")}
    with pytest.raises(DefinitionError) as caught:
        initialisation_order(
            definitions, {"db": ['op "clean"'], "client": ['op "clean"'], "io": ['op "a"', 'asset "b"']}
        )
    first, second, third = caught.value.problems
    assert str(first) == (
        'WEFT-D211  The resource "cleint" is required, but not defined.\n'
        '  required by      resource "db"\n'
        "  known resources  client, db\n"
        '  fix              did you mean "client"? Otherwise add it: resources={"cleint": ...}'
    )
    assert (second.what, second.facts["required by"]) == (
        'The resource "config" is required, but not defined.',
        ['resource "client"'],
    )
    assert third.facts["required by"] == ['op "a"', 'asset "b"']


class Memory(IOManager):
    def handle_output(self, context: object, obj: object) -> None: ...

    def load_input(self, context: object) -> None: ...


def test_plain_objects_become_definitions() -> None:
    client, manager, definition = object(), Memory(), needing()
    bound = bind_resources({"client": client, "io": manager, "d": definition})
    assert list(bound) == ["client", "io", "d"]
    assert bound["client"].source is client
    assert isinstance(bound["io"], IOManagerDefinition)
    assert bound["io"].source is manager
    assert bound["d"] is definition


def test_a_resource_class_instead_of_an_object_is_refused() -> None:
    class Db:
        __weft_resource__ = True

    with pytest.raises(DefinitionError) as caught:
        as_resource_definition(Db)
    assert caught.value.code == "WEFT-D214"
