"""The core's ports for networks and for names, on EC2's rows."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network

from django.conf import settings
from django.db.models import Count

from aws_api.core.context import Context
from aws_api.core.dns import VpcReference, ZoneChange, listen_to_names, register_zone_provider
from aws_api.core.housekeeping import register_chore
from aws_api.core.network import NetworkAttachment, register_network_provider
from aws_api.core.reconcile import kick
from aws_api.core.sidecars import filter_token, object_name, private_dns_name, private_domain, vpc_gateway_name
from aws_api.core.telling import tell
from aws_api.services.ec2.addresses import address_at, usable_count
from aws_api.services.ec2.default_vpc import prepare_region
from aws_api.services.ec2.endings import forget_ended
from aws_api.services.ec2.endpoint_names import EndpointZones
from aws_api.services.ec2.errors import InvalidParameterValue
from aws_api.services.ec2.interfaces import (
    create_interface,
    delete_interface,
    groups_for_interface,
)
from aws_api.services.ec2.models import NetworkInterface, SecurityGroup, SpareNamespace, Subnet, Vpc, VpcNetwork
from aws_api.services.ec2.namespaces import NamespaceStatus
from aws_api.services.ec2.reconcile import NETWORK_KIND, NetworkStatus
from aws_api.services.ec2.store import narrowed, rows_of
from aws_api.services.ec2.tokens import forget_old_tokens
from aws_api.services.ec2.waking import network_key, vpc_network_name, wake_around


class Ec2NetworkProvider:
    """Interfaces of the caller's account, for containers."""

    def create(
        self,
        context: Context,
        *,
        subnet_ids: Sequence[str],
        security_group_ids: Sequence[str],
        description: str,
        assign_public_ip: bool,
        requester_id: str,
        in_spare_namespace: bool = False,
    ) -> NetworkAttachment:
        prepare_region(context)
        if not subnet_ids:
            raise InvalidParameterValue("At least one subnet must be given")
        rows = rows_of(Subnet, context).select_related("vpc__network", "vpc__dhcp_options")
        subnets = narrowed(rows.annotate(used=Count("private_addresses")), subnet_ids)
        # Python keeps the first of equals, so that the caller's order decides between empty subnets.
        subnet = max(subnets, key=_free_addresses)
        groups = groups_for_interface(context, subnet.vpc, security_group_ids)
        interface = create_interface(
            context,
            subnet=subnet,
            groups=groups,
            description=description,
            requester_id=requester_id,
            for_container=True,
            in_spare_namespace=in_spare_namespace,
            assign_public_ip=assign_public_ip,
        )
        return _attachment(interface, groups)

    def describe(self, account_id: str, region: str, network_interface_id: str) -> NetworkAttachment | None:
        interface = _find(account_id, region, network_interface_id)
        return _attachment(interface, interface.groups.all()) if interface else None

    def delete(self, account_id: str, region: str, network_interface_id: str) -> None:
        if interface := _find(account_id, region, network_interface_id):
            delete_interface(interface)

    def set_security_groups(
        self, context: Context, network_interface_id: str, security_group_ids: Sequence[str]
    ) -> None:
        if interface := _find(context.account_id, context.region, network_interface_id):
            interface.groups.set(groups_for_interface(context, interface.vpc, security_group_ids))
            wake_around(interface)

    def default_subnet_ids(self, context: Context) -> list[str]:
        prepare_region(context)
        subnets = rows_of(Subnet, context).filter(default_for_az=True, vpc__is_default=True)
        return list(subnets.order_by("availability_zone").values_list("resource_id", flat=True))


def _find(account_id: str, region: str, network_interface_id: str) -> NetworkInterface | None:
    return (
        NetworkInterface.objects.filter(account_id=account_id, region=region, resource_id=network_interface_id)
        .select_related("subnet", "vpc__network", "vpc__dhcp_options")
        .first()
    )


def _free_addresses(subnet: Subnet) -> int:
    used: int = getattr(subnet, "used")  # noqa: B009 - an annotation of the query
    return usable_count(subnet.cidr_block) - used


def _attachment(interface: NetworkInterface, groups: Iterable[SecurityGroup]) -> NetworkAttachment:
    subnet, vpc = interface.subnet, interface.vpc
    address = interface.private_address
    assert interface.backing_index is not None, f"{interface} was not made for a container"
    backing_subnet = vpc.network.usable_subnet
    return NetworkAttachment(
        network_interface_id=interface.resource_id,
        mac_address=interface.mac_address,
        private_address=address,
        prefix_length=IPv4Network(subnet.cidr_block).prefixlen,
        gateway_address=address_at(subnet.cidr_block, 1),
        dns_address=address_at(vpc.cidr_block, 2),
        private_dns_name=private_dns_name(address, interface.region),
        public_address=interface.public_address,
        vpc_id=vpc.resource_id,
        vpc_cidr=vpc.cidr_block,
        subnet_id=subnet.resource_id,
        subnet_arn=subnet.arn,
        subnet_cidr=subnet.cidr_block,
        availability_zone=subnet.availability_zone,
        security_group_ids=tuple(group.resource_id for group in sorted(groups, key=lambda group: group.pk)),
        network_kind=NETWORK_KIND,
        network_key=network_key(vpc),
        network_name=vpc_network_name(vpc),
        backing_address=address_at(backing_subnet, interface.backing_index) if backing_subnet else None,
        filter_token=filter_token(settings.SECRET_KEY, interface.resource_id),
        name_servers=_name_servers(vpc),
        search_domains=_search_domains(vpc),
        namespace=_namespace(interface),
    )


def _name_servers(vpc: Vpc) -> tuple[str, ...]:
    """Those of the VPC's DHCP options, in their order. ``AmazonProvidedDNS`` is the VPC's own."""
    own = address_at(vpc.cidr_block, 2)
    told = vpc.dhcp_options.options.get("domain-name-servers", ()) if vpc.dhcp_options else ()
    return tuple(own if server == "AmazonProvidedDNS" else server for server in told) or (own,)


def _search_domains(vpc: Vpc) -> tuple[str, ...]:
    """Linux takes several names out of one value."""
    told = vpc.dhcp_options.options.get("domain-name", ()) if vpc.dhcp_options else ()
    return tuple(name for value in told for name in value.split()) or (private_domain(vpc.region),)


def _namespace(interface: NetworkInterface) -> str | None:
    """The container whose namespace was made ahead for it, as long as that runs."""
    spare = SpareNamespace.objects.filter(interface=interface, last_status=NamespaceStatus.READY).first()
    return spare.name if spare else None


@listen_to_names
def push_names(account_id: str, vpcs: Sequence[VpcReference] | None, change: ZoneChange) -> None:
    """Tell the gateways of the VPCs at once; the reconcile that follows finds what they did not take."""
    rows = VpcNetwork.objects.exclude(last_status=NetworkStatus.ABSENT)
    if vpcs is None:
        keys = rows.filter(account_id=account_id).values_list("key", flat=True)
    else:
        wanted = [f"{vpc.account_id}/{vpc.region}/{vpc.vpc_id}" for vpc in vpcs]
        keys = rows.filter(key__in=wanted).values_list("key", flat=True)
    for key in keys:
        network_name = object_name(settings.SIMFRA_INSTANCE, "vpc", *key.split("/"))
        tell(vpc_gateway_name(network_name), [change.to_json()])
        kick(NETWORK_KIND, key)


register_chore(forget_old_tokens)
register_chore(forget_ended)
register_network_provider(Ec2NetworkProvider())
register_zone_provider(EndpointZones())
