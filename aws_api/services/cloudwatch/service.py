"""The service's place in the registry."""

from aws_api.core.service import AwsService

cloudwatch = AwsService("cloudwatch", description="CloudWatch", signing_name="monitoring", iam_prefix="cloudwatch")
