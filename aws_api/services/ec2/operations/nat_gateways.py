"""NAT gateways. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.addresses import is_address
from aws_api.services.ec2.describe import describe_nat_gateway, describe_nat_gateway_addresses
from aws_api.services.ec2.elastic_ips import associate, disassociate
from aws_api.services.ec2.errors import (
    InvalidAssociationIdNotFound,
    InvalidElasticIpIdNotFound,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    NatGatewayNotFound,
    UnsupportedOperation,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.interfaces import add_address, create_interface, delete_interface
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import ElasticIp, NatGateway, NetworkInterface, PrivateAddress, Subnet
from aws_api.services.ec2.quotas import NAT_GATEWAYS, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, required, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake

FILTERS = FilterTable(
    {
        "connectivity-type": "ConnectivityType",
        "nat-gateway-id": "NatGatewayId",
        "state": "State",
        "subnet-id": "SubnetId",
        "vpc-id": "VpcId",
    }
)
#: AWS's default quotas: two elastic IPs, eight private addresses.
MAX_PUBLIC_ADDRESSES = 2
MAX_PRIVATE_ADDRESSES = 8
_REQUESTER = "amazon-nat"


@operation
def create_nat_gateway(context: Context, request: shapes.CreateNatGatewayRequest) -> shapes.CreateNatGatewayResult:
    """Make a gateway in a subnet. Where AWS finds out later that it cannot work, it is described as failed."""
    if request.get("AvailabilityMode", "zonal") != "zonal" or request.get("AvailabilityZoneAddresses"):
        raise UnsupportedOperation("Simfra's NAT gateways are zonal: each is in a subnet.")
    subnet = find(Subnet, context, required(request, "SubnetId"), locked=True)
    check_quota(NAT_GATEWAYS, rows_of(NatGateway, context).filter(deleted_at=None))
    connectivity_type = request.get("ConnectivityType", "public")
    elastic_ips = _elastic_ips_for(context, request, is_public=connectivity_type == "public")
    gateway = NatGateway.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(context, kinds.NAT_GATEWAY, NatGateway, "NatGatewayId"),
        tags=tags_for(kinds.NAT_GATEWAY, request),
        vpc=subnet.vpc,
        subnet=subnet,
        connectivity_type=connectivity_type,
    )
    try:
        with transaction.atomic():
            _connect(context, gateway, _asked_addresses(request), elastic_ips)
    except AwsError as failure:
        gateway.interface = None
        gateway.document = {"FailureCode": failure.code, "FailureMessage": failure.message}
        gateway.deleted_at = context.clock.now()
        gateway.save(update_fields=["document", "deleted_at"])
    wake(subnet.vpc)
    answer: shapes.CreateNatGatewayResult = {
        "NatGateway": {**describe_nat_gateway(gateway), "State": "pending"},
    }
    if token := request.get("ClientToken"):
        answer["ClientToken"] = token
    return answer


@operation
def delete_nat_gateway(context: Context, request: shapes.DeleteNatGatewayRequest) -> shapes.DeleteNatGatewayResult:
    """Delete a gateway; its elastic IPs stay the account's. It is described as deleted for an hour."""
    gateway = _find_live(context, request["NatGatewayId"])
    addresses = describe_nat_gateway_addresses(gateway)
    interface = gateway.interface
    assert interface is not None
    for address in ElasticIp.objects.filter(private_address__interface=interface).select_related("private_address"):
        disassociate(address)
    kept = [{member: value for member, value in each.items() if member != "AssociationId"} for each in addresses]
    NatGateway.objects.filter(pk=gateway.pk).update(
        deleted_at=context.clock.now(), interface=None, document={"NatGatewayAddresses": kept}
    )
    delete_interface(interface)
    return {"NatGatewayId": gateway.resource_id}


@operation
def describe_nat_gateways(
    context: Context, request: shapes.DescribeNatGatewaysRequest
) -> shapes.DescribeNatGatewaysResult:
    """List gateways, those that were deleted within the last hour among them."""
    rows = (
        rows_of(NatGateway, context)
        .select_related("vpc", "subnet", "interface")
        .prefetch_related("interface__private_addresses__elastic_ip")
    )
    gateways, next_token = listed(
        {**request, "Filters": request.get("Filter")},
        rows,
        ids_member="NatGatewayIds",
        filters=FILTERS,
        describe=describe_nat_gateway,
    )
    return {"NatGateways": gateways, **next_token}


@operation
def associate_nat_gateway_address(
    context: Context, request: shapes.AssociateNatGatewayAddressRequest
) -> shapes.AssociateNatGatewayAddressResult:
    """Give a public gateway further elastic IPs, each with a private address of its own."""
    gateway = _find_live(context, request["NatGatewayId"], connectivity_type="public")
    asked = request.get("PrivateIpAddresses") or []
    elastic_ips = _find_elastic_ips(context, request["AllocationIds"])
    if asked and len(asked) != len(elastic_ips):
        raise InvalidParameterCombination("There must be as many private IP addresses as allocation IDs.")
    _check_count(gateway, len(elastic_ips), MAX_PUBLIC_ADDRESSES)
    assert gateway.interface is not None
    for place, address in enumerate(elastic_ips):
        associate(address, add_address(gateway.interface, asked[place] if asked else None))
    return {"NatGatewayId": gateway.resource_id, "NatGatewayAddresses": describe_nat_gateway_addresses(gateway)}


@operation
def disassociate_nat_gateway_address(
    context: Context, request: shapes.DisassociateNatGatewayAddressRequest
) -> shapes.DisassociateNatGatewayAddressResult:
    """Take further elastic IPs from a public gateway, and their private addresses."""
    gateway = _find_live(context, request["NatGatewayId"], connectivity_type="public")
    taken = []
    for association_id in request["AssociationIds"]:
        address = (
            ElasticIp.objects.filter(association_id=association_id, private_address__interface=gateway.interface)
            .select_related("private_address__interface")
            .first()
        )
        if address is None or address.private_address is None:
            raise InvalidAssociationIdNotFound(f"The association ID '{association_id}' does not exist")
        if address.private_address.primary:
            raise InvalidParameterValue("The primary address of a NAT gateway cannot be disassociated.")
        taken.append(address)
    answer = [
        each
        for each in describe_nat_gateway_addresses(gateway)
        if each.get("AssociationId") in request["AssociationIds"]
    ]
    for address in taken:
        private = address.private_address
        assert private is not None
        disassociate(address)
        private.delete()
    return {
        "NatGatewayId": gateway.resource_id,
        "NatGatewayAddresses": [{**each, "Status": "disassociating"} for each in answer],
    }


@operation
def assign_private_nat_gateway_address(
    context: Context, request: shapes.AssignPrivateNatGatewayAddressRequest
) -> shapes.AssignPrivateNatGatewayAddressResult:
    """Give a private gateway further addresses."""
    gateway = _find_live(context, request["NatGatewayId"], connectivity_type="private")
    asked: list[str | None] = [*(request.get("PrivateIpAddresses") or [])]
    asked = asked or [None] * request.get("PrivateIpAddressCount", 0)
    if not asked:
        raise MissingParameter("The request must contain the parameter privateIpAddresses or privateIpAddressCount")
    _check_count(gateway, len(asked), MAX_PRIVATE_ADDRESSES)
    assert gateway.interface is not None
    for address in asked:
        add_address(gateway.interface, address)
    wake(gateway.vpc)
    return {"NatGatewayId": gateway.resource_id, "NatGatewayAddresses": describe_nat_gateway_addresses(gateway)}


@operation
def unassign_private_nat_gateway_address(
    context: Context, request: shapes.UnassignPrivateNatGatewayAddressRequest
) -> shapes.UnassignPrivateNatGatewayAddressResult:
    """Take further addresses from a private gateway."""
    gateway = _find_live(context, request["NatGatewayId"], connectivity_type="private")
    wanted = [address for address in request["PrivateIpAddresses"] if is_address(address)]
    rows = PrivateAddress.objects.filter(interface=gateway.interface, address__in=wanted)
    if rows.filter(primary=True).exists():
        raise InvalidParameterValue("The primary address of a NAT gateway cannot be unassigned.")
    if not wanted or rows.count() != len(set(request["PrivateIpAddresses"])):
        raise InvalidParameterValue("Some of the specified addresses are not assigned to the NAT gateway")
    answer = [each for each in describe_nat_gateway_addresses(gateway) if each.get("PrivateIp") in wanted]
    rows.delete()
    wake(gateway.vpc)
    return {
        "NatGatewayId": gateway.resource_id,
        "NatGatewayAddresses": [{**each, "Status": "unassigning"} for each in answer],
    }


def _find_live(context: Context, nat_gateway_id: str, *, connectivity_type: str | None = None) -> NatGateway:
    """The gateway of an id, locked; one that was deleted or never worked does not count."""
    gateway = find(NatGateway, context, nat_gateway_id, locked=True)
    if gateway.interface is None:
        raise NatGatewayNotFound(f"The Nat Gateway {nat_gateway_id} was not found")
    if connectivity_type not in (None, gateway.connectivity_type):
        raise InvalidParameterValue(f"The NAT gateway {nat_gateway_id} is not {connectivity_type}.")
    return gateway


def _elastic_ips_for(context: Context, request: Mapping[str, Any], *, is_public: bool) -> list[ElasticIp]:
    """The elastic IPs of a gateway to be, its primary address's first."""
    allocation_id = request.get("AllocationId")
    secondary: list[str] = request.get("SecondaryAllocationIds") or []
    if not is_public:
        if allocation_id or secondary:
            raise InvalidParameterCombination("The AllocationId parameter is not supported for private NAT gateways.")
        return []
    if request.get("SecondaryPrivateIpAddressCount"):
        raise InvalidParameterCombination(
            "The SecondaryPrivateIpAddressCount parameter is only supported for private NAT gateways."
        )
    if not allocation_id:
        raise MissingParameter("The request must contain the parameter allocationId")
    if len(secondary) >= MAX_PUBLIC_ADDRESSES:
        raise InvalidParameterValue(f"A NAT gateway has at most {MAX_PUBLIC_ADDRESSES} elastic IPs.")
    return _find_elastic_ips(context, [allocation_id, *secondary])


def _find_elastic_ips(context: Context, allocation_ids: Sequence[str]) -> list[ElasticIp]:
    rows = rows_of(ElasticIp, context).filter(resource_id__in=allocation_ids)
    found = {row.resource_id: row for row in rows.select_for_update().order_by("pk")}
    for allocation_id in allocation_ids:
        if allocation_id not in found:
            raise InvalidElasticIpIdNotFound(f"The elastic-ip ID '{allocation_id}' does not exist")
    return [found[allocation_id] for allocation_id in allocation_ids]


def _asked_addresses(request: Mapping[str, Any]) -> list[str | None]:
    """The private addresses asked for, the primary one first; None where any will do."""
    asked = request.get("SecondaryPrivateIpAddresses") or []
    secondary = len(request.get("SecondaryAllocationIds") or []) or request.get("SecondaryPrivateIpAddressCount") or 0
    missing_ones = max(0, secondary - len(asked))
    addresses = [request.get("PrivateIpAddress"), *asked, *[None] * missing_ones]
    if len(addresses) > MAX_PRIVATE_ADDRESSES:
        raise InvalidParameterValue(f"A NAT gateway has at most {MAX_PRIVATE_ADDRESSES} private IP addresses.")
    return addresses


def _connect(
    context: Context, gateway: NatGateway, addresses: Sequence[str | None], elastic_ips: Sequence[ElasticIp]
) -> None:
    """Put the gateway's interface into its subnet, and its elastic IPs on it."""
    interface = create_interface(
        context,
        subnet=gateway.subnet,
        groups=(),
        description=f"Interface for NAT Gateway {gateway.resource_id}",
        addresses=addresses,
        requester_id=_REQUESTER,
        interface_type="nat_gateway",
    )
    private = list(interface.private_addresses.order_by("-primary", "pk"))
    for address, target in zip(elastic_ips, private, strict=False):
        associate(address, target)
    gateway.interface = NetworkInterface.objects.get(pk=interface.pk)
    gateway.save(update_fields=["interface"])


def _check_count(gateway: NatGateway, more: int, maximum: int) -> None:
    assert gateway.interface is not None
    if gateway.interface.private_addresses.count() + more > maximum:
        raise InvalidParameterValue(f"A NAT gateway of this type has at most {maximum} addresses.")
