from aws_api.core.service import ServiceConfig


class LogsConfig(ServiceConfig):
    name = "aws_api.services.logs"
