"""Elastic IPs: public addresses that an account keeps.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html
"""

from typing import Any

from aws_api.core.context import Context
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.addresses import is_address
from aws_api.services.ec2.describe import describe_address, describe_address_attribute
from aws_api.services.ec2.elastic_ips import associate, disassociate
from aws_api.services.ec2.errors import (
    AuthFailure,
    InvalidAddressNotFound,
    InvalidAssociationIdNotFound,
    InvalidIpAddressInUse,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    UnsupportedOperation,
    missing,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.interfaces import take_public_address
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import ElasticIp, NetworkInterface
from aws_api.services.ec2.quotas import ADDRESSES, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, required, rows_of
from aws_api.services.ec2.tagging import tags_for

FILTERS = FilterTable(
    {
        "allocation-id": "AllocationId",
        "association-id": "AssociationId",
        "domain": "Domain",
        "instance-id": "InstanceId",
        "network-border-group": "NetworkBorderGroup",
        "network-interface-id": "NetworkInterfaceId",
        "network-interface-owner-id": "NetworkInterfaceOwnerId",
        "private-ip-address": "PrivateIpAddress",
        "public-ip": "PublicIp",
        "service-managed": "ServiceManaged",
    }
)


@operation
def allocate_address(context: Context, request: shapes.AllocateAddressRequest) -> shapes.AllocateAddressResult:
    """Give the account an address, the one asked for where nobody has it."""
    if request.get("Domain", "vpc") != "vpc":
        raise InvalidParameterValue(f"Invalid value '{request['Domain']}' for domain.")
    for member in ("CustomerOwnedIpv4Pool", "IpamPoolId"):
        if request.get(member):
            raise UnsupportedOperation(f"Simfra's elastic IPs are of Amazon's pool: no {member}.")
    if request.get("PublicIpv4Pool", "amazon") != "amazon":
        raise InvalidParameterValue(f"The IPv4 pool ID '{request['PublicIpv4Pool']}' does not exist")
    check_quota(ADDRESSES, rows_of(ElasticIp, context))
    row = ElasticIp.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(context, kinds.ELASTIC_IP, ElasticIp, "AllocationId"),
        tags=tags_for(kinds.ELASTIC_IP, request),
        public_address=take_public_address(request.get("Address")),
    )
    return {
        "AllocationId": row.resource_id,
        "PublicIp": row.public_address,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": context.region,
        "Domain": "vpc",
    }


@operation
def release_address(context: Context, request: shapes.ReleaseAddressRequest) -> None:
    """Give an address back that nothing is associated with."""
    address = _asked_address(context, request, to_delete=True)
    if address.private_address is not None:
        if address.private_address.interface.is_requester_managed:
            raise AuthFailure("You do not have permission to access the specified resource.")
        raise InvalidIpAddressInUse(f"Address {address.public_address} is in use.")
    address.delete()


@operation
def associate_address(context: Context, request: shapes.AssociateAddressRequest) -> shapes.AssociateAddressResult:
    """Make an address lead to a private address of an interface."""
    address = _asked_address(context, request)
    if instance_id := request.get("InstanceId"):
        raise missing(kinds.INSTANCE, [instance_id])
    interface = find(NetworkInterface, context, required(request, "NetworkInterfaceId"), locked=True)
    if interface.is_requester_managed:
        raise AuthFailure("You do not have permission to access the specified resource.")
    target = _asked_private_address(interface, request.get("PrivateIpAddress"))
    # EC2 moves only where it is told that it may.
    return {"AssociationId": associate(address, target, may_move=request.get("AllowReassociation", False))}


@operation
def disassociate_address(context: Context, request: shapes.DisassociateAddressRequest) -> None:
    """Make an address lead nowhere."""
    address = _associated_address(context, request)
    assert address.private_address is not None
    if address.private_address.interface.is_requester_managed:
        raise AuthFailure("You do not have permission to access the specified resource.")
    disassociate(address)


@operation
def describe_addresses(context: Context, request: shapes.DescribeAddressesRequest) -> shapes.DescribeAddressesResult:
    """List the account's addresses."""
    rows = rows_of(ElasticIp, context).select_related("private_address__interface")
    if public := request.get("PublicIps"):
        rows = rows.filter(public_address__in=filter(is_address, public))
        found = set(rows.values_list("public_address", flat=True))
        for each in public:
            if each not in found:
                raise InvalidAddressNotFound(f"Address '{each}' not found.")
    addresses, _ = listed(request, rows, ids_member="AllocationIds", filters=FILTERS, describe=describe_address)
    return {"Addresses": addresses}


@operation
def describe_addresses_attribute(
    context: Context, request: shapes.DescribeAddressesAttributeRequest
) -> shapes.DescribeAddressesAttributeResult:
    """List the reverse DNS names of addresses that have one."""
    rows = rows_of(ElasticIp, context)
    if not request.get("AllocationIds"):
        rows = rows.exclude(domain_name="")
    addresses, next_token = listed(
        request,
        rows,
        ids_member="AllocationIds",
        filters=FilterTable({}),
        describe=describe_address_attribute,
    )
    return {"Addresses": [each for each in addresses if each.get("PtrRecord")], **next_token}


@operation
def modify_address_attribute(
    context: Context, request: shapes.ModifyAddressAttributeRequest
) -> shapes.ModifyAddressAttributeResult:
    """Set the reverse DNS name of an address; no resolver of Simfra's answers it."""
    address = find(ElasticIp, context, request["AllocationId"], locked=True)
    address.domain_name = required(request, "DomainName").rstrip(".") + "."
    ElasticIp.objects.filter(pk=address.pk).update(domain_name=address.domain_name)
    return {"Address": describe_address_attribute(address)}


@operation
def reset_address_attribute(
    context: Context, request: shapes.ResetAddressAttributeRequest
) -> shapes.ResetAddressAttributeResult:
    """Take the reverse DNS name of an address away."""
    address = find(ElasticIp, context, request["AllocationId"], locked=True)
    address.domain_name = ""
    ElasticIp.objects.filter(pk=address.pk).update(domain_name="")
    return {"Address": describe_address_attribute(address)}


def _asked_address(context: Context, request: Any, *, to_delete: bool = False) -> ElasticIp:
    """The address that a request names by its allocation or by itself, locked."""
    if allocation_id := request.get("AllocationId"):
        look = find_to_delete if to_delete else find
        locked = look(ElasticIp, context, allocation_id)
        return ElasticIp.objects.select_related("private_address__interface").get(pk=locked.pk)
    public = request.get("PublicIp")
    if not public:
        raise MissingParameter("Either public IP or allocation id must be specified")
    if not is_address(public):
        raise _bad_address(public)
    rows = rows_of(ElasticIp, context).filter(public_address=public)
    row = rows.select_for_update(of=("self",)).select_related("private_address__interface").first()
    if row is None:
        raise InvalidAddressNotFound(f"Address '{public}' not found.")
    return row


def _associated_address(context: Context, request: Any) -> ElasticIp:
    association_id, public = request.get("AssociationId"), request.get("PublicIp")
    if not association_id and not public:
        raise MissingParameter("Either public IP or association id must be specified")
    if not association_id and not is_address(public):
        raise _bad_address(public)
    rows = rows_of(ElasticIp, context).filter(private_address__isnull=False)
    rows = rows.filter(association_id=association_id) if association_id else rows.filter(public_address=public)
    row = rows.select_for_update(of=("self",)).select_related("private_address__interface__vpc").first()
    if row is None:
        if association_id:
            raise InvalidAssociationIdNotFound(f"The association ID '{association_id}' does not exist")
        raise InvalidAddressNotFound(f"Address '{public}' not found.")
    return row


def _bad_address(text: str) -> Exception:
    return InvalidParameterValue(f"Invalid value '{text}' for IP address. It is not a well-formed IPv4 address.")


def _asked_private_address(interface: NetworkInterface, asked: str | None) -> Any:
    rows = interface.private_addresses.all()
    if asked and not is_address(asked):
        raise _bad_address(asked)
    found = rows.filter(address=asked).first() if asked else rows.filter(primary=True).first()
    if found is None:
        raise InvalidParameterCombination(
            f"The private IP address {asked} is not assigned to the interface {interface.resource_id}"
        )
    return found
