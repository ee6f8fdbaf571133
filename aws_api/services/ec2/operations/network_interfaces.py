"""Network interfaces. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html"""

from aws_api.core.context import Context
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.describe import describe_attachment, describe_network_interface
from aws_api.services.ec2.errors import (
    AuthFailure,
    InvalidParameterCombination,
    InvalidParameterValue,
    UnsupportedOperation,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.interfaces import MAX_ADDRESSES, create_interface, delete_interface, groups_for_interface
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import NetworkInterface, Subnet
from aws_api.services.ec2.quotas import NETWORK_INTERFACES, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, hold, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake_around

FILTERS = FilterTable(
    {
        "addresses.association.owner-id": "PrivateIpAddresses.Association.IpOwnerId",
        "addresses.association.public-ip": "PrivateIpAddresses.Association.PublicIp",
        "addresses.primary": "PrivateIpAddresses.Primary",
        "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
        "association.allocation-id": "Association.AllocationId",
        "association.association-id": "Association.AssociationId",
        "association.ip-owner-id": "Association.IpOwnerId",
        "association.public-dns-name": "Association.PublicDnsName",
        "association.public-ip": "Association.PublicIp",
        "attachment.attachment-id": "Attachment.AttachmentId",
        "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
        "attachment.device-index": "Attachment.DeviceIndex",
        "attachment.instance-id": "Attachment.InstanceId",
        "attachment.instance-owner-id": "Attachment.InstanceOwnerId",
        "attachment.status": "Attachment.Status",
        "availability-zone": "AvailabilityZone",
        "availability-zone-id": "AvailabilityZoneId",
        "description": "Description",
        "group-id": "Groups.GroupId",
        "group-name": "Groups.GroupName",
        "interface-type": "InterfaceType",
        "ipv6-addresses.ipv6-address": "Ipv6Addresses.Ipv6Address",
        "mac-address": "MacAddress",
        "network-interface-id": "NetworkInterfaceId",
        "owner-id": "OwnerId",
        "private-dns-name": "PrivateDnsName",
        "private-ip-address": "PrivateIpAddress",
        "requester-id": "RequesterId",
        "requester-managed": "RequesterManaged",
        "source-dest-check": "SourceDestCheck",
        "status": "Status",
        "subnet-id": "SubnetId",
        "vpc-id": "VpcId",
    }
)
MAX_DESCRIPTION_LENGTH = 255
_UNSUPPORTED = (
    "EnablePrimaryIpv6",
    "Ipv4PrefixCount",
    "Ipv4Prefixes",
    "Ipv6AddressCount",
    "Ipv6Addresses",
    "Ipv6PrefixCount",
    "Ipv6Prefixes",
)


@operation
def create_network_interface(
    context: Context, request: shapes.CreateNetworkInterfaceRequest
) -> shapes.CreateNetworkInterfaceResult:
    """Make an interface in a subnet, with the addresses asked for or free ones."""
    for member in _UNSUPPORTED:
        if request.get(member):
            raise UnsupportedOperation(f"Simfra's interfaces have single IPv4 addresses: no {member}.")
    subnet = find(Subnet, context, request["SubnetId"])
    check_quota(NETWORK_INTERFACES, rows_of(NetworkInterface, context))
    interface = create_interface(
        context,
        subnet=subnet,
        groups=groups_for_interface(context, subnet.vpc, request.get("Groups") or []),
        description=_checked_description(request.get("Description", "")),
        resource_id=demanded_id(context, kinds.NETWORK_INTERFACE, NetworkInterface, "NetworkInterfaceId"),
        addresses=_asked_addresses(request),
        tags=tags_for(kinds.NETWORK_INTERFACE, request),
    )
    answer: shapes.CreateNetworkInterfaceResult = {"NetworkInterface": describe_network_interface(interface)}
    if token := request.get("ClientToken"):
        answer["ClientToken"] = token
    return answer


@operation
def delete_network_interface(context: Context, request: shapes.DeleteNetworkInterfaceRequest) -> None:
    """Delete an interface that nothing uses."""
    interface = find_to_delete(NetworkInterface, context, request["NetworkInterfaceId"])
    if interface.in_use:
        raise InvalidParameterValue(f"Network interface '{interface.resource_id}' is currently in use.")
    delete_interface(interface)


@operation
def describe_network_interfaces(
    context: Context, request: shapes.DescribeNetworkInterfacesRequest
) -> shapes.DescribeNetworkInterfacesResult:
    """List interfaces, those of tasks among them."""
    rows = (
        rows_of(NetworkInterface, context)
        .select_related("subnet", "vpc")
        .prefetch_related("groups", "private_addresses__elastic_ip")
    )
    interfaces, next_token = listed(
        request, rows, ids_member="NetworkInterfaceIds", filters=FILTERS, describe=describe_network_interface
    )
    return {"NetworkInterfaces": interfaces, **next_token}


@operation
def describe_network_interface_attribute(
    context: Context, request: shapes.DescribeNetworkInterfaceAttributeRequest
) -> shapes.DescribeNetworkInterfaceAttributeResult:
    """Tell one attribute."""
    interface = find(NetworkInterface, context, request["NetworkInterfaceId"])
    answer: shapes.DescribeNetworkInterfaceAttributeResult = {"NetworkInterfaceId": interface.resource_id}
    match request.get("Attribute"):
        case "description":
            answer["Description"] = {"Value": interface.description}
        case "groupSet":
            answer["Groups"] = describe_network_interface(interface)["Groups"]
        case "sourceDestCheck":
            answer["SourceDestCheck"] = {"Value": interface.source_dest_check}
        case "attachment":
            if interface.in_use:
                answer["Attachment"] = describe_attachment(interface)
        case "associatePublicIpAddress":
            answer["AssociatePublicIpAddress"] = interface.public_address is not None
        case None:
            raise InvalidParameterCombination("No attributes specified.")
    return answer


@operation
def modify_network_interface_attribute(
    context: Context, request: shapes.ModifyNetworkInterfaceAttributeRequest
) -> None:
    """Set the description, the source/destination check, or the security groups."""
    interface = find(NetworkInterface, context, request["NetworkInterfaceId"], locked=True)
    if interface.is_requester_managed:
        raise AuthFailure("You do not have permission to access the specified resource.")
    members = [member for member in request if member not in ("NetworkInterfaceId", "DryRun")]
    if len(members) != 1:
        raise InvalidParameterCombination(
            "Fields for multiple attribute types specified" if members else "No attributes"
        )
    rows = NetworkInterface.objects.filter(pk=interface.pk)
    match members[0]:
        case "Description":
            rows.update(description=_checked_description(request["Description"].get("Value", "")))
        case "SourceDestCheck":
            rows.update(source_dest_check=request["SourceDestCheck"].get("Value", True))
            wake_around(interface)
        case "Groups":
            groups = groups_for_interface(context, interface.vpc, request["Groups"])
            hold(groups)
            wake_around(interface)
            interface.groups.set(groups)
            wake_around(interface)
        case other:
            raise UnsupportedOperation(f"Simfra's interfaces have no attribute {other}.")


@operation
def reset_network_interface_attribute(context: Context, request: shapes.ResetNetworkInterfaceAttributeRequest) -> None:
    """Set the source/destination check again."""
    interface = find(NetworkInterface, context, request["NetworkInterfaceId"], locked=True)
    if interface.is_requester_managed:
        raise AuthFailure("You do not have permission to access the specified resource.")
    if "SourceDestCheck" not in request:
        raise InvalidParameterCombination("No attributes specified.")
    NetworkInterface.objects.filter(pk=interface.pk).update(source_dest_check=True)
    wake_around(interface)


def _asked_addresses(request: shapes.CreateNetworkInterfaceRequest) -> list[str | None]:
    """The addresses asked for, the primary one first; None where any will do."""
    primary = request.get("PrivateIpAddress")
    secondary: list[str | None] = [None] * request.get("SecondaryPrivateIpAddressCount", 0)
    for asked in request.get("PrivateIpAddresses", []):
        if not asked.get("Primary"):
            secondary.append(asked.get("PrivateIpAddress"))
        elif primary:
            raise InvalidParameterCombination("Only one primary private IP address can be specified.")
        else:
            primary = asked.get("PrivateIpAddress")
    if len(secondary) + 1 > MAX_ADDRESSES:
        raise InvalidParameterValue(f"The maximum number of private IP addresses per interface is {MAX_ADDRESSES}.")
    return [primary, *secondary]


def _checked_description(text: str) -> str:
    if len(text) > MAX_DESCRIPTION_LENGTH:
        raise InvalidParameterValue(f"The description exceeds {MAX_DESCRIPTION_LENGTH} characters.")
    return text
