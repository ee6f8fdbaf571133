"""What a service's plan is made of: starting and stopping tasks, registering them, and moving deployments on."""

from dataclasses import dataclass

from aws_api.core.containers import OwnStep
from aws_api.services.ecs.scheduler.specification import Place


@dataclass(frozen=True, kw_only=True)
class ServiceStep(OwnStep):
    """A step about one deployment."""

    deployment_id: str

    @property
    def subject(self) -> str:
        return f"ecs-svc/{self.deployment_id}"


@dataclass(frozen=True, kw_only=True)
class StartTasks(ServiceStep):
    """Start a task in each of the zones ("" where it does not matter), or on an instance.

    ``replaced`` of them stand in for unhealthy ones.
    """

    zones: tuple[str, ...]
    instance_arn: str = ""
    replaced: int = 0
    is_rebalancing: bool = False

    @property
    def subject(self) -> str:
        return f"{len(self.zones)} of ecs-svc/{self.deployment_id}"


@dataclass(frozen=True, kw_only=True)
class StopTasks(ServiceStep):
    """Ask tasks to stop. ``reason`` is their stoppedReason; ``events`` say first what was wrong with them."""

    task_ids: tuple[str, ...]
    reason: str
    events: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return " ".join(task_id[:12] for task_id in self.task_ids)


@dataclass(frozen=True, kw_only=True)
class NoteEnded(ServiceStep):
    """Take note of tasks that have stopped: how many of them failed."""

    task_ids: tuple[str, ...]
    failed: int

    @property
    def subject(self) -> str:
        return f"{len(self.task_ids)} of ecs-svc/{self.deployment_id}"


@dataclass(frozen=True, kw_only=True)
class ForgetFailures(ServiceStep):
    """A task got healthy: starts are throttled no longer. ``of_breaker``: its count begins anew as well."""

    of_breaker: bool


@dataclass(frozen=True, kw_only=True)
class Register(OwnStep):
    """Register tasks at places of one target group or Cloud Map service."""

    resource_arn: str
    places: tuple[tuple[str, Place], ...]  # (task's ARN, place)

    @property
    def subject(self) -> str:
        return f"{len(self.places)} in {self.resource_arn.rpartition(':')[2]}"


@dataclass(frozen=True, kw_only=True)
class Deregister(OwnStep):
    """Take tasks out of one target group or Cloud Map service; ``at_once``: nobody is there who could be drained."""

    resource_arn: str
    deployment_id: str
    places: tuple[tuple[str, Place], ...]
    at_once: bool = False

    @property
    def subject(self) -> str:
        return f"{len(self.places)} from {self.resource_arn.rpartition(':')[2]}"


@dataclass(frozen=True, kw_only=True)
class ForgetRegistrations(OwnStep):
    """Registrations that are drained: their tasks may stop."""

    places: tuple[tuple[str, Place], ...]

    @property
    def subject(self) -> str:
        return f"{len(self.places)}"


@dataclass(frozen=True, kw_only=True)
class TellHealth(OwnStep):
    """Tell Cloud Map how a task is."""

    resource_arn: str
    task_arn: str
    place: Place
    health: str

    @property
    def subject(self) -> str:
        return f"{self.task_arn.rpartition('/')[2][:12]} {self.health}"


@dataclass(frozen=True, kw_only=True)
class Tell(OwnStep):
    """Write an event, unless it was told in the last six hours."""

    message: str

    @property
    def subject(self) -> str:
        return self.message


@dataclass(frozen=True, kw_only=True)
class SetSteady(OwnStep):
    """The service has reached, or left, a steady state."""

    is_steady: bool

    @property
    def subject(self) -> str:
        return str(self.is_steady).lower()


@dataclass(frozen=True, kw_only=True)
class SetTaskSetSteady(ServiceStep):
    """A task set has reached, or left, a steady state."""

    is_steady: bool


@dataclass(frozen=True, kw_only=True)
class CompleteDeployment(ServiceStep):
    """The deployment is done: others are history."""


@dataclass(frozen=True, kw_only=True)
class RetireDeployment(ServiceStep):
    """A deployment of which nothing runs any more is history."""


@dataclass(frozen=True, kw_only=True)
class FailDeployment(ServiceStep):
    """The deployment has failed. ``rollback_id``: the deployment to go back to, or none.

    ``reason`` is the deployment's, ``status_reason`` the service deployment's, and ``event`` ends the event's message.
    ``monitor`` is what found out: ``breaker``, ``alarms``, ``hook`` or ``user``; ``alarms`` are those that fire.
    """

    reason: str
    status_reason: str
    event: str
    monitor: str
    rollback_id: str = ""
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EnterStage(ServiceStep):
    """A service deployment is at its next stage."""

    stage: str


@dataclass(frozen=True, kw_only=True)
class ShiftTraffic(ServiceStep):
    """Give the deployment a share of the production, or of the test, traffic."""

    percent: float
    is_test: bool = False

    @property
    def subject(self) -> str:
        return f"{self.percent:g}% of {'test' if self.is_test else 'production'} to ecs-svc/{self.deployment_id}"


@dataclass(frozen=True, kw_only=True)
class RunHook(ServiceStep):
    """Call a lifecycle hook, or begin a pause."""

    index: int
    stage: str
    percent: float = 0

    @property
    def subject(self) -> str:
        return f"{self.index} at {self.stage}"


@dataclass(frozen=True, kw_only=True)
class EndHook(ServiceStep):
    """A hook's outcome."""

    hook_id: str
    status: str

    @property
    def subject(self) -> str:
        return f"{self.hook_id} {self.status}"


@dataclass(frozen=True, kw_only=True)
class EndService(OwnStep):
    """The last task of a deleted service is gone."""

    @property
    def subject(self) -> str:
        return "service"
