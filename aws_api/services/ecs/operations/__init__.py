"""The operations of ECS, one module per family of resources. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"""

from aws_api.services.ecs.operations import (
    account_settings,
    clusters,
    container_instances,
    tagging,
    task_definitions,
    tasks,
)

__all__ = ["account_settings", "clusters", "container_instances", "tagging", "task_definitions", "tasks"]
