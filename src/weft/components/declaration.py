"""What one document of ``defs.yaml`` says, checked: the type, its attributes, and what is done with the definitions afterwards.

::

    type: shop.components.Export        # or: .export.Export, from this folder
    attributes: {...}                   # as the type says
    template_vars_module: .vars         # functions with @template_var
    requirements: {env: [API_KEY]}      # environment variables that it needs
    post_processing:
      assets:
        - target: "group:raw"           # a selection; all assets by default
          operation: merge              # or: replace
          attributes: {tags: {tier: bronze}}
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from weft.components.documents import Document, KeyPath
from weft.errors import Problem, did_you_mean

KEYS = ("type", "attributes", "template_vars_module", "requirements", "post_processing")
OPERATIONS = ("merge", "replace")
_POST_KEYS = ("target", "operation", "attributes")


class AssetPostProcessing(Struct, frozen=True, kw_only=True):
    """A change of assets that a component has made."""

    target: str
    operation: str
    attributes: Any
    # Where it stands in the document.
    path: KeyPath


class Declaration(Struct, frozen=True, kw_only=True):
    """A document that declares a component."""

    document: Document
    type_name: str
    attributes: Any
    template_vars_module: str | None
    required_env: tuple[str, ...]
    post_processing: tuple[AssetPostProcessing, ...]


def read_declaration(document: Document, problems: list[Problem]) -> Declaration | None:
    """What the document declares; None where it has no usable type. Everything wrong goes to `problems`."""
    value = document.value
    if not isinstance(value, dict):
        problems.append(
            document.problem(
                "WEFT-L043",
                "the document is not a mapping.",
                facts={"found": f"a {type(value).__name__}"},
                fix="write type: ... and attributes: ...",
            )
        )
        return None
    problems += [
        document.problem(
            "WEFT-L044",
            f'a component has no "{key}".',
            (key,),
            facts={"keys": ", ".join(KEYS)},
            fix=did_you_mean(str(key), KEYS, "put what the type takes below attributes"),
            key=True,
        )
        for key in value
        if key not in KEYS
    ]
    type_name = value.get("type")
    if not isinstance(type_name, str) or "." not in type_name:
        problems.append(
            document.problem(
                "WEFT-L045",
                "the document does not say of what type the component is."
                if type_name is None
                else f"{type_name!r} is not the name of a component type.",
                ("type",) if type_name is not None else (),
                fix="write the module and the class: type: my_package.components.MyComponent",
            )
        )
        return None
    checked = _Checked(document, problems)
    return Declaration(
        document=document,
        type_name=type_name,
        attributes=value.get("attributes"),
        template_vars_module=checked.text(value.get("template_vars_module"), ("template_vars_module",)),
        required_env=checked.required_env(value.get("requirements")),
        post_processing=checked.post_processing(value.get("post_processing")),
    )


class _Checked:
    """Reads the parts whose shape is the same for all types."""

    def __init__(self, document: Document, problems: list[Problem]) -> None:
        self._document = document
        self._problems = problems

    def _wrong(self, what: str, path: KeyPath, fix: str) -> None:
        self._problems.append(self._document.problem("WEFT-L046", what, path, fix=fix))

    def text(self, value: Any, path: KeyPath) -> str | None:
        if value is None or isinstance(value, str):
            return value
        self._wrong(f'"{path[-1]}" is not a text.', path, "write a name")
        return None

    def required_env(self, value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        names = value.get("env", []) if isinstance(value, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or set(value) - {"env"}:
            self._wrong(
                '"requirements" is not of the known form.', ("requirements",), "write: requirements: {env: [NAME, ...]}"
            )
            return ()
        return tuple(names)

    def post_processing(self, value: Any) -> tuple[AssetPostProcessing, ...]:
        if value is None:
            return ()
        steps = value.get("assets", []) if isinstance(value, dict) else None
        if not isinstance(steps, list) or set(value) - {"assets"}:
            self._wrong(
                '"post_processing" is not of the known form.',
                ("post_processing",),
                "write: post_processing: {assets: [{target: ..., attributes: {...}}]}",
            )
            return ()
        found: list[AssetPostProcessing] = []
        for position, step in enumerate(steps):
            path: KeyPath = ("post_processing", "assets", position)
            if not isinstance(step, dict):
                self._wrong(
                    "a step of post_processing is not a mapping.", path, "write target: ... and attributes: ..."
                )
                continue
            unknown = [key for key in step if key not in _POST_KEYS]
            for key in unknown:
                self._wrong(
                    f'a step of post_processing has no "{key}".',
                    (*path, key),
                    did_you_mean(str(key), _POST_KEYS, "leave it out"),
                )
            operation = step.get("operation", "merge")
            if operation not in OPERATIONS:
                self._wrong(
                    f"there is no operation {operation!r}.",
                    (*path, "operation"),
                    did_you_mean(str(operation), OPERATIONS, "write merge or replace"),
                )
                continue
            target = self.text(step.get("target", "*"), (*path, "target"))
            if target is not None and not unknown:
                attributes = step.get("attributes") or {}
                found.append(AssetPostProcessing(target=target, operation=operation, attributes=attributes, path=path))
        return tuple(found)
