"""Keeps namespaces ready in the networks that tasks use: the one writer of SpareNamespace, but for who takes one."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import LABEL_KEY, LABEL_KIND, Observation, Plan, Scope
from aws_api.core.errors import AwsError
from aws_api.core.reconcile import Round, kick
from aws_api.core.sidecars import namespace_container, private_dns_name
from aws_api.services.ec2.addresses import address_at
from aws_api.services.ec2.interfaces import new_namespace
from aws_api.services.ec2.models import NetworkInterface, PrivateAddress, SpareNamespace, Subnet, VpcNetwork
from aws_api.services.ec2.namespaces import (
    KEEP_IDLE_S,
    QUIET_S,
    DesiredNamespace,
    DesiredNamespaces,
    NamespaceStatus,
    decide,
    status_of,
)
from aws_api.services.ec2.reconcile import NAMESPACES_KIND, NETWORK_KIND
from aws_api.services.ec2.waking import vpc_network_name


class NamespaceController:
    """Load, decide and record for the namespaces of one VPC; the key is the network's."""

    kind = NAMESPACES_KIND

    def load(self, key: str) -> DesiredNamespaces | None:
        network = VpcNetwork.objects.filter(key=key).select_related("vpc").first()
        if network is None:
            return None
        labels = {LABEL_KIND: self.kind, LABEL_KEY: key}
        now = SYSTEM_CLOCK.now()
        newest = _interfaces(network).order_by("-created_at").values_list("created_at", flat=True).first()
        idle_s = (now - network.last_idle_since).total_seconds() if network.last_idle_since else 0.0
        is_kept = bool(network.vpc and network.usable_subnet) and (newest is not None or idle_s < KEEP_IDLE_S)
        numbers = _numbers_of_subnets(network) if is_kept else {}
        rows = list(SpareNamespace.objects.filter(network=network).select_related("subnet").order_by("pk"))
        spares: Counter[int | None] = Counter()
        namespaces = []
        for row in rows:
            is_wanted = row.interface_id is not None
            if row.taken_at is None and _is_free(row) and spares[row.subnet_id] < numbers.get(row.subnet_id or 0, 0):
                spares[row.subnet_id] += 1
                is_wanted = True
            namespaces.append(_desired(row, network, labels, is_wanted=is_wanted))
        return DesiredNamespaces(
            key=key,
            labels=labels,
            namespaces=tuple(namespaces),
            missing={pk: number - spares[pk] for pk, number in numbers.items() if number > spares[pk]},
            is_in_use=newest is not None,
            quiet_in_s=(newest - now).total_seconds() + QUIET_S if newest else 0.0,
            # Nobody says when a network has been idle for long.
            look_again_s=KEEP_IDLE_S if rows and newest is None and is_kept else None,
        )

    def scope(self, desired: DesiredNamespaces) -> Scope:
        return Scope(labels=desired.labels)

    def decide(self, desired: DesiredNamespaces, observed: Observation, now: datetime) -> Plan:
        return decide(desired, observed)

    def record(self, desired: DesiredNamespaces, outcome: Round) -> None:
        for namespace in desired.namespaces:
            row = SpareNamespace.objects.filter(name=namespace.name)
            if not namespace.is_wanted:
                # One that was taken meanwhile is wanted, as the next round will see.
                unclaimed = row.filter(interface__isnull=True)
                if outcome.observed.container(namespace.name) is None:
                    unclaimed.delete()
                else:
                    unclaimed.update(last_status=NamespaceStatus.PENDING)
            elif (status := status_of(namespace, outcome.observed)) is not namespace.last_status:
                row.update(last_status=status)
        if desired.quiet_in_s <= 0 and outcome.failure is None:
            for subnet in Subnet.objects.filter(pk__in=desired.missing).select_related("vpc__network"):
                _add(subnet, desired.missing[subnet.pk])
        if desired.namespaces and not SpareNamespace.objects.filter(network__key=desired.key).exists():
            # Its network may wait for that, to be taken down.
            kick(NETWORK_KIND, desired.key)

    def unsettled(self, now: datetime) -> Iterable[str]:
        """Those with a namespace that is not as it should be, and those that no task uses any more."""
        is_off = Q(last_status=NamespaceStatus.PENDING) | Q(taken_at__isnull=False, interface__isnull=True)
        is_idle = Q(network__vpc__isnull=True) | Q(network__last_idle_since__lt=now - timedelta(seconds=KEEP_IDLE_S))
        rows = SpareNamespace.objects.filter(is_off | is_idle)
        return rows.order_by("network").values_list("network__key", flat=True).distinct()


def _interfaces(network: VpcNetwork) -> "QuerySet[NetworkInterface]":
    return NetworkInterface.objects.filter(vpc=network.vpc, backing_index__isnull=False)


def _numbers_of_subnets(network: VpcNetwork) -> dict[int, int]:
    """How many are to be ready in each subnet that tasks are in, or were in until now."""
    used = {*_interfaces(network).values_list("subnet_id", flat=True).distinct()}
    used |= {*Subnet.objects.filter(namespaces__network=network).values_list("pk", flat=True)}
    return dict.fromkeys(used, settings.SIMFRA_SPARE_NAMESPACES)


def _is_free(row: SpareNamespace) -> bool:
    return not PrivateAddress.objects.filter(subnet=row.subnet, address=row.address).exists()


def _desired(row: SpareNamespace, network: VpcNetwork, labels: dict[str, str], *, is_wanted: bool) -> DesiredNamespace:
    backing_subnet = network.last_backing_subnet
    return DesiredNamespace(
        name=row.name,
        spec=namespace_container(
            name=row.name,
            image=settings.SIMFRA_SIDECAR_IMAGE,
            network_name=vpc_network_name(network.vpc) if network.vpc else "",
            backing_address=address_at(backing_subnet, row.backing_index) if backing_subnet else "",
            hostname=private_dns_name(row.address, network.region),
            labels=labels,
        ),
        is_wanted=is_wanted,
        is_taken=row.taken_at is not None,
        last_status=NamespaceStatus(row.last_status),
    )


def _add(subnet: Subnet, number: int) -> None:
    for _ in range(number):
        try:
            with transaction.atomic():
                new_namespace(subnet)
        except AwsError:
            # The subnet, or its network, is full.
            return
