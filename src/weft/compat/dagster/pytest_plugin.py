"""The pytest plugin: tests of existing code import ``dagster``, and get weft where the real package is not installed.

``pytest -p weft.compat.dagster.pytest_plugin``, or ``pytest_plugins = ["weft.compat.dagster.pytest_plugin"]`` in the topmost ``conftest.py``. It is no entry
point of the package: pytest would rewrite the assertions in all of weft then, in the tests of everybody who has it installed.
"""

from __future__ import annotations

from weft.compat.dagster import install

install()
