"""Port forwards to targets that move, rest and go."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest

from aws_api.core import port_forwards
from aws_api.core.changes import StateChange
from aws_api.core.context import Context
from aws_api.core.host_ports import published
from aws_api.core.models import HostPort
from aws_api.core.port_forwards import (
    CannotForward,
    ForwardTarget,
    Location,
    close_forward,
    follow_all_targets,
    follow_targets,
    open_forward,
    published_port,
    register_target_provider,
)

KIND = "tests.moving-thing"


class MovingThings:
    """A provider of targets whose places are data."""

    kinds = frozenset({KIND})

    def __init__(self) -> None:
        self.places: dict[str, Location] = {}

    def targets(self, account_id: str, region: str) -> Iterable[ForwardTarget]:
        return [self._of(arn) for arn in self.places if f":{account_id}:" in arn]

    def target(self, arn: str) -> ForwardTarget | None:
        return self._of(arn) if arn in self.places else None

    def locate(self, arn: str) -> Location | None:
        return self.places.get(arn)

    def _of(self, arn: str) -> ForwardTarget:
        return ForwardTarget(arn=arn, type="thing", name=arn.rpartition("/")[2], ports=())


@pytest.fixture
def things() -> Iterator[MovingThings]:
    provider = MovingThings()
    register_target_provider(provider)
    yield provider
    port_forwards._providers.remove(provider)


@pytest.fixture
def arn(things: MovingThings, context: Context) -> str:
    name = f"arn:aws:test:us-east-1:{context.account_id}:thing/one"
    things.places[name] = Location(network_name="vpc-one", address="10.0.0.4")
    return name


def changed(context: Context) -> StateChange:
    return StateChange(
        kind=KIND,
        key="one",
        account_id=context.account_id,
        region=context.region,
        before="",
        after="",
        cause="",
        at=datetime.now(UTC),
    )


def test_a_forward_keeps_its_port_while_its_target_moves_and_rests(
    context: Context, things: MovingThings, arn: str
) -> None:
    forward = open_forward(context, arn, 80)
    owner = f"port-forward/{forward.forward_id}"
    HostPort.objects.filter(owner=owner).update(last_port=11850, last_status="OPEN")
    things.places[arn] = Location()
    follow_targets(changed(context))
    things.places[arn] = Location(network_name="vpc-one", address="10.0.0.9")
    follow_targets(changed(context))
    (port,) = published(owner)
    assert (port.target.address, port.local_port) == ("10.0.0.9", 11850)
    close_forward(forward)
    assert published(owner) == []


def test_a_change_that_nobody_told_of_is_made_up_for(context: Context, things: MovingThings, arn: str) -> None:
    forward = open_forward(context, arn, 80)
    del things.places[arn]
    follow_all_targets(datetime.now(UTC))
    assert published_port(forward) is None
    close_forward(forward)


def test_a_target_without_known_ports_needs_one(context: Context, arn: str) -> None:
    with pytest.raises(CannotForward, match="one maps no port: say which one with targetPort"):
        open_forward(context, arn)
