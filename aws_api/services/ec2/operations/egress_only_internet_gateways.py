"""Egress-only internet gateways, kept as they are made: they are for IPv6, which Simfra's VPCs lack.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateEgressOnlyInternetGateway.html
"""

from aws_api.core.context import Context
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.describe import describe_egress_only_internet_gateway
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import EgressOnlyInternetGateway, Vpc
from aws_api.services.ec2.quotas import EGRESS_ONLY_INTERNET_GATEWAYS, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, rows_of
from aws_api.services.ec2.tagging import tags_for

#: EC2 takes those of tags only.
FILTERS = FilterTable({})


@operation
def create_egress_only_internet_gateway(
    context: Context, request: shapes.CreateEgressOnlyInternetGatewayRequest
) -> shapes.CreateEgressOnlyInternetGatewayResult:
    """Make a gateway of a VPC."""
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    check_quota(EGRESS_ONLY_INTERNET_GATEWAYS, rows_of(EgressOnlyInternetGateway, context))
    gateway = EgressOnlyInternetGateway.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(
            context, kinds.EGRESS_ONLY_INTERNET_GATEWAY, EgressOnlyInternetGateway, "EgressOnlyInternetGatewayId"
        ),
        tags=tags_for(kinds.EGRESS_ONLY_INTERNET_GATEWAY, request),
        vpc=vpc,
    )
    answer: shapes.CreateEgressOnlyInternetGatewayResult = {
        "EgressOnlyInternetGateway": describe_egress_only_internet_gateway(gateway)
    }
    if token := request.get("ClientToken"):
        answer["ClientToken"] = token
    return answer


@operation
def delete_egress_only_internet_gateway(
    context: Context, request: shapes.DeleteEgressOnlyInternetGatewayRequest
) -> shapes.DeleteEgressOnlyInternetGatewayResult:
    """Delete a gateway; routes to it lead nowhere then."""
    find_to_delete(EgressOnlyInternetGateway, context, request["EgressOnlyInternetGatewayId"]).delete()
    return {"ReturnCode": True}


@operation
def describe_egress_only_internet_gateways(
    context: Context, request: shapes.DescribeEgressOnlyInternetGatewaysRequest
) -> shapes.DescribeEgressOnlyInternetGatewaysResult:
    """List gateways."""
    gateways, next_token = listed(
        request,
        rows_of(EgressOnlyInternetGateway, context).select_related("vpc"),
        ids_member="EgressOnlyInternetGatewayIds",
        filters=FILTERS,
        describe=describe_egress_only_internet_gateway,
    )
    return {"EgressOnlyInternetGateways": gateways, **next_token}
