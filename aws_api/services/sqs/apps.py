from aws_api.core.service import ServiceConfig


class SqsConfig(ServiceConfig):
    name = "aws_api.services.sqs"
