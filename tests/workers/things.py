"""A small controller for the loop's tests: a thing is one container of one image, wanted or not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aws_api.core.changes import StateChange, publish
from aws_api.core.containers import (
    LABEL_KEY,
    LABEL_KIND,
    AwaitResource,
    ContainerSpec,
    ContainerState,
    CreateContainer,
    Observation,
    Plan,
    PullImage,
    RemoveContainer,
    Scope,
    StartContainer,
    StopContainer,
)
from aws_api.core.reconcile import Round

KIND = "test.thing"
IMAGE = "thing:1"


@dataclass
class Thing:
    """A row, as it were."""

    wanted: bool = True
    image: str = IMAGE
    awaits: tuple[str, str] | None = None
    last: str = "NEW"
    failures: list[str] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    surprise: Exception | None = None


class ThingController:
    """Keeps things true."""

    kind = KIND

    def __init__(self) -> None:
        self.things: dict[str, Thing] = {}

    def load(self, key: str) -> tuple[str, Thing] | None:
        thing = self.things.get(key)
        if thing is not None and thing.surprise is not None:
            raise thing.surprise
        return (key, thing) if thing else None

    def scope(self, desired: tuple[str, Thing]) -> Scope:
        return Scope(labels={LABEL_KIND: KIND, LABEL_KEY: desired[0]}, images=(desired[1].image,))

    def decide(self, desired: tuple[str, Thing], observed: Observation, now: datetime) -> Plan:
        key, thing = desired
        name = container_name(key)
        container = observed.container(name)
        if not thing.wanted or thing.failures:
            return self._end(name, observed)
        if container is not None and container.state is ContainerState.RUNNING:
            return Plan(look_again_s=30)
        if thing.awaits:
            return Plan(steps=(AwaitResource(kind=thing.awaits[0], key=thing.awaits[1], cause="it is not there"),))
        spec = ContainerSpec(name=name, image=thing.image, labels={LABEL_KIND: KIND, LABEL_KEY: key})
        steps = (
            PullImage(image=thing.image, account_id="0" * 12, region="us-east-1", cause="it is wanted"),
            CreateContainer(spec=spec, cause="it is wanted"),
            StartContainer(name=name, cause="it is there"),
        )
        return Plan(steps=steps if container is None else steps[1:])

    def _end(self, name: str, observed: Observation) -> Plan:
        container = observed.container(name)
        if container is None:
            return Plan()
        if container.state is ContainerState.RUNNING:
            return Plan(steps=(StopContainer(name=name, timeout_s=30, cause="it is not wanted"),), look_again_s=31)
        return Plan(steps=(RemoveContainer(name=name, cause="it has ended"),))

    def record(self, desired: tuple[str, Thing], outcome: Round) -> None:
        key, thing = desired
        thing.rounds.append(outcome)
        if outcome.failure:
            thing.failures.append(outcome.failure.reason)
        container = outcome.observed.container(container_name(key))
        last = container.state.upper() if container else "GONE"
        if last != thing.last:
            change = StateChange(
                kind=KIND,
                key=key,
                account_id="0" * 12,
                region="us-east-1",
                before=thing.last,
                after=last,
                cause="",
                at=datetime.now(UTC),
            )
            thing.last = last
            publish(change)

    def unsettled(self, now: datetime) -> Iterable[str]:
        return (key for key, thing in self.things.items() if thing.wanted != (thing.last == "RUNNING"))


def container_name(key: str) -> str:
    return f"simfra-thing-{key}"
