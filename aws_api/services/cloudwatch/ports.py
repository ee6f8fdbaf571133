"""The core's ports for metrics and alarms, on CloudWatch's rows."""

from collections.abc import Mapping, Sequence

from aws_api.core.alarms import register_alarm_states
from aws_api.core.authorization import register_resource_tags
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.housekeeping import register_chore
from aws_api.core.metric_recording import register_metric_recorder
from aws_api.services.cloudwatch.alarm_history import forget_old_history
from aws_api.services.cloudwatch.models import Alarm
from aws_api.services.cloudwatch.recording import forget_old_metrics, record_measurements


def states(context: Context, names: Sequence[str]) -> Mapping[str, str]:
    """The state of each alarm of these names that there is."""
    rows = Alarm.objects.filter(account_id=context.account_id, region=context.region, name__in=names)
    return dict(rows.values_list("name", "last_state"))


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    row = await fetch_row("SELECT tags FROM cloudwatch_alarm WHERE arn = $1", arn)
    return row["tags"] if row else {}


register_alarm_states(states)
register_metric_recorder(record_measurements)
register_resource_tags("cloudwatch", _tags)
register_chore(forget_old_metrics)
register_chore(forget_old_history)
