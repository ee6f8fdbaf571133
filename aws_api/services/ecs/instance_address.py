"""Where the container instance is, as networks see it: the host's address on the uplink.

Ports of tasks on the bridge are the host's own business, on its loopback, until a service registers them somewhere:
then they are published at the instance's address too, where load balancers and tasks in VPCs reach them (the host's
rules let them pass to sockets of that very address, and to no others).
"""

from collections.abc import Sequence

from django.conf import settings

from aws_api.core.sidecars import emulator_address
from aws_api.services.ecs.container_instances import find_instance
from aws_api.services.ecs.models import Deployment, Task

LOOPBACK = "127.0.0.1"


def instance_address() -> str:
    """The address of the engine's host on the uplink."""
    return emulator_address(settings.SIMFRA_UPLINK_SUBNET, "", 0)[0]


def find_instance_address(account_id: str, region: str, instance_id: str) -> str | None:
    """The address of a container instance by its instance's id; None where there is none of it."""
    return instance_address() if find_instance(account_id, region, instance_id) else None


def published_at(task: Task) -> Sequence[str]:
    """The host's addresses at which a task's ports are published."""
    if not task.service_name or not _is_registered(task):
        return (LOOPBACK,)
    return (LOOPBACK, instance_address())


def _is_registered(task: Task) -> bool:
    deployment = Deployment.objects.filter(
        account_id=task.account_id, region=task.region, deployment_id=task.started_by.partition("/")[2]
    ).first()
    return deployment is not None and any(
        deployment.document.get(member) for member in ("loadBalancers", "serviceRegistries")
    )
