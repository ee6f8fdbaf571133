"""The service's place in the registry."""

from aws_api.core.service import AwsService

logs = AwsService("logs", description="CloudWatch Logs")
