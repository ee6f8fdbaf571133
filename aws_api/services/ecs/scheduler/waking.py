"""What wakes a service besides its own tasks: targets whose health changed, and instances that drain."""

from collections.abc import Iterable

from aws_api.core.changes import StateChange, subscribe
from aws_api.core.reconcile import kick
from aws_api.services.ecs.models import Cluster, Registration, ServiceStatus
from aws_api.services.ecs.scheduler.progress import KIND

#: The kind of a load balancer's target; the key is ``<target group's ARN>/<id>:<port>``.
TARGET_KIND = "elbv2.target"
MAX_WOKEN = 1000


@subscribe
def wake_service_of_target(change: StateChange) -> None:
    """A target got healthy, or unhealthy: the service whose task it is looks."""
    if change.kind != TARGET_KIND:
        return
    group, _, target = change.key.rpartition("/")
    target_id, _, port = target.rpartition(":")
    found = Registration.objects.filter(resource_arn=group, target_id=target_id, port=port)
    _kick(found.values_list("service__arn", flat=True).distinct()[:MAX_WOKEN])


def wake_services(cluster: Cluster) -> None:
    """Something changed that every service of a cluster may go by."""
    rows = cluster.services.exclude(last_status=ServiceStatus.INACTIVE).order_by("pk")
    _kick(rows.values_list("arn", flat=True)[:MAX_WOKEN])


def _kick(arns: Iterable[str]) -> None:
    for arn in arns:
        kick(KIND, arn)
