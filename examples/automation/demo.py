"""A day with its conditions, hour by hour, in a blink: what would be requested when."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from definitions import defs, model, morning_report, prices, prices_are_positive

from weft import Instance, evaluate_automation_conditions, materialize

ASSETS = [prices, model, morning_report, prices_are_positive]
BERLIN = ZoneInfo("Europe/Berlin")
now = datetime(2024, 3, 1, 5, 0, tzinfo=BERLIN)

with Instance.ephemeral() as instance:
    cursor = None
    for _ in range(6):
        if now.hour == 8:  # somebody delivers the prices of yesterday
            materialize(ASSETS, selection=[prices, prices_are_positive], partition_key="2024-02-29", instance=instance)
        result = evaluate_automation_conditions(defs, instance, evaluation_time=now, cursor=cursor)
        cursor = result.cursor
        for target in (model, morning_report):
            partitions = result.get_requested_partitions(target.key)
            if partitions:
                print(f"{now:%H:%M} request {target.key.to_user_string()} {sorted(filter(None, partitions))}")
                materialize(
                    ASSETS,
                    selection=[target],
                    partition_key=next(iter(partitions)),
                    instance=instance,
                )
        now += timedelta(hours=1)
