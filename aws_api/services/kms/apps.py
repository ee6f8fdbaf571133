from aws_api.core.service import ServiceConfig


class KmsConfig(ServiceConfig):
    name = "aws_api.services.kms"
