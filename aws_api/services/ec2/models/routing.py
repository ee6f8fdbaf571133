"""Route tables, and the gateways of a VPC to the internet."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.services.ec2 import kinds
from aws_api.services.ec2.models.prefix_lists import ManagedPrefixList
from aws_api.services.ec2.models.resource import Ec2Resource
from aws_api.services.ec2.models.vpcs import Subnet, Vpc


class InternetGateway(Ec2Resource):
    """The way from a VPC to the internet; attached to one VPC or none."""

    kind = kinds.INTERNET_GATEWAY

    vpc = models.OneToOneField(Vpc, on_delete=models.PROTECT, null=True, related_name="internet_gateway")


class EgressOnlyInternetGateway(Ec2Resource):
    """The way out for IPv6, which Simfra's VPCs lack: kept as it was made, and no packet ever takes it."""

    kind = kinds.EGRESS_ONLY_INTERNET_GATEWAY

    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="egress_only_internet_gateways")


class RouteTable(Ec2Resource):
    """Where packets go that leave a subnet."""

    kind = kinds.ROUTE_TABLE

    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="route_tables")


class RouteTableAssociation(models.Model):
    """A route table's use: by a subnet, by a gateway for what comes in, or as its VPC's main table (neither then)."""

    association_id = models.CharField(max_length=64, unique=True)
    route_table = models.ForeignKey(RouteTable, on_delete=models.CASCADE, related_name="associations")
    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="route_table_associations")
    subnet = models.OneToOneField(Subnet, on_delete=models.CASCADE, null=True, related_name="route_table_association")
    gateway = models.OneToOneField(
        InternetGateway, on_delete=models.CASCADE, null=True, related_name="route_table_association"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["vpc"],
                condition=Q(subnet__isnull=True, gateway__isnull=True),
                name="ec2_one_main_route_table",
            )
        ]

    def __str__(self) -> str:
        return self.association_id

    @property
    def is_main(self) -> bool:
        return self.subnet_id is None and self.gateway_id is None


class Route(models.Model):
    """One line of a route table. ``target`` is the member of AWS's Route shape, ``target_id`` its value.

    ``destination`` is a block, or the id of ``prefix_list``. The local routes of a VPC's own blocks and the routes of
    gateway endpoints are not rows: they follow from the blocks and the endpoints.
    """

    route_table = models.ForeignKey(RouteTable, on_delete=models.CASCADE, related_name="routes")
    destination = models.CharField(max_length=64)
    prefix_list = models.ForeignKey(ManagedPrefixList, on_delete=models.PROTECT, null=True, related_name="routes")
    target = models.CharField(max_length=32)
    target_id = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["route_table", "destination"], name="ec2_route_once")]

    def __str__(self) -> str:
        return f"{self.destination} -> {self.target_id}"
