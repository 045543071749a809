"""The plan of a run: its steps, what each needs and makes, in topological order. A plain value: it can be stored, sent and driven
by any executor, without the user's code.

Dynamic steps are templates. A step whose inputs come (directly or through others) from a dynamic output is copied once for each mapping
key at run time; `StepPlan.fan_out` lists the dynamic outputs it is mapped over, outermost first. The copy's key is the template's
key with one ``[mapping key]`` for each: ``clean[eu]``, ``clean[eu][2024]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from msgspec import Struct

from weft.model.codec import Decoder
from weft.model.keys import AssetCheckKey, AssetKey
from weft.model.retry import RetryPolicy


class EdgeRule(Enum):
    """When an input lets its step run, given how the steps above it ended."""

    ALL_SUCCEEDED = "all_succeeded"
    ANY_SUCCEEDED = "any_succeeded"
    ALL_DONE = "all_done"
    OPTIONAL = "optional"


class OutputRef(Struct, frozen=True, gc=False, omit_defaults=True):
    """An output of a step: of this run, or of the parent run `run_id` whose stored value is used again.

    For a dynamic output, `mapping_key` names one of its values.
    """

    step_key: str
    output_name: str
    mapping_key: str | None = None
    run_id: str | None = None


class FromOutput(Struct, frozen=True, gc=False, omit_defaults=True, tag="output"):
    """The value of one upstream output. Inside a fan-out it is the copy with the same mapping keys."""

    ref: OutputRef


class FromCollected(Struct, frozen=True, gc=False, omit_defaults=True, tag="collected"):
    """All values of a dynamic fan-out as a list, in the order of their mapping keys' appearance."""

    ref: OutputRef


class FromMany(Struct, frozen=True, gc=False, omit_defaults=True, tag="many"):
    """A list of values, one from each source in order (fan-in)."""

    sources: tuple[InputSource, ...]


class FromAsset(Struct, frozen=True, gc=False, omit_defaults=True, tag="asset"):
    """The stored value of an asset that this run does not make."""

    asset_key: AssetKey


class FromConfig(Struct, frozen=True, gc=False, omit_defaults=True, tag="config"):
    """The run configuration gives the value, at the path ``ops.<node>.inputs.<input>`` or ``inputs.<input>``."""

    path: tuple[str, ...]


class FromDefault(Struct, frozen=True, gc=False, omit_defaults=True, tag="default"):
    """The default of the op's input."""


class FromValue(Struct, frozen=True, gc=False, omit_defaults=True, tag="value"):
    """A value handed over by the caller of an in-process run, under this name. Never stored."""

    name: str


class FromAbsent(Struct, frozen=True, gc=False, omit_defaults=True, tag="absent"):
    """Nothing: in the run that this one repeats the output was not yielded, or its step was skipped, and it does not run again.

    It counts as any output that was not yielded; no step starts with it.
    """

    step_key: str
    output_name: str


class OrderOnly(Struct, frozen=True, gc=False, omit_defaults=True, tag="order"):
    """Nothing is loaded: the step only waits for these outputs."""

    refs: tuple[OutputRef, ...]


InputSource: TypeAlias = (
    FromOutput | FromCollected | FromMany | FromAsset | FromConfig | FromDefault | FromValue | FromAbsent | OrderOnly
)


class StepInput(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One input of a step."""

    name: str
    source: InputSource
    rule: EdgeRule = EdgeRule.ALL_SUCCEEDED
    # The asset behind the input, where there is one.
    asset_key: AssetKey | None = None


class StepOutputPlan(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One output of a step."""

    name: str
    asset_key: AssetKey | None = None
    # The check whose result this output carries.
    check_key: AssetCheckKey | None = None
    # Not yielding a required output fails the step; not yielding another skips what needs it.
    is_required: bool = True
    is_dynamic: bool = False
    io_manager_key: str = "io_manager"
    # Whether the output only orders steps and carries no value.
    is_nothing: bool = False


class BlockedBy(Struct, frozen=True, gc=False):
    """The step runs only if this blocking check of an upstream step passed (or failed below ERROR)."""

    step_key: str
    check_key: AssetCheckKey


class StepPlan(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One step of a plan."""

    # Node names joined by dots: ``clean`` or ``prepare.clean`` inside the graph ``prepare``.
    key: str
    op_name: str
    inputs: tuple[StepInput, ...] = ()
    outputs: tuple[StepOutputPlan, ...] = ()
    blocked_by: tuple[BlockedBy, ...] = ()
    fan_out: tuple[OutputRef, ...] = ()
    retry_policy: RetryPolicy | None = None
    tags: Mapping[str, str] = {}
    resource_keys: tuple[str, ...] = ()
    pool: str | None = None
    timeout_seconds: float | None = None
    code_version: str | None = None

    def output(self, name: str) -> StepOutputPlan:
        """The output of that name."""
        for output in self.outputs:
            if output.name == name:
                return output
        raise KeyError(name)


class RunPlan(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """All steps of a run, each after the steps it depends on."""

    job_name: str
    steps: tuple[StepPlan, ...]
    # The keys of the steps to run; the others are there only as sources of stored outputs. None: all.
    selected: tuple[str, ...] | None = None


class ComputeUnit(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The smallest thing that can be run to make assets or evaluate checks: one asset, multi-asset, graph asset or check function.

    Its steps are written as if nothing else ran: every upstream asset is a `FromAsset` (or an `OrderOnly` without refs, where it only
    orders), with `StepInput.asset_key` set. Planning rewires those that the same run makes.
    """

    name: str
    steps: tuple[StepPlan, ...]
    asset_keys: tuple[AssetKey, ...] = ()
    check_keys: tuple[AssetCheckKey, ...] = ()
    # Whether a run may ask for some of its assets and checks only.
    can_subset: bool = False


PLAN_DECODER: Decoder[RunPlan] = Decoder(RunPlan)


def upstream_refs(source: InputSource) -> tuple[OutputRef, ...]:
    """The outputs of steps that `source` reads or waits for, in order."""
    if isinstance(source, (FromOutput, FromCollected)):
        return (source.ref,)
    if isinstance(source, OrderOnly):
        return source.refs
    if isinstance(source, FromMany):
        return tuple(ref for one in source.sources for ref in upstream_refs(one))
    return ()
