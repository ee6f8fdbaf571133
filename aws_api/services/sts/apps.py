from aws_api.core.service import ServiceConfig


class StsConfig(ServiceConfig):
    name = "aws_api.services.sts"
