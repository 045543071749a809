"""Instances for tests: each in a folder of its own that is removed after the test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from weft.errors import UsageError
from weft.instance import HOME_VARIABLE, Instance


@contextmanager
def instance_for_test(
    overrides: Mapping[str, Any] | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    set_home: bool = True,
) -> Iterator[Instance]:
    """A durable instance in a folder of its own, which ``Instance.get()`` gives as well while the context is open.

    Args:
        overrides: settings of the instance; there are none yet that a test could change besides its folder.
        temp_dir: the folder, which is then left; a temporary one, which is removed, where it is None.
        set_home: whether ``$WEFT_HOME`` names the folder meanwhile, for commands and child processes too.

    Raises:
        UsageError: (WEFT-U080) an override is not known.

    >>> with instance_for_test() as instance:
    ...     materialize([orders], instance=instance)
    """
    if overrides:
        raise UsageError(
            "instance_for_test was given settings that an instance does not have.",
            code="WEFT-U080",
            facts={"found": ", ".join(map(str, overrides))},
            fix="leave them out; temp_dir= chooses the folder",
        )
    with ExitStack() as stack:
        folder = temp_dir if temp_dir is not None else stack.enter_context(tempfile.TemporaryDirectory(prefix="weft-"))
        if set_home:
            before = os.environ.get(HOME_VARIABLE)
            os.environ[HOME_VARIABLE] = str(folder)
            stack.callback(_restore, before)
        instance = Instance.get(folder) if set_home else Instance.at(Path(folder))
        stack.callback(instance.close)
        yield instance


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(HOME_VARIABLE, None)
    else:
        os.environ[HOME_VARIABLE] = before
