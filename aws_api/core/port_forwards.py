"""Port forwards: ways from the host to what is private, made on demand, to a task, a service or a load balancer.

A forward is a tunnel of the user's own, as Session Manager's are: security groups are not asked. Its port of the host
stays while the target moves, as a service's tasks do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import transaction

from aws_api.core.changes import StateChange, subscribe
from aws_api.core.context import Context, internal_context
from aws_api.core.host_ports import (
    Origin,
    PublishedPort,
    Purpose,
    VpcAddress,
    publish,
    published,
    withdraw,
)
from aws_api.core.housekeeping import register_chore
from aws_api.core.ids import new_hex_id
from aws_api.core.models import PortForward

MAX_FORWARDS = 100


class CannotForward(Exception):
    """What was asked for cannot be; the message says why."""


@dataclass(frozen=True, kw_only=True)
class ForwardTarget:
    """Something that can be forwarded to: ``type`` is ``ecs-task``, ``ecs-service`` or ``load-balancer``.

    ``ports`` are those that it says to have, with their protocols; another TCP port may be asked for as well.
    """

    arn: str
    type: str
    name: str
    ports: tuple[tuple[int, str], ...]


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where a target is at the moment. An address of None: it has none now, and may have one again."""

    network_name: str = ""
    address: str | None = None


class TargetProvider(Protocol):
    """Has targets. ``kinds`` are the StateChanges after which theirs may be elsewhere."""

    kinds: frozenset[str]

    def targets(self, account_id: str, region: str) -> Iterable[ForwardTarget]:
        """What can be forwarded to now."""

    def target(self, arn: str) -> ForwardTarget | None:
        """The target of an ARN; None where this provider has none of it, or it is gone for good."""

    def locate(self, arn: str) -> Location | None:
        """Where it is; None where it is gone for good."""


_providers: list[TargetProvider] = []


def register_target_provider(provider: TargetProvider) -> None:
    """Add a provider; called by a service's ``ports`` module."""
    _providers.append(provider)


def forward_targets(account_id: str, region: str) -> list[ForwardTarget]:
    """Everything that can be forwarded to in an account and region, by type and name."""
    found = [target for provider in _providers for target in provider.targets(account_id, region)]
    return sorted(found, key=lambda target: (target.type, target.name))


def open_forward(
    context: Context, target_arn: str, target_port: int | None = None, local_port: int | None = None
) -> PortForward:
    """Make a forward to a target's port, its first one by default. Raises CannotForward.

    ``local_port`` is the host's port that would be nicest.
    """
    target = next((found for provider in _providers if (found := provider.target(target_arn))), None)
    if target is None:
        raise CannotForward(f"There is no task that runs, service or load balancer {target_arn}.")
    port, protocol = _port_of(target, target_port)
    with transaction.atomic():
        if PortForward.objects.count() >= MAX_FORWARDS:
            raise CannotForward(f"There are {MAX_FORWARDS} port forwards already; delete some.")
        forward = PortForward.objects.create(
            forward_id=new_hex_id("pf-"),
            account_id=context.account_id,
            region=context.region,
            target_arn=target_arn,
            target_port=port,
            protocol=protocol,
            wanted_port=local_port,
            created_at=context.clock.now(),
        )
        follow(forward)
    return forward


def close_forward(forward: PortForward) -> None:
    """End a forward. Whoever is connected stays so until the connection's end."""
    with transaction.atomic():
        withdraw(_owner(forward))
        forward.delete()


def target_is_there(forward: PortForward) -> bool:
    """Whether a forward's target may still have an address, now or later."""
    return _locate(forward.target_arn) is not None


def published_port(forward: PortForward) -> PublishedPort | None:
    """What a forward has on the host; None while its target has no address, or when that is gone."""
    return next(iter(published(_owner(forward))), None)


def follow(forward: PortForward) -> None:
    """Lead a forward to where its target is now."""
    location = _locate(forward.target_arn)
    if location is None:
        withdraw(_owner(forward))
    elif location.address is not None:
        address = VpcAddress(
            network_name=location.network_name,
            address=location.address,
            port=forward.target_port,
            protocol=forward.protocol,
            wanted_port=forward.wanted_port,
            origin=Origin.ROUTER,
        )
        context = internal_context(forward.account_id, forward.region)
        publish(context, _owner(forward), Purpose.PORT_FORWARDS, [address])


@subscribe
def follow_targets(change: StateChange) -> None:
    """Something became another: forwards of its account may lead elsewhere now."""
    if any(change.kind in provider.kinds for provider in _providers):
        for forward in PortForward.objects.filter(account_id=change.account_id, region=change.region):
            follow(forward)


@register_chore
def follow_all_targets(_now: datetime) -> None:
    """Make up for changes that nobody told of."""
    for forward in PortForward.objects.order_by("pk"):
        follow(forward)


def _locate(arn: str) -> Location | None:
    return next((found for provider in _providers if (found := provider.locate(arn))), None)


def _port_of(target: ForwardTarget, wanted: int | None) -> tuple[int, str]:
    if wanted is None:
        if not target.ports:
            raise CannotForward(f"{target.name} maps no port: say which one with targetPort.")
        return target.ports[0]
    return next((found for found in target.ports if found[0] == wanted), (wanted, "tcp"))


def _owner(forward: PortForward) -> str:
    return f"port-forward/{forward.forward_id}"
