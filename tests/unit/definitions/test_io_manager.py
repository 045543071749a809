"""I/O managers are resources of a certain kind."""

from __future__ import annotations

from typing import Any

import pytest

from weft.config.schema import Field, Int
from weft.definitions.io_manager import (
    InputManager,
    InputManagerDefinition,
    IOManager,
    IOManagerDefinition,
    input_manager,
    io_manager,
)
from weft.definitions.resources import InitResourceContext
from weft.errors import DefinitionError


class Memory(IOManager):
    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.held: dict[str, Any] = {}

    def handle_output(self, context: Any, obj: Any) -> None:
        self.held[self.prefix + context] = obj

    def load_input(self, context: Any) -> Any:
        return self.held[self.prefix + context]


def test_both_methods_must_be_there() -> None:
    class Half(IOManager):
        def load_input(self, context: Any) -> Any: ...

    with pytest.raises(TypeError):
        Half()  # type: ignore[abstract]


def test_a_function_makes_an_io_manager() -> None:
    @io_manager(config_schema=str, output_config_schema=int, input_config_schema=Field(int, default_value=1))
    def memory(context: InitResourceContext) -> IOManager:
        return Memory(context.resource_config)

    assert isinstance(memory, IOManagerDefinition)
    assert memory.output_config_schema == Field(Int)
    assert memory.input_config_schema == Field(Int, default_value=1)
    with memory.open(InitResourceContext(resource_config="p/")) as manager:
        manager.handle_output("x", 3)
        assert manager.held == {"p/x": 3}
        assert manager.load_input("x") == 3


def test_the_decorator_works_without_parentheses() -> None:
    @io_manager
    def memory() -> IOManager:
        return Memory()

    assert isinstance(memory, IOManagerDefinition)
    assert memory.output_config_schema is None


def test_a_hardcoded_io_manager_is_the_object() -> None:
    manager = Memory()
    definition = IOManagerDefinition.hardcoded_io_manager(manager)
    with definition.open(InitResourceContext()) as opened:
        assert opened is manager
    assert definition.type_name.endswith("Memory")


def test_something_else_is_refused_and_torn_down() -> None:
    log: list[str] = []

    @io_manager
    def memory() -> Any:
        try:
            yield {}
        finally:
            log.append("down")

    with pytest.raises(DefinitionError) as caught, memory.open(InitResourceContext()):
        pass
    assert (caught.value.code, caught.value.facts["found"], log) == ("WEFT-D213", "dict", ["down"])


def test_a_function_that_loads_makes_an_input_manager() -> None:
    @input_manager(input_config_schema={"path": str})
    def table(context: Any) -> str:
        """Reads a table."""
        return f"rows of {context}"

    @input_manager
    def constant() -> int:
        return 3

    assert isinstance(table, InputManagerDefinition)
    assert table.description == "Reads a table."
    assert table.input_config_schema is not None
    with table.open(InitResourceContext()) as manager:
        assert isinstance(manager, InputManager)
        assert manager.load_input("t") == "rows of t"
    with constant.open(InitResourceContext()) as manager:
        assert manager.load_input(None) == 3
