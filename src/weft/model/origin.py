"""Where the code of a run is: enough for any machine that has it to load the same definitions again."""

from __future__ import annotations

from msgspec import Struct


class CodeOrigin(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The target that a run was planned from. Exactly one of `file`, `module` and `defs_folder` is given; paths are absolute."""

    file: str | None = None
    module: str | None = None
    defs_folder: str | None = None
    # The name of the definitions in the module; None: they are found.
    attribute: str | None = None
    working_directory: str | None = None
    # The interpreter that has the packages; None: that of whoever launches the run.
    python: str | None = None

    def __str__(self) -> str:
        place = self.file or self.module or self.defs_folder or "nowhere"
        return place if self.attribute is None else f"{place}:{self.attribute}"
