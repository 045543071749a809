"""Bounded loops in graphs: an op that is run again on its own output until it says that it is done.

`loop` unrolls when the graph is declared: every iteration is a node of its own (``refine_1``, ``refine_2``...), connected with the one before by
an output that is optional. An iteration that yields its result does not yield the next state, so the iterations behind it are skipped by the
ordinary rule of edges; a last node takes the one result that there is. Hence the plan is fixed and bounded, each iteration is a step with
its own key, events and stored values, and retries, kills, re-execution and nesting in fan-outs need nothing of their own
(``docs/design/0006-loops-are-unrolled.md``).
"""

from __future__ import annotations

from typing import Any

from weft.definitions.composition import NodeDefinition, NodeOutput, PendingNode, in_composition
from weft.definitions.inputs_outputs import In, Out
from weft.definitions.op import OpDefinition
from weft.definitions.results import DEFAULT_OUTPUT
from weft.definitions.source import called_at
from weft.errors import DefinitionError, ExecutionError, some_of
from weft.model.plan import EdgeRule

MOST_ITERATIONS = 1000
"""Each is a step of the plan, whether it runs or not."""


def loop(
    step: NodeDefinition | PendingNode,
    initial: Any,
    *,
    max_iterations: int,
    again: str = "again",
    result: str = DEFAULT_OUTPUT,
    **inputs: Any,
) -> Any:
    """Run `step` on `initial`, then on what it yields as `again`, until it yields `result`. To be called in the body of a graph or job.

    Both outputs are declared with ``Out(is_required=False)``; an iteration yields one of them. The state goes to the first input of the op.

    Args:
        step: the op or graph of one iteration.
        initial: the state of the first iteration: the output of another op, or an input of the graph.
        max_iterations: how often it runs at most, 1 to 1000. A loop that is not done then fails.
        again: the output with the state of the next iteration.
        result: the output that ends the loop.
        inputs: other inputs of the step, the same in each iteration.

    Returns:
        A handle of the result.

    Raises:
        DefinitionError: (WEFT-D510) the step has no such outputs, or the bound is no whole number in its limits.

    >>> @op(out={"again": Out(float, is_required=False), "result": Out(float, is_required=False)})
    ... def refine(guess: float):
    ...     better = (guess + 2 / guess) / 2
    ...     yield Output(better, "result" if abs(better - guess) < 1e-9 else "again")
    >>> @job
    ... def root_of_two():
    ...     loop(refine, first_guess(), max_iterations=20)
    """
    pending = step if isinstance(step, PendingNode) else PendingNode(step)
    definition = pending.definition
    name = pending.name or definition.name
    _check(definition, name, max_iterations, again, result)
    state, *_ = definition.ins
    results: list[NodeOutput] = []
    current = initial
    for number in range(1, max_iterations + 1):
        given = pending.alias(f"{name}_{number}")(**{state: current}, **inputs)
        outputs = dict(zip(definition.outs, given, strict=True))
        results.append(outputs[result])
        current = outputs[again]
    return _take_result(name, max_iterations).alias(f"{name}_result")(results=results, unfinished=current)


def _check(definition: NodeDefinition, name: str, max_iterations: int, again: str, result: str) -> None:
    problem = None
    if not in_composition():
        problem = "is called outside the body of a graph or job"
    elif isinstance(max_iterations, bool) or not isinstance(max_iterations, int):
        problem = f"has max_iterations={max_iterations!r}, which is no whole number"
    elif not 1 <= max_iterations <= MOST_ITERATIONS:
        problem = f"has max_iterations={max_iterations}, which is not between 1 and {MOST_ITERATIONS}"
    elif not definition.ins:
        problem = "runs a step without inputs, so there is no state to go on with"
    else:
        for output in (result, again):  # the last that is wrong is told
            out = definition.outs.get(output)
            if out is None:
                problem = f'needs an output "{output}", which the step does not have'
            elif out.is_required or out.is_dynamic:
                problem = f'needs the output "{output}" to be optional and not dynamic'
    if problem is not None:
        raise DefinitionError(
            f'the loop over "{name}" {problem}.',
            code="WEFT-D510",
            facts={"outputs": some_of(definition.outs), "called at": called_at() or "?"},
            fix=f'declare out={{"{again}": Out(is_required=False), "{result}": Out(is_required=False)}} and call loop(step, state, '
            f"max_iterations=1...{MOST_ITERATIONS}) in the body of a graph",
        )


def _take_result(name: str, max_iterations: int) -> OpDefinition[..., Any]:
    def take_result(results: list[Any], unfinished: Any = None) -> Any:
        if results:
            return results[0]
        raise ExecutionError(
            f'the loop over "{name}" was not done after {max_iterations} iterations.',
            code="WEFT-X101",
            facts={"state": f"{unfinished!r:.200}"},
            fix="raise max_iterations, or see why the step does not come to an end",
        )

    rule = EdgeRule.ANY_SUCCEEDED
    return OpDefinition(
        take_result,
        name=f"{name}_result",
        description=f'The result of the loop over "{name}".',
        ins={"results": In(Any, rule=rule), "unfinished": In(Any, rule=rule)},
        outs={DEFAULT_OUTPUT: Out(Any)},
    )
