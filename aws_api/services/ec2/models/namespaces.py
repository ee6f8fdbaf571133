"""Network namespaces that are made ahead of the tasks that will have them."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.core.account_rows import AccountRows
from aws_api.services.ec2.models.interfaces import NetworkInterface
from aws_api.services.ec2.models.vpcs import Subnet, VpcNetwork
from aws_api.services.ec2.namespaces import NamespaceStatus


class SpareNamespace(models.Model):
    """A container (``name``) that holds a namespace on a VPC's bridge for the next interface of a subnet.

    ``address`` is what that interface's primary address will be, if it is still free by then: nobody has it, for a
    container's host name, which says it, cannot be changed. Interfaces write ``taken_at`` and ``interface``; one that
    was taken and has no interface any more is spent. Everything else is the controller's.
    """

    account_rows: ClassVar = AccountRows(restored_as={"last_status": NamespaceStatus.PENDING.value})

    network = models.ForeignKey(VpcNetwork, on_delete=models.CASCADE, related_name="namespaces")
    subnet = models.ForeignKey(Subnet, on_delete=models.SET_NULL, null=True, related_name="namespaces")
    interface = models.OneToOneField(NetworkInterface, on_delete=models.SET_NULL, null=True, related_name="namespace")
    name = models.CharField(max_length=255, unique=True)
    address = models.GenericIPAddressField(protocol="IPv4")
    backing_index = models.PositiveIntegerField()
    taken_at = models.DateTimeField(null=True)
    last_status = models.CharField(max_length=8, default=NamespaceStatus.PENDING.value)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["network", "backing_index"], name="ec2_namespace_place_once"),
            models.UniqueConstraint(
                fields=["subnet", "address"], condition=Q(taken_at__isnull=True), name="ec2_namespace_address_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_ready(self) -> bool:
        return self.last_status == NamespaceStatus.READY
