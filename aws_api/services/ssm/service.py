"""The service's place in the registry."""

from aws_api.core.service import AwsService

ssm = AwsService("ssm", description="Systems Manager Parameter Store")
