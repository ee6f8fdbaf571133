"""What AWS offers besides and Simfra's VPCs have not: told as being off.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcBlockPublicAccessOptions.html
"""

from aws_api.core.context import Context
from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe import describe_tags
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed_shapes
from aws_api.services.ec2.models import Vpc
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import narrowed, rows_of

CLASSIC_LINK_FILTERS = FilterTable({"is-classic-link-enabled": "ClassicLinkEnabled", "vpc-id": "VpcId"})
_EXCLUSION_FILTERS = FilterTable(
    {
        "resource-arn": "ResourceArn",
        "internet-gateway-exclusion-mode": "InternetGatewayExclusionMode",
        "state": "State",
    }
)


@operation
def describe_vpc_block_public_access_options(
    context: Context, _request: shapes.DescribeVpcBlockPublicAccessOptionsRequest
) -> shapes.DescribeVpcBlockPublicAccessOptionsResult:
    """Tell that nothing is blocked."""
    return {
        "VpcBlockPublicAccessOptions": {
            "AwsAccountId": context.account_id,
            "AwsRegion": context.region,
            "State": "default-state",
            "InternetGatewayBlockMode": "off",
            "ManagedBy": "account",
            "ExclusionsAllowed": "allowed",
        }
    }


@operation
def describe_vpc_block_public_access_exclusions(
    _context: Context, request: shapes.DescribeVpcBlockPublicAccessExclusionsRequest
) -> shapes.DescribeVpcBlockPublicAccessExclusionsResult:
    """List what is excluded from the blocking: nothing."""
    none: list[shapes.VpcBlockPublicAccessExclusion] = []
    exclusions, next_token = listed_shapes(request, none, filters=_EXCLUSION_FILTERS)
    return {"VpcBlockPublicAccessExclusions": exclusions, **next_token}


@operation
def describe_vpc_classic_link(
    context: Context, request: shapes.DescribeVpcClassicLinkRequest
) -> shapes.DescribeVpcClassicLinkResult:
    """Tell of each VPC that it is not linked to EC2-Classic, which AWS retired."""
    rows = rows_of(Vpc, context).order_by("pk")
    vpcs = narrowed(rows, ids) if (ids := request.get("VpcIds")) else list(rows)
    described: list[shapes.VpcClassicLink] = [
        {"VpcId": vpc.resource_id, "ClassicLinkEnabled": False, "Tags": describe_tags(vpc.tags)} for vpc in vpcs
    ]
    wanted = CLASSIC_LINK_FILTERS.predicate(request.get("Filters"))
    return {"Vpcs": [vpc for vpc in described if wanted(vpc)]}


@operation
def describe_vpc_classic_link_dns_support(
    context: Context, request: shapes.DescribeVpcClassicLinkDnsSupportRequest
) -> shapes.DescribeVpcClassicLinkDnsSupportResult:
    """The same for its names."""
    rows = rows_of(Vpc, context).order_by("pk")
    vpcs = narrowed(rows, ids) if (ids := request.get("VpcIds")) else list(rows)
    described: list[shapes.ClassicLinkDnsSupport] = [
        {"VpcId": vpc.resource_id, "ClassicLinkDnsSupported": False} for vpc in vpcs
    ]
    page, next_token = listed_shapes(request, described, filters=FilterTable({}))
    return {"Vpcs": page, **next_token}
