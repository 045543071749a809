"""Checking configuration against its schema: every problem at once, each with its exact path.

`validate` returns a value with all defaults applied, in which environment references stay references (`EnvReference`): it can be done
anywhere, also away from the process that runs. `resolve_env` then puts the texts in, where and when the run executes, and reports every
missing variable at once. What came from the environment or from a secret field is listed in `Resolved.secrets`, so that whoever writes
logs or messages can hide it; no message made here shows such a value.

Laws: validating data twice gives equal values; a valid value has no problem; `scaffold` of a schema is valid.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from msgspec import UNSET, Struct, structs

from weft.config.data import config_data
from weft.config.env import env_is_secret, env_name_in
from weft.config.scaffold import paste
from weft.config.schema import (
    AnyOf,
    AnyType,
    Array,
    ConfigSchema,
    ConfigType,
    Enum,
    EnumValue,
    Field,
    Map,
    Mapped,
    Noneable,
    Permissive,
    Refusal,
    ScalarType,
    ScalarUnion,
    Selector,
    Shape,
    as_type,
    config_field,
    described,
    fields_of,
    written_type,
)
from weft.config.secrets import HIDDEN
from weft.errors import ConfigError, DefinitionError, Problem, did_you_mean, nearest, some_of

ConfigPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys and list indexes from the outside in."""

_MOST_CHARACTERS = 80
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


class EnvReference(Struct, frozen=True):
    """The place of a value that an environment variable gives, and how its text is read."""

    name: str
    read_as: ConfigType
    is_secret: bool = True


class Resolved(Struct, frozen=True):
    """Configuration that is ready for use."""

    value: Any
    # Texts that must not be shown: from the environment and from secret fields. Never contains the empty text.
    secrets: frozenset[str] = frozenset()


class Validated(Struct, frozen=True):
    """Configuration that fits its schema, defaults applied, environment references (`EnvReference`) not yet read."""

    value: Any
    # Texts of secret fields that were written out.
    secrets: frozenset[str] = frozenset()
    has_env: bool = False

    def resolve(self, environ: Mapping[str, str], *, path: Sequence[str | int] = ()) -> Resolved:
        """The value with environment variables read; see `resolve_env`."""
        if not self.has_env:
            return Resolved(self.value, self.secrets)
        resolved = resolve_env(self.value, environ, path=path)
        return Resolved(resolved.value, resolved.secrets | self.secrets)


def validate(
    schema: ConfigSchema,
    value: object = UNSET,
    *,
    path: Sequence[str | int] = (),
    environ: Mapping[str, str] | None = None,
) -> Validated:
    """`value` checked against `schema`, with defaults applied.

    Args:
        schema: in any form that users may write.
        value: plain data, or Python objects that `config_data` understands. ``msgspec.UNSET``: nothing was given, so that the
            default counts.
        path: where the value stands in the document, for messages.
        environ: see `Check`.

    Raises:
        ConfigError: the value does not fit; it carries every problem.
    """
    check = Check(environ)
    result = check.field(config_field(schema), UNSET if value is UNSET else config_data(value), tuple(path))
    check.raise_problems()
    return check.validated(result)


def declared(schema: ConfigSchema) -> Field:
    """The field that a definition declares with `schema`, after checking that all defaults in it fit.

    Raises:
        DefinitionError: `schema` is no schema, or (WEFT-D203) a default does not fit its own type.
    """
    field = config_field(schema)
    check = Check()
    _check_defaults(field, (), check)
    if check.problems:
        raise DefinitionError.from_problems(
            [
                Problem(
                    "WEFT-D203",
                    "A default value does not fit the type of its own config field.",
                    facts={"problem": problem.what, **problem.facts},
                    fix=problem.fix,
                )
                for problem in check.problems
            ]
        )
    return field


def resolve_env(value: object, environ: Mapping[str, str], *, path: Sequence[str | int] = ()) -> Resolved:
    """`value` with each `EnvReference` replaced by what the variable holds in `environ`.

    Raises:
        ConfigError: (WEFT-C020) variables are not set, (WEFT-C021) a text cannot be read as the type that is declared. All at once.
            The texts themselves are never shown.
    """
    missing: dict[str, list[ConfigPath]] = {}
    problems: list[Problem] = []
    secrets: set[str] = set()

    def resolved(item: object, where: ConfigPath) -> object:
        if isinstance(item, EnvReference):
            text = environ.get(item.name)
            if text is None:
                missing.setdefault(item.name, []).append(where)
                return None
            if item.is_secret:
                secrets.add(text)
            try:
                return _read(item.read_as, text)
            except ValueError:
                problems.append(_unreadable_variable(item, where))
                return None
        if isinstance(item, dict):
            return {key: resolved(inner, (*where, key)) for key, inner in item.items()}
        if isinstance(item, list):
            return [resolved(inner, (*where, index)) for index, inner in enumerate(item)]
        return item

    result = resolved(value, tuple(path))
    problems[:0] = [_missing_variable(name, paths, environ) for name, paths in missing.items()]
    if problems:
        raise ConfigError.from_problems(problems)
    secrets.discard("")
    return Resolved(result, frozenset(secrets))


def path_text(path: Sequence[str | int]) -> str:
    """A path as people write it: ``ops.clean.config.limits[2]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part and not any(char in part for char in ".[] "):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


class Check:
    """One pass over configuration: collects problems, texts of secrets, and whether there are environment references.

    The methods return the checked value with defaults applied; what they return for a value with problems is of no use.

    Args:
        environ: where the functions of `Mapped` types find the values of references to the environment. None: such a function is not called.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ
        self.problems: list[Problem] = []
        self.secrets: set[str] = set()
        self.env_count = 0

    def validated(self, value: object) -> Validated:
        """`value`, which this pass returned, with what the pass learned."""
        return Validated(value, frozenset(self.secrets), self.env_count > 0)

    def raise_problems(self) -> None:
        """Raise a `ConfigError` with all problems, if there are any."""
        if self.problems:
            raise ConfigError.from_problems(self.problems)

    def field(self, field: Field, value: object, path: ConfigPath) -> object:
        """Check `value` (UNSET: nothing given) as the value of `field`. UNSET comes back where nothing is given or implied."""
        if value is UNSET:
            value = field.effective_default
            if value is UNSET:
                if field.is_required:
                    self.problems.append(_missing_keys(path[:-1], {str(path[-1]) if path else "": field}))
                return UNSET
        before = len(self.problems)
        result = self.value(field.type, value, path)
        if field.constraints and len(self.problems) == before and not isinstance(result, EnvReference):
            for reason in _broken_bounds(field.constraints, result):
                self.problems.append(refused(path, Refusal((), reason, value)))
        if field.is_secret:
            for problem in self.problems[before:]:
                if "found" in problem.facts:
                    problem.facts["found"] = HIDDEN
                    problem.fix = "correct the value"  # the usual fix may repeat it
            result = _as_secret(result)
            collect_texts(result, self.secrets)
        return result

    def value(self, schema: ConfigType, value: object, path: ConfigPath) -> object:
        """Check `value` as one of the type `schema`."""
        return _CHECKS[type(schema)](self, schema, value, path)

    def _scalar(self, schema: ScalarType, value: object, path: ConfigPath) -> object:
        kind = schema.kind
        if kind == "String":
            if isinstance(value, str):
                return value
        elif kind == "Bool":
            if isinstance(value, bool):
                return value
        elif kind == "Int":
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        name = env_name_in(value)
        if name is None:
            return self.mismatch(schema, value, path)
        if schema.from_env:
            return self._reference(name, schema, value)
        return self.mismatch(
            schema, value, path, fix=f"to let it come from the environment, declare it as {kind}Source"
        )

    def _any(self, schema: AnyType, value: object, path: ConfigPath) -> object:
        name = env_name_in(value) if schema.from_env else None
        return value if name is None else self._reference(name, schema, value)

    def _reference(self, name: str, read_as: ConfigType, written: object) -> EnvReference:
        self.env_count += 1
        return EnvReference(name, read_as, not isinstance(written, Mapping) or env_is_secret(written))

    def _noneable(self, schema: Noneable, value: object, path: ConfigPath) -> object:
        return None if value is None else self.value(as_type(schema.inner_type), value, path)

    def _array(self, schema: Array, value: object, path: ConfigPath) -> object:
        if not isinstance(value, (list, tuple)):
            return self.mismatch(schema, value, path, fix="write a list, also for a single item")
        inner = as_type(schema.inner_type)
        return [self.value(inner, item, (*path, index)) for index, item in enumerate(value)]

    def _map(self, schema: Map, value: object, path: ConfigPath) -> object:
        if not isinstance(value, Mapping):
            return self.mismatch(schema, value, path)
        inner, keys = as_type(schema.inner_type), as_type(schema.key_type)
        result = {}
        for key, item in value.items():
            keys_check = Check()
            checked = keys_check.value(keys, _key_as_written(keys, key), (*path, str(key)))
            if keys_check.problems:
                self.problems.append(
                    Problem(
                        "WEFT-C007",
                        f"{_subject(path)} has the key {key!r}, which is not of the declared type.",
                        facts={
                            "path": path_text(path),
                            "expected": described(keys),
                            "found": type(key).__name__,
                        },
                        fix="write keys of the declared type",
                    )
                )
            result[key if keys_check.problems else checked] = self.value(inner, item, (*path, str(key)))
        return result

    def _shape(self, schema: Shape | Permissive, value: object, path: ConfigPath) -> object:
        if not isinstance(value, Mapping):
            return self.mismatch(schema, value, path)
        fields = fields_of(schema)
        before, env_before = len(self.problems), self.env_count
        result: dict[str, object] = {}
        missing: dict[str, Field] = {}
        for name, field in fields.items():
            given = value.get(name, UNSET)
            if given is UNSET and field.is_required:
                missing[name] = field
                continue
            checked = self.field(field, given, (*path, name))
            if checked is not UNSET:
                result[name] = checked
        if missing:
            self.problems.append(_missing_keys(path, missing))
        extra = as_type(schema.extra) if isinstance(schema, Permissive) else None
        for key, item in value.items():
            if key in fields:
                continue
            if extra is None:
                self.problems.append(unknown_key(key, fields, path))
            else:
                result[key] = self.value(extra, item, (*path, str(key)))
        if schema.refine is not None and len(self.problems) == before and self.env_count == env_before:
            for refusal in schema.refine(result):
                hidden = _is_secret(schema, refusal.location)
                self.problems.append(refused(path, refusal, hidden=hidden))
        return result

    def _selector(self, schema: Selector, value: object, path: ConfigPath) -> object:
        fields = fields_of(schema)
        if not isinstance(value, Mapping):
            fix = f'write "{value}:" with its settings below' if isinstance(value, str) and value in fields else None
            return self.mismatch(schema, value, path, fix=fix)
        if schema.discriminator is not None and schema.discriminator in value:
            return self._flat_choice(schema, schema.discriminator, value, path)
        if len(value) != 1:
            if not value and len(fields) == 1 and not next(iter(fields.values())).is_required:
                value = dict.fromkeys(fields, UNSET)
            else:
                self.problems.append(_not_one_choice(schema, value, path))
                return value
        ((name, settings),) = value.items()
        field = fields.get(name)
        if field is None:
            self.problems.append(unknown_key(name, fields, path))
            return value
        if settings is None and isinstance(field.type, (Shape, Permissive, Selector, Map)):
            settings = {}  # "local:" with nothing below it
        checked = self.field(field, settings, (*path, name))
        if checked is UNSET:
            checked = {}
        if schema.discriminator is not None and isinstance(checked, dict):
            return {schema.discriminator: name, **checked}
        return {name: checked}

    def _flat_choice(
        self, schema: Selector, discriminator: str, value: Mapping[Any, object], path: ConfigPath
    ) -> object:
        name = value[discriminator]
        field = schema.fields.get(name) if isinstance(name, str) else None
        if field is None:
            choices = Enum(discriminator, [EnumValue(one) for one in schema.fields])
            return self.value(choices, name, (*path, discriminator))
        settings = {key: item for key, item in value.items() if key != discriminator}
        checked = self.field(field, settings, path)
        return {discriminator: name, **checked} if isinstance(checked, dict) else checked

    def _enum(self, schema: Enum, value: object, path: ConfigPath) -> object:
        for choice in schema.enum_values:
            if _same_scalar(choice.config_value, value) or any(_same_scalar(alias, value) for alias in choice.aliases):
                return choice.python_value
        name = env_name_in(value)
        if name is not None and schema.from_env:
            return self._reference(name, schema, value)
        self.problems.append(_not_a_choice(schema, value, path))
        return value

    def _scalar_union(self, schema: ScalarUnion, value: object, path: ConfigPath) -> object:
        scalar, other = as_type(schema.scalar_type), as_type(schema.non_scalar_schema)
        if not isinstance(value, (Mapping, list, tuple)):
            if value is None or not _fits(scalar, value):
                return self.mismatch(schema, value, path)
            return self.value(scalar, value, path)
        if env_name_in(value) is not None and isinstance(scalar, ScalarType) and scalar.from_env:
            return self.value(scalar, value, path)
        return self.value(other, value, path)

    def _any_of(self, schema: AnyOf, value: object, path: ConfigPath) -> object:
        options = [as_type(option) for option in schema.options]
        if env_name_in(value) is not None:  # text fits more than a number does
            options.sort(key=lambda option: not (isinstance(option, ScalarType) and option.kind == "String"))
        tried = []
        for option in options:
            trial = Check(self._environ)
            checked = trial.value(option, value, path)
            if not trial.problems:
                self.secrets |= trial.secrets
                self.env_count += trial.env_count
                return checked
            tried.append((option, trial))
        similar = [trial for option, trial in tried if _same_form(option, value)]
        if len(similar) == 1:  # say what is wrong with the only option that can be meant
            self.problems.extend(similar[0].problems)
            return value
        return self.mismatch(schema, value, path)

    def _mapped(self, schema: Mapped, value: object, path: ConfigPath) -> object:
        before, env_before = len(self.problems), self.env_count
        checked = self.value(as_type(schema.outer), value, path)
        if len(self.problems) > before:
            return value
        computed = self.computed(schema.config_fn, checked, path, has_env=self.env_count > env_before)
        if computed is UNSET:
            return value
        result = self.field(schema.inner, computed, path)
        self.say_who_computed(before, schema.config_fn)
        return result

    def computed(
        self,
        config_fn: Callable[[Any], Any],
        checked: object,
        path: ConfigPath,
        *,
        has_env: bool,
        named: Callable[..., Any] | None = None,
    ) -> object:
        """What a user's function (`named` in messages) gives, as plain data, for a `checked` value; UNSET where it cannot be known or failed."""
        if has_env:
            if self._environ is None:
                return UNSET
            try:
                resolved = resolve_env(checked, self._environ, path=path)
            except ConfigError as error:
                self.problems.extend(error.problems)
                return UNSET
            checked = resolved.value
            self.secrets |= resolved.secrets
        try:
            return config_data(config_fn(checked))
        except ConfigError as error:
            self.problems.extend(error.problems)
        except Exception as error:  # noqa: BLE001  # a user's function may raise anything; the other problems are told as well
            self.problems.append(_mapping_failed(named or config_fn, error, path, self.secrets))
        return UNSET

    def say_who_computed(self, before: int, config_fn: Callable[[Any], Any]) -> None:
        """Name the function that gave the value in the problems since `before`: nobody wrote it there."""
        for problem in self.problems[before:]:
            problem.facts["computed by"] = function_name(config_fn)
            if problem.code in (ConfigError.default_code, "WEFT-C003"):  # what is usually advised is how to write it
                problem.fix = "let the function give it, as it is expected"

    def mismatch(self, schema: ConfigType, value: object, path: ConfigPath, *, fix: str | None = None) -> object:
        """Record that `value` is not of the type `schema`."""
        self.problems.append(
            Problem(
                ConfigError.default_code,
                f"{_subject(path)} has the wrong type.",
                facts={"path": path_text(path), "expected": described(schema), "found": shown(value)},
                fix=fix or _fix_of_type(schema, value),
            )
        )
        return value


_CHECKS: dict[type, Callable[[Check, Any, object, ConfigPath], object]] = {
    ScalarType: Check._scalar,
    AnyType: Check._any,
    Array: Check._array,
    Map: Check._map,
    Shape: Check._shape,
    Permissive: Check._shape,
    Selector: Check._selector,
    Noneable: Check._noneable,
    Enum: Check._enum,
    ScalarUnion: Check._scalar_union,
    AnyOf: Check._any_of,
    Mapped: Check._mapped,
}


# --- what the problems say --------------------------------------------------------------------------------------------


def shown(value: object) -> str:
    """A value as a message shows it: its kind, and its text where it is short. The contents of mappings and lists are not shown."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"Bool {str(value).lower()}"
    if isinstance(value, Mapping):
        return f"mapping with {some_of([str(key) for key in value])}" if value else "an empty mapping"
    if isinstance(value, (list, tuple)):
        return f"list of {len(value)}"
    text = repr(value)
    if len(text) > _MOST_CHARACTERS:
        text = text[: _MOST_CHARACTERS - 3] + "..."
    return f"{_KINDS.get(type(value), type(value).__name__)} {text}"


_KINDS: Mapping[type, str] = {str: "String", int: "Int", float: "Float"}


def refused(path: ConfigPath, refusal: Refusal, *, hidden: bool = False) -> Problem:
    """The problem of a value that has the right type but is not accepted."""
    where = (*path, *refusal.location)
    return Problem(
        "WEFT-C006",
        f"{_subject(where)} is not accepted: {refusal.reason}.",
        facts={"path": path_text(where), "found": HIDDEN if hidden else shown(refusal.found)},
        fix="give a value that holds the condition",
    )


def function_name(fn: Callable[..., Any]) -> str:
    """How a message names a user's function: its name, and where it is written."""
    name = getattr(fn, "__qualname__", type(fn).__name__).rpartition("<locals>.")[2]
    code = getattr(fn, "__code__", None)
    if code is None:
        return name
    return f"{name} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"  # noqa: PTH119  # pathlib is slow to load


def _mapping_failed(fn: Callable[..., Any], error: Exception, path: ConfigPath, secrets: Iterable[str]) -> Problem:
    reason = redacted(Refusal((), f"{type(error).__name__}: {error}"), secrets).reason
    return Problem(
        "WEFT-C100",
        f"{_subject(path)} cannot be computed: its function raised {type(error).__name__}.",
        facts={"path": path_text(path), "function": function_name(fn), "error": reason},
        fix="correct the function, or the values that it is given",
    )


def redacted(refusal: Refusal, secrets: Iterable[str]) -> Refusal:
    """`refusal` with none of `secrets` in its reason."""
    reason = refusal.reason
    for secret in sorted(secrets, key=len, reverse=True):
        reason = reason.replace(secret, HIDDEN)
    return Refusal(refusal.location, reason, refusal.found)


def _subject(path: ConfigPath) -> str:
    return path_text(path) or "The configuration"


def _missing_keys(path: ConfigPath, missing: Mapping[str, Field]) -> Problem:
    names = list(missing)
    if names == [""]:
        return Problem(
            "WEFT-C003",
            "Configuration is required and none was given.",
            facts={"expected": described(missing[""].type)},
            fix="give a value",
        )
    what = f'"{names[0]}"' if len(names) == 1 else f"{len(names)} keys that are missing"
    facts = {"path": path_text(path)} if path else {}
    if len(names) > 1:
        facts["missing"] = ", ".join(names)
    return Problem("WEFT-C003", f"{_subject(path)} needs {what}.", facts=facts, fix="add:\n" + paste(path, missing))


def unknown_key(key: object, known: Iterable[str], path: ConfigPath, *, fix: str | None = None) -> Problem:
    """The problem of a key at `path` that is not among `known`, with the nearest name unless there is a better `fix`."""
    names = list(known)
    return Problem(
        "WEFT-C002",
        f"{_subject(path)} has no key {_quoted(key)}.",
        facts={"path": path_text((*path, str(key))), "known keys": some_of(names)},
        fix=fix or did_you_mean(str(key), names, "leave it out."),
    )


def _not_one_choice(schema: Selector, value: Mapping[Any, object], path: ConfigPath) -> Problem:
    given = some_of([str(key) for key in value])
    return Problem(
        "WEFT-C004",
        f"{_subject(path)} takes exactly one of several keys, but has {len(value) or 'none'}.",
        facts={"path": path_text(path), "choices": some_of(schema.fields), "given": given},
        fix="keep one of them" if value else f"for example {next(iter(schema.fields))}",
    )


def _not_a_choice(schema: Enum, value: object, path: ConfigPath) -> Problem:
    choices = schema.config_values
    close = nearest(value, choices) if isinstance(value, str) else []
    return Problem(
        "WEFT-C005",
        f"{_subject(path)} is not one of the values that are allowed.",
        facts={"path": path_text(path), "choices": ", ".join(choices), "found": shown(value)},
        fix=f'did you mean "{close[0]}"?' if close else "write one of the choices",
    )


def _missing_variable(name: str, paths: Sequence[ConfigPath], environ: Mapping[str, str]) -> Problem:
    otherwise = "set it where the run executes."
    close = nearest(name, environ)
    return Problem(
        "WEFT-C020",
        f'The environment variable "{name}" is not set.',
        facts={"variable": name, "needed by": [path_text(path) or "the configuration" for path in paths]},
        fix=f'did you mean "{close[0]}"? Otherwise {otherwise}' if close else otherwise,
    )


def _unreadable_variable(reference: EnvReference, path: ConfigPath) -> Problem:
    expected = described(reference.read_as)
    return Problem(
        "WEFT-C021",
        f'The text of the environment variable "{reference.name}" cannot be read as {expected}.',
        facts={"path": path_text(path), "variable": reference.name, "expected": expected, "found": HIDDEN},
        fix="correct the variable where the run executes",
    )


def _fix_of_type(schema: ConfigType, value: object) -> str:
    if isinstance(schema, Noneable):
        schema = as_type(schema.inner_type)
    if isinstance(schema, ScalarType):
        if schema.kind == "String" and value is not None and not isinstance(value, (Mapping, list)):
            return f'put it in quotes: "{value}"'
        if isinstance(value, str) and schema.kind != "String":
            try:
                _read(schema, value)
            except ValueError:
                return f"write a value of type {schema.kind}"
            return f"write it without quotes: {value}"
        return f"write a value of type {schema.kind}"
    if value is None and isinstance(schema, (Shape, Permissive, Map)):
        return "leave the key out, or write {}"
    return f"write a {described(schema)}"


def _quoted(key: object) -> str:
    return f'"{key}"' if isinstance(key, str) else repr(key)


# --- small decisions --------------------------------------------------------------------------------------------------


def _broken_bounds(bounds: Mapping[str, Any], value: object) -> list[str]:
    """The bounds that `value` breaks, in words. Bounds that do not apply to its type do not count."""
    reasons = []
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if "ge" in bounds and not value >= bounds["ge"]:
            reasons.append(f"it must be at least {bounds['ge']}")
        if "gt" in bounds and not value > bounds["gt"]:
            reasons.append(f"it must be more than {bounds['gt']}")
        if "le" in bounds and not value <= bounds["le"]:
            reasons.append(f"it must be at most {bounds['le']}")
        if "lt" in bounds and not value < bounds["lt"]:
            reasons.append(f"it must be less than {bounds['lt']}")
        if isinstance(value, int) and isinstance(bounds.get("multiple_of"), int) and value % bounds["multiple_of"]:
            reasons.append(f"it must be a multiple of {bounds['multiple_of']}")
    elif isinstance(value, (str, list, dict)):
        unit = "characters" if isinstance(value, str) else "items"
        if len(value) < bounds.get("min_length", 0):
            reasons.append(f"it must have at least {bounds['min_length']} {unit}")
        if len(value) > bounds.get("max_length", len(value)):
            reasons.append(f"it must have at most {bounds['max_length']} {unit}")
    return reasons


def _read(schema: ConfigType, text: str) -> object:
    """The value that the text of an environment variable means; ValueError where it means none."""
    if isinstance(schema, ScalarType):
        if schema.kind == "Int":
            return int(text)
        if schema.kind == "Float":
            return float(text)
        if schema.kind == "Bool":
            word = text.strip().lower()
            if word not in _TRUE | _FALSE:
                raise ValueError(text)
            return word in _TRUE
        return text
    if isinstance(schema, Enum):
        for choice in schema.enum_values:
            if text == str(choice.config_value) or text in choice.aliases:
                return cast(object, choice.python_value)
        raise ValueError(text)
    return text


def _key_as_written(keys: ConfigType, key: object) -> object:
    """A key of a mapping as its type reads it: JSON can only carry keys that are text."""
    if isinstance(key, str) and isinstance(keys, ScalarType) and keys.kind != "String":
        try:
            return _read(keys, key)
        except ValueError:
            return key
    return key


def _same_scalar(one: object, other: object) -> bool:
    """Equal and of the same type: true is not 1."""
    return type(one) is type(other) and one == other


def _fits(schema: ConfigType, value: object) -> bool:
    trial = Check()
    trial.value(schema, value, ())
    return not trial.problems


def _same_form(schema: ConfigType, value: object) -> bool:
    """Whether the value is a mapping or list and so is what the schema describes."""
    schema = written_type(schema)
    if isinstance(value, Mapping):
        return isinstance(schema, (Shape, Permissive, Map, Selector))
    return isinstance(value, (list, tuple)) and isinstance(schema, Array)


def _is_secret(schema: ConfigType, location: Sequence[str | int]) -> bool:
    """Whether the value at `location` below `schema` lies in a secret field."""
    at: ConfigType = schema
    for part in location:
        at = written_type(at)
        while isinstance(at, Noneable):
            at = as_type(at.inner_type)
        if isinstance(at, (Shape, Permissive, Selector)) and part in fields_of(at):
            field = fields_of(at)[str(part)]
            if field.is_secret:
                return True
            at = field.type
        elif isinstance(at, (Array, Map)):
            at = as_type(at.inner_type)
        else:
            return False
    return False


def collect_texts(value: object, into: set[str]) -> None:
    """Add every text and number in `value` to `into`: what must be hidden of a secret."""
    if isinstance(value, str):
        if value:
            into.add(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            collect_texts(item, into)
    elif isinstance(value, (list, tuple)):
        for item in value:
            collect_texts(item, into)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        into.add(str(value))


def _as_secret(value: object) -> object:
    """`value` of a secret field: what its references stand for is secret, whatever they say of themselves. Who gives configuration cannot show
    what the declaration hides.
    """
    if isinstance(value, EnvReference):
        return value if value.is_secret else structs.replace(value, is_secret=True)
    if isinstance(value, dict):
        return {key: _as_secret(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_secret(item) for item in value]
    return value


def _check_defaults(field: Field, path: ConfigPath, check: Check) -> None:
    if field.default_provided:
        if isinstance(field.type, Mapped):  # as it is written: the function may need what only a run has
            check.value(written_type(field.type), field.default_value, path)
        else:
            check.field(field, UNSET, path)
    _check_defaults_in(field.type, path, check)


def _check_defaults_in(schema: ConfigType, path: ConfigPath, check: Check) -> None:
    schema = written_type(schema)
    if isinstance(schema, (Shape, Permissive, Selector)):
        for name, field in fields_of(schema).items():
            _check_defaults(field, (*path, name), check)
    elif isinstance(schema, (Array, Map, Noneable)):
        _check_defaults_in(as_type(schema.inner_type), path, check)
    elif isinstance(schema, AnyOf):
        for option in schema.options:
            _check_defaults_in(as_type(option), path, check)
    elif isinstance(schema, ScalarUnion):
        _check_defaults_in(as_type(schema.non_scalar_schema), path, check)
