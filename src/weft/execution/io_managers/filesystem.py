"""Values as pickles below a local folder: the default of a persistent instance.

A file is written under another name and then renamed, so that a reader sees the old value or the new one, never a part, and a killed writer leaves the
old value. Only the user's own code, in the user's own workers, ever unpickles.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

from weft.errors import IOManagerError
from weft.execution.io_contexts import InputContext, OutputContext
from weft.execution.io_managers.upath import UPathIOManager

_PROTOCOL = 5


class FilesystemIOManager(UPathIOManager):
    """Stores each value as a pickle.

    Args:
        base_dir: the folder; made where it is missing.
    """

    def __init__(self, base_dir: str | os.PathLike[str]) -> None:
        super().__init__(base_dir)
        self.base_dir = os.fspath(base_dir)

    def dump_to_path(self, context: OutputContext, obj: Any, path: Path) -> None:
        """See `UPathIOManager.dump_to_path`.

        Raises:
            IOManagerError: (WEFT-X031) the value cannot be pickled.
        """
        unfinished = f"{path}.{os.getpid()}.part"
        try:
            with open(unfinished, "wb") as file:  # noqa: PTH123  # on the path of every output
                pickle.dump(obj, file, _PROTOCOL)
            os.replace(unfinished, path)  # noqa: PTH105  # see above
        except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
            os.unlink(unfinished)  # noqa: PTH108  # see above
            raise IOManagerError(
                f'output "{context.name}" of step "{context.step_key}" cannot be pickled.',
                code="WEFT-X031",
                facts={"type": type(obj).__qualname__, "reason": f"{type(error).__name__}: {error}"},
                fix="return plain data, or use an I/O manager that can store it: @asset(io_manager_key=...)",
            ) from error
        except BaseException:
            if os.path.exists(unfinished):  # noqa: PTH110  # see above
                os.unlink(unfinished)  # noqa: PTH108  # see above
            raise

    def load_from_path(self, context: InputContext, path: Path) -> Any:
        """See `UPathIOManager.load_from_path`."""
        with open(path, "rb") as file:  # noqa: PTH123  # on the path of every input
            return pickle.load(file)  # noqa: S301  # the user's own value, in the user's own worker
