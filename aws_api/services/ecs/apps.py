from aws_api.core.service import ServiceConfig


class EcsConfig(ServiceConfig):
    name = "aws_api.services.ecs"
