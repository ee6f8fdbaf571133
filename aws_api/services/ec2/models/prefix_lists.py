"""Prefix lists and their blocks."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.services.ec2 import kinds
from aws_api.services.ec2.models.resource import Ec2Resource


class ManagedPrefixList(Ec2Resource):
    """A named set of CIDR blocks in versions; routes and security group rules refer to it.

    AWS's own lists are rows of every account as well, with ``is_aws_managed``.
    """

    kind = kinds.PREFIX_LIST

    prefix_list_name = models.CharField(max_length=255)
    address_family = models.CharField(max_length=4, default="IPv4")
    max_entries = models.PositiveIntegerField()
    version = models.PositiveIntegerField(default=1)
    is_aws_managed = models.BooleanField(default=False)
    #: What the last change did: ``create-complete``, ``modify-complete`` or ``restore-complete``.
    state = models.CharField(max_length=32, default="create-complete")

    class Meta(Ec2Resource.Meta):
        constraints: ClassVar = [
            *Ec2Resource.Meta.constraints,
            models.UniqueConstraint(
                fields=["account_id", "region", "prefix_list_name"],
                condition=Q(is_aws_managed=True),
                name="ec2_aws_prefix_list_once",
            ),
        ]

    @property
    def arn(self) -> str:
        owner = "aws" if self.is_aws_managed else self.account_id
        return f"arn:aws:ec2:{self.region}:{owner}:{self.kind.name}/{self.resource_id}"


class PrefixListEntry(models.Model):
    """A block of a prefix list, from the version that added it until the one that removed it.

    What the list holds now is ``removed_in=None``.
    """

    prefix_list = models.ForeignKey(ManagedPrefixList, on_delete=models.CASCADE, related_name="entries")
    cidr = models.CharField(max_length=64)
    description = models.CharField(max_length=255, default="", blank=True)
    added_in = models.PositiveIntegerField()
    removed_in = models.PositiveIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["prefix_list", "cidr"], condition=Q(removed_in__isnull=True), name="ec2_prefix_list_cidr_once"
            )
        ]

    def __str__(self) -> str:
        return self.cidr
