"""Beginning deployments: the rows of a revision, of its deployment and of the way there.

A deployment that is written takes the place of the primary one before it.
"""

import string
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aws_api.core.alarms import firing_alarms
from aws_api.core.context import internal_context
from aws_api.core.ids import new_suffix
from aws_api.services.ecs import service_connect
from aws_api.services.ecs.models import Deployment, DeploymentStatus, Service, ServiceDeployment, TaskDefinition
from aws_api.services.ecs.scheduler.loading import UNDER_WAY

SUPERSEDED = "Service deployment was superseded by a newer one."
#: What a revision fixes of a service; a change of any of these is a new revision.
REVISION_MEMBERS = (
    "launchType",
    "platformVersion",
    "capacityProviderStrategy",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)
_DIGITS = 19
_SERVICE_DEPLOYMENT_ID = 21


def new_deployment_id() -> str:
    """An id as in ``ecs-svc/1234567890123456789``."""
    return new_suffix(1, "123456789") + new_suffix(_DIGITS - 1, string.digits)


def begin(service: Service, definition: TaskDefinition, revision: Mapping[str, Any], now: datetime) -> Deployment:
    """Write a deployment of a revision as the service's primary one, and the service deployment that leads to it.

    Where another controller deploys, it is the service's first task set, to which nothing leads.
    """
    sources = list(
        service.deployments.exclude(last_status=DeploymentStatus.INACTIVE)
        .order_by("-created_at", "-pk")
        .values_list("deployment_id", flat=True)
    )
    document = {**revision, "resolvedTargetGroups": _target_groups(service, revision)}
    document |= service_connect.settle(service, definition, revision)
    service.deployments.filter(last_status=DeploymentStatus.PRIMARY).update(last_status=DeploymentStatus.ACTIVE)
    service.service_deployments.filter(last_status__in=UNDER_WAY).update(
        last_status="STOPPED", last_status_reason=SUPERSEDED, last_stopped_at=now, last_finished_at=now
    )
    deployment_id = new_deployment_id()
    deployment = Deployment.objects.create(
        account_id=service.account_id,
        region=service.region,
        service=service,
        deployment_id=deployment_id,
        task_definition=definition,
        is_task_set=service.deployment_controller != "ECS",
        document=document,
        created_at=now,
        last_status=DeploymentStatus.PRIMARY,
        last_rollout_reason=f"ECS deployment ecs-svc/{deployment_id} in progress.",
        last_updated_at=now,
    )
    if deployment.is_task_set:
        return deployment
    configuration = service.document["deploymentConfiguration"]
    ServiceDeployment.objects.create(
        account_id=service.account_id,
        region=service.region,
        service=service,
        service_deployment_id=new_suffix(_SERVICE_DEPLOYMENT_ID, string.ascii_letters + string.digits + "_-"),
        target=deployment,
        sources=sources,
        document=configuration,
        created_at=now,
        last_status="IN_PROGRESS",
        last_started_at=now,
        last_updated_at=now,
        last_breaker_status=_monitoring(configuration.get("deploymentCircuitBreaker", {})),
        last_alarm_status=_watching(service, configuration.get("alarms", {})),
    )
    return deployment


def _monitoring(configuration: Mapping[str, Any]) -> str:
    return "MONITORING" if configuration.get("enable") else "DISABLED"


def _watching(service: Service, configuration: Mapping[str, Any]) -> str:
    """Who deploys while an alarm fires wants to mend what it is about: ECS then watches none of the alarms.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
    """
    is_wanted = configuration.get("enable", False)
    if is_wanted and firing_alarms(internal_context(service.account_id, service.region), configuration["alarmNames"]):
        return "DISABLED"
    return _monitoring(configuration)


def _target_groups(service: Service, revision: Mapping[str, Any]) -> dict[str, str]:
    """Which target group of each pair the revision uses: not that of the deployment that serves, where they shift."""
    serving = service.deployments.filter(last_rollout_state="COMPLETED").order_by("-last_updated_at", "-pk").first()
    before: Mapping[str, str] = serving.document.get("resolvedTargetGroups", {}) if serving else {}
    shifts = service.document["deploymentConfiguration"].get("strategy", "ROLLING") != "ROLLING"
    chosen = {}
    for balancer in revision.get("loadBalancers", ()):
        production, alternate = balancer.get("targetGroupArn"), _alternate(balancer)
        if not production or not alternate:
            continue
        used = before.get(production, production) if serving else alternate
        if not shifts:
            chosen[production] = used if serving else production
        else:
            chosen[production] = alternate if used == production else production
    return chosen


def _alternate(balancer: Mapping[str, Any]) -> str:
    return str(balancer.get("advancedConfiguration", {}).get("alternateTargetGroupArn", ""))
