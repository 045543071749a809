"""Writing the first form of a component, or of a definition in Python, into a project.

A component type says with `scaffold_with` how it is begun; without that a ``defs.yaml`` with its required fields is written. No file is overwritten.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from msgspec import Struct
from pydantic import BaseModel

from weft.components.component import Component
from weft.components.schema import schema_modeline, write_schema
from weft.errors import LoadError

T = TypeVar("T", bound=type)
_SCAFFOLDER = "__weft_scaffolder__"


class ScaffoldRequest(Struct, frozen=True, kw_only=True):
    """What is asked of a scaffolder."""

    # The name of the component type, as documents have it.
    type_name: str
    # The folder to write into.
    target_path: Path
    # ``yaml`` or ``python``.
    scaffold_format: str = "yaml"
    project_root: Path | None = None
    params: Mapping[str, Any] = {}
    # The class of the component, where there is one.
    component_type: type[Component] | None = None


class Scaffolder(ABC):
    """Begins a component in a folder."""

    @classmethod
    def get_scaffold_params(cls) -> type[BaseModel] | None:
        """The model of what the user may say; None where nothing is asked."""
        return None

    @abstractmethod
    def scaffold(self, request: ScaffoldRequest) -> None:
        """Write the files."""


def scaffold_with(scaffolder: type[Scaffolder]) -> Callable[[T], T]:
    """Say how components of the decorated class are begun.

    >>> @scaffold_with(ExportScaffolder)
    ... class Export(Component, Model, Resolvable): ...
    """

    def mark(cls: T) -> T:
        setattr(cls, _SCAFFOLDER, scaffolder)
        return cls

    return mark


def scaffolder_of(cls: type) -> Scaffolder:
    """The scaffolder of a class."""
    found: type[Scaffolder] = getattr(cls, _SCAFFOLDER, DefaultScaffolder)
    return found()


class DefaultScaffolder(Scaffolder):
    """Writes ``defs.yaml`` with the required fields, each with a value to replace; or a function with `component_instance`."""

    def scaffold(self, request: ScaffoldRequest) -> None:
        """See `Scaffolder`."""
        scaffold_component(request, {**_required(request.component_type), **request.params})


def scaffold_component(request: ScaffoldRequest, yaml_attributes: Mapping[str, Any] | None = None) -> None:
    """Write the declaration of a component: ``defs.yaml``, or ``component.py``.

    Raises:
        LoadError: (WEFT-L059) it is there already, or cannot be written.
    """
    attributes = dict(yaml_attributes or {})
    if request.scaffold_format == "python":
        module, _, name = request.type_name.rpartition(".")
        given = ", ".join(f"{key}={value!r}" for key, value in attributes.items())
        text = (
            f"from weft import ComponentLoadContext, component_instance\n\nfrom {module} import {name}\n\n\n"
            f"@component_instance\ndef component(context: ComponentLoadContext) -> {name}:\n    return {name}({given})\n"
        )
        if module == "weft":
            text = text.replace("component_instance\n\nfrom weft import ", "component_instance, ", 1)
        write_new(request.target_path / "component.py", text)
        return
    document: dict[str, Any] = {"type": request.type_name}
    if attributes:
        document["attributes"] = attributes
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    if request.project_root is not None and request.component_type is not None:
        schema = write_schema(request.project_root, request.type_name, request.component_type)
        text = schema_modeline(schema, request.target_path) + text
    write_new(request.target_path / "defs.yaml", text)


def write_new(file: Path, text: str) -> None:
    """Write a file that is not there.

    Raises:
        LoadError: (WEFT-L059) it is, or it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise LoadError(
            f"{file} cannot be written.",
            code="WEFT-L059",
            facts={"why": error.strerror or str(error)},
            fix="name another path; nothing that is there is overwritten",
        ) from error


def _required(cls: type[Component] | None) -> dict[str, Any]:
    """A value to replace for each field without a default."""
    model = cls.get_model_cls() if cls is not None else None
    if model is None:
        return {}
    from weft.components.schema import attributes_schema

    schema = attributes_schema(model)
    definitions = schema.get("$defs", {})
    return {name: _example(schema["properties"][name], definitions) for name in schema.get("required", [])}


def _example(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], definitions)
    if schema.get("type") == "object":
        return {name: _example(schema["properties"][name], definitions) for name in schema.get("required", [])}
    return {"array": [], "integer": 0, "number": 0.0, "boolean": False}.get(str(schema.get("type")), "...")


# --- the project's own component types -------------------------------------------------------------------------------

_COMPONENT = '''\
from __future__ import annotations

from weft import Component, ComponentLoadContext, Definitions, Model, Resolvable


class {name}(Component, Model, Resolvable):
    """What it makes, in one line: lists of component types show it."""

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        return Definitions()
'''

_PLAIN_COMPONENT = '''\
from __future__ import annotations

from weft import Component, ComponentLoadContext, Definitions


class {name}(Component):
    """What it makes, in one line: lists of component types show it."""

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        return Definitions()
'''


def component_source(name: str, *, with_model: bool = True) -> str:
    """A module with an empty component type."""
    return (_COMPONENT if with_model else _PLAIN_COMPONENT).format(name=name)


def snake_case(name: str) -> str:
    """``DailyExport`` as ``daily_export``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


# --- definitions in Python -------------------------------------------------------------------------------------------

DEFINITIONS: Mapping[str, str] = {
    "asset": "from weft import asset\n\n\n@asset\ndef {name}() -> None: ...\n",
    "multi_asset": 'from weft import AssetSpec, MaterializeResult, multi_asset\n\n\n@multi_asset(specs=[AssetSpec("{name}_one"), AssetSpec("{name}_two")])\n'
    'def {name}():\n    yield MaterializeResult(asset_key="{name}_one")\n    yield MaterializeResult(asset_key="{name}_two")\n',
    "asset_check": 'from weft import AssetCheckResult, asset_check\n\n\n@asset_check(asset="the_asset")\n'
    "def {name}() -> AssetCheckResult:\n    return AssetCheckResult(passed=True)\n",
    "job": "from weft import job, op\n\n\n@op\ndef {name}_step() -> None: ...\n\n\n@job\ndef {name}():\n    {name}_step()\n",
    "schedule": 'from weft import RunRequest, schedule\n\n\n@schedule(cron_schedule="0 6 * * *", target="*")\ndef {name}():\n    return RunRequest()\n',
    "sensor": 'from weft import SkipReason, sensor\n\n\n@sensor(target="*")\ndef {name}():\n    return SkipReason("nothing to do")\n',
    "resources": "from weft import ConfigurableResource, Definitions\n\n\nclass {class_name}(ConfigurableResource):\n    url: str\n\n\n"
    'defs = Definitions(resources={{"{name}": {class_name}(url="...")}})\n',
}
"""Kind of definition to the module that begins one."""


def definition_source(kind: str, name: str) -> str:
    """A module with one definition of a kind of `DEFINITIONS`."""
    class_name = "".join(part.capitalize() for part in name.split("_")) or "Resource"
    return DEFINITIONS[kind].format(name=name, class_name=class_name)
