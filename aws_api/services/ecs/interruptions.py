"""Capacity that goes away under a task: the Spot capacity that it ran on, or its host.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html#fargate-capacity-providers-termination
"""

from django.db.models import F

from aws_api.core.reconcile import kick
from aws_api.services.ecs.models import DesiredStatus, Task
from aws_api.services.ecs.specification import Stop, StopCode
from aws_api.services.ecs.specifications import KIND

SPOT_INTERRUPTION = Stop(code=StopCode.SPOT_INTERRUPTION, reason="Your Spot Task was interrupted.")
TERMINATION_NOTICE = Stop(
    code=StopCode.TERMINATION_NOTICE, reason="The host that the task ran on was given notice of its termination."
)
_SPOT = "FARGATE_SPOT"


def interrupt(task: Task) -> bool:
    """Take a task's capacity away: its containers get SIGTERM, and SIGKILL after their stopTimeout, as in any stop.

    False where it is asked to stop already, or has. FARGATE_SPOT's tasks are interrupted; any other loses its host.
    """
    return stop_for(task, SPOT_INTERRUPTION if is_spot(task) else TERMINATION_NOTICE)


def is_spot(task: Task) -> bool:
    """Whether a task runs on Spot capacity."""
    return bool(task.document.get("capacityProviderName") == _SPOT)


def stop_for(task: Task, stop: Stop) -> bool:
    """Ask a task to stop, for a reason; False where it is asked to stop already, or has."""
    wanted = Task.objects.filter(pk=task.pk, desired_status=DesiredStatus.RUNNING).exclude(last_status="STOPPED")
    is_asked = wanted.update(
        desired_status=DesiredStatus.STOPPED,
        desired_stop_code=stop.code,
        desired_stopped_reason=stop.reason,
        version=F("version") + 1,
    )
    if is_asked:
        kick(KIND, task.arn)
    return bool(is_asked)
