"""VPCs, their blocks, subnets and real networks."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.core.account_rows import AccountRows
from aws_api.services.ec2 import kinds
from aws_api.services.ec2.models.resource import Ec2Resource
from aws_api.services.ec2.reconcile import NetworkStatus


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
    #: The gateway's address on the uplink, for the gateways of peered VPCs; empty while it does not run.
    last_uplink_address = models.CharField(max_length=15, default="", blank=True)
    last_failure = models.TextField(default="", blank=True)
    last_idle_since = models.DateTimeField(null=True)
    last_checked_at = models.DateTimeField(null=True)

    #: The bridge of then is gone, and its hidden subnet and ports may be another's by now.
    account_rows: ClassVar = AccountRows(
        restored_as={
            "last_status": NetworkStatus.ABSENT.value,
            "last_backing_subnet": "",
            "last_configuration": "",
            "last_dns_port": 0,
            "last_dns_tcp_port": 0,
            "last_uplink_address": "",
            "last_failure": "",
            "last_idle_since": None,
            "last_checked_at": None,
        }
    )

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
