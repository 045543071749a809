"""Who starts external processes: the contract of clients, and what a call of one gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from weft.definitions.results import AssetCheckResult, MaterializeResult
from weft.errors import PipesExecutionError, some_of
from weft.execution.contexts import ExecutionContext
from weft.model.metadata import RawMetadata
from weft.pipes.messages import PipesExecutionResult
from weft.pipes.session import PipesSession


class PipesClient(ABC):
    """A resource that runs programs outside of this process and reports what they say.

    Subclass it for a platform of your own: `run` opens a session (`open_pipes_session`), starts the program with its bootstrap, waits for it, and
    returns a `PipesClientCompletedInvocation`.
    """

    # An argument annotated with a client is a resource.
    __weft_resource__ = True

    @abstractmethod
    def run(
        self, *, context: ExecutionContext, extras: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> PipesClientCompletedInvocation:
        """Run one program to its end.

        Args:
            context: the step that it belongs to.
            extras: values for the program, as JSON.
            kwargs: what this platform needs to know.
        """


class PipesClientCompletedInvocation:
    """A program that has ended, and what it reported.

    Args:
        session: its session, closed.
        metadata: added to all that it reported.
    """

    def __init__(self, session: PipesSession, metadata: RawMetadata | None = None) -> None:
        self._session = session
        self.metadata: RawMetadata = metadata or {}

    def get_results(self, *, implicit_materializations: bool = True) -> Sequence[PipesExecutionResult]:
        """What the program reported, to be yielded or returned by the asset; see `PipesSession.get_results`."""
        return self._session.get_results(implicit_materializations=implicit_materializations, metadata=self.metadata)

    def get_materialize_result(self, *, implicit_materialization: bool = True) -> MaterializeResult[Any]:
        """The one materialisation, with the answers of the checks in it.

        Raises:
            PipesExecutionError: (WEFT-X212) there is none, or there are several.
        """
        results = self.get_results(implicit_materializations=implicit_materialization)
        made = [result for result in results if isinstance(result, MaterializeResult)]
        if len(made) != 1:
            raise PipesExecutionError(
                f"one materialisation was asked for, but the external process has {len(made)}.",
                code="WEFT-X212",
                facts={"assets": some_of(result.asset_key.to_user_string() for result in made if result.asset_key)},
                fix="use get_results()",
            )
        checks = [result for result in results if isinstance(result, AssetCheckResult)]
        made[0].check_results = (*made[0].check_results, *checks)
        return made[0]

    def get_asset_check_result(self) -> AssetCheckResult:
        """The one answer of a check.

        Raises:
            PipesExecutionError: (WEFT-X213) there is none, or there are several.
        """
        results = self.get_results(implicit_materializations=False)
        checks = [result for result in results if isinstance(result, AssetCheckResult)]
        if len(checks) != 1:
            raise PipesExecutionError(
                f"one answer of a check was asked for, but the external process gave {len(checks)}.",
                code="WEFT-X213",
                facts={"checks": some_of(str(check.check_name) for check in checks)},
                fix="report it with report_asset_check, or use get_results()",
            )
        return checks[0]

    def get_custom_messages(self) -> Sequence[Any]:
        """The payloads of the program's custom messages, in order."""
        return self._session.get_custom_messages()
