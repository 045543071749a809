"""One external process from the step's side: its context is put where it finds it, its messages are read, and what it reported is handed out."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from weft.definitions.results import MaterializeResult
from weft.errors import PipesExecutionError, Problem
from weft.execution.contexts import ExecutionContext
from weft.model.metadata import RawMetadata, metadata_values
from weft.pipes.context_data import PipesContextData, context_data_of
from weft.pipes.injector import PipesContextInjector
from weft.pipes.messages import PipesExecutionResult, PipesMessageHandler
from weft.pipes.protocol import (
    COMPOSITE_WRITERS,
    CONTEXT_ARGUMENT,
    CONTEXT_VARIABLE,
    MESSAGES_ARGUMENT,
    MESSAGES_VARIABLE,
    PipesLaunchedData,
    PipesParams,
    encode_param,
)
from weft.pipes.reader import PipesMessageReader


class PipesSession:
    """What a client needs while an external process runs. Made by `open_pipes_session`.

    Attributes:
        context: the step.
        context_data: what the program is told of it.
        message_handler: takes its messages.
        context_injector_params: where the program finds its context.
        message_reader_params: where it writes its messages.
    """

    def __init__(
        self,
        context: ExecutionContext,
        context_data: PipesContextData,
        message_handler: PipesMessageHandler,
        context_injector_params: PipesParams,
        message_reader_params: PipesParams,
    ) -> None:
        self.context = context
        self.context_data = context_data
        self.message_handler = message_handler
        self.context_injector_params = context_injector_params
        self.message_reader_params = message_reader_params

    # --- what the program is started with ------------------------------------------------------------------------------

    def get_bootstrap_params(self) -> dict[str, Any]:
        """The two parameters, for programs that take a mapping: the event of a function, the parameters of a remote job."""
        return {
            CONTEXT_VARIABLE: encode_param(self.context_injector_params),
            MESSAGES_VARIABLE: encode_param(self.message_reader_params),
        }

    def get_bootstrap_env_vars(self) -> dict[str, str]:
        """The two parameters as variables of the environment."""
        return self.get_bootstrap_params()

    def get_bootstrap_cli_arguments(self) -> dict[str, str]:
        """The two parameters as options of a command: option to value."""
        context, messages = self.get_bootstrap_params().values()
        return {CONTEXT_ARGUMENT: context, MESSAGES_ARGUMENT: messages}

    def get_per_writer_bootstrap_env_vars(self) -> list[dict[str, str]]:
        """The variables for each program of a session with a `PipesCompositeMessageReader`, in the order of its readers."""
        context = encode_param(self.context_injector_params)
        return [
            {CONTEXT_VARIABLE: context, MESSAGES_VARIABLE: encode_param(params)} for params in self._writer_params()
        ]

    def get_per_writer_bootstrap_cli_arguments(self) -> list[dict[str, str]]:
        """The options for each program, as above."""
        return [
            {CONTEXT_ARGUMENT: variables[CONTEXT_VARIABLE], MESSAGES_ARGUMENT: variables[MESSAGES_VARIABLE]}
            for variables in self.get_per_writer_bootstrap_env_vars()
        ]

    def _writer_params(self) -> Sequence[PipesParams]:
        params: Sequence[PipesParams] = self.message_reader_params.get(COMPOSITE_WRITERS, [self.message_reader_params])
        return params

    @property
    def default_remote_invocation_info(self) -> dict[str, str]:
        """What to tag the remote job with, so that it is found from the run and the run from it."""
        info = {"dagster/run-id": self.context_data["run_id"]}
        if self.context_data["job_name"]:
            info["dagster/job"] = self.context_data["job_name"]
        if self.context_data["partition_key"] is not None:
            info["dagster/partition"] = self.context_data["partition_key"]
        return info

    def report_launched(self, launched_payload: PipesLaunchedData) -> None:
        """Say that the program runs, and what is known since: for readers that follow its log elsewhere."""
        self.message_handler.on_launched(launched_payload)

    # --- what came of it -----------------------------------------------------------------------------------------------

    def get_results(
        self, implicit_materializations: bool = True, metadata: RawMetadata | None = None
    ) -> Sequence[PipesExecutionResult]:
        """What the program reported, to be yielded or returned by the asset. Ask for it when the session is closed.

        Args:
            implicit_materializations: add one for each asset of the step that was not reported.
            metadata: added to every materialisation and check, below what the program gave.

        Raises:
            PipesExecutionError: (WEFT-X203) a result could not be understood.
        """
        results = list(self.get_reported_results())
        if implicit_materializations:
            reported = {result.asset_key for result in results if isinstance(result, MaterializeResult)}
            missing = sorted(self.context.selected_asset_keys - reported)
            results += [MaterializeResult(asset_key=key) for key in missing]
        if metadata:
            added = metadata_values(metadata)
            for result in results:
                result.metadata = {**added, **result.metadata}
        return results

    def get_reported_results(self) -> Sequence[PipesExecutionResult]:
        """What the program reported so far, in order.

        Raises:
            PipesExecutionError: (WEFT-X203) a result could not be understood.
        """
        return self.message_handler.results()

    def get_custom_messages(self) -> Sequence[Any]:
        """The payloads of the program's custom messages so far, in order."""
        return self.message_handler.custom_messages()


@contextmanager
def open_pipes_session(
    context: ExecutionContext,
    context_injector: PipesContextInjector,
    message_reader: PipesMessageReader,
    extras: Mapping[str, Any] | None = None,
) -> Iterator[PipesSession]:
    """Open the channel to an external process; while it is open, start the program and wait for it.

    When it closes, all that the program wrote has been handled. In an asset, yield or return ``session.get_results()`` afterwards.

    Args:
        context: the context of the op, asset or check.
        context_injector: how the program gets its context.
        message_reader: how its messages come back.
        extras: values for the program, as JSON.

    >>> @asset
    ... def report(context: AssetExecutionContext):
    ...     with open_pipes_session(context, PipesTempFileContextInjector(), PipesTempFileMessageReader()) as session:
    ...         subprocess.run(["./report.sh"], env={**os.environ, **session.get_bootstrap_env_vars()}, check=True)
    ...     return session.get_results()
    """
    if context.selected_asset_keys:
        context.expect_results(_unused_results(context))
    data = context_data_of(context, extras)
    handler = PipesMessageHandler(context, message_reader)
    with context_injector.inject_context(data) as context_params, handler.handle_messages() as message_params:
        yield PipesSession(context, data, handler, context_params, message_params)
    # Not where an exception came through: it says more than a channel that was not closed.
    _diagnose(handler, context_injector, message_reader)


def _diagnose(
    handler: PipesMessageHandler, context_injector: PipesContextInjector, message_reader: PipesMessageReader
) -> None:
    if not handler.received_opened_message:
        handler.problem(
            Problem(
                "WEFT-X201",
                "The external process never opened the channel: nothing was heard of it.",
                facts={
                    "its context was": context_injector.no_messages_debug_text(),
                    "its messages were expected": message_reader.no_messages_debug_text(),
                },
                fix=f"see that it is a program for Pipes (in Python: with open_dagster_pipes()), that it gets {CONTEXT_VARIABLE} and {MESSAGES_VARIABLE}, and that it can reach both places",
            ),
            logging.WARNING,
        )
    elif not handler.received_closed_message:
        handler.problem(
            Problem(
                "WEFT-X210",
                "The external process did not close the channel: it may have ended before its end.",
                fix="close it when all is done (in Python: with open_dagster_pipes()); messages that it wrote before were handled",
            ),
            logging.WARNING,
        )


def _unused_results(context: ExecutionContext) -> PipesExecutionError:
    return PipesExecutionError(
        f'step "{context.step.key}" ran an external process, but gave away none of what it reported.',
        code="WEFT-X211",
        facts={"assets": sorted(key.to_user_string() for key in context.selected_asset_keys)},
        fix="return client.run(...).get_results() from the asset, or yield from session.get_results()",
    )
