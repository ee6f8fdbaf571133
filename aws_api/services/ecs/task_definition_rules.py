"""What a task definition must be, and what AWS fills in where it is silent. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aws_api.services.ecs.container_specs import dependencies_of, links_of
from aws_api.services.ecs.dependencies import find_cycle
from aws_api.services.ecs.expressions import check_expression
from aws_api.services.ecs.fargate import check_fargate, supports_fargate
from aws_api.services.ecs.field_rules import check_fields
from aws_api.services.ecs.identifiers import is_name
from aws_api.services.ecs.required_attributes import required_attributes
from aws_api.services.ecs.shapes import ClientException

Shape = Mapping[str, Any]

MAX_CONTAINERS = 10
_IMAGE = re.compile(r"[a-zA-Z0-9_.\-/:@#]{1,255}")
_SIZE = re.compile(r"(\d*\.?\d+) ?(vcpu|gb)?", re.IGNORECASE)
_UNITS = {"vcpu": 1024, "gb": 1024}
#: Members that a container in a network namespace of the task's own cannot have.
_NOT_WITH_AWSVPC = {
    "hostname": "Hostname is not supported on container when networkMode=awsvpc.",
    "dnsServers": "DNS servers are not supported on container when networkMode=awsvpc.",
    "dnsSearchDomains": "DNS search domains are not supported on container when networkMode=awsvpc.",
    "extraHosts": "Extra hosts are not supported on container when networkMode=awsvpc.",
}


def complete(request: Shape) -> dict[str, Any]:
    """The definition as AWS would answer it: checked, with defaults, sizes as plain numbers.

    Raises ClientException as RegisterTaskDefinition words it.
    """
    definition = {name: value for name, value in request.items() if name != "tags"}
    for member in ("cpu", "memory"):
        if definition.get(member):
            definition[member] = _size(definition[member], member)
    definition["containerDefinitions"] = [_completed(container) for container in request["containerDefinitions"]]
    definition.setdefault("volumes", [])
    definition.setdefault("placementConstraints", [])
    definition.setdefault("networkMode", "bridge")
    _check(definition)
    if "networkMode" not in request:
        del definition["networkMode"]  # AWS does not answer it, though it means bridge
    _default_ports(definition)
    definition["compatibilities"] = _compatibilities(definition)
    definition["requiresAttributes"] = [{"name": name} for name in required_attributes(definition)]
    return definition


def _completed(container: Shape) -> dict[str, Any]:
    completed = {
        "cpu": 0,
        "portMappings": [],
        "essential": True,
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        "systemControls": [],
        **container,
    }
    if check := container.get("healthCheck"):
        completed["healthCheck"] = {"interval": 30, "timeout": 5, "retries": 3, **check}
    return completed


def _default_ports(definition: Shape) -> None:
    same_ports = definition.get("networkMode") in ("awsvpc", "host")
    for container in definition["containerDefinitions"]:
        container["portMappings"] = [
            {"hostPort": mapping.get("containerPort", 0) if same_ports else 0, "protocol": "tcp", **mapping}
            if "containerPortRange" not in mapping
            else {"protocol": "tcp", **mapping}
            for mapping in container["portMappings"]
        ]


def _size(text: str, member: str) -> str:
    """``1 vCPU``, ``.5 GB`` and ``512`` as AWS answers them: in CPU units and MiB."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or (match[2] and match[2].lower() != {"cpu": "vcpu", "memory": "gb"}[member]):
        raise ClientException(
            f"Invalid '{member}' setting for task. "
            "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
        )
    return str(int(float(match[1]) * _UNITS.get((match[2] or "").lower(), 1)))


def _check(definition: Shape) -> None:
    family = definition["family"]
    if not family:
        raise ClientException("Family should not be null or blank.")
    if not is_name(family):
        raise ClientException("Family contains invalid characters.")
    containers: Sequence[Shape] = definition["containerDefinitions"]
    if not containers:
        raise ClientException("Container list cannot be empty.")
    if len(containers) > MAX_CONTAINERS:
        raise ClientException(f"Too many containers in the task definition. The limit is {MAX_CONTAINERS}.")
    for container in containers:
        _check_container(container, definition)
    names = [container["name"] for container in containers]
    if len(set(names)) < len(names):
        raise ClientException("Container names must be unique within a Task Definition.")
    if not any(container["essential"] for container in containers):
        raise ClientException("At least one container in the task definition must be marked as essential.")
    check_fields(definition)
    _check_references(definition)
    for constraint in definition["placementConstraints"]:
        check_expression(constraint.get("expression", ""), ClientException)
    if "FARGATE" in definition.get("requiresCompatibilities", ()):
        check_fargate(definition)


def _check_container(container: Shape, definition: Shape) -> None:
    for member in ("name", "image"):
        if not container.get(member):
            raise ClientException(f"Container.{member} should not be null or empty.")
    if not is_name(container["name"]):
        raise ClientException("Container.name contains invalid characters.")
    if not _IMAGE.fullmatch(container["image"]):
        raise ClientException("Container.image contains invalid characters.")
    _check_memory(container, definition)
    _check_network(container, definition["networkMode"])
    uses_secrets = container.get("secrets") or container.get("logConfiguration", {}).get("secretOptions")
    if uses_secrets and not definition.get("executionRoleArn"):
        raise ClientException(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
        )
    log = container.get("logConfiguration", {})
    if log.get("logDriver") == "awslogs" and not {"awslogs-group", "awslogs-region"} <= log.get("options", {}).keys():
        raise ClientException("Log driver awslogs requires options: awslogs-group, awslogs-region")


def _check_memory(container: Shape, definition: Shape) -> None:
    name, task_memory = container["name"], definition.get("memory")
    memory, reservation = container.get("memory"), container.get("memoryReservation")
    if not (memory or reservation or task_memory):
        raise ClientException(
            f"Invalid setting for container '{name}'. "
            "At least one of 'memory' or 'memoryReservation' must be specified."
        )
    if memory and reservation and memory < reservation:
        raise ClientException(
            f"Invalid setting for container '{name}'. 'memory' must be greater than or equal to 'memoryReservation'."
        )
    for member, limit in (("memory", task_memory), ("memoryReservation", task_memory), ("cpu", definition.get("cpu"))):
        if limit and container.get(member, 0) > int(limit):
            raise ClientException(f"The '{member}' setting for container is greater than for the task.")


def _check_network(container: Shape, network_mode: str) -> None:
    if network_mode == "none" and container["portMappings"]:
        raise ClientException("Port mappings are not supported when networkMode=none.")
    if container.get("links") and network_mode != "bridge":
        raise ClientException(f"Links are not supported when networkMode={network_mode}.")
    if network_mode in ("awsvpc", "host"):
        for mapping in container["portMappings"]:
            if mapping.get("hostPort", 0) not in (0, mapping.get("containerPort")):
                raise ClientException(
                    f"When networkMode={network_mode}, the host ports and container ports in port mappings must match."
                )
    if network_mode == "awsvpc":
        for member, message in _NOT_WITH_AWSVPC.items():
            if container.get(member):
                raise ClientException(message)


def _check_references(definition: Shape) -> None:
    containers = {container["name"]: container for container in definition["containerDefinitions"]}
    volumes = {volume.get("name", "") for volume in definition["volumes"]}
    for container in containers.values():
        for dependency in container.get("dependsOn", ()):
            _check_dependency(dependency, containers)
        for mount in container["mountPoints"]:
            if mount.get("sourceVolume", "") not in volumes:
                raise ClientException(f"Unknown volume '{mount.get('sourceVolume', '')}'.")
        for source in container["volumesFrom"]:
            if source.get("sourceContainer") not in containers:
                raise ClientException(f"Unknown container '{source.get('sourceContainer', '')}' in volumesFrom.")
        for other, _ in links_of(container):
            if other not in containers:
                raise ClientException(f"Unknown container '{other}' in links.")
    depends_on = {
        name: [dependency["containerName"] for dependency in container.get("dependsOn", ())]
        for name, container in containers.items()
    }
    links = {name: [other for other, _ in links_of(container)] for name, container in containers.items()}
    waits = {
        name: [dependency.container for dependency in dependencies_of(container)]
        for name, container in containers.items()
    }
    if find_cycle(depends_on):
        raise ClientException("Container dependencies should not have a cycle")
    if find_cycle(links):
        raise ClientException("Container links should not have a cycle")
    if find_cycle(waits):
        raise ClientException("Container dependencies, links and volumesFrom should not have a cycle")


def _check_dependency(dependency: Shape, containers: Mapping[str, Shape]) -> None:
    name, condition = dependency["containerName"], dependency["condition"]
    target = containers.get(name)
    if target is None:
        raise ClientException(f"Cannot depend on container + '{name}' because it does not exist")
    if condition in ("SUCCESS", "COMPLETE") and target["essential"]:
        raise ClientException(
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
        )
    if condition == "HEALTHY" and not target.get("healthCheck"):
        raise ClientException("A dependency container with HEALTHY condition must have a health check")


def _compatibilities(definition: Shape) -> list[str]:
    network_mode = definition.get("networkMode", "bridge")
    compatibilities = ["EC2"]
    if supports_fargate(definition):
        compatibilities.append("FARGATE")
    if network_mode != "awsvpc":
        compatibilities.insert(0, "EXTERNAL")
    return compatibilities
