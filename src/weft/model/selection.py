"""Selections of assets and checks as expressions: plain values that can be stored, sent and printed.

The builder that users call (`AssetSelection`) and both string syntaxes give these nodes; `weft.planning.selection` evaluates them over an asset
graph. Where a node selects assets, the checks of those assets come along unless `WithoutChecks` is around it.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from weft.model.keys import AssetCheckKey, AssetKey


class All(Struct, frozen=True, tag="all"):
    """Every asset. `include_external`: also those that nothing here computes."""

    include_external: bool = False


class Keys(Struct, frozen=True, tag="keys"):
    """These assets."""

    keys: tuple[AssetKey, ...]


class KeyPrefix(Struct, frozen=True, omit_defaults=True, tag="key_prefix"):
    """Assets whose keys start with the parts of one of the prefixes."""

    prefixes: tuple[tuple[str, ...], ...]
    include_external: bool = False


class KeySubstring(Struct, frozen=True, omit_defaults=True, tag="key_substring"):
    """Assets whose user string contains the text."""

    text: str
    include_external: bool = False


class KeyGlob(Struct, frozen=True, tag="key_glob"):
    """Assets whose user string matches the pattern; ``*`` stands for any text, ``\\*`` for a star."""

    pattern: str


class Groups(Struct, frozen=True, omit_defaults=True, tag="groups"):
    """Assets of these groups; ``*`` in a name stands for any text."""

    names: tuple[str, ...]
    include_external: bool = False


class Tag(Struct, frozen=True, omit_defaults=True, tag="tag"):
    """Assets with the tag; an empty `value` means a tag without value, None any value."""

    key: str
    value: str | None = None
    include_external: bool = False


class Kind(Struct, frozen=True, omit_defaults=True, tag="kind"):
    """Assets of the kind; None: assets without kinds."""

    name: str | None
    include_external: bool = False


class Owner(Struct, frozen=True, omit_defaults=True, tag="owner"):
    """Assets of the owner; None: assets without owners."""

    owner: str | None
    include_external: bool = False


class Attribute(Struct, frozen=True, tag="attribute"):
    """Assets for which a fact outside the graph holds (``status``, ``code_location``, ``column``, ...)."""

    name: str
    value: str | None


class Upstream(Struct, frozen=True, omit_defaults=True, tag="upstream"):
    """What `child` selects and what that depends on, `depth` levels up (None: all)."""

    child: Selection
    depth: int | None = None
    include_self: bool = True


class Downstream(Struct, frozen=True, omit_defaults=True, tag="downstream"):
    """What `child` selects and what depends on that, `depth` levels down (None: all)."""

    child: Selection
    depth: int | None = None
    include_self: bool = True


class And(Struct, frozen=True, tag="and"):
    """What all of them select."""

    children: tuple[Selection, ...]


class Or(Struct, frozen=True, tag="or"):
    """What any of them selects."""

    children: tuple[Selection, ...]


class Not(Struct, frozen=True, omit_defaults=True, tag="not"):
    """Everything that `child` does not select. `include_external`: also of the assets that nothing here computes."""

    child: Selection
    include_external: bool = False


class Difference(Struct, frozen=True, tag="difference"):
    """What `left` selects and `right` does not."""

    left: Selection
    right: Selection


class Sinks(Struct, frozen=True, tag="sinks"):
    """Those of `child` that nothing else in `child` depends on."""

    child: Selection


class Roots(Struct, frozen=True, tag="roots"):
    """Those of `child` that depend on nothing else in `child`."""

    child: Selection


class Materializable(Struct, frozen=True, tag="materializable"):
    """Those of `child` that a run can make."""

    child: Selection


class External(Struct, frozen=True, tag="external"):
    """Those of `child` that nothing here computes."""

    child: Selection


class RequiredNeighbours(Struct, frozen=True, tag="required_neighbours"):
    """`child` and the assets that can only be made together with it."""

    child: Selection


class ChecksOf(Struct, frozen=True, tag="checks_of"):
    """The checks of what `child` selects, without the assets."""

    child: Selection


class Checks(Struct, frozen=True, tag="checks"):
    """These checks."""

    keys: tuple[AssetCheckKey, ...]


class WithoutChecks(Struct, frozen=True, tag="without_checks"):
    """The assets of `child` without their checks."""

    child: Selection


class Text(Struct, frozen=True, tag="text"):
    """A selection in one of the string syntaxes, parsed when it is evaluated."""

    text: str


Selection: TypeAlias = (
    All
    | Keys
    | KeyPrefix
    | KeySubstring
    | KeyGlob
    | Groups
    | Tag
    | Kind
    | Owner
    | Attribute
    | Upstream
    | Downstream
    | And
    | Or
    | Not
    | Difference
    | Sinks
    | Roots
    | Materializable
    | External
    | RequiredNeighbours
    | ChecksOf
    | Checks
    | WithoutChecks
    | Text
)
"""A selection expression."""
