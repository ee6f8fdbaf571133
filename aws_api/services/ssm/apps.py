from aws_api.core.service import ServiceConfig


class SsmConfig(ServiceConfig):
    name = "aws_api.services.ssm"
