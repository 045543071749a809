"""Opening the channel: find the parameters, load the context, open the writer."""

from __future__ import annotations

import atexit
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from weft_pipes.channel import PipesMessageWriter
from weft_pipes.context import PipesContext
from weft_pipes.context_loading import PipesContextLoader, PipesDefaultContextLoader
from weft_pipes.default_writer import PipesDefaultMessageWriter
from weft_pipes.params import PipesEnvVarParamsLoader, PipesParamsLoader
from weft_pipes.stdio_capture import captured_stdio

# A program is one step: whoever opens the channel again gets what was opened first.
_opened: PipesContext | None = None


def open_weft_pipes(
    *,
    context_loader: PipesContextLoader | None = None,
    message_writer: PipesMessageWriter | None = None,
    params_loader: PipesParamsLoader | None = None,
    outside: Mapping[str, Any] | None = None,
) -> PipesContext:
    """Open the channel to the orchestrator that started this program. Use it in a ``with`` block, which closes it.

    Opened again while it is open, it gives the same context. Where no orchestrator started the program, a warning is given and reports go nowhere, so
    that it can be tried by itself.

    Args:
        context_loader: reads the context; by default from the parameters or a file.
        message_writer: writes messages; by default to a file, a stream or a socket, as the orchestrator says.
        params_loader: finds the parameters; by default in the environment.
        outside: stands for the context where no orchestrator started the program, such as ``{"partition_key": "2026-01-01", "extras": {"limit": 5}}``.

    Raises:
        PipesError: the parameters or the context cannot be read, or the orchestrator cannot be reached.
    """
    global _opened  # noqa: PLW0603  # the one channel of this program
    if _opened is not None and not _opened.is_closed:
        return _opened
    params = params_loader or PipesEnvVarParamsLoader()
    if params.is_pipes_process():
        _opened = _connected(
            context_loader or PipesDefaultContextLoader(), message_writer or PipesDefaultMessageWriter(), params
        )
        atexit.register(_close_at_exit, _opened)
    else:
        warnings.warn(
            "this program was not started by an orchestrator: what it reports goes nowhere", UserWarning, stacklevel=2
        )
        _opened = PipesContext(_context_outside(outside or {}), None, ExitStack())
    return _opened


def _context_outside(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A context of one asset without partitions, where `given` says nothing else."""
    keys = given.get("asset_keys", ["asset"])
    return {
        "asset_keys": keys,
        "code_version_by_asset_key": dict.fromkeys(keys or ()),
        "provenance_by_asset_key": dict.fromkeys(keys or ()),
        "partition_key": None,
        "partition_key_range": None,
        "partition_time_window": None,
        "run_id": "",
        "job_name": None,
        "retry_number": 0,
        "extras": {},
        **given,
    }


def _connected(loader: PipesContextLoader, writer: PipesMessageWriter, params: PipesParamsLoader) -> PipesContext:
    resources = ExitStack()
    try:
        data = resources.enter_context(loader.load_context(params.load_context_params()))
        where = params.load_messages_params()
        channel = resources.enter_context(writer.open(where))
        printing = ExitStack()
        context = PipesContext(
            data, channel, resources, opened_extras=writer.get_opened_extras(), on_close=printing.close
        )
        if where.get("include_stdio_in_messages"):
            printing.enter_context(captured_stdio(_sender(context)))
    except BaseException:
        resources.close()
        raise
    return context


def _sender(context: PipesContext) -> Callable[[str, str], None]:
    def send(stream: str, text: str) -> None:
        # What a process in the background prints after the end is seen by nobody.
        if not context.is_closed:
            context.log_external_stream(stream, text)

    return send


def _close_at_exit(context: PipesContext) -> None:
    """For programs without a ``with`` block: an exception that nobody caught is left by the interpreter in `sys.last_value`."""
    context.close(getattr(sys, "last_value", None))
