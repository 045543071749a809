"""Automation conditions of the user's own: what they are given, what they answer, and how they are asked."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from weft.errors import ExecutionError
from weft.model.assets import AssetGraph
from weft.model.keys import AssetCheckKey, AssetJobKey, AssetKey
from weft.planning.automation.evaluate import AskCustom, CustomAnswer, CustomQuestion
from weft.planning.automation.subset import Subset

if TYPE_CHECKING:
    from weft.definitions.automation_condition import AutomationCondition


class AutomationContext:
    """What a condition of the user's own is evaluated with."""

    __slots__ = ("_question", "instance")

    def __init__(self, question: CustomQuestion, instance: Any = None) -> None:
        self._question = question
        # The instance whose state is evaluated.
        self.instance = instance

    @property
    def key(self) -> AssetKey | AssetCheckKey | AssetJobKey:
        """The asset, check or job that the condition is about."""
        return self._question.target

    @property
    def candidate_subset(self) -> Subset:
        """The part of it that is asked about; the answer counts only within it."""
        return self._question.candidates

    @property
    def previous_true_subset(self) -> Subset:
        """Where the condition was true in the previous evaluation."""
        return self._question.previous_true

    @property
    def cursor(self) -> str | None:
        """What the previous `AutomationResult` gave as its cursor."""
        return self._question.previous_text

    @property
    def evaluation_time(self) -> datetime:
        """The moment of the evaluation, in UTC."""
        return datetime.fromtimestamp(self._question.time, timezone.utc)

    @property
    def asset_graph(self) -> AssetGraph:
        """All assets and checks."""
        return self._question.graph

    def get_empty_subset(self) -> Subset:
        """No part of the target."""
        return self._question.candidates.scope.nothing

    def get_subset(self, partition_keys: Iterable[str]) -> Subset:
        """These partitions of the target."""
        return self._question.candidates.scope.of_keys(partition_keys)


class AutomationResult:
    """The answer of a condition of the user's own.

    Args:
        context: the context that the condition was given.
        true_subset: where it is true.
        cursor: a text that the next evaluation finds in its context.
    """

    __slots__ = ("cursor", "true_subset")

    def __init__(self, context: AutomationContext, true_subset: Subset, cursor: str | None = None) -> None:
        self.true_subset = true_subset
        self.cursor = cursor


def asking(custom: Mapping[str, AutomationCondition], instance: Any = None) -> AskCustom:
    """Asks the conditions `custom`, by the key of their node. Coroutines are run to their end."""

    def ask(question: CustomQuestion) -> CustomAnswer:
        condition = custom[question.node.key]
        answer = condition.evaluate(AutomationContext(question, instance))
        if inspect.isawaitable(answer):
            import asyncio  # only for conditions that are coroutines

            answer = asyncio.run(_waited(answer))
        if not isinstance(answer, AutomationResult):
            raise ExecutionError(
                f"the automation condition {question.node.name} gave no AutomationResult.",
                code="WEFT-X150",
                facts={"found": f"{answer!r:.80}"},
                fix="return AutomationResult(context, context.candidate_subset)",
            )
        return CustomAnswer(answer.true_subset, answer.cursor)

    return ask


def _waited(answer: Awaitable[Any]) -> Coroutine[Any, Any, Any]:
    async def wait() -> Any:
        return await answer

    return wait()
