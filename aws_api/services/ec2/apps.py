from aws_api.core.service import ServiceConfig


class Ec2Config(ServiceConfig):
    name = "aws_api.services.ec2"
