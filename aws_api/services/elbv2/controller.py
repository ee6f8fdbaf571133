"""Keeps load balancers true: the one writer of their ``last_`` columns."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from aws_api.core import host_ports
from aws_api.core.changes import StateChange, publish, subscribe
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import (
    LABEL_KEY,
    LABEL_KIND,
    ConfigureContainer,
    ContainerSpec,
    ContainerState,
    Observation,
    Plan,
    Scope,
)
from aws_api.core.context import internal_context
from aws_api.core.models import Transition
from aws_api.core.network import NetworkAttachment
from aws_api.core.reconcile import Round, kick, register_controller
from aws_api.core.sidecars import emulator_address
from aws_api.services.elbv2.changes import KIND, container_name
from aws_api.services.elbv2.container import REPORT_PREFIX, load_balancer_container
from aws_api.services.elbv2.figures import forget_old_traffic
from aws_api.services.elbv2.models import LoadBalancer, LoadBalancerStatus, Target, TargetGroup
from aws_api.services.elbv2.networking import attachments, delete_interfaces
from aws_api.services.elbv2.reconcile import DesiredLoadBalancer, configuration_digest, decide
from aws_api.services.elbv2.rendering import load_balancer_configuration
from aws_api.services.elbv2.specification import deregistration_delay, load_balancer_spec

#: The kind whose change means that a VPC's network may be there now.
NETWORK_KIND = "ec2.vpc"
#: A load balancer that looks well is looked at again this often: a lost kick costs no more.
CHECK_EVERY_S = 60
MAX_SWEPT = 1000


class LoadBalancerController:
    """Load, decide and record for one load balancer; the key is its ARN."""

    kind = KIND

    def load(self, key: str) -> DesiredLoadBalancer | None:
        row = LoadBalancer.objects.filter(arn=key).first()
        if row is None:
            return None
        now = SYSTEM_CLOCK.now()
        labels = {LABEL_KIND: self.kind, LABEL_KEY: key}
        found = [] if row.desired_deleted else attachments(row)
        first = found[0] if found else None
        is_placed = first is not None and first.backing_address is not None
        spec = load_balancer_spec(row, tuple(attachment.private_address for attachment in found), now)
        return DesiredLoadBalancer(
            arn=row.arn,
            name=row.name,
            is_deleted=row.desired_deleted,
            last_status=row.last_status,
            container=_container(row, first, labels) if first is not None and is_placed else None,
            container_name=container_name(row),
            backing_address=(first.backing_address or "") if first is not None else "",
            network_name=first.network_name if first is not None else "",
            network_kind=first.network_kind if first is not None else "",
            network_key=first.network_key if first is not None else "",
            labels=labels,
            configuration=load_balancer_configuration(spec, found) if found else {},
            applied=row.last_configuration,
            drained_at=_next_end_of_draining(row, now),
        )

    def scope(self, desired: DesiredLoadBalancer) -> Scope:
        return Scope(labels=desired.labels)

    def decide(self, desired: DesiredLoadBalancer, observed: Observation, now: datetime) -> Plan:
        return decide(desired, observed, now)

    def record(self, desired: DesiredLoadBalancer, outcome: Round) -> None:
        row = LoadBalancer.objects.filter(arn=desired.arn).first()
        if row is None:
            return
        if desired.is_deleted:
            if outcome.failure is None and outcome.observed.container(desired.container_name) is None:
                with transaction.atomic():
                    delete_interfaces(row, row.interfaces)
                    row.delete()
            return
        applied = _applied(desired, outcome)
        status = _status(desired, outcome, applied)
        rows = LoadBalancer.objects.filter(pk=row.pk, last_status=desired.last_status)
        with transaction.atomic():
            recorded = rows.update(
                last_status=status,
                last_configuration=applied,
                last_failure=outcome.failure.reason if outcome.failure else "",
                last_checked_at=outcome.at,
            )
            _end_draining(row, outcome.at)
            _publish_on_host(row)
            if recorded and status != desired.last_status:
                _tell(row, desired.last_status, status, outcome)

    def unsettled(self, now: datetime) -> Iterable[str]:
        is_old = Q(last_checked_at__isnull=True) | Q(last_checked_at__lt=now - timedelta(seconds=CHECK_EVERY_S))
        rows = LoadBalancer.objects.filter(Q(desired_deleted=True) | ~Q(last_status=LoadBalancerStatus.ACTIVE) | is_old)
        return list(rows.order_by("pk").values_list("arn", flat=True)[:MAX_SWEPT])

    def collect(self, now: datetime) -> None:
        """Forget what was carried long ago."""
        forget_old_traffic()


@subscribe
def kick_load_balancers_that_wait_for_a_network(change: StateChange) -> None:
    """A VPC's network is there, or failed: whoever waits for it looks again."""
    if change.kind != NETWORK_KIND:
        return
    account_id, region, vpc_id = change.key.split("/")
    waiting = LoadBalancer.objects.filter(account_id=account_id, region=region, vpc_id=vpc_id)
    for arn in waiting.order_by("pk").values_list("arn", flat=True)[:MAX_SWEPT]:
        kick(KIND, arn)


def _container(row: LoadBalancer, attachment: NetworkAttachment, labels: dict[str, str]) -> ContainerSpec:
    return load_balancer_container(
        attachment,
        name=container_name(row),
        report_path=f"{REPORT_PREFIX}{row.account_id}/{row.region}/{row.resource_id}",
        instance=settings.SIMFRA_INSTANCE,
        image=settings.SIMFRA_SIDECAR_IMAGE,
        uplink_subnet=settings.SIMFRA_UPLINK_SUBNET,
        emulator=emulator_address(settings.SIMFRA_UPLINK_SUBNET, settings.SIMFRA_UPLINK_ENDPOINT, settings.SIMFRA_PORT),
        secret_key=settings.SECRET_KEY,
        labels=labels,
    )


def _applied(desired: DesiredLoadBalancer, outcome: Round) -> str:
    """The digest of what the container was last told."""
    was_configured = outcome.failure is None and any(
        isinstance(step, ConfigureContainer) for step in outcome.plan.steps
    )
    container = outcome.observed.container(desired.container_name)
    if was_configured and container is not None:
        return configuration_digest(desired.configuration, container)
    return desired.applied


def _status(desired: DesiredLoadBalancer, outcome: Round, applied: str) -> str:
    container = outcome.observed.container(desired.container_name)
    runs = container is not None and container.state is ContainerState.RUNNING
    if outcome.failure is not None:
        # One that carried traffic goes on with what it was told before.
        was_active = desired.last_status in (LoadBalancerStatus.ACTIVE, LoadBalancerStatus.ACTIVE_IMPAIRED)
        return LoadBalancerStatus.ACTIVE_IMPAIRED if runs and was_active else LoadBalancerStatus.FAILED
    if container is not None and runs and applied == configuration_digest(desired.configuration, container):
        return LoadBalancerStatus.ACTIVE
    was_active = desired.last_status == LoadBalancerStatus.ACTIVE
    return LoadBalancerStatus.ACTIVE_IMPAIRED if was_active else LoadBalancerStatus(desired.last_status)


# Targets that drain ---------------------------------------------------------------------------------------------------


def _groups(row: LoadBalancer) -> Sequence[TargetGroup]:
    return list(TargetGroup.objects.filter(rules__listener__load_balancer=row).distinct().order_by("pk"))


def _next_end_of_draining(row: LoadBalancer, now: datetime) -> datetime | None:
    ends = [
        target.draining_since + deregistration_delay(group)
        for group in _groups(row)
        for target in group.targets.filter(draining_since__isnull=False)
        if target.draining_since is not None
    ]
    return min(ends, default=None)


def _end_draining(row: LoadBalancer, now: datetime) -> None:
    """Forget targets that have had their time to drain."""
    for group in _groups(row):
        over = Target.objects.filter(group=group, draining_since__lte=now - deregistration_delay(group))
        deleted, _ = over.delete()
        if deleted:
            TargetGroup.objects.filter(pk=group.pk).update(version=F("version") + 1)
            kick(KIND, row.arn)


# Who is told ----------------------------------------------------------------------------------------------------------


def _publish_on_host(row: LoadBalancer) -> None:
    """Offer the listeners of a load balancer that faces the internet on the host."""
    if row.scheme != "internet-facing":
        return
    found = attachments(row)
    addresses = [
        host_ports.VpcAddress(
            network_name=found[0].network_name,
            address=found[0].private_address,
            port=listener.port,
            protocol=protocol,
            wanted_port=listener.port,
        )
        for listener in row.listeners.order_by("port")
        for protocol in _protocols(listener.protocol)
    ]
    context = internal_context(row.account_id, row.region)
    host_ports.publish(context, row.arn, host_ports.Purpose.ELBV2, addresses)


def _protocols(protocol: str) -> tuple[str, ...]:
    return {"UDP": ("udp",), "TCP_UDP": ("tcp", "udp")}.get(protocol, ("tcp",))


def _tell(row: LoadBalancer, before: str, after: str, outcome: Round) -> None:
    change = StateChange(
        kind=KIND,
        key=row.arn,
        account_id=row.account_id,
        region=row.region,
        before=before,
        after=after,
        cause=_cause(outcome),
        at=outcome.at,
    )
    Transition.objects.create(
        kind=change.kind,
        key=change.key,
        account_id=row.account_id,
        region=row.region,
        before=before,
        after=after,
        cause=change.cause,
        at=change.at,
    )
    publish(change)


def _cause(outcome: Round) -> str:
    if outcome.failure:
        return outcome.failure.reason
    return outcome.plan.steps[0].cause if outcome.plan else "seen by the reconciler"


register_controller(LoadBalancerController())
