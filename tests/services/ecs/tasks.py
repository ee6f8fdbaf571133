"""Tasks and worlds for the tests of decisions: built in one line each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_api.core.containers import (
    ContainerSpec,
    ContainerState,
    Observation,
    ObservedContainer,
    ObservedImage,
)
from aws_api.services.ecs.reconcile import decide
from aws_api.services.ecs.specification import (
    Condition,
    ContainerPart,
    ContainerRecord,
    Dependency,
    NetworkWait,
    Stop,
    StopCode,
    TaskSpec,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
IMAGE = "app:1"
ARN = "arn:aws:ecs:us-east-1:000000000000:task/default/" + "a" * 32
ASKED = Stop(code=StopCode.USER_INITIATED, reason="Task stopped by user")


def part(name: str, *needs: str, **members: Any) -> ContainerPart:
    """A container; ``needs`` are ``other:CONDITION``."""
    dependencies = tuple(
        Dependency(container=other, condition=Condition(condition))
        for other, _, condition in (need.partition(":") for need in needs)
    )
    spec = ContainerSpec(name=f"ecs-{name}", image=members.pop("image", IMAGE), labels={})
    return ContainerPart(name=name, spec=spec, dependencies=dependencies, **members)


def task(*parts: ContainerPart, **members: Any) -> TaskSpec:
    """A task that was asked for and of which nothing is there; without parts it has one container, ``app``."""
    given = {"last_status": "PENDING", **members}
    return TaskSpec(
        arn=ARN,
        account_id="000000000000",
        region="us-east-1",
        version=1,
        created_at=NOW,
        loaded_at=NOW,
        containers=parts or (part("app"),),
        pause_name="ecs-pause",
        **given,
    )


def awsvpc_task(*parts: ContainerPart, **members: Any) -> TaskSpec:
    """The same with a network interface whose network is made."""
    pause = ContainerSpec(name="ecs-pause", image="sidecar", labels={}, ready_within_s=30)
    return task(*parts, **{"shares_namespaces": True, "pause": pause, **members})


def waiting_task(**members: Any) -> TaskSpec:
    """A task whose VPC has no network yet."""
    awaits = NetworkWait(kind="ec2.vpc", key="vpc-1")
    return task(**{"shares_namespaces": True, "awaits": awaits, "last_status": "PROVISIONING", **members})


def started(container: ContainerPart, **record: Any) -> ContainerPart:
    """The container as it is after a round that saw it run."""
    return replace(container, record=ContainerRecord(**{"status": "RUNNING", "started": True, **record}))


def world(*containers: ObservedContainer, images: tuple[str, ...] = (IMAGE,)) -> Observation:
    return Observation(containers=containers, images={image: ObservedImage(id=f"sha256:{image}") for image in images})


def created(name: str) -> ObservedContainer:
    return _container(name, ContainerState.CREATED)


def running(name: str, health: str | None = None) -> ObservedContainer:
    return _container(name, ContainerState.RUNNING, health=health, started_at=NOW)


def exited(name: str, exit_code: int = 0, **members: Any) -> ObservedContainer:
    return _container(
        name,
        ContainerState.EXITED,
        exit_code=exit_code,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=1),
        **members,
    )


def check(desired: TaskSpec, observed: Observation, *plan: str, now: datetime = NOW) -> None:
    """Assert on the plan's printed steps."""
    assert str(decide(desired, observed, now)).splitlines() == list(plan)


def _container(name: str, state: ContainerState, **members: Any) -> ObservedContainer:
    return ObservedContainer(id=f"id-{name}", name=f"ecs-{name}", image=IMAGE, state=state, labels={}, **members)
