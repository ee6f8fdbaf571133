"""The service's place in the registry."""

from aws_api.core.service import AwsService

sqs = AwsService("sqs", description="Simple Queue Service")
