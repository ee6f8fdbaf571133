"""What is still described for a while after its end, and then forgotten: a chore."""

from datetime import datetime, timedelta

from aws_api.services.ec2.models import NatGateway, VpcPeeringConnection

#: How long EC2 shows a NAT gateway that was deleted, and a peering connection that came to an end.
KEEP_NAT_GATEWAY = timedelta(hours=1)
KEEP_PEERING_CONNECTION = timedelta(hours=2)
_MAX_AT_ONCE = 1000


def forget_ended(now: datetime) -> None:
    """Expire what nobody accepted in time, and delete what has been over for long enough."""
    waiting = VpcPeeringConnection.objects.filter(status="pending-acceptance", expires_at__lt=now)
    waiting.update(status="expired", status_message="Expired", ended_at=now)
    gateways = NatGateway.objects.filter(deleted_at__lt=now - KEEP_NAT_GATEWAY).values("pk")
    NatGateway.objects.filter(pk__in=gateways[:_MAX_AT_ONCE]).delete()
    peerings = VpcPeeringConnection.objects.filter(ended_at__lt=now - KEEP_PEERING_CONNECTION).values("pk")
    VpcPeeringConnection.objects.filter(pk__in=peerings[:_MAX_AT_ONCE]).delete()
