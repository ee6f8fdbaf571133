"""The names of load balancers in VPCs: zones of one name each, answered with the addresses of their interfaces.

A VPC sees the names of all load balancers of its account and region, as everybody does on AWS.
"""

from collections.abc import Iterable

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.dns import DnsRecord, DnsZone, VpcReference, ZoneChange, names_changed
from aws_api.services.elbv2.models import LoadBalancer
from aws_api.services.elbv2.networking import attachments

TTL_S = 60
#: What our own names end with: ``web.elb.us-east-1.simfra.dev`` is easier to remember.
OWN_DOMAIN = "simfra.dev"


class LoadBalancerZones:
    """The zones of load balancers' names."""

    def zones(self, vpc: VpcReference) -> Iterable[DnsZone]:
        rows = LoadBalancer.objects.filter(account_id=vpc.account_id, region=vpc.region, desired_deleted=False)
        for row in rows.order_by("pk"):
            version = _version(row)
            for name in names_of(row):
                yield DnsZone(name=name, version=version, records=_records(row, name))


def names_of(row: LoadBalancer) -> list[str]:
    """Everything that a load balancer is called: AWS's name, and our own."""
    return [row.dns_name.lower(), f"{row.name}.elb.{row.region}.{OWN_DOMAIN}".lower()]


def names_of_vpc_changed(row: LoadBalancer) -> None:
    """Tell the account's VPCs how a load balancer is reached now, or that it is not any more."""
    version = int(SYSTEM_CLOCK.now().timestamp() * 1000)
    for name in names_of(row):
        if row.desired_deleted:
            change = ZoneChange(zone=name, version=version, is_gone=True)
        else:
            change = ZoneChange(zone=name, version=version, names={name: _records(row, name)}, is_whole=True)
        names_changed(row.account_id, None, change)


def _records(row: LoadBalancer, name: str) -> tuple[DnsRecord, ...]:
    addresses = tuple(attachment.private_address for attachment in attachments(row))
    return (DnsRecord(name=name, type="A", ttl_s=TTL_S, values=addresses),)


def _version(row: LoadBalancer) -> int:
    return int(row.created_at.timestamp() * 1000)
