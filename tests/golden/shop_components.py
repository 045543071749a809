"""Component types for the documents of `test_component_documents`."""

from __future__ import annotations

from typing import Annotated

from weft import (
    Component,
    ComponentLoadContext,
    Definitions,
    Injected,
    Model,
    Resolvable,
    ResolvedAssetKey,
    ResolvedAssetSpec,
    Resolver,
    template_var,
)


class Server(Model):
    host: str
    port: int = 5432


class Client:
    """Something that YAML cannot write."""


class Export(Component, Model, Resolvable):
    tables: list[str]
    server: Server | None = None
    specs: list[ResolvedAssetSpec] = []
    key: ResolvedAssetKey | None = None
    client: Injected[Client] | None = None
    day: Annotated[int, Resolver(lambda context, text: int(text[-2:]), model_field_type=str)] = 1

    @staticmethod
    @template_var
    def schema() -> str:
        return "public"

    @staticmethod
    @template_var
    def failing() -> str:
        raise RuntimeError("no connection")

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        if "explode" in self.tables:
            raise RuntimeError("the table cannot be exported")
        return Definitions(assets=self.specs)


class Plain(Component):
    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        return [] if context.document.index else Definitions()  # type: ignore[return-value,union-attr]  # a mistake on purpose
