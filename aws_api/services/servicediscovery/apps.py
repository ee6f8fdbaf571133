from aws_api.core.service import ServiceConfig


class ServiceDiscoveryConfig(ServiceConfig):
    name = "aws_api.services.servicediscovery"
