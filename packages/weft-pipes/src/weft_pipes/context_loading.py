"""Reading the context from where the orchestrator put it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from weft_pipes.errors import PipesError


class PipesContextLoader(ABC):
    """Reads the context. Subclass it for a place of your own."""

    @abstractmethod
    def load_context(self, params: Mapping[str, Any]) -> AbstractContextManager[Mapping[str, Any]]:
        """While open, what is at the place that `params` says is there."""


class PipesDefaultContextLoader(PipesContextLoader):
    """Reads it from the parameters themselves, or from the file that they name."""

    @contextmanager
    def load_context(self, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """See `PipesContextLoader`."""
        if "data" in params:
            yield params["data"]
        elif "path" in params:
            yield json.loads(Path(params["path"]).read_text("utf-8"))
        else:
            raise PipesError(
                f"the context is in a place that this loader does not know ({', '.join(params)}): open with the loader that belongs to it"
            )


class PipesS3ContextLoader(PipesContextLoader):
    """Reads it from an object in S3.

    Args:
        client: of boto3: ``boto3.client("s3")``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    @contextmanager
    def load_context(self, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """See `PipesContextLoader`."""
        found = self._client.get_object(Bucket=params["bucket"], Key=params["key"])
        yield json.loads(found["Body"].read().decode("utf-8"))
