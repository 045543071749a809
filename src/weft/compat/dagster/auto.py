"""``import weft.compat.dagster.auto``: from here on ``from dagster import ...`` gives weft's objects, where the real package is not installed."""

from __future__ import annotations

from weft.compat.dagster import install

install()
