"""The service's place in the registry."""

from aws_api.core.service import AwsService

kms = AwsService("kms", description="Key Management Service")
