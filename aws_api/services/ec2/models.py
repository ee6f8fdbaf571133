"""Rows of EC2: each resource has its id, unique in its account and region, in ``resource_id``."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.core.models import AwsResource
from aws_api.services.ec2 import kinds
from aws_api.services.ec2.reconcile import NetworkStatus


class Ec2Resource(AwsResource):
    """Base of every resource with an id of EC2's form."""

    kind: ClassVar[kinds.Kind]

    resource_id = models.CharField(max_length=64)

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "resource_id"], name="%(app_label)s_%(class)s_id")
        ]

    def __str__(self) -> str:
        return self.resource_id

    @property
    def arn(self) -> str:
        return f"arn:aws:ec2:{self.region}:{self.account_id}:{self.kind.name}/{self.resource_id}"


class PreparedRegion(models.Model):
    """An account that has used a region: its default VPC was made once, and stays away when it was deleted."""

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region"], name="ec2_region_prepared_once")
        ]

    def __str__(self) -> str:
        return f"{self.account_id}/{self.region}"


class DhcpOptions(Ec2Resource):
    """What DHCP tells the instances of a VPC; ``options`` maps a key to its values."""

    kind = kinds.DHCP_OPTIONS

    options = models.JSONField(default=dict)


class Vpc(Ec2Resource):
    """A virtual private cloud. ``cidr_block`` is the primary block; all of them are VpcCidrAssociation rows."""

    kind = kinds.VPC

    cidr_block = models.CharField(max_length=18)
    is_default = models.BooleanField(default=False)
    instance_tenancy = models.CharField(max_length=16, default="default")
    enable_dns_support = models.BooleanField(default=True)
    enable_dns_hostnames = models.BooleanField(default=False)
    enable_network_address_usage_metrics = models.BooleanField(default=False)
    dhcp_options = models.ForeignKey(DhcpOptions, on_delete=models.PROTECT, null=True, related_name="vpcs")

    class Meta(Ec2Resource.Meta):
        constraints: ClassVar = [
            *Ec2Resource.Meta.constraints,
            models.UniqueConstraint(
                fields=["account_id", "region"], condition=Q(is_default=True), name="ec2_one_default_vpc"
            ),
        ]


class VpcCidrAssociation(models.Model):
    """An IPv4 block of a VPC."""

    vpc = models.ForeignKey(Vpc, on_delete=models.CASCADE, related_name="cidr_associations")
    association_id = models.CharField(max_length=64, unique=True)
    cidr_block = models.CharField(max_length=18)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["vpc", "cidr_block"], name="ec2_vpc_cidr_once")]

    def __str__(self) -> str:
        return self.cidr_block


class VpcNetwork(models.Model):
    """The real network of a VPC: a bridge and its gateway container. It may outlive the VPC until it is taken down.

    ``key`` is ``account/region/vpc-id``. Operations write ``vpc``; everything else is the controller's.
    """

    key = models.CharField(max_length=128, unique=True)
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    vpc = models.OneToOneField(Vpc, on_delete=models.SET_NULL, null=True, related_name="network")
    last_status = models.CharField(max_length=8, default=NetworkStatus.ABSENT.value)
    #: The hidden subnet that the engine gave to the bridge; empty where there is no bridge.
    last_backing_subnet = models.CharField(max_length=18, default="", blank=True)
    #: What the gateway was last configured with, as a digest; empty where there was none on this bridge yet.
    last_configuration = models.CharField(max_length=64, default="", blank=True)
    #: Where the host's people ask the gateway's resolver, over UDP and over TCP; 0 where there is none.
    last_dns_port = models.PositiveIntegerField(default=0)
    last_dns_tcp_port = models.PositiveIntegerField(default=0)
    last_failure = models.TextField(default="", blank=True)
    last_idle_since = models.DateTimeField(null=True)
    last_checked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key

    @property
    def usable_subnet(self) -> str:
        """The backing subnet once the gateway has come up in it, else nothing.

        What starts before the gateway finds no names and no way out. A gateway that dies later is mended under those
        that run, so that is no reason to take their addresses back.
        """
        return self.last_backing_subnet if self.last_configuration else ""


class Subnet(Ec2Resource):
    """A range of a VPC in one availability zone."""

    kind = kinds.SUBNET

    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="subnets")
    cidr_block = models.CharField(max_length=18)
    availability_zone = models.CharField(max_length=32)
    default_for_az = models.BooleanField(default=False)
    map_public_ip_on_launch = models.BooleanField(default=False)

    class Meta(Ec2Resource.Meta):
        constraints: ClassVar = [
            *Ec2Resource.Meta.constraints,
            models.UniqueConstraint(fields=["vpc", "cidr_block"], name="ec2_subnet_cidr_once"),
            models.UniqueConstraint(
                fields=["vpc", "availability_zone"], condition=Q(default_for_az=True), name="ec2_one_default_subnet"
            ),
        ]


class SecurityGroup(Ec2Resource):
    """A set of rules that interfaces join."""

    kind = kinds.SECURITY_GROUP

    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="security_groups")
    group_name = models.CharField(max_length=255)
    description = models.CharField(max_length=255)

    class Meta(Ec2Resource.Meta):
        constraints: ClassVar = [
            *Ec2Resource.Meta.constraints,
            models.UniqueConstraint(fields=["vpc", "group_name"], name="ec2_group_name_once"),
        ]

    @property
    def is_default(self) -> bool:
        return self.group_name == "default"


class SecurityGroupRule(Ec2Resource):
    """One rule: a protocol, ports, and exactly one source or destination.

    ``from_port`` and ``to_port`` are -1 where the protocol has none (``-1`` and unknown protocols).
    """

    kind = kinds.SECURITY_GROUP_RULE

    group = models.ForeignKey(SecurityGroup, on_delete=models.CASCADE, related_name="rules")
    is_egress = models.BooleanField()
    ip_protocol = models.CharField(max_length=16)
    from_port = models.IntegerField(default=-1)
    to_port = models.IntegerField(default=-1)
    cidr_ipv4 = models.CharField(max_length=18, default="", blank=True)
    cidr_ipv6 = models.CharField(max_length=64, default="", blank=True)
    referenced_group = models.ForeignKey(
        SecurityGroup, on_delete=models.PROTECT, null=True, related_name="referencing_rules"
    )
    description = models.CharField(max_length=255, default="", blank=True)

    class Meta(Ec2Resource.Meta):
        constraints: ClassVar = [
            *Ec2Resource.Meta.constraints,
            models.UniqueConstraint(
                fields=[
                    "group",
                    "is_egress",
                    "ip_protocol",
                    "from_port",
                    "to_port",
                    "cidr_ipv4",
                    "cidr_ipv6",
                    "referenced_group",
                ],
                nulls_distinct=False,
                name="ec2_rule_once",
            ),
        ]


class InternetGateway(Ec2Resource):
    """The way from a VPC to the internet; attached to one VPC or none."""

    kind = kinds.INTERNET_GATEWAY

    vpc = models.OneToOneField(Vpc, on_delete=models.PROTECT, null=True, related_name="internet_gateway")


class RouteTable(Ec2Resource):
    """Where packets go that leave a subnet."""

    kind = kinds.ROUTE_TABLE

    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="route_tables")


class RouteTableAssociation(models.Model):
    """A route table's use: by a subnet, or as its VPC's main table (``subnet`` is None then)."""

    association_id = models.CharField(max_length=64, unique=True)
    route_table = models.ForeignKey(RouteTable, on_delete=models.CASCADE, related_name="associations")
    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="route_table_associations")
    subnet = models.OneToOneField(Subnet, on_delete=models.CASCADE, null=True, related_name="route_table_association")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["vpc"], condition=Q(subnet__isnull=True), name="ec2_one_main_route_table")
        ]

    def __str__(self) -> str:
        return self.association_id


class Route(models.Model):
    """One line of a route table. ``target`` is the member of AWS's Route shape, ``target_id`` its value.

    The local routes of a VPC's own blocks are not rows: they follow from the blocks.
    """

    route_table = models.ForeignKey(RouteTable, on_delete=models.CASCADE, related_name="routes")
    destination = models.CharField(max_length=64)
    target = models.CharField(max_length=32)
    target_id = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["route_table", "destination"], name="ec2_route_once")]

    def __str__(self) -> str:
        return f"{self.destination} -> {self.target_id}"


class NetworkAcl(Ec2Resource):
    """Stateless rules at a subnet's border. ``entries`` are AWS's shapes."""

    kind = kinds.NETWORK_ACL

    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="network_acls")
    is_default = models.BooleanField(default=False)
    entries = models.JSONField(default=list)

    class Meta(Ec2Resource.Meta):
        constraints: ClassVar = [
            *Ec2Resource.Meta.constraints,
            models.UniqueConstraint(fields=["vpc"], condition=Q(is_default=True), name="ec2_one_default_network_acl"),
        ]


class NetworkAclAssociation(models.Model):
    """The one network ACL of a subnet."""

    association_id = models.CharField(max_length=64, unique=True)
    network_acl = models.ForeignKey(NetworkAcl, on_delete=models.PROTECT, related_name="associations")
    subnet = models.OneToOneField(Subnet, on_delete=models.CASCADE, related_name="network_acl_association")

    def __str__(self) -> str:
        return self.association_id


class NetworkInterface(Ec2Resource):
    """An elastic network interface.

    One that a container of ours uses has a ``backing_index``: its place in the hidden subnet of the VPC's network.
    """

    kind = kinds.NETWORK_INTERFACE

    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="network_interfaces")
    subnet = models.ForeignKey(Subnet, on_delete=models.PROTECT, related_name="network_interfaces")
    groups = models.ManyToManyField(SecurityGroup, related_name="network_interfaces")
    mac_address = models.CharField(max_length=17)
    public_address = models.GenericIPAddressField(protocol="IPv4", null=True, unique=True)
    description = models.CharField(max_length=255, default="", blank=True)
    interface_type = models.CharField(max_length=32, default="interface")
    source_dest_check = models.BooleanField(default=True)
    requester_id = models.CharField(max_length=64, default="", blank=True)
    backing_index = models.PositiveIntegerField(null=True)
    attachment_id = models.CharField(max_length=64, default="", blank=True)

    class Meta(Ec2Resource.Meta):
        constraints: ClassVar = [
            *Ec2Resource.Meta.constraints,
            models.UniqueConstraint(fields=["vpc", "mac_address"], name="ec2_mac_address_once"),
            models.UniqueConstraint(fields=["vpc", "backing_index"], name="ec2_backing_index_once"),
        ]

    @property
    def in_use(self) -> bool:
        return self.attachment_id != ""

    @property
    def is_requester_managed(self) -> bool:
        """Whether a service of AWS's made it, who alone may change it."""
        return self.requester_id != ""

    @property
    def private_address(self) -> str:
        return next(str(row.address) for row in self.private_addresses.all() if row.primary)


class PrivateAddress(models.Model):
    """An address of a subnet that an interface has; an interface's first is primary."""

    subnet = models.ForeignKey(Subnet, on_delete=models.PROTECT, related_name="private_addresses")
    interface = models.ForeignKey(NetworkInterface, on_delete=models.CASCADE, related_name="private_addresses")
    address = models.GenericIPAddressField(protocol="IPv4")
    primary = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subnet", "address"], name="ec2_private_address_once"),
            models.UniqueConstraint(fields=["interface"], condition=Q(primary=True), name="ec2_one_primary_address"),
        ]

    def __str__(self) -> str:
        return str(self.address)


def ec2_resources() -> list[type[Ec2Resource]]:
    """Every model of a resource that has an id, and so tags."""
    return sorted(Ec2Resource.__subclasses__(), key=lambda model: model.kind.name)
