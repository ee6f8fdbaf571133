"""The Route 53 service."""

from aws_api.core.service import AwsService

route53 = AwsService("route53", description="Route 53: hosted zones and their records", is_global=True)

#: The region of every row: Route 53 has one endpoint for all regions.
REGION = "aws-global"
