"""Associating elastic IPs with private addresses: what a client asks for, and what NAT gateways do."""

from aws_api.core.ids import new_hex_id
from aws_api.services.ec2.errors import GatewayNotAttached, ResourceAlreadyAssociated
from aws_api.services.ec2.models import ElasticIp, NetworkInterface, PrivateAddress
from aws_api.services.ec2.waking import wake_around


def associate(address: ElasticIp, target: PrivateAddress, *, may_move: bool = False) -> str:
    """Make an elastic IP lead to a private address; the id of the association.

    Raises Resource.AlreadyAssociated where one of the two has another partner and may not be moved, and
    Gateway.NotAttached where no internet gateway is there for packets to come in.
    """
    interface = target.interface
    if address.private_address_id == target.pk:
        return address.association_id
    if not hasattr(interface.vpc, "internet_gateway"):
        raise GatewayNotAttached(f"Network {interface.vpc.resource_id} is not attached to any internet gateway")
    if address.private_address is not None:
        if not may_move:
            raise ResourceAlreadyAssociated(
                f"resource {address.resource_id} is already associated with associate-id {address.association_id}"
            )
        disassociate(address)
    if (other := ElasticIp.objects.filter(private_address=target).first()) is not None:
        if not may_move:
            raise ResourceAlreadyAssociated(
                f"resource {interface.resource_id} is already associated with associate-id {other.association_id}"
            )
        disassociate(other)
    association_id = new_hex_id("eipassoc-")
    ElasticIp.objects.filter(pk=address.pk).update(private_address=target, association_id=association_id)
    _publish(target, address.public_address)
    return association_id


def disassociate(address: ElasticIp) -> None:
    """Make an elastic IP lead nowhere."""
    target = address.private_address
    assert target is not None
    ElasticIp.objects.filter(pk=address.pk).update(private_address=None)
    _publish(target, None)


def _publish(target: PrivateAddress, public: str | None) -> None:
    if target.primary:
        NetworkInterface.objects.filter(pk=target.interface_id).update(public_address=public)
    wake_around(target.interface)
