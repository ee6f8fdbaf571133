"""Security groups and their rules."""

from typing import ClassVar

from django.db import models

from aws_api.services.ec2 import kinds
from aws_api.services.ec2.models.prefix_lists import ManagedPrefixList
from aws_api.services.ec2.models.resource import Ec2Resource
from aws_api.services.ec2.models.vpcs import Vpc


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

    ``referenced_group`` may be of a VPC that this one has a peering connection with, also of another account's.
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
    prefix_list = models.ForeignKey(
        ManagedPrefixList, on_delete=models.PROTECT, null=True, related_name="security_group_rules"
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
                    "prefix_list",
                ],
                nulls_distinct=False,
                name="ec2_rule_once",
            ),
        ]
