"""Alembic's environment: runs revisions on the connection that `weft.storage.migrations.upgrade` hands over.

The transaction is the caller's: an upgrade happens as a whole or not at all.
"""

from __future__ import annotations

from alembic import context

from weft.storage.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
