"""The core's ports for scaling: policies are what alarms do; tags; and what is too old."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from aws_api.core.alarms import register_alarm_action
from aws_api.core.authorization import register_resource_tags
from aws_api.core.clock import SHARED_CLOCK
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.housekeeping import register_chore
from aws_api.services.application_autoscaling.models import ScalingActivity
from aws_api.services.application_autoscaling.policies import act_on_alarm

#: Activities are shown for six weeks.
KEPT = timedelta(weeks=6)
MAX_FORGOTTEN = 5000


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    row = await fetch_row("SELECT tags FROM application_autoscaling_scalabletarget WHERE arn = $1", arn)
    return row["tags"] if row else {}


def forget_old_activities(_now: datetime) -> None:
    """Delete activities that nobody is shown any more."""
    old = ScalingActivity.objects.filter(started_at__lt=SHARED_CLOCK.now() - KEPT).order_by("pk")
    ScalingActivity.objects.filter(pk__in=old.values("pk")[:MAX_FORGOTTEN]).delete()


register_alarm_action("autoscaling", act_on_alarm)
register_resource_tags("application-autoscaling", _tags)
register_chore(forget_old_activities)
