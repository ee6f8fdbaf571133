"""NAT gateways."""

from typing import ClassVar

from django.db import models

from aws_api.services.ec2 import kinds
from aws_api.services.ec2.models.interfaces import NetworkInterface
from aws_api.services.ec2.models.resource import Ec2Resource
from aws_api.services.ec2.models.vpcs import Subnet, Vpc


class NatGateway(Ec2Resource):
    """What lets a private subnet's packets out under another address.

    A ``public`` one needs an elastic IP on its interface's primary address and a route from its subnet to an internet
    gateway; a ``private`` one gives packets the interface's address. ``interface`` lies in ``subnet`` until the
    gateway is deleted; after that the row is shown for an hour, with the addresses kept in ``document``.
    """

    kind = kinds.NAT_GATEWAY

    vpc = models.ForeignKey(Vpc, on_delete=models.CASCADE, related_name="nat_gateways")
    subnet = models.ForeignKey(Subnet, on_delete=models.CASCADE, related_name="nat_gateways")
    interface = models.OneToOneField(NetworkInterface, on_delete=models.SET_NULL, null=True, related_name="nat_gateway")
    connectivity_type = models.CharField(max_length=16, default="public")
    deleted_at = models.DateTimeField(null=True)

    class Meta(Ec2Resource.Meta):
        # Forgetting those that were deleted an hour ago.
        indexes: ClassVar = [models.Index(fields=["deleted_at"], name="ec2_deleted_nat_gateways")]

    @property
    def is_public(self) -> bool:
        return self.connectivity_type == "public"
