"""Keeping tasks at a number: what to start, what to replace, what to let go. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aws_api.core.containers import Step
from aws_api.services.ecs.scheduler import event_messages
from aws_api.services.ecs.scheduler.circuit_breaker import is_throttled, starts_again_at
from aws_api.services.ecs.scheduler.health import Standing, standing, unhealthy_places
from aws_api.services.ecs.scheduler.scale_in import to_stop, zones_of_next
from aws_api.services.ecs.scheduler.specification import DeploymentState, ServiceSpec, ServiceTask
from aws_api.services.ecs.scheduler.steps import StartTasks, StopTasks, Tell

#: Tasks that one step starts; the next round starts the next ones.
MAX_STARTED = 100


@dataclass(frozen=True)
class Crowd:
    """The tasks of a service by where they stand now."""

    service: ServiceSpec
    now: datetime

    def standing(self, task: ServiceTask) -> Standing:
        return standing(task, self.service, self.now)

    def of(self, tasks: Sequence[ServiceTask], *standings: Standing) -> list[ServiceTask]:
        """Those of the tasks that stand somewhere."""
        return [task for task in tasks if self.standing(task) in standings]

    def staying(self, deployment_id: str) -> list[ServiceTask]:
        """The tasks of a deployment that are not told to stop."""
        return [task for task in self.service.tasks_of(deployment_id) if not task.is_leaving]


def may_start(deployment: DeploymentState, now: datetime) -> bool:
    """Whether the deployment may start tasks now: it has not failed, and its failures are long enough ago."""
    again_at = starts_again_at(deployment)
    return deployment.rollout_state != "FAILED" and (again_at is None or now >= again_at)


def keep(crowd: Crowd, deployment: DeploymentState, wanted: int) -> list[Step]:
    """Bring a deployment's tasks to a number, whatever else the service runs; unhealthy ones are replaced first."""
    ours = crowd.staying(deployment.id)
    bad = crowd.of(ours, Standing.UNHEALTHY)
    good = [task for task in ours if task not in bad]
    steps: list[Step] = []
    lacking = wanted - len(good)
    if lacking > 0 and may_start(deployment, crowd.now):
        steps.append(start(crowd.service, deployment, good, lacking, min(len(bad), lacking)))
    healthy = crowd.of(good, Standing.HEALTHY)
    steps += stop_unhealthy(crowd, deployment, bad, len(healthy) + len(bad) - wanted)
    if lacking < 0:
        steps += scale_in(crowd, deployment, good, -lacking)
    return steps


def start(
    service: ServiceSpec, deployment: DeploymentState, beside: Sequence[ServiceTask], count: int, replaced: int
) -> StartTasks:
    """Start tasks where there are fewest of those beside them."""
    cause = "unhealthy tasks are replaced" if replaced else "there are fewer tasks than desired"
    return StartTasks(
        deployment_id=deployment.id,
        zones=zones_of_next(beside, deployment.zones, min(count, MAX_STARTED)),
        replaced=replaced,
        cause=cause,
    )


def stop_unhealthy(crowd: Crowd, deployment: DeploymentState, bad: Sequence[ServiceTask], count: int) -> list[Step]:
    """Stop at most so many of the unhealthy tasks, each for its own reason."""
    steps: list[Step] = []
    for task in to_stop(bad, max(count, 0), crowd.standing):
        reason, event = _what_is_wrong(crowd.service, task)
        steps.append(
            StopTasks(
                deployment_id=deployment.id, task_ids=(task.task_id,), reason=reason, events=(event,), cause="unhealthy"
            )
        )
    return steps


def scale_in(crowd: Crowd, deployment: DeploymentState, tasks: Sequence[ServiceTask], count: int) -> list[Step]:
    """Stop so many tasks, or tell that protection keeps them."""
    chosen = to_stop(tasks, count, crowd.standing)
    steps: list[Step] = []
    if chosen:
        steps.append(stop(deployment, deployment, chosen, "there are more tasks than desired"))
    if len(chosen) < count and (protected := sum(task.is_protected for task in tasks)):
        steps.append(
            Tell(
                message=event_messages.protected(crowd.service.name, protected), cause="protected tasks are left alone"
            )
        )
    return steps


def stop(
    initiator: DeploymentState, deployment: DeploymentState, tasks: Sequence[ServiceTask], cause: str
) -> StopTasks:
    """Stop tasks of a deployment because of another, or of itself."""
    return StopTasks(
        deployment_id=deployment.id,
        task_ids=tuple(task.task_id for task in tasks),
        reason=f"Scaling activity initiated by (deployment {initiator.name})",
        cause=cause,
    )


def is_complete(crowd: Crowd, deployment: DeploymentState, wanted: int) -> bool:
    """Whether exactly so many tasks of the deployment stay, all of them healthy."""
    staying = crowd.staying(deployment.id)
    return len(staying) == wanted == len(crowd.of(staying, Standing.HEALTHY))


def tell_throttling(service: ServiceSpec, deployment: DeploymentState) -> list[Step]:
    """The event of a deployment whose tasks do not start."""
    if not is_throttled(deployment):
        return []
    return [Tell(message=event_messages.throttled(service.name), cause="tasks failed to start again and again")]


def _what_is_wrong(service: ServiceSpec, task: ServiceTask) -> tuple[str, str]:
    """The stoppedReason and the event of an unhealthy task."""
    for target_group, port, reason in unhealthy_places(task):
        event = event_messages.unhealthy_target(service.name, f"task {task.task_id}", port, target_group, reason)
        return f"Task failed ELB health checks in (target-group {target_group})", event
    return "Task failed container health checks", event_messages.unhealthy_container(service.name, task.task_id)
