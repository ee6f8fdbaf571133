"""Ports of the host behind which addresses of VPCs are: who publishes what, and where it is reached.

A service says which addresses an owner has to offer; the relay (workers/relay) listens on the host for them, on the
wanted port where that is free, else on one of the purpose's range, and on the same one again after a restart. The relay
alone writes where it listens; losing the message that wakes it costs seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db import transaction

from aws_api.core import bus
from aws_api.core.context import Context
from aws_api.core.models import HostPort

#: Tells the relay that rows have changed.
TOPIC = "host-ports"

#: The kind of StateChange that says that a port is open, or cannot be; its key is the owner.
CHANGE_KIND = "host-ports"

#: Whom a relayed connection comes from, as the VPC sees it, where it comes from "the internet": never a real host
#: (RFC 5737), so that a security group may name the Docker host and its users.
INTERNET_ADDRESS = "203.0.113.1"


class Purpose(StrEnum):
    """Why an address is on the host; each has a range of ports of its own (SIMFRA_..._PORT_RANGE)."""

    PUBLIC = "public"  # tasks that have a public address
    ELBV2 = "elbv2"  # load balancers
    PORT_FORWARDS = "port-forwards"  # whatever somebody asked for


class Origin(StrEnum):
    """Where a VPC sees relayed connections come from."""

    #: From :data:`INTERNET_ADDRESS`: security groups decide.
    INTERNET = "internet"
    #: From the VPC's own router, as Session Manager's port forwarding does not ask security groups.
    ROUTER = "router"


class HostPortStatus(StrEnum):
    """What the relay made of a row."""

    PENDING = "PENDING"  # it has not looked yet
    OPEN = "OPEN"  # it listens
    FAILED = "FAILED"  # it cannot; the failure says why


@dataclass(frozen=True, kw_only=True)
class VpcAddress:
    """An address and port inside of a VPC, and the port of the host that would be nicest.

    ``network_name`` is the VPC's Docker network (NetworkAttachment.network_name), ``protocol`` tcp or udp.
    """

    network_name: str
    address: str
    port: int
    protocol: str = "tcp"
    wanted_port: int | None = None
    origin: Origin = Origin.INTERNET


@dataclass(frozen=True, kw_only=True)
class PublishedPort:
    """A published address, and where on the host it is; ``local_port`` is None until the relay listens."""

    owner: str
    purpose: Purpose
    target: VpcAddress
    local_address: str
    local_port: int | None
    status: HostPortStatus
    failure: str = ""


def publish(context: Context, owner: str, purpose: Purpose, addresses: Sequence[VpcAddress]) -> None:
    """Make these, and no others, the addresses that an owner (an ARN) publishes for a purpose.

    Works in the caller's transaction. Publishing the same again changes nothing; where only the address behind a port
    is another one, the host's port stays.
    """
    offered = {(address.protocol, address.port): address for address in addresses}
    with transaction.atomic():
        rows = {(row.protocol, row.port): row for row in HostPort.objects.filter(owner=owner, purpose=purpose)}
        gone = [row.pk for place, row in rows.items() if place not in offered]
        changed = [
            address for place, address in offered.items() if place not in rows or target_of(rows[place]) != address
        ]
        HostPort.objects.filter(pk__in=gone).delete()
        for address in changed:
            _put(context, owner, purpose, address)
        if gone or changed:
            _wake_relay()


def withdraw(owner: str, purpose: Purpose | None = None) -> None:
    """Take an owner's addresses off the host, all or those of one purpose. Doing it again is harmless."""
    rows = HostPort.objects.filter(owner=owner)
    deleted, _ = (rows if purpose is None else rows.filter(purpose=purpose)).delete()
    if deleted:
        _wake_relay()


def published(owner: str) -> list[PublishedPort]:
    """What an owner publishes, by purpose, protocol and port."""
    return published_by([owner]).get(owner, [])


def published_by(owners: Iterable[str]) -> dict[str, list[PublishedPort]]:
    """What several owners publish, by owner."""
    found: dict[str, list[PublishedPort]] = {}
    for row in HostPort.objects.filter(owner__in=list(owners)).order_by("purpose", "protocol", "port"):
        found.setdefault(row.owner, []).append(describe(row))
    return found


def describe(row: HostPort) -> PublishedPort:
    """A row as others see it."""
    return PublishedPort(
        owner=row.owner,
        purpose=Purpose(row.purpose),
        target=target_of(row),
        local_address=local_address(),
        local_port=row.last_port,
        status=HostPortStatus(row.last_status),
        failure=row.last_failure,
    )


def target_of(row: HostPort) -> VpcAddress:
    """What a row publishes."""
    return VpcAddress(
        network_name=row.network_name,
        address=row.address,
        port=row.port,
        protocol=row.protocol,
        wanted_port=row.wanted_port,
        origin=Origin(row.origin),
    )


def port_range(purpose: Purpose) -> tuple[int, int]:
    """The first and the last port of the host that a purpose may take."""
    first, last = settings.SIMFRA_HOST_PORT_RANGES[purpose.value]
    return first, last


def local_address() -> str:
    """Where people on this machine reach published ports; on another machine it is this one's address."""
    # Somebody who listens on every address is reached on loopback as well.
    return "127.0.0.1" if settings.SIMFRA_HOST in ("0.0.0.0", "localhost") else settings.SIMFRA_HOST


def _put(context: Context, owner: str, purpose: Purpose, address: VpcAddress) -> None:
    values = {
        "network_name": address.network_name,
        "address": address.address,
        "wanted_port": address.wanted_port,
        "origin": address.origin.value,
    }
    scope = {"account_id": context.account_id, "region": context.region, "created_at": context.clock.now()}
    HostPort.objects.update_or_create(
        owner=owner,
        purpose=purpose,
        protocol=address.protocol,
        port=address.port,
        defaults=values,
        create_defaults={**scope, **values},
    )


def _wake_relay() -> None:
    transaction.on_commit(lambda: bus.publish(TOPIC), robust=True)
