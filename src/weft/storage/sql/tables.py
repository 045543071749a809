"""The schema, as SQLAlchemy Core metadata. `weft.storage.migrations` creates the same one step by step.

Habits that keep it small and quick:

- Inside the database, runs, steps and assets go by small integers; the names that users see are stored once.
- What is repeated by the million (kinds of events, states of steps and partitions) is a small integer of `weft.storage.sql.codes`.
- Columns exist for what a query filters or orders by; the rest of a value is one msgpack blob.
- Lists are ordered by the time of creation, so that column is repeated in the indexes behind each filter: a page is a walk along one
  index, however long the history.
- Each index ends in the row id by itself on SQLite; dialects where it does not must add it when they come.

Strings are compared and ordered by code point. SQLite does so by default; a dialect whose default collation does not needs it on `Text`
columns that are keys.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("row_id", Integer, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("job_name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("updated_at", Float),
    Column("parent_run_id", Text),
    Column("root_run_id", Text),
    Column("snapshot_id", Text),
    Column("failure_reason", Text),
    # JSON object. The same tags are in `run_tags`, for filters.
    Column("tags", Text, nullable=False),
    # msgpack of (run config, selected assets, selected checks, selected ops); NULL where all are empty.
    Column("request", LargeBinary),
    # msgpack of `ErrorInfo`.
    Column("error", LargeBinary),
    # The fencing token of the latest worker that the queue gave it.
    Column("worker", Integer, nullable=False, server_default=text("0")),
    # msgpack of `CodeOrigin`.
    Column("origin", LargeBinary),
    Index("ix_runs_run_id", "run_id", unique=True),
    Index("ix_runs_created", "created_at"),
    Index("ix_runs_status", "status", "created_at"),
    Index("ix_runs_job", "job_name", "created_at"),
    Index("ix_runs_updated", "updated_at"),
)

run_plans = Table(
    "run_plans",
    metadata,
    Column("run_row", Integer, ForeignKey("runs.row_id"), primary_key=True, autoincrement=False),
    # zlib of msgpack of `RunPlan`. Apart from `runs`, so that lists of runs do not read past it.
    Column("plan", LargeBinary, nullable=False),
)

# Every distinct tag once.
tags = Table(
    "tags",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Index("ix_tags_key", "key", "value", unique=True),
)

run_tags = Table(
    "run_tags",
    metadata,
    Column("run_row", Integer, ForeignKey("runs.row_id"), primary_key=True, autoincrement=False),
    Column("tag_id", Integer, ForeignKey("tags.id"), primary_key=True, autoincrement=False),
    Column("created_at", Float, nullable=False),
    Index("ix_run_tags_tag", "tag_id", "created_at", "run_row"),
    sqlite_with_rowid=False,
)

assets = Table(
    "assets",
    metadata,
    # Stable for ever, also over a wipe.
    Column("id", Integer, primary_key=True),
    # The JSON list of the parts, for people.
    Column("key", Text, nullable=False),
    # The parts in an encoding whose bytes sort like the parts: `weft.storage.sql.keys`.
    Column("sort_key", LargeBinary, nullable=False),
    # 0 where nothing happened to it yet (it is only named by a run), or where it was wiped.
    Column("has_state", Integer, nullable=False),
    Column("materialization_count", Integer, nullable=False),
    # How many partitions are in each state. Kept here, because counting a million rows takes 100 ms.
    Column("partitions_materialized", Integer, nullable=False),
    Column("partitions_failed", Integer, nullable=False),
    Column("partitions_in_progress", Integer, nullable=False),
    # msgpack of pointers.
    Column("latest_materialization", LargeBinary),
    Column("latest_observation", LargeBinary),
    Column("latest_failure", LargeBinary),
    Index("ix_assets_sort_key", "sort_key", unique=True),
)

run_assets = Table(
    "run_assets",
    metadata,
    Column("run_row", Integer, ForeignKey("runs.row_id"), primary_key=True, autoincrement=False),
    Column("asset_id", Integer, ForeignKey("assets.id"), primary_key=True, autoincrement=False),
    Column("created_at", Float, nullable=False),
    Index("ix_run_assets_asset", "asset_id", "created_at", "run_row"),
    sqlite_with_rowid=False,
)

steps = Table(
    "steps",
    metadata,
    # In the order of the first event that mentions the step.
    Column("id", Integer, primary_key=True),
    Column("run_row", Integer, ForeignKey("runs.row_id"), nullable=False),
    Column("key", Text, nullable=False),
    # NULL where events mention the step, but none of them says how it stands.
    Column("status", Integer),
    Column("attempt", Integer),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("cpu_seconds", Float),
    Column("peak_memory_bytes", Integer),
    # msgpack of (outputs, logs, error, skip reason); NULL where all are empty.
    Column("details", LargeBinary),
    Index("ix_steps_run", "run_row", "key", unique=True),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    # Rows of this table are written by the million, and only by `event_log`, which has just read the rows they name in the same
    # transaction: foreign keys would cost three lookups each and find nothing.
    Column("run_row", Integer, nullable=False),
    Column("source", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("time", Float, nullable=False),
    Column("type", Integer, nullable=False),
    Column("step_id", Integer),
    Column("asset_id", Integer),
    Column("partition", Text),
    # msgpack of the body.
    Column("payload", LargeBinary, nullable=False),
    Index("ix_events_run", "run_row"),
    Index("ix_events_delivery", "run_row", "source", "seq", unique=True),
    # Not the routine events: see `weft.storage.sql.codes.FIRST_ROUTINE_CODE`.
    Index("ix_events_type", "type", sqlite_where=text("type < 100")),
    Index("ix_events_step", "step_id", sqlite_where=text("step_id IS NOT NULL")),
    Index("ix_events_asset", "asset_id", "type", sqlite_where=text("asset_id IS NOT NULL")),
    Index("ix_events_partition", "asset_id", "partition", sqlite_where=text("partition IS NOT NULL")),
    # An id is never used twice, even after the newest events were deleted: readers keep ids as cursors.
    sqlite_autoincrement=True,
)

asset_partitions = Table(
    "asset_partitions",
    metadata,
    Column("asset_id", Integer, ForeignKey("assets.id"), primary_key=True, autoincrement=False),
    Column("partition", Text, primary_key=True),
    Column("status", Integer, nullable=False),
    Column("latest", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

checks = Table(
    "checks",
    metadata,
    Column("asset_id", Integer, ForeignKey("assets.id"), primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    # 0: the answer is for the whole asset, and `partition` is empty. (NULL would not be unique in a key.)
    Column("is_partitioned", Integer, primary_key=True, autoincrement=False),
    Column("partition", Text, primary_key=True),
    Column("passed", Integer, nullable=False),
    Column("severity", Text, nullable=False),
    Column("blocking", Integer, nullable=False),
    Column("latest", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

dynamic_partitions = Table(
    "dynamic_partitions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Index("ix_dynamic_partitions_name", "name", unique=True),
)

dynamic_partition_keys = Table(
    "dynamic_partition_keys",
    metadata,
    # In the order of addition.
    Column("id", Integer, primary_key=True),
    Column("set_id", Integer, ForeignKey("dynamic_partitions.id"), nullable=False),
    Column("key", Text, nullable=False),
    Index("ix_dynamic_partition_keys_key", "set_id", "key", unique=True),
    Index("ix_dynamic_partition_keys_order", "set_id"),
    # Removed and added again, a key goes to the end.
    sqlite_autoincrement=True,
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Text, primary_key=True),
    Column("blob", LargeBinary, nullable=False),
)

key_values = Table(
    "key_values",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# What the limits of the queue can tell apart: the JSON of a `Lane`, once.
lanes = Table(
    "lanes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content", Text, nullable=False),
    Index("ix_lanes_content", "content", unique=True),
)

# Runs that are not over and went through the queue. The transaction that ends a run removes its row.
live_runs = Table(
    "live_runs",
    metadata,
    Column("run_row", Integer, ForeignKey("runs.row_id"), primary_key=True, autoincrement=False),
    # 0: it waits; 1: it has a worker, or one was asked for.
    Column("is_active", Integer, nullable=False),
    Column("lane_id", Integer, ForeignKey("lanes.id"), nullable=False),
    # The priority with its sign turned, so that one ascending index has the order of the queue.
    Column("rank", Integer, nullable=False),
    Column("enqueued_at", Float, nullable=False),
    Column("token", Integer, nullable=False),
    Column("launched_at", Float),
    # msgpack of `WorkerPlace`.
    Column("worker", LargeBinary),
    Column("beats", Integer, nullable=False),
    Column("beat_at", Float),
    Index("ix_live_runs_lane", "is_active", "lane_id", "rank", "enqueued_at", "run_row"),
    Index("ix_live_runs_order", "is_active", "rank", "enqueued_at", "run_row"),
)

run_requests = Table(
    "run_requests",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    sqlite_with_rowid=False,
)

duplicate_requests = Table(
    "duplicate_requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    # The run that stands for the request.
    Column("run_id", Text, nullable=False),
    Column("at", Float, nullable=False),
    Index("ix_duplicate_requests_run", "run_id"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    # NULL: it is free. The row stays, so that tokens go on growing.
    Column("holder", Text),
    Column("token", Integer, nullable=False),
    Column("beats", Integer, nullable=False),
    Column("acquired_at", Float, nullable=False),
    Column("beat_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

# Pools whose limit somebody set.
pools = Table(
    "pools",
    metadata,
    Column("name", Text, primary_key=True),
    Column("slots", Integer, nullable=False),
    sqlite_with_rowid=False,
)

pool_slots = Table(
    "pool_slots",
    metadata,
    Column("pool", Text, primary_key=True),
    Column("run_row", Integer, ForeignKey("runs.row_id"), primary_key=True, autoincrement=False),
    Column("step_key", Text, primary_key=True),
    # 1: it holds a slot; 0: it waits for one.
    Column("is_holder", Integer, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("since", Float, nullable=False),
    Index("ix_pool_slots_run", "run_row"),
    sqlite_with_rowid=False,
)

# Alembic's own table: which revision the schema has. Apart from `metadata`, because Alembic does not compare it.
version_table = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), primary_key=True),
)


def known(table: Table | None) -> Table:
    """The table of this module for one of the same name. A revision says no more of a table than its name where it adds an index."""
    assert table is not None
    return metadata.tables.get(table.name, table)
