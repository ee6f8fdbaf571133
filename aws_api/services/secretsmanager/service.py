"""The service's place in the registry."""

from aws_api.core.service import AwsService

secretsmanager = AwsService("secretsmanager", description="Secrets Manager")
