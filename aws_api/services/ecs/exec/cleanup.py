"""Forgetting sessions that are over, or that nobody opened or kept alive."""

from datetime import datetime

from django.db.models import Q

from aws_api.core.housekeeping import register_chore
from aws_api.services.ecs.exec.sessions import RETENTION
from aws_api.services.ecs.models import ExecuteCommandSession

#: Sessions that one run forgets; the next forgets the rest.
MAX_FORGOTTEN = 1000


@register_chore
def forget_sessions(now: datetime) -> None:
    """Delete the rows of sessions that ended, or were last heard of, long ago."""
    over = ExecuteCommandSession.objects.filter(
        Q(ended_at__lt=now - RETENTION) | Q(ended_at=None, alive_until__lt=now - RETENTION)
    )
    oldest = list(over.order_by("pk").values_list("pk", flat=True)[:MAX_FORGOTTEN])
    ExecuteCommandSession.objects.filter(pk__in=oldest).delete()
