"""A service as its scheduler knows it: what should be, its deployments, and its tasks. Frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RegistrationState(StrEnum):
    """How far a task is in a target group or Cloud Map service; what is undone has no row."""

    REGISTERING = "REGISTERING"  # written down, perhaps done
    REGISTERED = "REGISTERED"
    DRAINING = "DRAINING"  # taken out; connections that are open may end


class TargetHealth(StrEnum):
    """What a load balancer says of a target, as far as the scheduler cares."""

    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    INITIAL = "INITIAL"
    UNUSED = "UNUSED"


@dataclass(frozen=True, kw_only=True, order=True)
class Place:
    """Where a task is to be registered: a target group or a Cloud Map service, and what stands for the task there.

    ``attributes`` are what Cloud Map is told besides.
    """

    resource_arn: str
    target_id: str
    port: int
    attributes: Mapping[str, str] = field(default_factory=dict, compare=False, hash=False)

    @property
    def is_target_group(self) -> bool:
        return ":targetgroup/" in self.resource_arn


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A place where a task is, or was and is not gone from yet."""

    place: Place
    task_arn: str
    state: RegistrationState
    health: str = ""
    reason: str = ""
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class ServiceTask:
    """A task of the service that has not stopped. ``is_leaving``: it was told to stop, or is about to."""

    arn: str
    task_id: str
    deployment_id: str
    created_at: datetime
    started_at: datetime | None = None
    is_running: bool = False
    is_leaving: bool = False
    has_health_check: bool = False
    health: str = "UNKNOWN"
    zone: str = ""
    instance_arn: str = ""
    is_on_draining_instance: bool = False
    is_protected: bool = False
    wanted: tuple[Place, ...] = ()
    registered: tuple[Registered, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EndedTask:
    """A task that stopped and was not taken note of. ``has_failed``: it never got to be healthy."""

    task_id: str
    deployment_id: str
    has_failed: bool


@dataclass(frozen=True, kw_only=True)
class DeploymentState:
    """A deployment, or a task set. ``desired_count`` is what it runs in the end; ``zones`` where its tasks may be."""

    id: str
    status: str
    desired_count: int
    created_at: datetime
    rollout_state: str = "IN_PROGRESS"
    failed_tasks: int = 0
    failures_in_a_row: int = 0
    last_failure_at: datetime | None = None
    is_steady: bool = False
    is_task_set: bool = False
    is_deleted: bool = False
    zones: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"ecs-svc/{self.id}"


@dataclass(frozen=True, kw_only=True)
class CircuitBreaker:
    """When a deployment has failed, and whether the service then goes back."""

    threshold: int
    rolls_back: bool
    resets_on_healthy_task: bool = True


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """The alarms that a deployment watches. ``firing`` are those in state ALARM."""

    names: tuple[str, ...]
    rolls_back: bool
    firing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A lifecycle hook of the deployment configuration."""

    stages: tuple[str, ...]
    type: str = "AWS_LAMBDA"
    target: str = ""
    details: Any = None
    timeout_minutes: int = 1440
    timeout_action: str = "ROLLBACK"


@dataclass(frozen=True, kw_only=True)
class HookRun:
    """A hook at a stage (and, where traffic is shifted in steps, at a share of it).

    ``answer`` is what ContinueServiceDeployment said: CONTINUE, ROLLBACK, or nothing yet.
    """

    id: str
    index: int
    stage: str
    percent: float
    type: str
    status: str
    expires_at: datetime
    timeout_action: str
    next_call_at: datetime | None = None
    answer: str = ""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How production traffic goes over: at once, or in steps of ``step_percent`` with a pause after each.

    ``is_canary``: one step, and then all the rest.
    """

    step_percent: float = 100
    step_bake_minutes: float = 0
    is_canary: bool = False


@dataclass(frozen=True, kw_only=True)
class Process:
    """The service deployment that is under way. ``stage_percent``: the target's traffic when the stage began."""

    id: str
    target_id: str
    source_ids: tuple[str, ...]
    status: str
    strategy: str = "ROLLING"
    stage: str = ""
    stage_at: datetime | None = None
    stage_percent: float = 0
    production_percent: float = 0
    test_percent: float = 0
    bake_minutes: float = 0
    shift: Shift = field(default_factory=Shift)
    hooks: tuple[Hook, ...] = ()
    hook_runs: tuple[HookRun, ...] = ()
    stop_request: str = ""
    has_test_traffic: bool = False
    early_healthy_percent: int | None = None
    leaves_cleanup_for_later: bool = False

    @property
    def is_rolling_back(self) -> bool:
        return self.status in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """A service. ``deployments`` are those that are not history, the newest first.

    ``instances`` are the container instances that take a daemon's tasks. ``orphans`` are registrations of tasks that
    have stopped. ``rollback_id`` is the deployment to go back to: the last one that completed, or none.
    """

    arn: str
    name: str
    version: int
    is_deleted: bool = False
    is_daemon: bool = False
    controller: str = "ECS"
    desired_count: int = 0
    minimum_percent: int = 100
    maximum_percent: int = 200
    grace_s: int = 0
    warm_up_s: float = 0
    rebalances_zones: bool = False
    is_steady: bool = False
    breaker: CircuitBreaker | None = None
    alarms: Alarms | None = None
    deployments: tuple[DeploymentState, ...] = ()
    tasks: tuple[ServiceTask, ...] = ()
    ended: tuple[EndedTask, ...] = ()
    orphans: tuple[Registered, ...] = ()
    instances: tuple[str, ...] = ()
    process: Process | None = None
    rollback_id: str = ""

    @property
    def primary(self) -> DeploymentState | None:
        return next((deployment for deployment in self.deployments if deployment.status == "PRIMARY"), None)

    def tasks_of(self, deployment_id: str) -> tuple[ServiceTask, ...]:
        return tuple(task for task in self.tasks if task.deployment_id == deployment_id)
