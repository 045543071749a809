"""Hooks: when they are called, with what, and what they need."""

from __future__ import annotations

from typing import Any

from tests.unit.definitions.refusal import refused

from weft.definitions.hooks import HookDefinition, failure_hook, success_hook


def test_a_hook_knows_when_it_is_called() -> None:
    @success_hook
    def tell(context: Any) -> str:
        """Tells."""
        return f"told {context}"

    @failure_hook(name="cry", required_resource_keys={"slack"})
    def shout(context: Any) -> None: ...

    assert (tell.on, tell.name, tell.description) == ("success", "tell", "Tells.")
    assert (shout.on, shout.name, shout.required_resource_keys) == ("failure", "cry", {"slack"})
    assert repr(shout) == "HookDefinition('cry', on='failure')"


def test_a_hook_is_still_a_function() -> None:
    assert success_hook(lambda_named())("x") == "x"


def lambda_named() -> Any:
    def same(context: Any) -> Any:
        return context

    return same


def test_a_hook_takes_the_context_alone() -> None:
    def nothing() -> None: ...

    def two(context: Any, more: Any) -> None: ...

    def more(context: Any, more: Any = None, **others: Any) -> None: ...

    def anything(*args: Any) -> None: ...

    for wrong in (nothing, two):
        with refused("WEFT-D094", "the only parameter", "test_hooks.py"):
            success_hook(wrong)
    for fine in (more, anything):
        assert isinstance(success_hook(fine), HookDefinition)


def test_resource_keys_are_a_list() -> None:
    with refused("WEFT-D070", "required_resource_keys"):
        success_hook(required_resource_keys="slack")(lambda_named())
