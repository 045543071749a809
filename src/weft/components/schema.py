"""JSON schemas of documents, for editors that complete and check YAML.

Wherever a document may hold a value it may hold a template, so each part that is not a text also allows a text with ``{{``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema

from weft.components.asset_attributes import AssetAttributesModel
from weft.components.component import Component
from weft.components.declaration import OPERATIONS

_TEMPLATE: dict[str, Any] = {"type": "string", "pattern": "\\{\\{"}
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_FOLDER = Path(".weft", "schema")


class _Schema(GenerateJsonSchema):
    """What has no form in JSON can only come from a template."""

    def handle_invalid_for_json_schema(self, schema: CoreSchema, error_info: str) -> JsonSchemaValue:
        return dict(_TEMPLATE)


def attributes_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of what stands below ``attributes``."""
    return model.model_json_schema(schema_generator=_Schema)


def document_schema(type_name: str, cls: type[Component]) -> dict[str, Any]:
    """The schema of a document that declares a component of this type."""
    model = cls.get_model_cls()
    definitions: dict[str, Any] = {}
    attributes = (
        _with_templates(attributes_schema(model), definitions)
        if model is not None
        else {"type": "object", "maxProperties": 0}
    )
    changes = _with_templates(attributes_schema(AssetAttributesModel), definitions)
    step = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "target": {"type": "string", "description": "A selection of assets; all by default."},
            "operation": {"enum": list(OPERATIONS)},
            "attributes": changes,
        },
    }
    found: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "description": cls.get_spec().description or "",
        "properties": {
            "type": {"const": type_name},
            "attributes": attributes,
            "template_vars_module": {"type": "string"},
            "requirements": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"env": {"type": "array", "items": {"type": "string"}}},
            },
            "post_processing": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"assets": {"type": "array", "items": step}},
            },
        },
        "required": ["type", "attributes"] if attributes.get("required") else ["type"],
    }
    return {"$schema": _DRAFT, "$defs": definitions, **found}


def _with_templates(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """`schema` with templates allowed; what it defines goes to `definitions`."""
    schema = dict(schema)
    for name, inner in schema.pop("$defs", {}).items():
        definitions[name] = _allowing(inner, top=True)
    return _allowing(schema, top=True)


def _allowing(schema: dict[str, Any], *, top: bool = False) -> dict[str, Any]:
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {name: _allowing(inner) for name, inner in made["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _allowing(made[key])
    if top or made.get("type") == "string" or made == _TEMPLATE:
        return made
    described: dict[str, Any] = {
        key: made.pop(key) for key in ("description", "default", "title", "examples") if key in made
    }
    return {**described, "anyOf": [*made["anyOf"], _TEMPLATE] if set(made) == {"anyOf"} else [made, _TEMPLATE]}


def write_schema(project_root: Path, type_name: str, cls: type[Component]) -> Path:
    """Write the schema of a type into the project, for the modelines of its documents. The file."""
    file = project_root / _FOLDER / f"{type_name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document_schema(type_name, cls), indent=2) + "\n", "utf-8")
    return file


def schema_modeline(schema: Path, folder: Path) -> str:
    """The first line of a document in `folder`, by which editors find its schema."""
    return f"# yaml-language-server: $schema={Path(os.path.relpath(schema, folder)).as_posix()}\n"
