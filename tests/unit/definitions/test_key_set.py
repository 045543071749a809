"""Key sets are sets for whoever compares them, and sequences for whoever goes through them."""

from __future__ import annotations

from hypothesis import given, strategies as st

from weft.definitions.key_set import KeySet

KEYS = st.lists(st.integers(0, 9))


@given(KEYS, KEYS)
def test_a_key_set_is_the_set_of_its_keys(ours: list[int], theirs: list[int]) -> None:
    keys, plain, other = KeySet(ours), frozenset(ours), frozenset(theirs)
    assert keys == plain
    assert plain == keys
    assert hash(keys) == hash(plain)
    assert len(keys) == len(plain)
    for theirs_too in (other, KeySet(theirs)):
        assert (keys == theirs_too) == (plain == other)
        assert keys | theirs_too == theirs_too | keys == plain | other == keys.union(theirs)
        assert keys & theirs_too == theirs_too & keys == plain & other == keys.intersection(theirs)
        assert keys - theirs_too == plain - other == keys.difference(theirs)
        assert theirs_too - keys == other - plain
        assert keys ^ theirs_too == plain ^ other
        assert (keys <= theirs_too) == (plain <= other) == keys.issubset(theirs)
        assert (keys >= theirs_too) == (plain >= other) == keys.issuperset(theirs)
        assert keys.isdisjoint(theirs_too) == plain.isdisjoint(other)


@given(KEYS, KEYS)
def test_order_is_that_of_the_first_mention(ours: list[int], theirs: list[int]) -> None:
    assert list(KeySet(ours)) == list(dict.fromkeys(ours))
    assert list(KeySet(ours).union(theirs)) == list(dict.fromkeys([*ours, *theirs]))
    assert list(KeySet(ours).difference(theirs)) == [key for key in dict.fromkeys(ours) if key not in theirs]


def test_it_is_shown_as_a_set() -> None:
    assert repr(KeySet(["b", "a"])) == "{'b', 'a'}"
    assert repr(KeySet()) == "KeySet()"
