"""Secondary private addresses of network interfaces.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssignPrivateIpAddresses.html
"""

from django.db.models import QuerySet

from aws_api.core.context import Context
from aws_api.services.ec2 import shapes
from aws_api.services.ec2.addresses import is_address
from aws_api.services.ec2.elastic_ips import disassociate
from aws_api.services.ec2.errors import (
    AuthFailure,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    PrivateIpAddressLimitExceeded,
    UnsupportedOperation,
)
from aws_api.services.ec2.interfaces import MAX_ADDRESSES, add_address
from aws_api.services.ec2.models import ElasticIp, NetworkInterface, PrivateAddress
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import find
from aws_api.services.ec2.waking import wake_around


@operation
def assign_private_ip_addresses(
    context: Context, request: shapes.AssignPrivateIpAddressesRequest
) -> shapes.AssignPrivateIpAddressesResult:
    """Give an interface further addresses, also another's where that is allowed."""
    if request.get("Ipv4Prefixes") or request.get("Ipv4PrefixCount"):
        raise UnsupportedOperation("Simfra's interfaces have single IPv4 addresses: no prefixes.")
    interface = _find_own(context, request["NetworkInterfaceId"])
    asked, count = request.get("PrivateIpAddresses") or [], request.get("SecondaryPrivateIpAddressCount")
    if bool(asked) == bool(count):
        raise InvalidParameterCombination(
            "Either privateIpAddresses or secondaryPrivateIpAddressCount must be specified, and not both."
        )
    _check(asked)
    wanted: list[str | None] = [*asked] or [None] * (count or 0)
    held = set(interface.private_addresses.values_list("address", flat=True))
    new = [address for address in wanted if address is None or address not in held]
    if len(held) + len(new) > MAX_ADDRESSES:
        raise PrivateIpAddressLimitExceeded(
            f"The number of private addresses of {interface.resource_id} would exceed the limit of {MAX_ADDRESSES}."
        )
    if request.get("AllowReassignment"):
        _free(interface, asked)
    for address in new:
        add_address(interface, address)
    wake_around(interface)
    assigned = interface.private_addresses.exclude(address__in=held - set(asked)).filter(primary=False).order_by("pk")
    return {
        "NetworkInterfaceId": interface.resource_id,
        "AssignedPrivateIpAddresses": [{"PrivateIpAddress": str(row.address)} for row in assigned],
        "AssignedIpv4Prefixes": [],
    }


@operation
def unassign_private_ip_addresses(context: Context, request: shapes.UnassignPrivateIpAddressesRequest) -> None:
    """Take secondary addresses from an interface; elastic IPs on them are the account's still."""
    interface = _find_own(context, request["NetworkInterfaceId"])
    asked = request.get("PrivateIpAddresses") or []
    if not asked:
        raise MissingParameter("The request must contain the parameter privateIpAddresses")
    _check(asked)
    rows = interface.private_addresses.filter(address__in=asked)
    if rows.filter(primary=True).exists():
        raise InvalidParameterValue("The primary private IP address of an interface cannot be unassigned.")
    if rows.count() != len(set(asked)):
        raise InvalidParameterValue("Some of the specified addresses are not assigned to interface " + str(interface))
    _remove(rows)
    wake_around(interface)


def _find_own(context: Context, interface_id: str) -> NetworkInterface:
    interface = find(NetworkInterface, context, interface_id, locked=True)
    if interface.is_requester_managed:
        raise AuthFailure("You do not have permission to access the specified resource.")
    return interface


def _check(addresses: list[str]) -> None:
    for address in addresses:
        if not is_address(address):
            raise InvalidParameterValue(f"Invalid value '{address}' for IP address.")


def _free(interface: NetworkInterface, addresses: list[str]) -> None:
    """Take addresses from the other interfaces of the subnet that have them as secondary ones."""
    rows = PrivateAddress.objects.filter(subnet=interface.subnet, address__in=addresses, primary=False)
    _remove(rows.exclude(interface=interface).exclude(interface__attachment_id__gt="", interface__requester_id__gt=""))


def _remove(rows: "QuerySet[PrivateAddress]") -> None:
    for address in ElasticIp.objects.filter(private_address__in=rows).select_related("private_address__interface__vpc"):
        disassociate(address)
    for interface in NetworkInterface.objects.filter(private_addresses__in=rows).distinct().select_related("vpc"):
        wake_around(interface)
    rows.delete()
