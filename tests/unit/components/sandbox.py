"""A project in a folder, for tests of components."""

from __future__ import annotations

import textwrap
from itertools import count
from pathlib import Path

from weft import ComponentTree

_numbers = count()


def project(folder: Path, **files: str) -> ComponentTree:
    """The components of a project whose package has these files: ``orders__defs_yaml="..."`` is ``orders/defs.yaml``."""
    package = f"sandbox_{next(_numbers)}"
    (folder / "pyproject.toml").write_text(f'[tool.weft]\ndefs = "{package}/defs"\n')
    (folder / package / "defs").mkdir(parents=True)
    (folder / package / "__init__.py").touch()
    for name, text in files.items():
        *folders, last = name.split("__")
        stem, _, suffix = last.rpartition("_")
        file = folder.joinpath(package, "defs", *folders, f"{stem}.{suffix}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).replace("PACKAGE", package))
    return ComponentTree.for_project(folder / package)
