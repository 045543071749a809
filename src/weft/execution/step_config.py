"""The configuration of one step as its function takes it: an object of its `Config` class, or plain data."""

from __future__ import annotations

from typing import Any

from weft.definitions.op import OpDefinition
from weft.execution.run_context import RunContext


def step_config(run_context: RunContext, step_key: str, op: OpDefinition[Any, Any]) -> Any:
    """The configuration of a step. It was validated, with environment variables read, before the run began."""
    given = run_context.config_of(step_key).get("config")
    config_class = op.config_class
    if config_class is not None:
        from weft.config.models import instantiate

        return instantiate(
            config_class,
            given if given is not None else {},
            path=("ops", step_key, "config"),
            secrets=run_context.config.secrets,
        )
    return given
