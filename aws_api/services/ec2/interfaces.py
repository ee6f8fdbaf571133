"""Making and removing network interfaces: addresses are taken so that nobody waits for anybody.

A number (an address of a subnet, a place in a VPC's backing subnet, a public address) is chosen at random among the
free ones, its name is reserved for the transaction without waiting, and only then looked up again: who reserved a name
sees every earlier owner's committed row. Many tasks that start at once neither collide nor deadlock nor queue.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.ids import new_hex_id
from aws_api.services.ec2.addresses import (
    RESERVED_FIRST,
    address_at,
    index_of,
    new_mac_address,
    random_free,
    usable_count,
)
from aws_api.services.ec2.errors import (
    InsufficientFreeAddressesInSubnet,
    InvalidAddressNotFound,
    InvalidIpAddressInUse,
    InvalidParameterValue,
    NetworkInterfaceLimitExceeded,
    SecurityGroupsPerInterfaceLimitExceeded,
    error_of,
)
from aws_api.services.ec2.models import (
    ElasticIp,
    NetworkInterface,
    PrivateAddress,
    SecurityGroup,
    SpareNamespace,
    Subnet,
    Vpc,
    VpcEndpoint,
)
from aws_api.services.ec2.namespaces import NamespaceStatus
from aws_api.services.ec2.store import find_all, hold, take_name
from aws_api.services.ec2.waking import vpc_network_name, wake_around

#: Docker's backing subnet is a /22; its first places are the bridge's, the gateway's and spare.
FIRST_BACKING_INDEX = 10
#: A Linux bridge has 1023 ports.
LAST_BACKING_INDEX = 1020
#: Never routed on the real internet (RFC 2544), so a mistake reaches nobody.
PUBLIC_BLOCK = "198.18.0.0/16"
MAX_GROUPS_PER_INTERFACE = 16
#: What EC2 lets a large instance's interface have.
MAX_ADDRESSES = 50
_ATTEMPTS = 200
_SPARES_TRIED = 5


def create_interface(
    context: Context,
    *,
    subnet: Subnet,
    groups: Sequence[SecurityGroup],
    description: str,
    resource_id: str = "",
    addresses: Sequence[str | None] = (None,),
    requester_id: str = "",
    for_container: bool = False,
    in_spare_namespace: bool = False,
    assign_public_ip: bool = False,
    interface_type: str = "interface",
    vpc_endpoint: VpcEndpoint | None = None,
    tags: dict[str, str] | None = None,
) -> NetworkInterface:
    """An interface in a subnet; ``for_container`` gives it a place on the real network, ``in_spare_namespace`` one
    that is ready, where there is one.

    ``addresses`` are those it is to have, the first of them primary; None stands for any free one. One of another
    type than ``interface`` is attached to what a service of AWS's runs.

    Raises InsufficientFreeAddressesInSubnet, InvalidIPAddress.InUse, NetworkInterfaceLimitExceeded.
    """
    hold([subnet, *groups])
    spare = _take_spare(context, subnet) if in_spare_namespace else None
    interface = NetworkInterface.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=resource_id or new_hex_id("eni-"),
        tags=tags or {},
        vpc=subnet.vpc,
        subnet=subnet,
        mac_address=new_mac_address(),
        public_address=take_public_address() if assign_public_ip else None,
        description=description,
        requester_id=requester_id,
        interface_type=interface_type,
        vpc_endpoint=vpc_endpoint,
        backing_index=spare.backing_index if spare else _take_backing_index(subnet.vpc) if for_container else None,
        attachment_id=_new_attachment_id(interface_type, for_container=for_container),
    )
    if spare is not None:
        SpareNamespace.objects.filter(pk=spare.pk).update(interface=interface)
        addresses = (spare.address, *addresses[1:])
    primary, *secondary = addresses
    asked = [(primary, True), *((address, False) for address in secondary)]
    # Demanded ones first: else a random one could take what is asked for next.
    for address, is_primary in sorted(asked, key=_any_last):
        add_address(interface, address, is_primary=is_primary)
    interface.groups.add(*groups)
    wake_around(interface)
    return interface


def add_address(interface: NetworkInterface, asked: str | None, *, is_primary: bool = False) -> PrivateAddress:
    """Give an interface the address asked for, or for None any free one.

    Raises InsufficientFreeAddressesInSubnet, InvalidIPAddress.InUse.
    """
    subnet = interface.subnet
    address = _take_given_address(subnet, asked) if asked else _take_address(subnet)
    return PrivateAddress.objects.create(subnet=subnet, interface=interface, address=address, primary=is_primary)


def delete_interface(interface: NetworkInterface) -> None:
    """Remove an interface; its addresses are free again."""
    wake_around(interface)
    interface.delete()


def take_public_address(asked: str | None = None) -> str:
    """A public address that nobody has, the one asked for or any. Raises EC2's errors where there is none."""
    if asked is not None:
        return _take_given_public_address(asked)
    public = [
        *NetworkInterface.objects.filter(public_address__isnull=False).values_list("public_address", flat=True),
        *ElasticIp.objects.values_list("public_address", flat=True),
    ]
    base = int(IPv4Address(address_at(PUBLIC_BLOCK, 0)))
    index = _take_number(
        taken=[int(IPv4Address(str(address))) - base for address in public],
        first=1,
        last=65_534,
        name=lambda index: _public_address_name(address_at(PUBLIC_BLOCK, index)),
        is_taken=lambda index: _has_public_address(address_at(PUBLIC_BLOCK, index)),
        none_free=error_of("InsufficientAddressCapacity")("Not enough available addresses to satisfy your request."),
    )
    return address_at(PUBLIC_BLOCK, index)


def groups_for_interface(context: Context, vpc: Vpc, group_ids: Sequence[str]) -> list[SecurityGroup]:
    """The security groups of these ids, the VPC's default one without any. All must be the VPC's."""
    if not group_ids:
        return [SecurityGroup.objects.get(vpc=vpc, group_name="default")]
    groups = find_all(SecurityGroup, context, group_ids)
    if len(groups) > MAX_GROUPS_PER_INTERFACE:
        raise SecurityGroupsPerInterfaceLimitExceeded(
            "The maximum number of security groups per interface has been reached."
        )
    for group in groups:
        if group.vpc_id != vpc.pk:
            raise error_of("InvalidGroup.NotFound")(
                f"The security group '{group.resource_id}' does not exist in VPC '{vpc.resource_id}'"
            )
    return groups


def _take_given_public_address(asked: str) -> str:
    is_ours = index_of(PUBLIC_BLOCK, asked) is not None
    if not is_ours or not take_name(_public_address_name(asked)) or _has_public_address(asked):
        raise InvalidAddressNotFound(f"Address '{asked}' not found.")
    return asked


def _public_address_name(address: str) -> str:
    return f"ec2.public-address/{address}"


def _any_last(asked: tuple[str | None, bool]) -> bool:
    return asked[0] is None


def _take_given_address(subnet: Subnet, address: str) -> str:
    if index_of(subnet.cidr_block, address) is None:
        raise InvalidParameterValue(f"Address does not fall within the subnet's address range: {address}")
    is_free = take_name(_address_name(subnet, address))
    if not is_free or PrivateAddress.objects.filter(subnet=subnet, address=address).exists():
        raise InvalidIpAddressInUse(f"Address {address} is in use.")
    return address


def _take_address(subnet: Subnet) -> str:
    first = int(IPv4Address(address_at(subnet.cidr_block, 0)))
    rows = PrivateAddress.objects.filter(subnet=subnet)
    index = _take_number(
        taken=[int(IPv4Address(str(address))) - first for address in rows.values_list("address", flat=True)],
        first=RESERVED_FIRST,
        last=RESERVED_FIRST + usable_count(subnet.cidr_block) - 1,
        name=lambda index: _address_name(subnet, address_at(subnet.cidr_block, index)),
        is_taken=lambda index: rows.filter(address=address_at(subnet.cidr_block, index)).exists(),
        none_free=InsufficientFreeAddressesInSubnet(
            "The specified subnet does not have enough free addresses to satisfy the request."
        ),
    )
    return address_at(subnet.cidr_block, index)


def new_namespace(subnet: Subnet) -> SpareNamespace:
    """A namespace to be made ahead in a subnet. Raises InsufficientFreeAddressesInSubnet."""
    network = subnet.vpc.network
    return SpareNamespace.objects.create(
        network=network,
        subnet=subnet,
        name=f"{vpc_network_name(subnet.vpc)}-{secrets.token_hex(4)}",
        address=_take_address(subnet),
        backing_index=_take_backing_index(subnet.vpc),
    )


def _take_spare(context: Context, subnet: Subnet) -> SpareNamespace | None:
    """A namespace of a subnet that is ready, and whose address is free."""
    ready = SpareNamespace.objects.filter(subnet=subnet, taken_at__isnull=True, last_status=NamespaceStatus.READY)
    for spare in ready.select_for_update(skip_locked=True).order_by("pk")[:_SPARES_TRIED]:
        is_free = take_name(_address_name(subnet, spare.address))
        if is_free and not PrivateAddress.objects.filter(subnet=subnet, address=spare.address).exists():
            SpareNamespace.objects.filter(pk=spare.pk).update(taken_at=context.clock.now())
            return spare
    return None


def _take_backing_index(vpc: Vpc) -> int:
    interfaces = NetworkInterface.objects.filter(vpc=vpc, backing_index__isnull=False)
    namespaces = SpareNamespace.objects.filter(network__vpc=vpc)
    return _take_number(
        taken=[
            *interfaces.values_list("backing_index", flat=True),
            *namespaces.values_list("backing_index", flat=True),
        ],
        first=FIRST_BACKING_INDEX,
        last=LAST_BACKING_INDEX,
        name=lambda index: f"ec2.backing-index/{vpc.pk}/{index}",
        is_taken=lambda index: (
            interfaces.filter(backing_index=index).exists() or namespaces.filter(backing_index=index).exists()
        ),
        none_free=NetworkInterfaceLimitExceeded("The maximum number of network interfaces has been reached."),
    )


def _new_attachment_id(interface_type: str, *, for_container: bool) -> str:
    if interface_type != "interface":
        return new_hex_id("ela-attach-")
    return new_hex_id("eni-attach-") if for_container else ""


def _has_public_address(address: str) -> bool:
    return (
        NetworkInterface.objects.filter(public_address=address).exists()
        or ElasticIp.objects.filter(public_address=address).exists()
    )


def _take_number(
    *,
    taken: Iterable[int | None],
    first: int,
    last: int,
    name: Callable[[int], str],
    is_taken: Callable[[int], bool],
    none_free: AwsError,
) -> int:
    unavailable = [number for number in taken if number is not None]
    for _ in range(_ATTEMPTS):
        number = random_free(unavailable, first, last)
        if number is None:
            raise none_free
        if take_name(name(number)) and not is_taken(number):
            return number
        unavailable.append(number)
    raise none_free


def _address_name(subnet: Subnet, address: str) -> str:
    return f"ec2.private-address/{subnet.pk}/{address}"
