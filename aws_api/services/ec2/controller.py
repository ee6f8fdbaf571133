"""Keeps the real networks of VPCs true: the one writer of VpcNetwork's ``last_`` columns."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from aws_api.core.changes import StateChange, publish
from aws_api.core.containers import (
    LABEL_KEY,
    LABEL_KIND,
    ConfigureContainer,
    Observation,
    ObservedContainer,
    Plan,
    Scope,
)
from aws_api.core.dns import VpcReference, zones_of
from aws_api.core.models import Transition
from aws_api.core.reconcile import Round, register_controller
from aws_api.core.service import all_services
from aws_api.core.sidecars import (
    DNS_PORT,
    emulator_address,
    filter_token,
    uplink_network_name,
    vpc_gateway_configuration,
    vpc_network,
)
from aws_api.services.ec2.addresses import address_at
from aws_api.services.ec2.filtering.loading import load_policies
from aws_api.services.ec2.filtering.rendering import gateway_policies
from aws_api.services.ec2.models import NetworkInterface, SpareNamespace, Vpc, VpcNetwork
from aws_api.services.ec2.namespace_controller import NamespaceController
from aws_api.services.ec2.reconcile import (
    KEEP_IDLE_S,
    NETWORK_KIND,
    DesiredNetwork,
    GatewayTemplate,
    NetworkStatus,
    configuration_digest,
    decide,
    status_of,
)
from aws_api.services.ec2.waking import wake_peers

#: A network that looks ready is looked at again this often: a lost kick costs no more.
CHECK_EVERY_S = 60


class VpcController:
    """Load, decide and record for the network of one VPC; the key is ``account/region/vpc-id``."""

    kind = NETWORK_KIND

    def load(self, key: str) -> DesiredNetwork | None:
        row = VpcNetwork.objects.filter(key=key).select_related("vpc").first()
        if row is None:
            return None
        vpc_id = key.rpartition("/")[2]
        labels = {LABEL_KIND: self.kind, LABEL_KEY: key}
        return DesiredNetwork(
            key=key,
            vpc_exists=row.vpc is not None,
            is_in_use=row.vpc is not None and _interfaces_of_containers().filter(vpc=row.vpc).exists(),
            idle_since=row.last_idle_since,
            last_status=NetworkStatus(row.last_status),
            last_uplink_address=row.last_uplink_address,
            network=vpc_network(
                instance=settings.SIMFRA_INSTANCE,
                account_id=row.account_id,
                region=row.region,
                vpc_id=vpc_id,
                labels=labels,
            ),
            gateway=GatewayTemplate(
                instance=settings.SIMFRA_INSTANCE,
                image=settings.SIMFRA_SIDECAR_IMAGE,
                uplink_subnet=settings.SIMFRA_UPLINK_SUBNET,
                emulator=emulator_address(
                    settings.SIMFRA_UPLINK_SUBNET, settings.SIMFRA_UPLINK_ENDPOINT, settings.SIMFRA_PORT
                ),
                emulator_port=settings.SIMFRA_ENDPOINT_PORT,
                dns_ports=settings.SIMFRA_DNS_PORT_RANGE,
                secret_key=settings.SECRET_KEY,
            ),
            labels=labels,
            has_namespaces=SpareNamespace.objects.filter(network=row).exists(),
            configuration=_configuration(row.vpc) if row.vpc else {},
            applied=row.last_configuration,
        )

    def scope(self, desired: DesiredNetwork) -> Scope:
        return Scope(labels=desired.labels, networks=(desired.network.name,))

    def decide(self, desired: DesiredNetwork, observed: Observation, now: datetime) -> Plan:
        return decide(desired, observed, now)

    def record(self, desired: DesiredNetwork, outcome: Round) -> None:
        applied = _applied(desired, outcome)
        status = status_of(desired, outcome.observed, failed=outcome.failure is not None, applied=applied)
        network = outcome.observed.network(desired.network.name)
        gateway = outcome.observed.container(desired.gateway_name)
        dns_ports = _dns_ports(gateway)
        rows = VpcNetwork.objects.filter(key=desired.key, last_status=desired.last_status)
        with transaction.atomic():
            if not desired.vpc_exists and status is NetworkStatus.ABSENT:
                recorded, _ = rows.filter(vpc__isnull=True).delete()
            else:
                recorded = rows.update(
                    last_status=status,
                    last_backing_subnet=network.subnet if network else "",
                    last_configuration=applied,
                    last_uplink_address=_uplink_address(gateway),
                    last_dns_port=dns_ports.get("udp", 0),
                    last_dns_tcp_port=dns_ports.get("tcp", 0),
                    last_failure=outcome.failure.reason if outcome.failure else "",
                    last_idle_since=None if desired.is_in_use else desired.idle_since or outcome.at,
                    last_checked_at=outcome.at,
                )
            if recorded and status is not desired.last_status:
                _tell(desired, status, outcome)
            if recorded and _uplink_address(gateway) != desired.last_uplink_address:
                wake_peers(desired.key)

    def unsettled(self, now: datetime) -> Iterable[str]:
        is_in_use = Exists(_interfaces_of_containers().filter(vpc=OuterRef("vpc")))
        is_old = Q(last_checked_at__isnull=True) | Q(last_checked_at__lt=now - timedelta(seconds=CHECK_EVERY_S))
        is_long_idle = Q(last_idle_since__isnull=True) | Q(last_idle_since__lt=now - timedelta(seconds=KEEP_IDLE_S))
        rows = VpcNetwork.objects.annotate(is_in_use=is_in_use).filter(
            Q(vpc__isnull=True)
            | Q(is_in_use=True) & (~Q(last_status=NetworkStatus.READY) | is_old)
            | Q(is_in_use=False) & ~Q(last_status=NetworkStatus.ABSENT) & is_long_idle
        )
        return rows.order_by("pk").values_list("key", flat=True)


def _configuration(vpc: Vpc) -> dict[str, object]:
    policies = load_policies([vpc.pk])
    peers = {each.key: each.vpc_id for each in policies.vpcs.values() if each.vpc_id != vpc.resource_id}
    gateways = VpcNetwork.objects.filter(key__in=peers).exclude(last_uplink_address="")
    return vpc_gateway_configuration(
        region=vpc.region,
        cidrs=map(str, policies.vpcs[vpc.resource_id].blocks),
        policies=gateway_policies(
            policies,
            vpc.resource_id,
            peer_gateways={peers[row.key]: row.last_uplink_address for row in gateways},
            tokens={name: filter_token(settings.SECRET_KEY, name) for name in policies.interfaces},
        ),
        dns_address=address_at(vpc.cidr_block, 2) if vpc.enable_dns_support else None,
        services=_endpoint_names(),
        zones=zones_of(VpcReference(account_id=vpc.account_id, region=vpc.region, vpc_id=vpc.resource_id)),
    )


def _endpoint_names() -> set[str]:
    """What the endpoints of emulated services are called: by the service's name, or by that it signs for."""
    return {name for service in all_services() for name in (service.name, service.signing_name)}


def _uplink_address(gateway: ObservedContainer | None) -> str:
    """Where peered VPCs' gateways find this one; nothing while it does not run."""
    return gateway.addresses.get(uplink_network_name(settings.SIMFRA_INSTANCE), "") if gateway else ""


def _dns_ports(gateway: ObservedContainer | None) -> dict[str, int]:
    """The host's ports of the gateway's resolver, by protocol."""
    ports = gateway.ports if gateway is not None else ()
    return {binding.protocol: binding.host_port for binding in ports if binding.container_port == DNS_PORT}


def _applied(desired: DesiredNetwork, outcome: Round) -> str:
    """The digest of what the gateway was last told; empty where no bridge is, or no gateway was ever told anything."""
    if outcome.observed.network(desired.network.name) is None:
        return ""
    was_configured = outcome.failure is None and any(
        isinstance(step, ConfigureContainer) for step in outcome.plan.steps
    )
    gateway = outcome.observed.container(desired.gateway_name)
    if was_configured and gateway is not None:
        return configuration_digest(desired.configuration, gateway)
    return desired.applied


def _tell(desired: DesiredNetwork, status: NetworkStatus, outcome: Round) -> None:
    account_id, region, _ = desired.key.split("/")
    change = StateChange(
        kind=NETWORK_KIND,
        key=desired.key,
        account_id=account_id,
        region=region,
        before=desired.last_status,
        after=status,
        cause=_cause(outcome),
        at=outcome.at,
    )
    Transition.objects.create(
        kind=change.kind,
        key=change.key,
        account_id=account_id,
        region=region,
        before=change.before,
        after=change.after,
        cause=change.cause,
        at=change.at,
    )
    publish(change)


def _cause(outcome: Round) -> str:
    if outcome.failure:
        return outcome.failure.reason
    return outcome.plan.steps[0].cause if outcome.plan else "seen by the reconciler"


def _interfaces_of_containers() -> QuerySet[NetworkInterface]:
    return NetworkInterface.objects.filter(backing_index__isnull=False)


register_controller(VpcController())
register_controller(NamespaceController())
