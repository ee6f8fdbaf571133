"""Sessions that nobody holds any more: their programs are ended, and their rows forgotten.

A gateway that is killed leaves a program running on a terminal that nobody reads.
"""

import logging
from datetime import datetime

from django.db.models import Q

from aws_api.core.containers import RuntimeFailure
from aws_api.core.housekeeping import register_chore
from aws_api.core.terminals import end_program
from aws_api.services.ecs.exec.sessions import RETENTION
from aws_api.services.ecs.models import ExecuteCommandSession

#: Sessions that one run ends; the next ends the rest.
MAX_ENDED = 20
#: Sessions that one run forgets; the next forgets the rest.
MAX_FORGOTTEN = 1000

_log = logging.getLogger(__name__)


@register_chore
def end_lost_sessions(now: datetime) -> None:
    """End what runs in sessions that were opened, and whose gateway has not said for long that they go on."""
    lost = ExecuteCommandSession.objects.filter(ended_at=None, alive_until__lt=now).exclude(program="")
    for session in lost.order_by("alive_until")[:MAX_ENDED]:
        try:
            end_program(session.program)
        except RuntimeFailure as failure:
            _log.warning("the program of %s may run on: %s", session.session_id, failure)
            continue
        ExecuteCommandSession.objects.filter(pk=session.pk, ended_at=None).update(ended_at=now)


@register_chore
def forget_sessions(now: datetime) -> None:
    """Delete the rows of sessions that ended, or were last heard of, long ago."""
    over = ExecuteCommandSession.objects.filter(
        Q(ended_at__lt=now - RETENTION) | Q(ended_at=None, alive_until__lt=now - RETENTION)
    )
    oldest = list(over.order_by("pk").values_list("pk", flat=True)[:MAX_FORGOTTEN])
    ExecuteCommandSession.objects.filter(pk__in=oldest).delete()
