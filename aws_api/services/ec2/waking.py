"""Which VPCs' networks a change of rows is about, and waking their controllers once it is committed."""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Q

from aws_api.core.reconcile import kick
from aws_api.core.sidecars import object_name
from aws_api.services.ec2.models import ManagedPrefixList, NetworkInterface, SecurityGroup, Vpc, VpcPeeringConnection
from aws_api.services.ec2.reconcile import NAMESPACES_KIND, NETWORK_KIND


def network_key(vpc: Vpc) -> str:
    """A VPC's key for the reconcile loop."""
    return f"{vpc.account_id}/{vpc.region}/{vpc.resource_id}"


def vpc_network_name(vpc: Vpc) -> str:
    """What a VPC's network is called on the engine."""
    return object_name(settings.SIMFRA_INSTANCE, "vpc", vpc.account_id, vpc.region, vpc.resource_id)


def wake(*vpcs: Vpc | None) -> None:
    """Wake the controllers of VPCs; None is passed over."""
    for key in dict.fromkeys(network_key(vpc) for vpc in vpcs if vpc is not None):
        kick(NETWORK_KIND, key)


def wake_members(groups: Iterable[SecurityGroup]) -> None:
    """Wake where groups have members, and where rules name the groups: in peered VPCs too."""
    wake(*_distinct(Q(security_groups__in=groups) | Q(security_groups__rules__referenced_group__in=groups)))


def wake_users(prefix_list: ManagedPrefixList) -> None:
    """Wake where rules or routes name a prefix list."""
    wake(
        *_distinct(
            Q(security_groups__rules__prefix_list=prefix_list) | Q(route_tables__routes__prefix_list=prefix_list)
        )
    )


def wake_around(interface: NetworkInterface) -> None:
    """Wake its VPC, and the peered VPCs whose rules name a group that it is in."""
    rules = Q(security_groups__rules__referenced_group__network_interfaces=interface)
    wake(interface.vpc, *_distinct(rules & ~Q(pk=interface.vpc_id)))
    if interface.backing_index is not None and settings.SIMFRA_SPARE_NAMESPACES:
        kick(NAMESPACES_KIND, network_key(interface.vpc))


def wake_peers(key: str) -> None:
    """Wake the VPCs that the VPC of a network's key is peered with: where they find its gateway has changed."""
    account_id, region, vpc_id = key.split("/")
    itself = {"account_id": account_id, "region": region, "resource_id": vpc_id}
    peerings = VpcPeeringConnection.objects.filter(status="active")
    either = Q(**{f"requester_vpc__{name}": value for name, value in itself.items()}) | Q(
        **{f"accepter_vpc__{name}": value for name, value in itself.items()}
    )
    for peering in peerings.filter(either).select_related("requester_vpc", "accepter_vpc"):
        wake(*(vpc for vpc in (peering.requester_vpc, peering.accepter_vpc) if vpc and network_key(vpc) != key))


def _distinct(condition: Q) -> list[Vpc]:
    # By key, for a join finds a VPC once for each of its groups.
    return list(Vpc.objects.filter(pk__in=Vpc.objects.filter(condition).values("pk")).order_by("pk"))
