"""The pytest plugin: tests of existing code import ``dagster``, and get weft where the real package is not installed."""

from __future__ import annotations

from weft.compat.dagster import install

install()
