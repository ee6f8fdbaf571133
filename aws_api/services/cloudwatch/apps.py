from aws_api.core.service import ServiceConfig


class CloudWatchConfig(ServiceConfig):
    name = "aws_api.services.cloudwatch"
