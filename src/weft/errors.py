"""Every error that a user can see, in one form: what happened, the facts, the fix, a stable code.

::

    WeftError
    ├── DefinitionError          WEFT-Dnnn  what the user declared does not hold together
    ├── ConfigError              WEFT-Cnnn  run, resource or op configuration is wrong (all problems at once)
    ├── InvocationError          WEFT-Innn  a definition or context was called or used in a wrong way
    ├── SelectionError           WEFT-Snnn  a selection names nothing, or cannot be parsed
    ├── PartitionError           WEFT-Pnnn  a partition key, range or definition is wrong
    ├── ExecutionError           WEFT-Xnnn  carrying out a run failed
    │   ├── StepFailedError                 the user's code failed in a step; the cause is their exception
    │   ├── ResourceError                   a resource could not be set up
    │   ├── TypeCheckError                  a value does not have the declared type
    │   ├── IOManagerError                  a value could not be stored or loaded
    │   └── PipesExecutionError             an external process failed, or what it reported cannot be used
    ├── TickError                WEFT-Knnn  what a schedule or sensor gave at a tick cannot be used
    ├── LoadError                WEFT-Lnnn  the user's file or module could not be imported
    ├── StorageError             WEFT-Tnnn  the instance's storage cannot be used
    │   └── RunNotFoundError
    ├── UsageError               WEFT-Unnn  a command was used in a wrong way
    └── InternalError            WEFT-Z001  weft itself is wrong: please report it

Three kinds are kept apart: the user's code failed (their traceback first, frames of weft folded), the user misused weft
(the fix), weft is wrong (`InternalError`). A code never changes its meaning; each is described in
``docs/reference/errors.md``. One error may carry several problems: definitions and configuration are checked in one pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

_LABEL_WIDTH = 14
_MOST_NAMES = 8


class Problem:
    """One thing that is wrong: a sentence, facts as label and value, the fix, the code.

    `facts` stay attributes as well as text, so that code can act on them without parsing.
    """

    __slots__ = ("code", "facts", "fix", "what")

    def __init__(
        self, code: str, what: str, *, facts: Mapping[str, object] | None = None, fix: str | None = None
    ) -> None:
        self.code = code
        self.what = what
        self.facts: dict[str, object] = dict(facts or {})
        self.fix = fix

    def __str__(self) -> str:
        rows = [(label, _fact_text(value)) for label, value in self.facts.items()]
        if self.fix:
            rows.append(("fix", self.fix))
        width = max([_LABEL_WIDTH - 2, *(len(label) for label, _ in rows)]) + 2
        lines = [f"{self.code}  {self.what}"]
        for label, text in rows:
            first, *rest = text.splitlines() or [""]
            lines.append(f"  {label:<{width}}{first}")
            lines.extend(" " * (width + 2) + line for line in rest)
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Problem({self.code!r}, {self.what!r})"


class WeftError(Exception):
    """Base of all errors that weft raises for its users.

    Args:
        what: one sentence that says what happened.
        code: the stable code of this mistake, such as ``WEFT-D014``.
        facts: label to value, in the order to print. Values are kept as they are.
        fix: what the user can do about it.
    """

    default_code = "WEFT-Z001"

    def __init__(
        self,
        what: str,
        *,
        code: str | None = None,
        facts: Mapping[str, object] | None = None,
        fix: str | None = None,
    ) -> None:
        self.problems: tuple[Problem, ...] = (Problem(code or self.default_code, what, facts=facts, fix=fix),)
        super().__init__(what)

    @classmethod
    def from_problems(cls, problems: Sequence[Problem]) -> WeftError:
        """One error of this class for all `problems` (at least one)."""
        if not problems:
            raise InternalError("an error was made from no problems")
        first = problems[0]
        error = cls.__new__(cls)
        error.problems = tuple(problems)
        Exception.__init__(error, first.what)
        return error

    @property
    def code(self) -> str:
        """The code of the first problem."""
        return self.problems[0].code

    @property
    def what(self) -> str:
        """The first problem as one sentence."""
        return self.problems[0].what

    @property
    def facts(self) -> dict[str, object]:
        """The facts of the first problem."""
        return self.problems[0].facts

    @property
    def fix(self) -> str | None:
        """The fix of the first problem."""
        return self.problems[0].fix

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        head = f"{len(self.problems)} problems were found:"
        return "\n\n".join([head, *(str(problem) for problem in self.problems)])

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.problems), {k: v for k, v in self.__dict__.items() if k != "problems"})


class DefinitionError(WeftError):
    """What the user declared does not hold together; raised when it is declared or resolved, before anything runs."""

    default_code = "WEFT-D001"


class ConfigError(WeftError):
    """Configuration does not fit its schema. Carries every problem with its path, not just the first."""

    default_code = "WEFT-C001"


class InvocationError(WeftError):
    """A decorated function, context or result was used in a way that cannot work."""

    default_code = "WEFT-I001"


class SelectionError(WeftError):
    """A selection cannot be parsed, or names something that does not exist."""

    default_code = "WEFT-S001"


class PartitionError(WeftError):
    """A partition key, range, mapping or definition is wrong."""

    default_code = "WEFT-P001"


class ExecutionError(WeftError):
    """Carrying out a run failed."""

    default_code = "WEFT-X001"


class StepFailedError(ExecutionError):
    """The user's code failed in a step. ``__cause__`` is their exception; `step_key` says where.

    Raised by the in-process façades when ``raise_on_error`` is set.
    """

    default_code = "WEFT-X002"
    step_key: str = ""


class ResourceError(ExecutionError):
    """A resource could not be set up or torn down."""

    default_code = "WEFT-X010"


class TypeCheckError(ExecutionError):
    """A value does not have the type that an input or output declares."""

    default_code = "WEFT-X020"


class IOManagerError(ExecutionError):
    """A value could not be stored or loaded by its I/O manager."""

    default_code = "WEFT-X030"


class PipesExecutionError(ExecutionError):
    """An external process failed, or what it reported cannot be used."""

    default_code = "WEFT-X200"


class TickError(WeftError):
    """What a schedule or sensor gave at a tick cannot be used. The tick has failed; nothing of it is taken over."""

    default_code = "WEFT-K001"


class LoadError(WeftError):
    """The user's file or module could not be imported; their traceback is in `traceback_text`."""

    default_code = "WEFT-L001"
    traceback_text: str = ""


class StorageError(WeftError):
    """The instance's storage cannot be used: locked, corrupt, read-only, or of another version.

    `may_pass` says whether the same call can succeed later, because what is in its way can go away or be put right meanwhile.
    """

    default_code = "WEFT-T001"
    may_pass = True


class RunNotFoundError(StorageError):
    """No run has that id."""

    default_code = "WEFT-T010"
    may_pass = False


class UsageError(WeftError):
    """A command was used in a wrong way."""

    default_code = "WEFT-U001"


class InternalError(WeftError):
    """weft itself is wrong. Please report it with the text of the error."""

    default_code = "WEFT-Z001"

    def __init__(self, what: str, *, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(what, facts=facts, fix="this is a bug in weft: please report it with this text")


def nearest(name: str, known: Iterable[str], *, most: int = 1) -> list[str]:
    """The `most` names of `known` that look most like `name`, best first; empty where none comes close."""
    import difflib

    return difflib.get_close_matches(name, list(known), n=most, cutoff=0.6)


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """The text of a fix: the nearest known name where there is one, then `otherwise`."""
    found = nearest(name, known)
    if not found:
        return otherwise
    return f'did you mean "{found[0]}"? Otherwise {otherwise}'


def some_of(names: Iterable[str]) -> str:
    """Names as a short list for a fact: the first few, then how many more."""
    listed = list(names)
    if not listed:
        return "(none)"
    text = ", ".join(listed[:_MOST_NAMES])
    more = len(listed) - _MOST_NAMES
    return f"{text} and {more} more" if more > 0 else text


def _fact_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return some_of([str(item) for item in value])
    return str(value)


def _rebuild(cls: type[WeftError], problems: tuple[Problem, ...]) -> WeftError:
    return cls.from_problems(problems)
