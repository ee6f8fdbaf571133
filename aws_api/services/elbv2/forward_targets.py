"""Load balancers as targets of port forwards, also those that do not face the internet."""

from collections.abc import Iterable

from aws_api.core.port_forwards import ForwardTarget, Location
from aws_api.services.elbv2.changes import KIND
from aws_api.services.elbv2.models import LoadBalancer
from aws_api.services.elbv2.networking import attachments

LOAD_BALANCER = "load-balancer"
#: For one who looks for something to forward to.
MAX_TARGETS = 500


class LoadBalancerTargets:
    """The targets that Elastic Load Balancing has."""

    kinds = frozenset({KIND})

    def targets(self, account_id: str, region: str) -> Iterable[ForwardTarget]:
        rows = LoadBalancer.objects.filter(account_id=account_id, region=region, desired_deleted=False)
        yield from map(_target, rows.order_by("name").prefetch_related("listeners")[:MAX_TARGETS])

    def target(self, arn: str) -> ForwardTarget | None:
        row = _find(arn)
        return _target(row) if row else None

    def locate(self, arn: str) -> Location | None:
        row = _find(arn)
        if row is None:
            return None
        first = next(iter(attachments(row)), None)
        return Location(network_name=first.network_name, address=first.private_address) if first else Location()


def _find(arn: str) -> LoadBalancer | None:
    return LoadBalancer.objects.filter(arn=arn, desired_deleted=False).first()


def _target(row: LoadBalancer) -> ForwardTarget:
    listeners = sorted(row.listeners.all(), key=lambda listener: listener.port)
    ports = tuple((listener.port, "udp" if listener.protocol == "UDP" else "tcp") for listener in listeners)
    return ForwardTarget(arn=row.arn, type=LOAD_BALANCER, name=row.name, ports=ports)
