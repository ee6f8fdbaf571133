"""The service's place in the registry."""

from aws_api.core.service import AwsService

application_autoscaling = AwsService("application-autoscaling", description="Application Auto Scaling")
