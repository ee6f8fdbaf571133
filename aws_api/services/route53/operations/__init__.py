"""The operations of Route 53, a module per family. https://docs.aws.amazon.com/Route53/latest/APIReference/API_Operations_Amazon_Route_53.html"""

from aws_api.services.route53.operations import health_checks, hosted_zones, record_sets, tags, vpcs

__all__ = ["health_checks", "hosted_zones", "record_sets", "tags", "vpcs"]
