"""What wakes a service besides its own tasks: targets whose health changed, alarms that fire, instances that drain."""

from collections.abc import Iterable

from aws_api.core.alarms import ALARM
from aws_api.core.changes import StateChange, subscribe
from aws_api.core.reconcile import kick
from aws_api.services.ecs.models import Cluster, Registration, ServiceDeployment, ServiceStatus
from aws_api.services.ecs.scheduler.loading import UNDER_WAY
from aws_api.services.ecs.scheduler.progress import KIND

#: The kind of a load balancer's target; the key is ``<target group's ARN>/<id>:<port>``.
TARGET_KIND = "elbv2.target"
#: The kind of a CloudWatch alarm; the key is its ARN.
ALARM_KIND = "cloudwatch.alarm"
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


@subscribe
def wake_services_of_alarm(change: StateChange) -> None:
    """An alarm fires: the services whose deployments it watches look."""
    if change.kind != ALARM_KIND or change.after != ALARM:
        return
    name = change.key.partition(":alarm:")[2]
    under_way = ServiceDeployment.objects.filter(
        account_id=change.account_id, region=change.region, last_status__in=UNDER_WAY, last_alarm_status="MONITORING"
    )
    found = under_way.filter(document__alarms__alarmNames__contains=[name])
    _kick(found.order_by("pk").values_list("service__arn", flat=True)[:MAX_WOKEN])


def wake_services(cluster: Cluster) -> None:
    """Something changed that every service of a cluster may go by."""
    rows = cluster.services.exclude(last_status=ServiceStatus.INACTIVE).order_by("pk")
    _kick(rows.values_list("arn", flat=True)[:MAX_WOKEN])


def _kick(arns: Iterable[str]) -> None:
    for arn in arns:
        kick(KIND, arn)
