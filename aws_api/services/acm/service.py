"""The service acm."""

from aws_api.core.service import AwsService

acm = AwsService("acm", description="Certificate Manager: certificates for load balancers")
