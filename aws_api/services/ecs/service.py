"""The ECS service."""

from aws_api.core.service import AwsService

ecs = AwsService("ecs", description="Elastic Container Service")
