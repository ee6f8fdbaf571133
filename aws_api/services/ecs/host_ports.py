"""Tasks on the host: the ports of a task with a public address are published while it runs.

A task's ports are those that its definition maps. Without isolation (SIMFRA_VPC_ISOLATION) every task's are published,
whatever its security groups say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from aws_api.core.context import internal_context
from aws_api.core.host_ports import Origin, PublishedPort, Purpose, VpcAddress, publish, published, withdraw
from aws_api.core.network import network_provider
from aws_api.services.ecs.lifecycle import STATUS_ORDER, TaskStatus
from aws_api.services.ecs.models import Task

#: Of one task; a definition may map ranges.
MAX_PORTS = 100


def follow_status(task: Task, status: TaskStatus) -> None:
    """Publish what a task has to offer when it runs, and take it off the host when it begins to stop.

    Works in the transaction that changes the status. Whoever is connected stays so until the task ends.
    """
    if not task.network:
        return
    if status is TaskStatus.RUNNING:
        publish_ports(task)
    elif STATUS_ORDER.index(status) > STATUS_ORDER.index(TaskStatus.RUNNING):
        withdraw(task.arn, Purpose.PUBLIC)


def publish_ports(task: Task) -> None:
    """Publish a task's ports, where people on the host may reach them."""
    attachment = network_provider().describe(task.account_id, task.region, task.network["interface_id"])
    is_open = not settings.SIMFRA_VPC_ISOLATION
    if attachment is None or not (attachment.public_address or is_open):
        return
    addresses = [
        VpcAddress(
            network_name=attachment.network_name,
            address=attachment.private_address,
            port=port,
            protocol=protocol,
            wanted_port=port,
            origin=Origin.ROUTER if is_open else Origin.INTERNET,
        )
        for port, protocol in mapped_ports(task)
    ]
    publish(internal_context(task.account_id, task.region), task.arn, Purpose.PUBLIC, addresses[:MAX_PORTS])


@dataclass(frozen=True, kw_only=True)
class TaskAddresses:
    """Where a task is. ``bindings`` are ECS's networkBindings of tasks whose ports the engine publishes itself."""

    private_address: str | None = None
    public_address: str | None = None
    ports: tuple[PublishedPort, ...] = ()
    bindings: tuple[Mapping[str, Any], ...] = ()


def addresses_of(task: Task) -> TaskAddresses:
    """A task's addresses as they are now; a stopped one has none."""
    if not task.network:
        bindings = (record.get("bindings") or () for record in task.last_containers.values())
        return TaskAddresses(bindings=tuple(binding for found in bindings for binding in found))
    attachment = network_provider().describe(task.account_id, task.region, task.network["interface_id"])
    if attachment is None:
        return TaskAddresses()
    return TaskAddresses(
        private_address=attachment.private_address,
        public_address=attachment.public_address,
        ports=tuple(published(task.arn)),
    )


def mapped_ports(task: Task) -> list[tuple[int, str]]:
    """The ports that a task's definition maps, with their protocols, in its order and each once."""
    containers = task.task_definition.document["containerDefinitions"]
    mappings = (mapping for container in containers for mapping in container.get("portMappings", ()))
    return list(
        dict.fromkeys((port, str(mapping.get("protocol", "tcp"))) for mapping in mappings for port in _ports(mapping))
    )


def _ports(mapping: dict[str, object]) -> Iterator[int]:
    if port := mapping.get("containerPort"):
        yield int(str(port))
    elif port_range := mapping.get("containerPortRange"):
        first, _, last = str(port_range).partition("-")
        yield from range(int(first), int(last) + 1)
