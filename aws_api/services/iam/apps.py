from aws_api.core.service import ServiceConfig


class IamConfig(ServiceConfig):
    name = "aws_api.services.iam"
