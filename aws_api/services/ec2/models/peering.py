"""Peering connections between VPCs."""

from typing import ClassVar

from django.db import models

from aws_api.services.ec2 import kinds
from aws_api.services.ec2.models.resource import Ec2Resource
from aws_api.services.ec2.models.vpcs import Vpc


class VpcPeeringConnection(Ec2Resource):
    """Two VPCs that may route to each other once both sides agreed; the row is the requester's.

    Packets pass only where ``status`` is ``active``. ``document`` keeps RequesterVpcInfo and AccepterVpcInfo as they
    were asked for, for there may be no such VPC (any more). ``tags`` are the requester's.
    """

    kind = kinds.VPC_PEERING_CONNECTION

    requester_vpc = models.ForeignKey(
        Vpc, on_delete=models.SET_NULL, null=True, related_name="requested_peering_connections"
    )
    accepter_vpc = models.ForeignKey(
        Vpc, on_delete=models.SET_NULL, null=True, related_name="accepted_peering_connections"
    )
    accepter_account_id = models.CharField(max_length=12)
    accepter_region = models.CharField(max_length=32)
    status = models.CharField(max_length=32)
    status_message = models.CharField(max_length=255, default="", blank=True)
    expires_at = models.DateTimeField(null=True)
    #: When it came to an end: rejected, failed, expired or deleted.
    ended_at = models.DateTimeField(null=True)
    accepter_tags = models.JSONField(default=dict, blank=True)
    #: Whether a side resolves the other side's public names to private addresses.
    requester_resolves_names = models.BooleanField(default=False)
    accepter_resolves_names = models.BooleanField(default=False)

    class Meta(Ec2Resource.Meta):
        indexes: ClassVar = [
            # What an account was asked for.
            models.Index(fields=["accepter_account_id", "accepter_region"], name="ec2_peerings_of_accepter"),
            # Forgetting those that came to an end.
            models.Index(fields=["ended_at"], name="ec2_ended_peerings"),
        ]

    @property
    def is_active(self) -> bool:
        return self.status == "active"
