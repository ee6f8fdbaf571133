"""The service elbv2."""

from aws_api.core.service import AwsService

elbv2 = AwsService(
    "elbv2",
    description="Elastic Load Balancing: application and network load balancers",
    signing_name="elasticloadbalancing",
    api_version="2015-12-01",
)
