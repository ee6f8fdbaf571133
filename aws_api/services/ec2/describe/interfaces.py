"""Network interfaces and their addresses as AWS's shapes."""

from typing import NotRequired, TypedDict, cast

from aws_api.core.sidecars import private_dns_name
from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.models import ElasticIp, NetworkInterface, NetworkInterfacePermission, PrivateAddress
from aws_api.services.ec2.zones import find_zone, public_domain

#: Who owns the instances that AWS's own services attach interfaces to.
_SERVICE_OWNER = "amazon-aws"


class _Associated(TypedDict):
    Association: NotRequired[shapes.NetworkInterfaceAssociation]


def describe_network_interface(interface: NetworkInterface) -> shapes.NetworkInterface:
    subnet = interface.subnet
    zone = find_zone(interface.region, name=subnet.availability_zone)
    address = interface.private_address
    rows = sorted(interface.private_addresses.all(), key=lambda row: (not row.primary, row.pk))
    association = _association(interface, rows[0])
    shape: shapes.NetworkInterface = {
        "NetworkInterfaceId": interface.resource_id,
        "OwnerId": interface.account_id,
        "VpcId": interface.vpc.resource_id,
        "SubnetId": subnet.resource_id,
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": zone.zone_id if zone else "",
        "Description": interface.description,
        "Groups": [
            {"GroupId": group.resource_id, "GroupName": group.group_name}
            for group in sorted(interface.groups.all(), key=lambda group: group.pk)
        ],
        "InterfaceType": cast(shapes.NetworkInterfaceType, interface.interface_type),
        "Ipv6Addresses": [],
        "MacAddress": interface.mac_address,
        "PrivateDnsName": private_dns_name(address, interface.region),
        "PrivateIpAddress": address,
        "PrivateIpAddresses": [
            {
                "Primary": row.primary,
                "PrivateIpAddress": str(row.address),
                "PrivateDnsName": private_dns_name(str(row.address), interface.region),
                **_association_member(interface, row),
            }
            for row in rows
        ],
        "RequesterManaged": interface.is_requester_managed,
        "SourceDestCheck": interface.source_dest_check,
        "Status": "in-use" if interface.in_use else "available",
        "TagSet": describe_tags(interface.tags),
    }
    if interface.requester_id:
        shape["RequesterId"] = interface.requester_id
    if association:
        shape["Association"] = association
    if interface.in_use:
        shape["Attachment"] = describe_attachment(interface)
    return shape


def describe_attachment(interface: NetworkInterface) -> shapes.NetworkInterfaceAttachment:
    """How an interface in use is attached: to a container that a service of AWS's runs."""
    return {
        "AttachmentId": interface.attachment_id,
        "AttachTime": interface.created_at,
        "DeleteOnTermination": False,
        "DeviceIndex": 1,
        "NetworkCardIndex": 0,
        "InstanceOwnerId": _SERVICE_OWNER,
        "Status": "attached",
    }


def describe_address(address: ElasticIp) -> shapes.Address:
    shape: shapes.Address = {
        "AllocationId": address.resource_id,
        "PublicIp": address.public_address,
        "Domain": "vpc",
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": address.region,
        "Tags": describe_tags(address.tags),
    }
    if (private := address.private_address) is not None:
        shape |= {
            "AssociationId": address.association_id,
            "NetworkInterfaceId": private.interface.resource_id,
            "NetworkInterfaceOwnerId": private.interface.account_id,
            "PrivateIpAddress": str(private.address),
        }
    return shape


def describe_address_attribute(address: ElasticIp) -> shapes.AddressAttribute:
    shape: shapes.AddressAttribute = {"PublicIp": address.public_address, "AllocationId": address.resource_id}
    if address.domain_name:
        shape["PtrRecord"] = address.domain_name
    return shape


def describe_interface_permission(row: NetworkInterfacePermission) -> shapes.NetworkInterfacePermission:
    shape: shapes.NetworkInterfacePermission = {
        "NetworkInterfacePermissionId": row.resource_id,
        "NetworkInterfaceId": row.interface.resource_id,
        "Permission": cast(shapes.InterfacePermissionType, row.permission),
        "PermissionState": {"State": "granted"},
    }
    if row.grantee_account_id:
        shape["AwsAccountId"] = row.grantee_account_id
    if row.grantee_service:
        shape["AwsService"] = row.grantee_service
    return shape


def elastic_ip_of(row: PrivateAddress) -> ElasticIp | None:
    """The elastic IP that leads to a private address."""
    found: ElasticIp | None = getattr(row, "elastic_ip", None)
    return found


def _association_member(interface: NetworkInterface, row: PrivateAddress) -> _Associated:
    association = _association(interface, row)
    return {"Association": association} if association else {}


def _association(interface: NetworkInterface, row: PrivateAddress) -> shapes.NetworkInterfaceAssociation | None:
    """What a private address is to the internet: an elastic IP, or an address of Amazon's pool."""
    elastic_ip = elastic_ip_of(row)
    if elastic_ip is None and (not row.primary or interface.public_address is None):
        return None
    address = elastic_ip.public_address if elastic_ip else interface.public_address
    association: shapes.NetworkInterfaceAssociation = {"IpOwnerId": "amazon", "PublicIp": str(address)}
    if elastic_ip is not None:
        association |= {
            "IpOwnerId": elastic_ip.account_id,
            "AllocationId": elastic_ip.resource_id,
            "AssociationId": elastic_ip.association_id,
        }
    if interface.vpc.enable_dns_hostnames:
        association["PublicDnsName"] = _public_name(str(address), interface.region)
    return association


def _public_name(address: str, region: str) -> str:
    return f"ec2-{address.replace('.', '-')}.{public_domain(region)}"
