"""Network ACLs, their entries and their uses."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.services.ec2 import kinds
from aws_api.services.ec2.models.resource import Ec2Resource
from aws_api.services.ec2.models.vpcs import Subnet, Vpc


class NetworkAcl(Ec2Resource):
    """Stateless rules at a subnet's border; what no entry allows is denied (AWS shows that as number 32767)."""

    kind = kinds.NETWORK_ACL

    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="network_acls")
    is_default = models.BooleanField(default=False)

    class Meta(Ec2Resource.Meta):
        constraints: ClassVar = [
            *Ec2Resource.Meta.constraints,
            models.UniqueConstraint(fields=["vpc"], condition=Q(is_default=True), name="ec2_one_default_network_acl"),
        ]


class NetworkAclEntry(models.Model):
    """One line of a network ACL: the first, by number, that a packet matches decides.

    ``protocol`` is a number as text, ``-1`` for all. Ports are None but for TCP (6) and UDP (17), type and code but for
    ICMP (1) and ICMPv6 (58), where -1 is any. One of ``cidr_ipv4`` and ``cidr_ipv6`` is given.
    """

    network_acl = models.ForeignKey(NetworkAcl, on_delete=models.CASCADE, related_name="entries")
    is_egress = models.BooleanField()
    rule_number = models.PositiveIntegerField()
    is_allow = models.BooleanField()
    protocol = models.CharField(max_length=4)
    cidr_ipv4 = models.CharField(max_length=18, default="", blank=True)
    cidr_ipv6 = models.CharField(max_length=64, default="", blank=True)
    from_port = models.PositiveIntegerField(null=True)
    to_port = models.PositiveIntegerField(null=True)
    icmp_type = models.IntegerField(null=True)
    icmp_code = models.IntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["network_acl", "is_egress", "rule_number"], name="ec2_network_acl_rule_number_once"
            )
        ]

    def __str__(self) -> str:
        return f"{'egress' if self.is_egress else 'ingress'} {self.rule_number}"


class NetworkAclAssociation(models.Model):
    """The one network ACL of a subnet."""

    association_id = models.CharField(max_length=64, unique=True)
    network_acl = models.ForeignKey(NetworkAcl, on_delete=models.PROTECT, related_name="associations")
    subnet = models.OneToOneField(Subnet, on_delete=models.CASCADE, related_name="network_acl_association")

    def __str__(self) -> str:
        return self.association_id
