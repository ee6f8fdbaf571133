"""Rows of services to AWS's shapes. Reads only."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aws_api.services.ecs.describe import moment, tags
from aws_api.services.ecs.lifecycle import PENDING_STATUSES, TaskStatus
from aws_api.services.ecs.models import (
    Deployment,
    DeploymentStatus,
    Service,
    ServiceDeployment,
    ServiceEvent,
    Task,
)
from aws_api.services.ecs.scheduler.circuit_breaker import threshold
from aws_api.services.ecs.scheduler.deploying import REVISION_MEMBERS
from aws_api.services.ecs.scheduler.loading import UNDER_WAY
from aws_api.services.ecs.scheduler.percentages import scaled

Shape = dict[str, Any]

MAX_EVENTS = 100
#: What a deployment or task set shows of its revision.
_DEPLOYMENT_MEMBERS = (
    "launchType",
    "platformVersion",
    "platformFamily",
    "capacityProviderStrategy",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "serviceConnectResources",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)
_TASK_SET_MEMBERS = (
    "launchType",
    "platformVersion",
    "platformFamily",
    "capacityProviderStrategy",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
)


class TaskCounts:
    """How many tasks of each deployment run and are on their way, for several services in one statement."""

    def __init__(self, services: Sequence[Service]) -> None:
        rows = Task.objects.filter(
            cluster_id__in={service.cluster_id for service in services},
            service_name__in=[service.name for service in services],
            last_stop_code="",
        ).exclude(last_status=TaskStatus.STOPPED)
        found = rows.values_list("cluster_id", "service_name", "started_by", "last_status", "desired_status")
        self._running: Counter[tuple[int, str, str]] = Counter()
        self._pending: Counter[tuple[int, str, str]] = Counter()
        for cluster, name, started_by, status, desired in found:
            if status == TaskStatus.RUNNING and desired == "RUNNING":
                self._running[cluster, name, started_by] += 1
            elif status in PENDING_STATUSES and desired == "RUNNING":
                self._pending[cluster, name, started_by] += 1

    def running(self, deployment: Deployment) -> int:
        return self._running[self._key(deployment)]

    def pending(self, deployment: Deployment) -> int:
        return self._pending[self._key(deployment)]

    def running_of(self, service: Service) -> int:
        return self._of(self._running, service)

    def pending_of(self, service: Service) -> int:
        return self._of(self._pending, service)

    def _key(self, deployment: Deployment) -> tuple[int, str, str]:
        return deployment.service.cluster_id, deployment.service.name, deployment.started_by

    def _of(self, counts: Mapping[tuple[int, str, str], int], service: Service) -> int:
        return sum(count for key, count in counts.items() if key[:2] == (service.cluster_id, service.name))


def services(rows: Sequence[Service], *, with_tags: bool = False) -> list[Shape]:
    """AWS's Service shapes; the rows have their clusters."""
    counts = TaskCounts(rows)
    return [_service(row, counts, with_tags=with_tags) for row in rows]


def service(row: Service) -> Shape:
    """The shape as it is answered to who changed the service."""
    return services([row], with_tags=True)[0]


def _service(row: Service, counts: TaskCounts, *, with_tags: bool) -> Shape:
    deployments = living_deployments(row)
    primary = next((each for each in deployments if each.last_status == DeploymentStatus.PRIMARY), None)
    shape: Shape = {
        "loadBalancers": [],
        "serviceRegistries": [],
        "placementConstraints": [],
        "placementStrategy": [],
        **row.document,
        **(_of_revision(primary, REVISION_MEMBERS) if primary else {}),
        "serviceArn": row.arn,
        "serviceName": row.name,
        "clusterArn": row.cluster.arn,
        "status": row.status,
        "desiredCount": _desired_count(row, counts),
        "runningCount": counts.running_of(row),
        "pendingCount": counts.pending_of(row),
        "schedulingStrategy": row.scheduling_strategy,
        "deploymentController": {"type": row.deployment_controller},
        "createdAt": row.created_at,
        "deployments": [],
        "events": _events(row),
        "tags": tags(row.tags) if with_tags else [],
    }
    if primary:
        shape["taskDefinition"] = primary.task_definition.arn
    if row.deployment_controller == "ECS":
        shape["deployments"] = [_deployment(each, row, counts) for each in deployments]
        shape["currentServiceRevisions"] = [_revision_counts(each, row, counts) for each in deployments]
        if under_way := row.service_deployments.filter(last_status__in=UNDER_WAY).order_by("-pk").first():
            under_way.service = row
            shape["currentServiceDeployment"] = under_way.arn
    else:
        shape["taskSets"] = [task_set(each, counts) for each in deployments]
    return shape


def living_deployments(row: Service) -> list[Deployment]:
    """The deployments that are not history, the primary one first."""
    found = row.deployments.exclude(last_status=DeploymentStatus.INACTIVE).select_related("task_definition")
    deployments = sorted(
        found.order_by("-created_at", "-pk"), key=lambda each: each.last_status != DeploymentStatus.PRIMARY
    )
    for each in deployments:
        each.service = row
    return deployments


def _desired_count(row: Service, counts: TaskCounts) -> int:
    if row.scheduling_strategy == "DAEMON" and row.status == "ACTIVE":
        return max(counts.running_of(row) + counts.pending_of(row), int(row.desired_count))
    return int(row.desired_count)


def _of_revision(deployment: Deployment, members: Iterable[str]) -> Shape:
    return {member: deployment.document[member] for member in members if deployment.document.get(member)}


def _deployment(row: Deployment, of: Service, counts: TaskCounts) -> Shape:
    is_primary = row.last_status == DeploymentStatus.PRIMARY
    staying = counts.running(row) + counts.pending(row)
    return {
        **_of_revision(row, _DEPLOYMENT_MEMBERS),
        "id": row.started_by,
        "status": row.last_status,
        "taskDefinition": row.task_definition.arn,
        "desiredCount": _desired_count(of, counts) if is_primary else staying,
        "pendingCount": counts.pending(row),
        "runningCount": counts.running(row),
        "failedTasks": row.last_failed_tasks,
        "createdAt": row.created_at,
        "updatedAt": row.last_updated_at,
        "rolloutState": row.last_rollout_state,
        "rolloutStateReason": row.last_rollout_reason,
    }


def _revision_counts(row: Deployment, of: Service, counts: TaskCounts) -> Shape:
    is_primary = row.last_status == DeploymentStatus.PRIMARY
    running, pending = counts.running(row), counts.pending(row)
    return {
        "arn": row.revision_arn,
        "requestedTaskCount": _desired_count(of, counts) if is_primary else running + pending,
        "runningTaskCount": running,
        "pendingTaskCount": pending,
    }


def _events(row: Service) -> list[Shape]:
    events = ServiceEvent.objects.filter(service=row).order_by("-pk")[:MAX_EVENTS]
    return [{"id": each.event_id, "createdAt": each.created_at, "message": each.message} for each in events]


# Task sets ------------------------------------------------------------------------------------------------------------


def task_set(row: Deployment, counts: TaskCounts | None = None, *, with_tags: bool = False) -> Shape:
    """AWS's TaskSet shape; the row has its service and task definition."""
    counts = counts or TaskCounts([row.service])
    wanted = 0 if row.desired_is_deleted else scaled(row.service.desired_count, row.desired_scale_percent)
    shape: Shape = {
        **_of_revision(row, _TASK_SET_MEMBERS),
        "id": row.started_by,
        "taskSetArn": row.task_set_arn,
        "serviceArn": row.service.arn,
        "clusterArn": row.service.cluster.arn,
        "status": DeploymentStatus.DRAINING if row.desired_is_deleted else row.last_status,
        "taskDefinition": row.task_definition.arn,
        "computedDesiredCount": wanted,
        "pendingCount": counts.pending(row),
        "runningCount": counts.running(row),
        "createdAt": row.created_at,
        "updatedAt": row.last_updated_at,
        "scale": {"value": row.desired_scale_percent, "unit": "PERCENT"},
        "stabilityStatus": "STEADY_STATE" if row.last_is_steady else "STABILIZING",
        "stabilityStatusAt": row.last_steady_at or row.created_at,
        "tags": tags(row.tags) if with_tags else [],
    }
    if external_id := row.document.get("externalId"):
        shape["externalId"] = external_id
    if row.service.deployment_controller == "CODE_DEPLOY":
        shape["startedBy"] = "CODE_DEPLOY"
    return shape


# Service deployments and revisions ------------------------------------------------------------------------------------


def service_deployment_brief(row: ServiceDeployment) -> Shape:
    """AWS's ServiceDeploymentBrief shape."""
    return _dated(
        row,
        {
            "serviceDeploymentArn": row.arn,
            "serviceArn": row.service.arn,
            "clusterArn": row.service.cluster.arn,
            "targetServiceRevisionArn": row.target.revision_arn,
            "status": status_of(row),
            "statusReason": row.last_status_reason,
        },
    )


def service_deployment(row: ServiceDeployment) -> Shape:
    """AWS's ServiceDeployment shape; the row has its service, cluster and target."""
    counts = TaskCounts([row.service])
    is_shifting = row.document.get("strategy", "ROLLING") != "ROLLING"
    sources = row.service.deployments.filter(deployment_id__in=row.sources)
    shape: Shape = {
        "serviceDeploymentArn": row.arn,
        "serviceArn": row.service.arn,
        "clusterArn": row.service.cluster.arn,
        "updatedAt": row.last_updated_at,
        "sourceServiceRevisions": [_revision_summary(each, row, counts, is_shifting) for each in sources],
        "targetServiceRevision": _revision_summary(row.target, row, counts, is_shifting),
        "status": status_of(row),
        "statusReason": row.last_status_reason,
        "deploymentConfiguration": row.document,
        "deploymentCircuitBreaker": {
            "status": row.last_breaker_status,
            "failureCount": row.last_breaker_failures,
            "threshold": _threshold(row),
        },
        "alarms": _alarms(row),
        "lifecycleHookDetails": [_hook(each) for each in row.last_hooks],
    }
    if row.last_stage:
        shape["lifecycleStage"] = _public_stage(row.last_stage)
    if row.last_stopped_at:
        shape["stoppedAt"] = row.last_stopped_at
    if row.last_rollback:
        shape["rollback"] = {**row.last_rollback, "startedAt": moment(row.last_rollback["startedAt"])}
    return _dated(row, shape)


def status_of(row: ServiceDeployment) -> str:
    """AWS's status: what was asked for shows before it is done."""
    if row.desired_stop and row.last_status in ("PENDING", "IN_PROGRESS"):
        return "ROLLBACK_REQUESTED" if row.desired_stop == "ROLLBACK" else "STOP_REQUESTED"
    return row.last_status


def service_revision(row: Deployment) -> Shape:
    """AWS's ServiceRevision shape; the row has its service, cluster and task definition."""
    containers = row.task_definition.document["containerDefinitions"]
    digests = _digests(row)
    shape: Shape = {
        **_of_revision(row, REVISION_MEMBERS),
        "serviceRevisionArn": row.revision_arn,
        "serviceArn": row.service.arn,
        "clusterArn": row.service.cluster.arn,
        "taskDefinition": row.task_definition.arn,
        "containerImages": [
            {
                "containerName": each["name"],
                "image": each["image"],
                **({"imageDigest": digests[each["name"]]} if digests.get(each["name"]) else {}),
            }
            for each in containers
        ],
        "guardDutyEnabled": False,
        "createdAt": row.created_at,
    }
    if resolved := row.document.get("resolvedTargetGroups"):
        rules = {
            balancer["targetGroupArn"]: balancer["advancedConfiguration"].get("productionListenerRule", "")
            for balancer in row.document["loadBalancers"]
            if "advancedConfiguration" in balancer
        }
        shape["resolvedConfiguration"] = {
            "loadBalancers": [
                {"targetGroupArn": mine, "productionListenerRule": rules.get(production, "")}
                for production, mine in sorted(resolved.items())
            ]
        }
    return shape


def _revision_summary(row: Deployment, of: ServiceDeployment, counts: TaskCounts, is_shifting: bool) -> Shape:
    row.service = of.service
    running, pending = counts.running(row), counts.pending(row)
    is_target = row.pk == of.target_id
    shape: Shape = {
        "arn": row.revision_arn,
        "requestedTaskCount": of.service.desired_count if is_target else running + pending,
        "runningTaskCount": running,
        "pendingTaskCount": pending,
    }
    if is_shifting:
        for member, percent in (
            ("requestedProductionTrafficWeight", of.last_production_percent),
            ("requestedTestTrafficWeight", of.last_test_percent),
        ):
            shape[member] = percent if is_target else 100 - percent
    return shape


def _digests(row: Deployment) -> Mapping[str, str]:
    task = Task.objects.filter(cluster_id=row.service.cluster_id, started_by=row.started_by).order_by("-pk").first()
    records: Mapping[str, Shape] = task.last_containers if task else {}
    return {name: record.get("image_digest", "") for name, record in records.items()}


def _threshold(row: ServiceDeployment) -> int:
    configuration = row.document.get("deploymentCircuitBreaker", {}).get("thresholdConfiguration", {})
    return threshold(configuration, row.service.desired_count)


def _alarms(row: ServiceDeployment) -> Shape:
    names = row.document.get("alarms", {}).get("alarmNames", [])
    return {"status": row.last_alarm_status, "alarmNames": names, "triggeredAlarmNames": row.last_triggered_alarms}


def _hook(kept: Mapping[str, Any]) -> Shape:
    shape: Shape = {
        "hookId": kept["id"],
        "targetType": kept["type"],
        "status": kept["status"],
        "expiresAt": moment(kept["expires_at"]),
        "timeoutAction": kept["timeout_action"],
    }
    return {**shape, "targetArn": kept["target"]} if kept.get("target") else shape


def _public_stage(stage: str) -> str:
    """The stage as botocore's enum has it: the pause before a shift is part of the shift."""
    return "PRODUCTION_TRAFFIC_SHIFT" if stage == "PRE_PRODUCTION_TRAFFIC_SHIFT" else stage


def _dated(row: ServiceDeployment, shape: Shape) -> Shape:
    times: dict[str, datetime | None] = {
        "createdAt": row.created_at,
        "startedAt": row.last_started_at,
        "finishedAt": row.last_finished_at,
    }
    return {**shape, **{member: at for member, at in times.items() if at}}
