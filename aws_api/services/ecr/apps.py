from aws_api.core.service import ServiceConfig


class EcrConfig(ServiceConfig):
    name = "aws_api.services.ecr"
