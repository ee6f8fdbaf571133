"""The engine as a container instance: every cluster has it, registered by being there.

Its sizes are the engine's times SIMFRA_INSTANCE_OVERCOMMIT: containers' limits are not what they use, and a laptop runs
what needs a fleet elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from aws_api.core.arns import is_arn
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.ids import new_hex_id
from aws_api.core.reconcile import kick
from aws_api.services.ecs.describe import tags
from aws_api.services.ecs.faults.lost_capacity import is_instance_lost
from aws_api.services.ecs.identifiers import container_instance_arn
from aws_api.services.ecs.lifecycle import PENDING_STATUSES, TaskStatus
from aws_api.services.ecs.models import Cluster, ContainerInstance, Task
from aws_api.services.ecs.placement import Instance

Shape = dict[str, Any]

KIND = "ecs.container-instance"
_CPU_UNITS_PER_CPU = 1024
_MIB = 1024 * 1024
_NAME_DIGITS = 17
#: Ports of the agent and of Docker that an instance never gives away.
RESERVED_PORTS = ("22", "2375", "2376", "51678", "51679")
#: What instances offer of what definitions require.
CAPABILITIES = (
    "com.amazonaws.ecs.capability.apparmor",
    *(f"com.amazonaws.ecs.capability.docker-remote-api.1.{version}" for version in range(17, 42)),
    "com.amazonaws.ecs.capability.ecr-auth",
    *(
        f"com.amazonaws.ecs.capability.logging-driver.{driver}"
        for driver in ("awsfirelens", "awslogs", "fluentd", "gelf", "journald", "json-file", "none", "splunk", "syslog")
    ),
    # Whether it is allowed is said by the reason that its task stops with.
    "com.amazonaws.ecs.capability.privileged-container",
    "com.amazonaws.ecs.capability.selinux",
    "com.amazonaws.ecs.capability.task-iam-role",
    "com.amazonaws.ecs.capability.task-iam-role-network-host",
    "ecs.capability.aws-appmesh",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.container-restart-policy",
    "ecs.capability.container-swap",
    "ecs.capability.docker-plugin.local",
    "ecs.capability.efs",
    "ecs.capability.efsAuth",
    "ecs.capability.env-files.s3",
    "ecs.capability.execution-role-awslogs",
    "ecs.capability.execution-role-ecr-pull",
    "ecs.capability.fault-injection",
    "ecs.capability.firelens.fluentbit",
    "ecs.capability.firelens.fluentd",
    "ecs.capability.firelens.options.config.file",
    "ecs.capability.firelens.options.config.s3",
    "ecs.capability.logging-driver.awsfirelens.log-driver-buffer-limit",
    "ecs.capability.network.container-port-range",
    "ecs.capability.pid-ipc-namespace-sharing",
    "ecs.capability.private-registry-authentication.secretsmanager",
    "ecs.capability.secrets.asm.bootstrap.log-driver",
    "ecs.capability.secrets.asm.environment-variables",
    "ecs.capability.secrets.ssm.bootstrap.log-driver",
    "ecs.capability.secrets.ssm.environment-variables",
    "ecs.capability.storage.ebs-task-volume-attachment",
    "ecs.capability.task-eni",
)


@dataclass(frozen=True, kw_only=True)
class Load:
    """The tasks on an instance: what they take and how many there are."""

    cpu: int = 0
    memory_mib: int = 0
    ports: frozenset[int] = frozenset()
    families: tuple[str, ...] = ()
    running: int = 0
    pending: int = 0


def engine_of(cluster: Cluster) -> ContainerInstance:
    """The engine's instance of a cluster, registered where nobody has asked for it before."""
    found = ContainerInstance.objects.filter(cluster=cluster).first()
    if found is None:
        found, is_new = ContainerInstance.objects.get_or_create(
            cluster=cluster,
            defaults={
                "account_id": cluster.account_id,
                "region": cluster.region,
                "instance_id": new_hex_id(digits=32),
                "created_at": SYSTEM_CLOCK.now(),
            },
        )
        if is_new:
            kick(KIND, found.arn)
    found.cluster = cluster
    return found


def find_instance(account_id: str, region: str, name: str) -> ContainerInstance | None:
    """The container instance that an instance of EC2 is."""
    rows = ContainerInstance.objects.filter(account_id=account_id, region=region)
    return rows.filter(instance_id__startswith=name.removeprefix("i-")).first() if is_instance_name(name) else None


def arn_of(cluster: Cluster, identifier: str) -> str:
    """An instance's ARN from its ARN or id."""
    if is_arn(identifier):
        return identifier
    return container_instance_arn(cluster.account_id, cluster.region, cluster.name, identifier)


def attributes_of(row: ContainerInstance) -> dict[str, str]:
    """An instance's attributes by name, its own and those that were put; one that only exists has an empty value."""
    own = {
        "ecs.availability-zone": f"{row.region}a",
        "ecs.cpu-architecture": row.last_engine.get("architecture") or settings.SIMFRA_ARCHITECTURE,
        "ecs.instance-type": "simfra",
        "ecs.os-family": "LINUX",
        "ecs.os-type": "linux",
    }
    return {**dict.fromkeys(CAPABILITIES, ""), **own, **row.desired_attributes}


def load_of(row: ContainerInstance) -> Load:
    """What the tasks on an instance take. Tasks of launch type FARGATE are on none."""
    tasks = Task.objects.filter(cluster_id=row.cluster_id, container_instance_arn=row.arn).exclude(
        last_status=TaskStatus.STOPPED
    )
    found = tasks.values_list("family", "last_status", "document__cpu", "document__memory", "last_containers")
    cpu = memory_mib = running = pending = 0
    ports: set[int] = set()
    families = []
    for family, status, task_cpu, task_memory, containers in found:
        cpu += int(task_cpu or 0)
        memory_mib += int(task_memory or 0)
        running += status == TaskStatus.RUNNING
        pending += status in PENDING_STATUSES
        families.append(family)
        ports |= {binding["hostPort"] for record in containers.values() for binding in record.get("bindings", ())}
    return Load(
        cpu=cpu,
        memory_mib=memory_mib,
        ports=frozenset(ports),
        families=tuple(families),
        running=running,
        pending=pending,
    )


def placement_instance(row: ContainerInstance, load: Load) -> Instance:
    """The instance as placement and filters know it."""
    registered, is_lost = _registered(row), _is_lost(row)
    subjects: dict[str, Sequence[str]] = {f"attribute:{name}": [value] for name, value in attributes_of(row).items()}
    subjects |= {
        "agentConnected": [str(bool(row.last_engine) and not is_lost).lower()],
        "ec2InstanceId": [instance_name(row)],
        "registeredAt": [row.created_at.isoformat()],
        "runningTasksCount": [str(load.running)],
        "pendingTasksCount": [str(load.pending)],
        "task:group": sorted({f"family:{family}" for family in load.families}),
    }
    return Instance(
        arn=row.arn,
        subjects=subjects,
        cpu_left=registered["CPU"] - load.cpu if registered else None,
        memory_left_mib=registered["MEMORY"] - load.memory_mib if registered else None,
        attributes=frozenset(attributes_of(row)),
        ports_taken=load.ports | {int(port) for port in RESERVED_PORTS},
        families=load.families,
        task_count=len(load.families),
        is_connected=not is_lost,
    )


def describe(row: ContainerInstance, load: Load, include: Iterable[str] = ()) -> Shape:
    """AWS's ContainerInstance shape."""
    registered = _registered(row) or {"CPU": 0, "MEMORY": 0}
    left = {"CPU": registered["CPU"] - load.cpu, "MEMORY": registered["MEMORY"] - load.memory_mib}
    taken = [str(port) for port in sorted(load.ports)]
    included = set(include)
    shape: Shape = {
        "containerInstanceArn": row.arn,
        "ec2InstanceId": instance_name(row),
        "version": row.version,
        "versionInfo": {
            "agentVersion": "1.0.0",
            "dockerVersion": f"DockerVersion: {row.last_engine.get('version', '')}",
        },
        "registeredResources": _resources(registered, RESERVED_PORTS),
        "remainingResources": _resources(left, (*RESERVED_PORTS, *taken)),
        "status": row.desired_status,
        "agentConnected": bool(row.last_engine) and not _is_lost(row),
        "runningTasksCount": load.running,
        "pendingTasksCount": load.pending,
        "attributes": [_attribute(name, value) for name, value in sorted(attributes_of(row).items())],
        "registeredAt": row.created_at,
        "attachments": [],
        "tags": tags(row.tags) if "TAGS" in included else [],
    }
    if "CONTAINER_INSTANCE_HEALTH" in included:
        shape["healthStatus"] = _health(row, SYSTEM_CLOCK.now())
    return shape


def instance_name(row: ContainerInstance) -> str:
    """What stands for the EC2 instance: an id of EC2's form that names the engine in this cluster."""
    return f"i-{row.instance_id[:_NAME_DIGITS]}"


def is_instance_name(name: str) -> bool:
    return name.startswith("i-") and len(name) == len("i-") + _NAME_DIGITS


def _is_lost(row: ContainerInstance) -> bool:
    """Whether a fault has taken it away."""
    return is_instance_lost(row.account_id, row.region, row.cluster.name)


def _registered(row: ContainerInstance) -> Mapping[str, int] | None:
    engine = row.last_engine
    if not engine:
        return None
    factor = settings.SIMFRA_INSTANCE_OVERCOMMIT
    return {
        "CPU": int(engine["cpus"] * _CPU_UNITS_PER_CPU * factor),
        "MEMORY": int(engine["memory_bytes"] // _MIB * factor),
    }


def _resources(sizes: Mapping[str, int], ports: Sequence[str]) -> list[Shape]:
    return [
        {"name": "CPU", "type": "INTEGER", "integerValue": sizes["CPU"]},
        {"name": "MEMORY", "type": "INTEGER", "integerValue": sizes["MEMORY"]},
        {"name": "PORTS", "type": "STRINGSET", "stringSetValue": list(ports)},
        {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
    ]


def _attribute(name: str, value: str) -> Shape:
    return {"name": name, "value": value} if value else {"name": name}


def _health(row: ContainerInstance, now: datetime) -> Shape:
    status = "OK" if row.last_engine else "INITIALIZING"
    detail = {"type": "CONTAINER_RUNTIME", "status": status, "lastUpdated": now, "lastStatusChange": row.created_at}
    return {"overallStatus": status, "details": [detail]}
