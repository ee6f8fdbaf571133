"""Tasks and services as targets of port forwards. A service is wherever one of its running tasks is.

Tasks of the network modes bridge and host have no address of their own: the engine publishes their ports.
"""

from collections.abc import Iterable

from django.db.models import QuerySet

from aws_api.core.network import network_provider
from aws_api.core.port_forwards import ForwardTarget, Location
from aws_api.services.ecs.host_ports import mapped_ports
from aws_api.services.ecs.lifecycle import TaskStatus
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.service_models import Service, ServiceStatus
from aws_api.services.ecs.specifications import KIND

TASK, SERVICE = "ecs-task", "ecs-service"
#: Of each type, for one who looks for something to forward to.
MAX_TARGETS = 500


class EcsTargets:
    """The targets that ECS has."""

    kinds = frozenset({KIND})

    def targets(self, account_id: str, region: str) -> Iterable[ForwardTarget]:
        scope = {"account_id": account_id, "region": region}
        tasks = _running().filter(**scope).order_by("-created_at")
        yield from map(_of_task, tasks[:MAX_TARGETS])
        services = _active().filter(**scope).order_by("name")
        yield from map(_of_service, services[:MAX_TARGETS])

    def target(self, arn: str) -> ForwardTarget | None:
        if task := _running().filter(arn=arn).first():
            return _of_task(task)
        service = _active().filter(arn=arn).first()
        return _of_service(service) if service else None

    def locate(self, arn: str) -> Location | None:
        if task := _running().filter(arn=arn).first():
            return _of_interface(task)
        service = _active().filter(arn=arn).first()
        if service is None:
            return None
        task = _tasks_of(service).first()
        return _of_interface(task) if task else Location()


def _running() -> "QuerySet[Task]":
    rows = Task.objects.filter(last_status=TaskStatus.RUNNING, last_stop_code="", desired_stop_code="")
    return rows.exclude(network={}).select_related("task_definition")


def _active() -> "QuerySet[Service]":
    return Service.objects.filter(desired_status=ServiceStatus.ACTIVE).select_related("cluster")


def _tasks_of(service: Service) -> "QuerySet[Task]":
    """The one that has run longest comes first, so that a forward moves as seldom as can be."""
    return _running().filter(cluster=service.cluster, service_name=service.name).order_by("last_started_at", "pk")


def _of_task(task: Task) -> ForwardTarget:
    name = f"{task.task_definition} {task.task_id}"
    return ForwardTarget(arn=task.arn, type=TASK, name=name, ports=tuple(mapped_ports(task)))


def _of_service(service: Service) -> ForwardTarget:
    task = _tasks_of(service).first()
    ports = tuple(mapped_ports(task)) if task else ()
    return ForwardTarget(arn=service.arn, type=SERVICE, name=f"{service.cluster.name}/{service.name}", ports=ports)


def _of_interface(task: Task) -> Location | None:
    attachment = network_provider().describe(task.account_id, task.region, task.network["interface_id"])
    if attachment is None:
        return None
    return Location(network_name=attachment.network_name, address=attachment.private_address)
