"""The first schema: runs, steps, events, assets, checks, dynamic partitions, snapshots and values by key.

What the columns mean is said in `weft.storage.sql.tables`, which shows the schema as it is now; a revision shows what changed and is
itself never changed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "runs",
        sa.Column("row_id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("job_name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("started_at", sa.Float),
        sa.Column("ended_at", sa.Float),
        sa.Column("updated_at", sa.Float),
        sa.Column("parent_run_id", sa.Text),
        sa.Column("root_run_id", sa.Text),
        sa.Column("snapshot_id", sa.Text),
        sa.Column("failure_reason", sa.Text),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("request", sa.LargeBinary),
        sa.Column("error", sa.LargeBinary),
    )
    op.create_index("ix_runs_run_id", "runs", ["run_id"], unique=True)
    op.create_index("ix_runs_created", "runs", ["created_at"])
    op.create_index("ix_runs_status", "runs", ["status", "created_at"])
    op.create_index("ix_runs_job", "runs", ["job_name", "created_at"])
    op.create_index("ix_runs_updated", "runs", ["updated_at"])

    op.create_table(
        "run_plans",
        sa.Column("run_row", sa.Integer, sa.ForeignKey("runs.row_id"), primary_key=True, autoincrement=False),
        sa.Column("plan", sa.LargeBinary, nullable=False),
    )

    op.create_table(
        "tags",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("ix_tags_key", "tags", ["key", "value"], unique=True)
    op.create_table(
        "run_tags",
        sa.Column("run_row", sa.Integer, sa.ForeignKey("runs.row_id"), primary_key=True, autoincrement=False),
        sa.Column("tag_id", sa.Integer, sa.ForeignKey("tags.id"), primary_key=True, autoincrement=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_run_tags_tag", "run_tags", ["tag_id", "created_at", "run_row"])

    op.create_table(
        "assets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("sort_key", sa.LargeBinary, nullable=False),
        sa.Column("has_state", sa.Integer, nullable=False),
        sa.Column("materialization_count", sa.Integer, nullable=False),
        sa.Column("partitions_materialized", sa.Integer, nullable=False),
        sa.Column("partitions_failed", sa.Integer, nullable=False),
        sa.Column("partitions_in_progress", sa.Integer, nullable=False),
        sa.Column("latest_materialization", sa.LargeBinary),
        sa.Column("latest_observation", sa.LargeBinary),
        sa.Column("latest_failure", sa.LargeBinary),
    )
    op.create_index("ix_assets_sort_key", "assets", ["sort_key"], unique=True)
    op.create_table(
        "run_assets",
        sa.Column("run_row", sa.Integer, sa.ForeignKey("runs.row_id"), primary_key=True, autoincrement=False),
        sa.Column("asset_id", sa.Integer, sa.ForeignKey("assets.id"), primary_key=True, autoincrement=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_run_assets_asset", "run_assets", ["asset_id", "created_at", "run_row"])

    op.create_table(
        "steps",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_row", sa.Integer, sa.ForeignKey("runs.row_id"), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("attempt", sa.Integer),
        sa.Column("started_at", sa.Float),
        sa.Column("ended_at", sa.Float),
        sa.Column("cpu_seconds", sa.Float),
        sa.Column("peak_memory_bytes", sa.Integer),
        sa.Column("details", sa.LargeBinary),
    )
    op.create_index("ix_steps_run", "steps", ["run_row", "key"], unique=True)

    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_row", sa.Integer, nullable=False),
        sa.Column("source", sa.Integer, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("step_id", sa.Integer),
        sa.Column("asset_id", sa.Integer),
        sa.Column("partition", sa.Text),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_run", "events", ["run_row"])
    op.create_index("ix_events_delivery", "events", ["run_row", "source", "seq"], unique=True)
    op.create_index("ix_events_type", "events", ["type"], sqlite_where=sa.text("type < 100"))
    op.create_index("ix_events_step", "events", ["step_id"], sqlite_where=sa.text("step_id IS NOT NULL"))
    op.create_index("ix_events_asset", "events", ["asset_id", "type"], sqlite_where=sa.text("asset_id IS NOT NULL"))
    op.create_index(
        "ix_events_partition", "events", ["asset_id", "partition"], sqlite_where=sa.text("partition IS NOT NULL")
    )

    op.create_table(
        "asset_partitions",
        sa.Column("asset_id", sa.Integer, sa.ForeignKey("assets.id"), primary_key=True, autoincrement=False),
        sa.Column("partition", sa.Text, primary_key=True),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("latest", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checks",
        sa.Column("asset_id", sa.Integer, sa.ForeignKey("assets.id"), primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("is_partitioned", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("partition", sa.Text, primary_key=True),
        sa.Column("passed", sa.Integer, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("blocking", sa.Integer, nullable=False),
        sa.Column("latest", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "dynamic_partitions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.create_index("ix_dynamic_partitions_name", "dynamic_partitions", ["name"], unique=True)
    op.create_table(
        "dynamic_partition_keys",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("set_id", sa.Integer, sa.ForeignKey("dynamic_partitions.id"), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dynamic_partition_keys_key", "dynamic_partition_keys", ["set_id", "key"], unique=True)
    op.create_index("ix_dynamic_partition_keys_order", "dynamic_partition_keys", ["set_id"])

    op.create_table(
        "snapshots",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("blob", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "key_values",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop every table."""
    for table in (
        "key_values",
        "snapshots",
        "dynamic_partition_keys",
        "dynamic_partitions",
        "checks",
        "asset_partitions",
        "events",
        "steps",
        "run_assets",
        "assets",
        "run_tags",
        "tags",
        "run_plans",
        "runs",
    ):
        op.drop_table(table)
