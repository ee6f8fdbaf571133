"""The VPC that every account finds in every region, and what every VPC is born with.

https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
"""

from collections.abc import Sequence
from ipaddress import IPv4Network

from django.db import transaction

from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.core.seeds import ids_of
from aws_api.core.sidecars import private_domain
from aws_api.services.ec2.models import (
    DhcpOptions,
    InternetGateway,
    NetworkAcl,
    NetworkAclAssociation,
    NetworkAclEntry,
    PreparedRegion,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
    VpcCidrAssociation,
    VpcNetwork,
)
from aws_api.services.ec2.zones import Zone, zones_of

CIDR_BLOCK = "172.31.0.0/16"


def prepare_region(context: Context, cidr_block: str = CIDR_BLOCK, zone_names: Sequence[str] = ()) -> None:
    """Make the default VPC when an account first uses a region; a deleted one stays deleted.

    A block and zones of one's own are for accounts that are born with them.
    """
    scope = {"account_id": context.account_id, "region": context.region}
    if PreparedRegion.objects.filter(**scope).exists():
        return
    with transaction.atomic():
        # The row is unique: whoever comes second waits here until the first has made everything.
        _, is_first = PreparedRegion.objects.get_or_create(**scope, defaults={"created_at": context.clock.now()})
        if is_first:
            with ids_of(context.account_id, context.region):
                create_default_vpc(context, cidr_block, zone_names)


def create_default_vpc(context: Context, cidr_block: str = CIDR_BLOCK, zone_names: Sequence[str] = ()) -> Vpc:
    """A default VPC with a subnet per zone and a way to the internet. The caller made sure that there is none."""
    vpc = create_vpc(context, new_hex_id("vpc-"), cidr_block, is_default=True)
    gateway = InternetGateway.objects.create(
        account_id=context.account_id,
        region=context.region,
        resource_id=new_hex_id("igw-"),
        vpc=vpc,
        created_at=context.clock.now(),
    )
    main = RouteTable.objects.get(vpc=vpc)
    Route.objects.create(route_table=main, destination="0.0.0.0/0", target="GatewayId", target_id=gateway.resource_id)
    zones = [zone for zone in zones_of(context.region) if not zone_names or zone.name in zone_names]
    for zone, block in zip(zones, default_blocks(cidr_block), strict=False):
        create_subnet(
            context,
            vpc,
            new_hex_id("subnet-"),
            str(block),
            zone,
            default_for_az=True,
            map_public_ip_on_launch=True,
        )
    return vpc


def default_blocks(cidr_block: str = CIDR_BLOCK) -> list[IPv4Network]:
    """Where default subnets may lie: sixteen equal parts of the VPC, a /20 each of AWS's /16."""
    return list(IPv4Network(cidr_block).subnets(prefixlen_diff=4))


def create_vpc(
    context: Context,
    vpc_id: str,
    cidr_block: str,
    *,
    is_default: bool = False,
    instance_tenancy: str = "default",
    tags: dict[str, str] | None = None,
) -> Vpc:
    """A VPC with its main route table, default security group and default network ACL."""
    born = {"account_id": context.account_id, "region": context.region, "created_at": context.clock.now()}
    vpc = Vpc.objects.create(
        **born,
        resource_id=vpc_id,
        tags=tags or {},
        cidr_block=cidr_block,
        is_default=is_default,
        instance_tenancy=instance_tenancy,
        enable_dns_hostnames=is_default,
        dhcp_options=_default_dhcp_options(context),
    )
    VpcCidrAssociation.objects.create(vpc=vpc, association_id=new_hex_id("vpc-cidr-assoc-"), cidr_block=cidr_block)
    VpcNetwork.objects.update_or_create(
        key=f"{context.account_id}/{context.region}/{vpc_id}",
        defaults={"account_id": context.account_id, "region": context.region, "vpc": vpc},
    )
    table = RouteTable.objects.create(**born, resource_id=new_hex_id("rtb-"), vpc=vpc)
    RouteTableAssociation.objects.create(association_id=new_hex_id("rtbassoc-"), route_table=table, vpc=vpc)
    acl = NetworkAcl.objects.create(**born, resource_id=new_hex_id("acl-"), vpc=vpc, is_default=True)
    for is_egress in (True, False):
        NetworkAclEntry.objects.create(
            network_acl=acl,
            is_egress=is_egress,
            rule_number=100,
            is_allow=True,
            protocol="-1",
            cidr_ipv4="0.0.0.0/0",
        )
    group = SecurityGroup.objects.create(
        **born,
        resource_id=new_hex_id("sg-"),
        vpc=vpc,
        group_name="default",
        description="default VPC security group",
    )
    SecurityGroupRule.objects.create(
        **born,
        resource_id=new_hex_id("sgr-"),
        group=group,
        is_egress=False,
        ip_protocol="-1",
        referenced_group=group,
    )
    create_open_egress_rule(context, group)
    return vpc


def create_open_egress_rule(context: Context, group: SecurityGroup) -> None:
    """The rule that every security group is born with: out, anything to anywhere."""
    SecurityGroupRule.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=new_hex_id("sgr-"),
        group=group,
        is_egress=True,
        ip_protocol="-1",
        cidr_ipv4="0.0.0.0/0",
    )


def create_subnet(
    context: Context,
    vpc: Vpc,
    subnet_id: str,
    cidr_block: str,
    zone: Zone,
    *,
    default_for_az: bool = False,
    map_public_ip_on_launch: bool = False,
    tags: dict[str, str] | None = None,
) -> Subnet:
    """A subnet under its VPC's default network ACL."""
    subnet = Subnet.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=subnet_id,
        tags=tags or {},
        vpc=vpc,
        cidr_block=cidr_block,
        availability_zone=zone.name,
        default_for_az=default_for_az,
        map_public_ip_on_launch=map_public_ip_on_launch,
    )
    NetworkAclAssociation.objects.create(
        association_id=new_hex_id("aclassoc-"),
        network_acl=NetworkAcl.objects.get(vpc=vpc, is_default=True),
        subnet=subnet,
    )
    return subnet


def _default_dhcp_options(context: Context) -> DhcpOptions:
    options = {
        "domain-name": [private_domain(context.region)],
        "domain-name-servers": ["AmazonProvidedDNS"],
    }
    scope = {"account_id": context.account_id, "region": context.region}
    found = DhcpOptions.objects.filter(**scope, options=options).order_by("pk").first()
    return found or DhcpOptions.objects.create(
        **scope, resource_id=new_hex_id("dopt-"), options=options, created_at=context.clock.now()
    )
