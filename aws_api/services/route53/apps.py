from aws_api.core.service import ServiceConfig


class Route53Config(ServiceConfig):
    name = "aws_api.services.route53"
