"""The STS service."""

from aws_api.core.service import AwsService

sts = AwsService("sts", description="Security Token Service", is_global=True)
