"""What type checkers see of ops that are called in the body of a graph. Nothing here is there at run time.

An op has two lives: as a plain function (with its context), and as a call in a graph's body, without a context and with handles in place of
values. Handles are typed as the values that they stand for, so that edges are checked like calls; what yields `DynamicOutput` can be mapped and
collected as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from weft.definitions.op import OpDefinition
    from weft.definitions.results import DynamicOutput
    from weft.execution.contexts import OpExecutionContext as OpExecutionContext  # noqa: PLC0414  # `op` takes it from here

    P = ParamSpec("P")
    R = TypeVar("R")
    T = TypeVar("T")
    U = TypeVar("U")

    class Mapped(Protocol[T]):
        """One value for each mapping key, as a handle."""

        @overload
        def map(self, fn: Callable[[T], DynamicOutputs[U]]) -> Mapped[U]: ...
        @overload
        def map(self, fn: Callable[[T], Mapped[U]]) -> Mapped[U]: ...
        @overload
        def map(self, fn: Callable[[T], U]) -> Mapped[U]: ...
        def map(self, fn: Callable[[T], Any]) -> Mapped[Any]:
            """A copy of what `fn` calls for each value."""
            ...

        def collect(self) -> list[T]:
            """All values as one list."""
            ...

    class DynamicOutputs(Mapped[T], Iterator[DynamicOutput[T]], Protocol[T]):
        """What an op with a dynamic output gives: in a graph's body a handle, called as a function what it yields."""

    class ContextOp(OpDefinition[P, R]):
        """An op that takes the context: given when it is called as a function, left out in the body of a graph."""

        @overload
        def __call__(self, context: OpExecutionContext, /, *args: P.args, **kwargs: P.kwargs) -> R: ...
        @overload
        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
        def __call__(self, *args: Any, **kwargs: Any) -> R:  # type: ignore[misc]  # the checker does not see that it takes all of them
            """See `OpDefinition.__call__`."""
            ...

    class OpDecorator(Protocol):
        """What ``op(...)`` gives."""

        @overload
        def __call__(
            self, fn: Callable[Concatenate[OpExecutionContext, P], Iterator[DynamicOutput[T]]], /
        ) -> ContextOp[P, DynamicOutputs[T]]: ...
        @overload
        def __call__(self, fn: Callable[Concatenate[OpExecutionContext, P], R], /) -> ContextOp[P, R]: ...
        @overload
        def __call__(self, fn: Callable[P, Iterator[DynamicOutput[T]]], /) -> OpDefinition[P, DynamicOutputs[T]]: ...
        @overload
        def __call__(self, fn: Callable[P, R], /) -> OpDefinition[P, R]: ...
