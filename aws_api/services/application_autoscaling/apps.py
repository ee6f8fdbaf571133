from aws_api.core.service import ServiceConfig


class ApplicationAutoScalingConfig(ServiceConfig):
    name = "aws_api.services.application_autoscaling"
