"""Runs that wait and runs that have workers: the queue, its lanes, keys of requests, leases, pools; fencing tokens and origins of runs.

What the columns mean is said in `weft.storage.sql.tables`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables."""
    op.add_column("runs", sa.Column("worker", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("runs", sa.Column("origin", sa.LargeBinary))

    op.create_table(
        "lanes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_index("ix_lanes_content", "lanes", ["content"], unique=True)

    op.create_table(
        "live_runs",
        sa.Column("run_row", sa.Integer, sa.ForeignKey("runs.row_id"), primary_key=True, autoincrement=False),
        sa.Column("is_active", sa.Integer, nullable=False),
        sa.Column("lane_id", sa.Integer, sa.ForeignKey("lanes.id"), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("enqueued_at", sa.Float, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("launched_at", sa.Float),
        sa.Column("worker", sa.LargeBinary),
        sa.Column("beats", sa.Integer, nullable=False),
        sa.Column("beat_at", sa.Float),
    )
    op.create_index("ix_live_runs_lane", "live_runs", ["is_active", "lane_id", "rank", "enqueued_at", "run_row"])
    op.create_index("ix_live_runs_order", "live_runs", ["is_active", "rank", "enqueued_at", "run_row"])

    op.create_table(
        "run_requests",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "duplicate_requests",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("ix_duplicate_requests_run", "duplicate_requests", ["run_id"])

    op.create_table(
        "leases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("beats", sa.Integer, nullable=False),
        sa.Column("acquired_at", sa.Float, nullable=False),
        sa.Column("beat_at", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pools",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("slots", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pool_slots",
        sa.Column("pool", sa.Text, primary_key=True),
        sa.Column("run_row", sa.Integer, sa.ForeignKey("runs.row_id"), primary_key=True, autoincrement=False),
        sa.Column("step_key", sa.Text, primary_key=True),
        sa.Column("is_holder", sa.Integer, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_pool_slots_run", "pool_slots", ["run_row"])


def downgrade() -> None:
    """Take them away again."""
    for name in ("pool_slots", "pools", "leases", "duplicate_requests", "run_requests", "live_runs", "lanes"):
        op.drop_table(name)
    with op.batch_alter_table("runs") as table:
        table.drop_column("origin")
        table.drop_column("worker")
