"""Environment variables as values: a name that stands for a text which is read only where and when the run executes.

`EnvVar` is a `str` and `IntEnvVar` an `int` so that type checkers accept them where such a field is declared. They show their name and
never the value, and they are equal only to a reference to the same variable. In configuration that is stored or sent they are written
``{"env": "NAME"}``, or ``{"env": "NAME", "is_secret": false}``.

What comes from the environment counts as a secret, which is hidden in logs and pages, unless the reference says otherwise.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Mapping
from typing import TypeGuard

from weft.errors import ConfigError, DefinitionError, InvocationError


class EnvVar(str):
    """The text of an environment variable, read when the run starts: ``Database(password=EnvVar("DB_PASSWORD"))``.

    ``EnvVar.int("DB_PORT")`` is the same for a field that holds an `int`. To read a variable at once, use `get_value`. The text is hidden in
    what the run shows and stores; with ``is_secret=False`` it is not: ``EnvVar("REGION", is_secret=False)``. In a field that is secret itself it
    always is.
    """

    __slots__ = ("is_secret",)

    is_secret: bool

    def __new__(cls, name: builtins.str, *, is_secret: bool = True) -> EnvVar:
        reference = super().__new__(cls, _checked(name))
        reference.is_secret = is_secret
        return reference

    @staticmethod
    def int(name: builtins.str, *, is_secret: bool = True) -> IntEnvVar:
        """A reference for a field that holds an `int`; the text of the variable is read as a whole number."""
        return IntEnvVar(name, is_secret=is_secret)

    @property
    def env_var_name(self) -> builtins.str:
        """The name of the variable."""
        return builtins.str.__str__(self)

    def get_value(self, default: builtins.str | None = None) -> builtins.str | None:
        """The text of the variable in this process now, or `default` where it is not set."""
        return os.environ.get(self.env_var_name, default)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnvVar) and self.env_var_name == other.env_var_name

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> builtins.int:
        return hash(("EnvVar", self.env_var_name))

    def __repr__(self) -> builtins.str:
        return f"EnvVar({self.env_var_name!r})"

    def __str__(self) -> builtins.str:
        return repr(self)  # in a formatted text the reference shows as such, not as a plain word

    def __format__(self, spec: builtins.str) -> builtins.str:
        return format(repr(self), spec)

    def __reduce__(self) -> tuple[Callable[..., EnvVar], tuple[builtins.str, bool]]:
        return (_text_reference, (self.env_var_name, self.is_secret))


class IntEnvVar(int):
    """The whole number in an environment variable, read when the run starts. Made by `EnvVar.int`.

    It has no value before that: ``int(...)`` of it raises.
    """

    env_var_name: str
    is_secret: bool

    def __new__(cls, name: str, *, is_secret: bool = True) -> IntEnvVar:
        reference = super().__new__(cls, 0)
        reference.env_var_name = _checked(name)
        reference.is_secret = is_secret
        return reference

    def get_value(self, default: int | None = None) -> int | None:
        """The number in the variable in this process now, or `default` where it is not set.

        Raises:
            ConfigError: (WEFT-C022) its text is not a whole number.
        """
        text = os.environ.get(self.env_var_name)
        if text is None:
            return default
        try:
            return int(text)
        except ValueError:
            raise ConfigError(
                f'The environment variable "{self.env_var_name}" does not hold a whole number.',
                code="WEFT-C022",
                fix="set it to digits only, or read it as text with EnvVar(...)",
            ) from None

    def __int__(self) -> int:
        raise InvocationError(
            f"{self!r} was used as a number before it was read.",
            code="WEFT-I090",
            facts={"when it is read": "when a run starts"},
            fix=f"to read it at once, write {self!r}.get_value()",
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntEnvVar) and self.env_var_name == other.env_var_name

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(("IntEnvVar", self.env_var_name))

    def __repr__(self) -> str:
        return f"EnvVar.int({self.env_var_name!r})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> tuple[Callable[..., IntEnvVar], tuple[str, bool]]:
        return (_number_reference, (self.env_var_name, self.is_secret))


def _text_reference(name: str, is_secret: bool) -> EnvVar:
    return EnvVar(name, is_secret=is_secret)


def _number_reference(name: str, is_secret: bool) -> IntEnvVar:
    return IntEnvVar(name, is_secret=is_secret)


def env_data(reference: EnvVar | IntEnvVar) -> dict[str, object]:
    """The written form of a reference."""
    data: dict[str, object] = {"env": reference.env_var_name}
    if not reference.is_secret:
        data["is_secret"] = False
    return data


def is_env_var(value: object) -> TypeGuard[EnvVar | IntEnvVar]:
    """Whether `value` is a reference made by `EnvVar` or `EnvVar.int`."""
    return isinstance(value, (EnvVar, IntEnvVar))


def holds_env_var(value: object) -> bool:
    """Whether `value` is such a reference, or a list, tuple, set or mapping with one somewhere inside."""
    kind = type(value)
    if kind is EnvVar or kind is IntEnvVar:
        return True
    if kind is str or kind is int or value is None:
        return False
    if isinstance(value, Mapping):
        return any(map(holds_env_var, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(holds_env_var, value))
    return is_env_var(value)


def env_name_in(value: object) -> str | None:
    """The variable that the written form ``{"env": "NAME"}`` names; None for every other value."""
    if isinstance(value, Mapping) and (len(value) == 1 or (len(value) == 2 and type(value.get("is_secret")) is bool)):
        name = value.get("env")
        if isinstance(name, str) and name:
            return name
    return None


def env_is_secret(value: Mapping[str, object]) -> bool:
    """Whether what the written form of a reference stands for is to be hidden."""
    return value.get("is_secret") is not False


def _checked(name: object) -> str:
    if isinstance(name, EnvVar):
        return name.env_var_name
    if not isinstance(name, str) or not name or "=" in name or "\0" in name:
        raise DefinitionError(
            "That is not the name of an environment variable.",
            code="WEFT-D200",
            facts={"expected": 'a text without "="'},
            fix='write EnvVar("NAME") with the name of the variable, not its value',
        )
    return name
