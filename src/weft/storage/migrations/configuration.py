"""How Alembic is set up for the revisions of this package."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from msgspec import Struct
from sqlalchemy import Connection


class Migrated(Struct, frozen=True, kw_only=True):
    """What an upgrade did. `from_revision` is None where there was no schema yet."""

    from_revision: str | None
    to_revision: str


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for the revisions in this package, over `connection`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
