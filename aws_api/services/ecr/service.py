"""The ECR service."""

from aws_api.core.service import AwsService

ecr = AwsService("ecr", description="Elastic Container Registry")
