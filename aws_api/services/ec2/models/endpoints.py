"""VPC endpoints."""

from django.db import models

from aws_api.services.ec2 import kinds
from aws_api.services.ec2.models.prefix_lists import ManagedPrefixList
from aws_api.services.ec2.models.resource import Ec2Resource
from aws_api.services.ec2.models.routing import RouteTable
from aws_api.services.ec2.models.security_groups import SecurityGroup
from aws_api.services.ec2.models.vpcs import Vpc


class VpcEndpoint(Ec2Resource):
    """A service of AWS's, reached from a VPC without internet.

    A ``Gateway`` one adds routes for the service's prefix list to ``route_tables``. An ``Interface`` one has an
    interface in each of its subnets (``interfaces``), all in its ``security_groups``; with ``private_dns_enabled`` the
    service's own name resolves to them.
    """

    kind = kinds.VPC_ENDPOINT

    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="endpoints")
    endpoint_type = models.CharField(max_length=32)
    service_name = models.CharField(max_length=255)
    policy_document = models.TextField(default="", blank=True)
    private_dns_enabled = models.BooleanField(default=False)
    route_tables = models.ManyToManyField(RouteTable, related_name="endpoints")
    security_groups = models.ManyToManyField(SecurityGroup, related_name="endpoints")
    prefix_list = models.ForeignKey(ManagedPrefixList, on_delete=models.PROTECT, null=True, related_name="endpoints")
