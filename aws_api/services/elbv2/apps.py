from aws_api.core.service import ServiceConfig


class Elbv2Config(ServiceConfig):
    name = "aws_api.services.elbv2"
