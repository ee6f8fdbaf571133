"""Internet gateways. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInternetGateway.html"""

from aws_api.core.context import Context
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.describe import describe_internet_gateway
from aws_api.services.ec2.errors import (
    DependencyViolation,
    GatewayNotAttached,
    InvalidParameterValue,
    ResourceAlreadyAssociated,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import ElasticIp, InternetGateway, Vpc
from aws_api.services.ec2.quotas import INTERNET_GATEWAYS, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake

FILTERS = FilterTable(
    {
        "attachment.state": "Attachments.State",
        "attachment.vpc-id": "Attachments.VpcId",
        "internet-gateway-id": "InternetGatewayId",
        "owner-id": "OwnerId",
    }
)


@operation
def create_internet_gateway(
    context: Context, request: shapes.CreateInternetGatewayRequest
) -> shapes.CreateInternetGatewayResult:
    """Make a gateway that is attached to nothing yet."""
    check_quota(INTERNET_GATEWAYS, rows_of(InternetGateway, context))
    gateway = InternetGateway.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(context, kinds.INTERNET_GATEWAY, InternetGateway, "InternetGatewayId"),
        tags=tags_for(kinds.INTERNET_GATEWAY, request),
    )
    return {"InternetGateway": describe_internet_gateway(gateway)}


@operation
def attach_internet_gateway(context: Context, request: shapes.AttachInternetGatewayRequest) -> None:
    """Give a VPC its one way to the internet."""
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    gateway = find(InternetGateway, context, request["InternetGatewayId"], locked=True)
    if gateway.vpc is not None:
        raise ResourceAlreadyAssociated(
            f"resource {gateway.resource_id} is already attached to network {gateway.vpc.resource_id}"
        )
    if InternetGateway.objects.filter(vpc=vpc).exists():
        raise InvalidParameterValue(f"Network {vpc.resource_id} already has an internet gateway attached")
    InternetGateway.objects.filter(pk=gateway.pk).update(vpc=vpc)
    wake(vpc)


@operation
def detach_internet_gateway(context: Context, request: shapes.DetachInternetGatewayRequest) -> None:
    """Take the way to the internet from a VPC in which nothing has a public address."""
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    gateway = find(InternetGateway, context, request["InternetGatewayId"], locked=True)
    if gateway.vpc != vpc:
        raise GatewayNotAttached(f"resource {gateway.resource_id} is not attached to network {vpc.resource_id}")
    # What a secondary address is mapped to, no interface's own column shows.
    is_mapped = ElasticIp.objects.filter(private_address__interface__vpc=vpc).exists()
    if is_mapped or vpc.network_interfaces.filter(public_address__isnull=False).exists():
        raise DependencyViolation(
            f"Network {vpc.resource_id} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway."
        )
    InternetGateway.objects.filter(pk=gateway.pk).update(vpc=None)
    wake(vpc)


@operation
def delete_internet_gateway(context: Context, request: shapes.DeleteInternetGatewayRequest) -> None:
    """Delete a gateway that is attached to nothing."""
    gateway = find_to_delete(InternetGateway, context, request["InternetGatewayId"])
    if gateway.vpc is not None:
        raise DependencyViolation(
            f"The internetGateway '{gateway.resource_id}' has dependencies and cannot be deleted."
        )
    gateway.delete()


@operation
def describe_internet_gateways(
    context: Context, request: shapes.DescribeInternetGatewaysRequest
) -> shapes.DescribeInternetGatewaysResult:
    """List gateways."""
    rows = rows_of(InternetGateway, context).select_related("vpc")
    gateways, next_token = listed(
        request, rows, ids_member="InternetGatewayIds", filters=FILTERS, describe=describe_internet_gateway
    )
    return {"InternetGateways": gateways, **next_token}
