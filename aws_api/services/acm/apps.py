from aws_api.core.service import ServiceConfig


class AcmConfig(ServiceConfig):
    name = "aws_api.services.acm"
