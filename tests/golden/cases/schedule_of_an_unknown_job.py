"""A schedule names a job that does not exist."""

from weft import Definitions, ScheduleDefinition, define_asset_job

Definitions(
    jobs=[define_asset_job("nightly")],
    schedules=[ScheduleDefinition("daily", job_name="nigthly", cron_schedule="0 0 * * *")],
).resolve()
