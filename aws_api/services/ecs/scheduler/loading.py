"""A Service row as the ServiceSpec that its scheduler works on."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from aws_api.core.alarms import firing_alarms
from aws_api.core.context import internal_context
from aws_api.services.ecs.container_instances import engine_of
from aws_api.services.ecs.describe import moment
from aws_api.services.ecs.lifecycle import TaskStatus
from aws_api.services.ecs.models import (
    Cluster,
    ContainerInstance,
    ContainerInstanceStatus,
    Deployment,
    DeploymentStatus,
    Registration,
    Service,
    ServiceDeployment,
    ServiceStatus,
    Task,
)
from aws_api.services.ecs.scheduler.circuit_breaker import circuit_breaker
from aws_api.services.ecs.scheduler.percentages import scaled
from aws_api.services.ecs.scheduler.places import places_of
from aws_api.services.ecs.scheduler.specification import (
    Alarms,
    DeploymentState,
    EndedTask,
    Hook,
    HookRun,
    Place,
    Process,
    Registered,
    RegistrationState,
    ServiceSpec,
    ServiceTask,
    Shift,
)
from aws_api.services.ecs.scheduler.target_health import refresh_health
from aws_api.services.ecs.scheduler.zones import zones_of_subnets
from aws_api.services.ecs.specification import StopCode

#: Statuses of a service deployment that is under way.
UNDER_WAY = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")
HEALTH_CHECKS_FAILED = "health checks"

Shape = Mapping[str, Any]


def service_spec(row: Service, now: datetime) -> ServiceSpec:
    """Everything that deciding about a service needs; ``row`` has its cluster."""
    deployments = list(
        row.deployments.exclude(last_status=DeploymentStatus.INACTIVE)
        .select_related("task_definition")
        .order_by("-created_at", "-pk")
    )
    by_name = {deployment.started_by: deployment for deployment in deployments}
    instance = _instance(row)
    registrations = _registrations(row, now)
    living, ended = _tasks(row)
    tasks = tuple(_task(task, by_name.get(task.started_by), registrations, instance, now) for task in living)
    known = {task.arn for task in living}
    instances = _daemon_instances(row, instance)
    configuration = row.document["deploymentConfiguration"]
    process, alarms = _process(row), None
    if process is not None and configuration.get("alarms", {}).get("enable"):
        alarms = _alarms(row, process, configuration["alarms"])
    is_daemon = row.scheduling_strategy == "DAEMON"
    desired_count = len(instances) if is_daemon else row.desired_count
    return ServiceSpec(
        arn=row.arn,
        name=row.name,
        version=row.version,
        is_deleted=row.desired_status != ServiceStatus.ACTIVE,
        is_daemon=is_daemon,
        controller=row.deployment_controller,
        desired_count=desired_count,
        minimum_percent=configuration["minimumHealthyPercent"],
        maximum_percent=configuration["maximumPercent"],
        grace_s=row.document.get("healthCheckGracePeriodSeconds", 0),
        warm_up_s=settings.SIMFRA_TASK_WARM_UP_S,
        rebalances_zones=row.document.get("availabilityZoneRebalancing") == "ENABLED",
        is_steady=row.last_is_steady,
        breaker=circuit_breaker(configuration, desired_count),
        alarms=alarms,
        deployments=tuple(_deployment(deployment, desired_count, row) for deployment in deployments),
        tasks=tasks,
        ended=tuple(_ended(task) for task in ended),
        orphans=tuple(each for arn in sorted(registrations) if arn not in known for each in registrations[arn]),
        instances=instances,
        process=process,
        rollback_id=_rollback_id(row, process),
    )


def process_row(service: Service) -> ServiceDeployment | None:
    """The service deployment that is under way."""
    rows = service.service_deployments.filter(last_status__in=UNDER_WAY)
    return rows.select_related("target").order_by("-created_at", "-pk").first()


def tasks_of(service: Service) -> "list[Task]":
    """The service's tasks that have not stopped, or whose end it has not taken note of, the oldest first."""
    rows = Task.objects.filter(cluster_id=service.cluster_id, service_name=service.name).filter(
        ~Q(last_status=TaskStatus.STOPPED) | Q(is_accounted_for=False)
    )
    return list(rows.select_related("task_definition").order_by("created_at", "pk"))


def is_leaving(task: Task) -> bool:
    """Whether a task was told to stop, or is about to."""
    return task.desired_status == "STOPPED" or bool(task.last_stop_code)


def _tasks(row: Service) -> tuple[list[Task], list[Task]]:
    tasks = tasks_of(row)
    return (
        [task for task in tasks if task.last_status != TaskStatus.STOPPED],
        [task for task in tasks if task.last_status == TaskStatus.STOPPED],
    )


def _task(
    task: Task,
    deployment: Deployment | None,
    registrations: Mapping[str, list[Registered]],
    instance: ContainerInstance | None,
    now: datetime,
) -> ServiceTask:
    is_running = task.last_status == TaskStatus.RUNNING
    wanted: tuple[Place, ...] = places_of(task, deployment, instance) if deployment and is_running else ()
    on_instance = bool(instance and task.container_instance_arn == instance.arn)
    return ServiceTask(
        arn=task.arn,
        task_id=task.task_id,
        deployment_id=task.started_by.partition("/")[2],
        created_at=task.created_at,
        started_at=task.last_running_at or task.last_started_at,
        is_running=is_running,
        is_leaving=is_leaving(task),
        has_health_check=_has_health_check(task),
        health=task.last_health_status,
        zone=task.document.get("availabilityZone", ""),
        instance_arn=task.container_instance_arn,
        is_on_draining_instance=on_instance and _is_draining(instance),
        is_protected=task.desired_protected_until is not None and task.desired_protected_until > now,
        wanted=wanted,
        registered=tuple(registrations.get(task.arn, ())),
    )


def _ended(task: Task) -> EndedTask:
    return EndedTask(
        task_id=task.task_id, deployment_id=task.started_by.partition("/")[2], has_failed=_has_failed(task)
    )


def _has_failed(task: Task) -> bool:
    """Whether the task never got to be healthy, and nobody else ended it."""
    if task.last_stop_code == StopCode.TASK_FAILED_TO_START:
        return True
    if task.last_stop_code == StopCode.SERVICE_SCHEDULER_INITIATED:
        return HEALTH_CHECKS_FAILED in task.last_stopped_reason
    if task.last_stop_code != StopCode.ESSENTIAL_CONTAINER_EXITED:
        return False
    if _has_health_check(task):
        return task.last_health_status != "HEALTHY"
    began, ended = task.last_started_at, task.last_execution_stopped_at
    return began is None or ended is None or (ended - began).total_seconds() < settings.SIMFRA_TASK_WARM_UP_S


def _has_health_check(task: Task) -> bool:
    containers = task.task_definition.document["containerDefinitions"]
    return any("healthCheck" in each and each.get("essential", True) for each in containers)


def _deployment(row: Deployment, desired_count: int, service: Service) -> DeploymentState:
    percent = row.desired_scale_percent
    configuration = row.document.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    return DeploymentState(
        id=row.deployment_id,
        status=row.last_status,
        desired_count=scaled(desired_count, percent) if row.is_task_set else desired_count,
        created_at=row.created_at,
        rollout_state=row.last_rollout_state,
        failed_tasks=row.last_failed_tasks,
        failures_in_a_row=row.last_failures_in_a_row,
        last_failure_at=row.last_failure_at,
        is_steady=row.last_is_steady,
        is_task_set=row.is_task_set,
        is_deleted=row.desired_is_deleted,
        zones=tuple(zones_of_subnets(service.account_id, service.region, tuple(configuration.get("subnets", ())))),
    )


def _registrations(row: Service, now: datetime) -> dict[str, list[Registered]]:
    found = list(Registration.objects.filter(service=row).order_by("pk"))
    refresh_health(internal_context(row.account_id, row.region), found, now)
    by_task: dict[str, list[Registered]] = {}
    for each in found:
        place = Place(resource_arn=each.resource_arn, target_id=each.target_id, port=each.port)
        registered = Registered(
            place=place,
            task_arn=each.task_arn,
            state=RegistrationState(each.last_state),
            health=each.last_health,
            reason=each.last_health_reason,
            changed_at=each.last_changed_at,
        )
        by_task.setdefault(each.task_arn, []).append(registered)
    return by_task


def _instance(row: Service) -> ContainerInstance | None:
    """The cluster's instance, where the service's tasks are on instances."""
    if row.scheduling_strategy == "DAEMON":
        return engine_of(Cluster.objects.get(pk=row.cluster_id))
    return ContainerInstance.objects.filter(cluster_id=row.cluster_id).select_related("cluster").first()


def _daemon_instances(row: Service, instance: ContainerInstance | None) -> tuple[str, ...]:
    if row.scheduling_strategy != "DAEMON" or instance is None or _is_draining(instance):
        return ()
    return (instance.arn,)


def _is_draining(instance: ContainerInstance | None) -> bool:
    """Whether the services' tasks have to leave it, also because it was deregistered by force."""
    return instance is not None and instance.desired_status != ContainerInstanceStatus.ACTIVE


def _alarms(row: Service, process: Process, configuration: Shape) -> Alarms | None:
    """The alarms to watch; none for a deployment that one of them did not let watch, by firing when it began."""
    if not row.service_deployments.filter(service_deployment_id=process.id, last_alarm_status="MONITORING").exists():
        return None
    names = tuple(configuration["alarmNames"])
    firing = firing_alarms(internal_context(row.account_id, row.region), names)
    return Alarms(names=names, rolls_back=configuration["rollback"], firing=tuple(firing))


def _process(row: Service) -> Process | None:
    found = process_row(row)
    if found is None:
        return None
    configuration = found.document
    early = configuration.get("earlySuccessCriteria", {})
    is_early = early.get("enable", False)
    balancers = found.target.document.get("loadBalancers", ())
    return Process(
        id=found.service_deployment_id,
        target_id=found.target.deployment_id,
        source_ids=tuple(found.sources),
        status=found.last_status,
        strategy=configuration.get("strategy", "ROLLING"),
        stage=found.last_stage,
        stage_at=found.last_stage_at,
        stage_percent=found.last_stage_percent,
        production_percent=found.last_production_percent,
        test_percent=found.last_test_percent,
        bake_minutes=configuration.get("bakeTimeInMinutes", 0),
        shift=shift_of(configuration),
        hooks=tuple(map(_hook, configuration.get("lifecycleHooks", ()))),
        hook_runs=tuple(_hook_run(each, found.desired_answers) for each in found.last_hooks),
        stop_request=found.desired_stop,
        has_test_traffic=any("testListenerRule" in each.get("advancedConfiguration", {}) for each in balancers),
        early_healthy_percent=early.get("healthyPercent", 100) if is_early else None,
        leaves_cleanup_for_later=early.get("sourceServiceRevisionCleanup") == "DEFERRED",
    )


def shift_of(configuration: Shape) -> Shift:
    """How a deployment configuration moves production traffic."""
    match configuration.get("strategy"):
        case "LINEAR":
            linear = configuration.get("linearConfiguration", {})
            return Shift(
                step_percent=linear.get("stepPercent", 10.0), step_bake_minutes=linear.get("stepBakeTimeInMinutes", 6)
            )
        case "CANARY":
            canary = configuration.get("canaryConfiguration", {})
            return Shift(
                step_percent=canary.get("canaryPercent", 5.0),
                step_bake_minutes=canary.get("canaryBakeTimeInMinutes", 10),
                is_canary=True,
            )
    return Shift()


def _hook(shape: Shape) -> Hook:
    timeout = shape.get("timeoutConfiguration", {})
    return Hook(
        stages=tuple(shape.get("lifecycleStages", ())),
        type=shape.get("targetType", "AWS_LAMBDA"),
        target=shape.get("hookTargetArn", ""),
        details=shape.get("hookDetails"),
        timeout_minutes=timeout.get("timeoutInMinutes", 1440),
        timeout_action=timeout.get("action", "ROLLBACK"),
    )


def _hook_run(kept: Shape, answers: Mapping[str, str]) -> HookRun:
    expires_at = moment(kept["expires_at"])
    assert expires_at is not None, "a run is written with its end"
    return HookRun(
        id=kept["id"],
        index=kept["index"],
        stage=kept["stage"],
        percent=kept["percent"],
        type=kept["type"],
        status=kept["status"],
        expires_at=expires_at,
        timeout_action=kept["timeout_action"],
        next_call_at=moment(kept.get("next_call_at")),
        answer=answers.get(kept["id"], ""),
    )


def _rollback_id(row: Service, process: Process | None) -> str:
    """The last deployment that completed, other than the one under way."""
    if process is None:
        return ""
    completed: Iterable[str] = (
        row.deployments.filter(last_rollout_state="COMPLETED", is_task_set=False)
        .exclude(deployment_id=process.target_id)
        .order_by("-last_updated_at", "-pk")
        .values_list("deployment_id", flat=True)[:1]
    )
    return next(iter(completed), "")
