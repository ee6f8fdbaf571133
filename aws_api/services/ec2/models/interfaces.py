"""Network interfaces, their private and public addresses."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.services.ec2 import kinds
from aws_api.services.ec2.models.endpoints import VpcEndpoint
from aws_api.services.ec2.models.resource import Ec2Resource
from aws_api.services.ec2.models.security_groups import SecurityGroup
from aws_api.services.ec2.models.vpcs import Subnet, Vpc


class NetworkInterface(Ec2Resource):
    """An elastic network interface.

    One that a container of ours uses has a ``backing_index``: its place in the hidden subnet of the VPC's network.
    ``public_address`` is what its primary address is to the internet, be it an elastic IP or of Amazon's pool.
    Interfaces of NAT gateways (``nat_gateway``) and of endpoints (``vpc_endpoint``) belong to no container.
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
    vpc_endpoint = models.ForeignKey(VpcEndpoint, on_delete=models.PROTECT, null=True, related_name="interfaces")
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
        """Its primary address. Raises PrivateAddress.DoesNotExist where it is deleted while it is being read."""
        for row in self.private_addresses.all():
            if row.primary:
                return str(row.address)
        raise PrivateAddress.DoesNotExist(f"{self.resource_id} has no address any more")


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


class ElasticIp(Ec2Resource):
    """A public address that an account keeps; ``private_address`` is what it is associated with, or None.

    The interface whose *primary* address it is has the same in its ``public_address``.
    """

    kind = kinds.ELASTIC_IP

    public_address = models.GenericIPAddressField(protocol="IPv4", unique=True)
    private_address = models.OneToOneField(
        PrivateAddress, on_delete=models.SET_NULL, null=True, related_name="elastic_ip"
    )
    #: Of the association that is, or of the last one; means something only beside a private address.
    association_id = models.CharField(max_length=64, default="", blank=True)
    #: The domain name of its reverse DNS record; empty where nobody set one.
    domain_name = models.CharField(max_length=255, default="", blank=True)


class NetworkInterfacePermission(Ec2Resource):
    """What another account may do with an interface: ``INSTANCE-ATTACH`` or ``EIP-ASSOCIATE``."""

    kind = kinds.NETWORK_INTERFACE_PERMISSION

    interface = models.ForeignKey(NetworkInterface, on_delete=models.CASCADE, related_name="permissions")
    grantee_account_id = models.CharField(max_length=12, default="", blank=True)
    grantee_service = models.CharField(max_length=128, default="", blank=True)
    permission = models.CharField(max_length=32)

    class Meta(Ec2Resource.Meta):
        constraints: ClassVar = [
            *Ec2Resource.Meta.constraints,
            models.UniqueConstraint(
                fields=["interface", "grantee_account_id", "grantee_service", "permission"],
                name="ec2_interface_permission_once",
            ),
        ]
