"""The two texts that a program is started with: where its context is, and where its messages go."""

from __future__ import annotations

import base64
import binascii
import json
import os
import sys
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from weft_pipes.errors import PipesError

# These names are the wire format, whoever wrote the program or the orchestrator.
CONTEXT_VARIABLE = "DAGSTER_PIPES_CONTEXT"
MESSAGES_VARIABLE = "DAGSTER_PIPES_MESSAGES"
CONTEXT_ARGUMENT = "--dagster-pipes-context"
MESSAGES_ARGUMENT = "--dagster-pipes-messages"


def encode_param(value: Any) -> str:
    """A value as one text: JSON, compressed, in base64."""
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode("ascii")


def decode_param(text: str) -> Any:
    """The value in such a text.

    Raises:
        PipesError: it is none.
    """
    try:
        return json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
    except (binascii.Error, zlib.error, ValueError) as error:
        raise PipesError(f"a parameter that the program was started with cannot be read: {error}") from error


class PipesParamsLoader(ABC):
    """Finds the two parameters."""

    @abstractmethod
    def is_pipes_process(self) -> bool:
        """Whether the program was started by an orchestrator."""

    @abstractmethod
    def load_context_params(self) -> Mapping[str, Any]:
        """Where the context is."""

    @abstractmethod
    def load_messages_params(self) -> Mapping[str, Any]:
        """Where messages go."""


class PipesMappingParamsLoader(PipesParamsLoader):
    """Finds them in a mapping, such as the event of a function.

    Args:
        mapping: has the names of the variables as keys.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = mapping

    def is_pipes_process(self) -> bool:
        """See `PipesParamsLoader`."""
        return CONTEXT_VARIABLE in self._mapping

    def load_context_params(self) -> Mapping[str, Any]:
        """See `PipesParamsLoader`."""
        return self._load(CONTEXT_VARIABLE)

    def load_messages_params(self) -> Mapping[str, Any]:
        """See `PipesParamsLoader`."""
        return self._load(MESSAGES_VARIABLE)

    def _load(self, name: str) -> Mapping[str, Any]:
        if name not in self._mapping:
            raise PipesError(f"{name} is missing: the program was started with one of its two parameters")
        found: Mapping[str, Any] = decode_param(self._mapping[name])
        return found


class PipesEnvVarParamsLoader(PipesMappingParamsLoader):
    """Finds them in the environment."""

    def __init__(self) -> None:
        super().__init__(os.environ)


class PipesCliArgsParamsLoader(PipesMappingParamsLoader):
    """Finds them among the arguments of the program, which may have others.

    Args:
        arguments: those of the program unless given.
    """

    def __init__(self, arguments: Sequence[str] | None = None) -> None:
        given = sys.argv[1:] if arguments is None else list(arguments)
        found = {}
        for name, option in ((CONTEXT_VARIABLE, CONTEXT_ARGUMENT), (MESSAGES_VARIABLE, MESSAGES_ARGUMENT)):
            for place, argument in enumerate(given):
                if argument == option and place + 1 < len(given):
                    found[name] = given[place + 1]
                elif argument.startswith(f"{option}="):
                    found[name] = argument.partition("=")[2]
        super().__init__(found)
