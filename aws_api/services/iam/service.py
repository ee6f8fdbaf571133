"""The IAM service."""

from aws_api.core.service import AwsService

iam = AwsService("iam", description="Identity and Access Management", is_global=True)

#: The region of every row: IAM has one endpoint for all regions.
REGION = "aws-global"
