"""The operations of ECS, one module per family of resources. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"""

from aws_api.services.ecs.operations import (
    account_settings,
    capacity_providers,
    clusters,
    container_agents,
    container_instances,
    execute_command,
    service_deployments,
    services,
    tagging,
    task_definitions,
    task_protection,
    task_sets,
    tasks,
)

__all__ = [
    "account_settings",
    "capacity_providers",
    "clusters",
    "container_agents",
    "container_instances",
    "execute_command",
    "service_deployments",
    "services",
    "tagging",
    "task_definitions",
    "task_protection",
    "task_sets",
    "tasks",
]
