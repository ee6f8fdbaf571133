"""What happened to alarms, kept as long as AWS keeps it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from aws_api.core.clock import SHARED_CLOCK
from aws_api.services.cloudwatch.models import Alarm, AlarmHistory

KEPT = timedelta(days=30)
MAX_FORGOTTEN = 10_000


def note(alarm: Alarm, item_type: str, summary: str, data: Mapping[str, Any], now: datetime) -> None:
    """Write down what happened to an alarm."""
    AlarmHistory.objects.create(
        account_id=alarm.account_id,
        region=alarm.region,
        alarm_name=alarm.name,
        alarm_type="CompositeAlarm" if alarm.is_composite else "MetricAlarm",
        item_type=item_type,
        summary=summary,
        data=orjson.dumps(data, default=str).decode(),
        at=now,
    )


def forget_old_history(_now: datetime) -> None:
    """Delete what is too old to be asked for."""
    old = AlarmHistory.objects.filter(at__lt=SHARED_CLOCK.now() - KEPT).order_by("at")
    AlarmHistory.objects.filter(pk__in=old.values("pk")[:MAX_FORGOTTEN]).delete()
