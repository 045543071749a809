"""Configurable I/O managers are I/O managers and configurable resources at once."""

from __future__ import annotations

from typing import Any

import pytest

from weft.config.env import EnvVar
from weft.config.validation import validate
from weft.definitions.configurable_io_manager import (
    ConfigurableIOManager,
    ConfigurableIOManagerFactory,
    ConfigurableLegacyIOManagerAdapter,
)
from weft.definitions.io_manager import IOManager, IOManagerDefinition, io_manager
from weft.definitions.resource_annotations import ResourceDependency, is_resource_annotation
from weft.definitions.resource_set import as_resource_definition, bind_resources
from weft.definitions.resources import InitResourceContext
from weft.errors import DefinitionError


class Files(ConfigurableIOManager):
    folder: str

    def handle_output(self, context: Any, obj: Any) -> None: ...

    def load_input(self, context: Any) -> Any:
        return f"{self.folder}/{context}"

    @classmethod
    def output_config_schema(cls) -> Any:
        return {"mode": str}


def used(value: Any, config: Any = None, environ: dict[str, str] | None = None) -> Any:
    definition = as_resource_definition(value)
    resolved = validate(definition.config_schema, config or {}).resolve(environ or {})
    with definition.open(InitResourceContext(resource_config=resolved.value, resource_key="io_manager")) as made:
        return made


def test_it_is_both() -> None:
    files = Files(folder="/x")
    assert isinstance(files, IOManager)
    assert files.load_input("a") == "/x/a"
    assert is_resource_annotation(Files)
    definition = as_resource_definition(files)
    assert isinstance(definition, IOManagerDefinition)
    assert definition.output_config_schema is not None
    assert definition.input_config_schema is None
    assert isinstance(bind_resources({"io_manager": files})["io_manager"], IOManagerDefinition)


def test_it_is_configured_like_any_resource() -> None:
    assert used(Files(folder="/x")).folder == "/x"
    assert used(Files(folder="/x"), {"folder": "/y"}).folder == "/y"
    assert used(Files(folder=EnvVar("F")), environ={"F": "/z"}).folder == "/z"
    assert used(Files.configure_at_launch(), {"folder": "/l"}).folder == "/l"


def test_both_methods_must_be_there() -> None:
    class Half(ConfigurableIOManager):
        def load_input(self, context: Any) -> Any: ...

    with pytest.raises(TypeError):
        Half()  # type: ignore[abstract]


class Memory(IOManager):
    def __init__(self, client: object = None) -> None:
        self.client = client

    def handle_output(self, context: Any, obj: Any) -> None: ...

    def load_input(self, context: Any) -> Any: ...


def test_a_factory_makes_another_io_manager_with_resources_in_its_fields() -> None:
    class Factory(ConfigurableIOManagerFactory):
        client: ResourceDependency[str]

        def create_io_manager(self, context: InitResourceContext) -> IOManager:
            return Memory(self.client)

    made = used(Factory(client="c"))
    assert isinstance(made, Memory)
    assert made.client == "c"


def test_a_factory_must_make_an_io_manager() -> None:
    class Wrong(ConfigurableIOManagerFactory):
        def create_io_manager(self, context: InitResourceContext) -> IOManager:
            return {}  # type: ignore[return-value]

    class Nothing(ConfigurableIOManagerFactory): ...

    with pytest.raises(DefinitionError) as caught:
        used(Wrong())
    assert caught.value.code == "WEFT-D213"
    with pytest.raises(DefinitionError) as caught:
        used(Nothing())
    assert caught.value.code == "WEFT-D224"


def test_an_older_function_gets_fields_from_an_adapter() -> None:
    @io_manager(config_schema={"client": str})
    def old(context: InitResourceContext) -> IOManager:
        return Memory(context.resource_config["client"])

    class New(ConfigurableLegacyIOManagerAdapter):
        client: str

        @property
        def wrapped_io_manager(self) -> IOManagerDefinition:
            return old

    assert used(New(client="c"), {"client": "d"}).client == "d"
