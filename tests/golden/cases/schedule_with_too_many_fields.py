"""A cron expression has too many fields."""

from weft import ScheduleDefinition, define_asset_job

ScheduleDefinition(job=define_asset_job("nightly"), cron_schedule="0 0 * * * * * *")
