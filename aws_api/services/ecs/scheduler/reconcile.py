"""The next steps of a service. Pure.

First what has happened is taken note of, then tasks are registered and taken out, then the deployment goes on.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from aws_api.core.containers import Plan, Step
from aws_api.services.ecs.scheduler.circuit_breaker import starts_again_at
from aws_api.services.ecs.scheduler.health import Standing, waits_for_time
from aws_api.services.ecs.scheduler.lifecycle_hooks import next_look_at
from aws_api.services.ecs.scheduler.percentages import scaled
from aws_api.services.ecs.scheduler.registering import registering
from aws_api.services.ecs.scheduler.rolling import is_rolled_out, roll
from aws_api.services.ecs.scheduler.specification import (
    DeploymentState,
    Process,
    RegistrationState,
    ServiceSpec,
)
from aws_api.services.ecs.scheduler.steps import (
    CompleteDeployment,
    EndService,
    EnterStage,
    FailDeployment,
    ForgetFailures,
    NoteEnded,
    RetireDeployment,
    SetSteady,
    SetTaskSetSteady,
    StartTasks,
)
from aws_api.services.ecs.scheduler.traffic_shift import shift, shift_back, stage_ends_at
from aws_api.services.ecs.scheduler.upkeep import Crowd, keep, stop, tell_throttling

ROLLING = "ROLLING"
#: The pause of a rolling deployment between its last step and its success.
BAKE_TIME = "BAKE_TIME"
#: How often to ask: for targets that are to get healthy or are draining, for targets that are healthy, for alarms.
#: Both tell by themselves when they change; the last two catch what went astray.
TARGETS_S = 1.0
HEALTHY_TARGETS_S = 60.0
ALARMS_S = 30.0
#: How soon to try again what could not be placed or launched.
PLACEMENT_S = 15.0


def decide(service: ServiceSpec, now: datetime) -> Plan:
    """The next steps of a service, and when to look again."""
    crowd = Crowd(service, now)
    steps = _note_ended(service) or [*registering(service), *_next(crowd)]
    return Plan(steps=tuple(steps), look_again_s=_look_again_s(crowd, steps))


def _note_ended(service: ServiceSpec) -> list[Step]:
    steps: list[Step] = []
    for deployment_id in sorted({task.deployment_id for task in service.ended}):
        ended = [task for task in service.ended if task.deployment_id == deployment_id]
        failed = sum(task.has_failed for task in ended)
        steps.append(
            NoteEnded(
                deployment_id=deployment_id,
                task_ids=tuple(task.task_id for task in ended),
                failed=failed,
                cause=f"{failed} of them failed to start" if failed else "they have stopped",
            )
        )
    return steps


def _next(crowd: Crowd) -> list[Step]:
    service = crowd.service
    if service.is_deleted:
        return _end(crowd)
    if service.controller != "ECS":
        return _keep_task_sets(crowd)
    primary, process = service.primary, service.process
    if primary is None:
        return []
    steps = [*_forget_failures(crowd, primary), *tell_throttling(service, primary)]
    if process and not process.is_rolling_back and (failure := _failure(service, process, primary)):
        return [*steps, failure]
    if process is None or process.strategy == ROLLING:
        moves = _roll(crowd, primary, process)
    elif process.is_rolling_back:
        moves = shift_back(crowd, process, primary)
    else:
        moves = shift(crowd, process, primary)
    return [*steps, *moves, *_retire(crowd), *_steadiness(crowd, primary, moves)]


# What ends a deployment ---------------------------------------------------------------------------------------------


def _failure(service: ServiceSpec, process: Process, primary: DeploymentState) -> Step | None:
    """Why the deployment that is under way must end, or nothing."""
    if primary.rollout_state == "FAILED":
        return None
    breaker, alarms = service.breaker, service.alarms
    if process.stop_request:
        back = service.rollback_id if process.stop_request == "ROLLBACK" else ""
        reason = f"Service deployment {_ended(back)} by user."
        return _fail(primary, "user", back, reason=reason, status_reason=reason, event="it was stopped.")
    if breaker and primary.failed_tasks >= breaker.threshold:
        back = service.rollback_id if breaker.rolls_back else ""
        return _fail(
            primary,
            "breaker",
            back,
            reason="ECS deployment circuit breaker: tasks failed to start.",
            status_reason=f"Service deployment {_ended(back)} because the circuit breaker threshold was exceeded.",
            event="tasks failed to start.",
        )
    if alarms and alarms.firing:
        back = service.rollback_id if alarms.rolls_back else ""
        names = ", ".join(alarms.firing)
        failure = _fail(
            primary,
            "alarms",
            back,
            reason=f"ECS deployment alarm detected: {names}.",
            status_reason=f"Service deployment {_ended(back)} because an alarm was detected: {names}.",
            event="alarm detected.",
        )
        return replace(failure, alarms=alarms.firing)
    return None


def _fail(
    primary: DeploymentState, monitor: str, rollback_id: str, *, reason: str, status_reason: str, event: str
) -> FailDeployment:
    return FailDeployment(
        deployment_id=primary.id,
        reason=reason,
        status_reason=status_reason,
        event=event,
        monitor=monitor,
        rollback_id=rollback_id,
        cause=reason,
    )


def _ended(rollback_id: str) -> str:
    return "rolled back" if rollback_id else "stopped"


def _forget_failures(crowd: Crowd, primary: DeploymentState) -> list[Step]:
    """A healthy task ends the throttling, and begins the breaker's count anew where it is to."""
    breaker = crowd.service.breaker
    of_breaker = breaker is None or breaker.resets_on_healthy_task
    has_failures = primary.failures_in_a_row or (of_breaker and primary.failed_tasks)
    if not has_failures or primary.rollout_state == "FAILED":
        return []
    if not crowd.of(crowd.staying(primary.id), Standing.HEALTHY):
        return []
    return [ForgetFailures(deployment_id=primary.id, of_breaker=of_breaker, cause="a task is healthy")]


# Rolling --------------------------------------------------------------------------------------------------------------


def _roll(crowd: Crowd, primary: DeploymentState, process: Process | None) -> list[Step]:
    steps = roll(crowd, primary)
    if primary.rollout_state != "IN_PROGRESS" or process is None:
        return steps
    if not (_is_early_success(crowd, primary, process) or (not steps and is_rolled_out(crowd, primary))):
        return steps
    if process.bake_minutes and process.source_ids and not process.is_rolling_back:
        if process.stage != BAKE_TIME:
            return [*steps, EnterStage(deployment_id=primary.id, stage=BAKE_TIME, cause="every task is healthy")]
        if process.stage_at and crowd.now < process.stage_at + timedelta(minutes=process.bake_minutes):
            return steps
    return [*steps, CompleteDeployment(deployment_id=primary.id, cause="its tasks are healthy")]


def _is_early_success(crowd: Crowd, primary: DeploymentState, process: Process) -> bool:
    """Whether enough of the tasks are healthy for a deployment that need not wait for all."""
    if process.early_healthy_percent is None or process.is_rolling_back:
        return False
    staying = crowd.staying(primary.id)
    enough = len(crowd.of(staying, Standing.HEALTHY)) >= scaled(primary.desired_count, process.early_healthy_percent)
    has_others = any(task.deployment_id != primary.id and not task.is_leaving for task in crowd.service.tasks)
    return enough and (process.leaves_cleanup_for_later or not has_others)


def _retire(crowd: Crowd) -> list[Step]:
    """Deployments of which nothing stays are history."""
    return [
        RetireDeployment(deployment_id=deployment.id, cause="none of its tasks is left")
        for deployment in crowd.service.deployments
        if deployment.status != "PRIMARY"
        and not crowd.staying(deployment.id)
        and not _is_needed(crowd.service.process, deployment)
    ]


def _is_needed(process: Process | None, deployment: DeploymentState) -> bool:
    """Whether a deployment that shifts traffic still goes from it."""
    if process is None or process.strategy == ROLLING:
        return False
    return deployment.id in process.source_ids or deployment.id == process.target_id


def _steadiness(crowd: Crowd, primary: DeploymentState, moves: Iterable[Step]) -> list[Step]:
    service = crowd.service
    is_steady = (
        not list(moves)
        and primary.rollout_state != "IN_PROGRESS"
        and is_rolled_out(crowd, primary)
        and (service.process is None or service.process.strategy == ROLLING)
    )
    if is_steady == service.is_steady:
        return []
    cause = "every task is healthy" if is_steady else "tasks or deployments are on their way"
    return [SetSteady(is_steady=is_steady, cause=cause)]


# Other ends -----------------------------------------------------------------------------------------------------------


def _end(crowd: Crowd) -> list[Step]:
    service = crowd.service
    steps: list[Step] = [
        stop(deployment, deployment, staying, "the service is deleted")
        for deployment in service.deployments
        if (staying := crowd.staying(deployment.id))
    ]
    if steps or service.tasks or service.orphans:
        return steps
    return [EndService(cause="its last task is gone")]


def _keep_task_sets(crowd: Crowd) -> list[Step]:
    steps: list[Step] = []
    are_steady = bool(crowd.service.deployments)
    for task_set in crowd.service.deployments:
        wanted = 0 if task_set.is_deleted else task_set.desired_count
        moves = keep(crowd, task_set, wanted)
        staying = crowd.staying(task_set.id)
        is_steady = not moves and len(staying) == wanted == len(crowd.of(staying, Standing.HEALTHY))
        are_steady = are_steady and is_steady and not task_set.is_deleted
        steps += [*_forget_failures(crowd, task_set), *tell_throttling(crowd.service, task_set), *moves]
        if task_set.is_deleted and not staying:
            steps.append(RetireDeployment(deployment_id=task_set.id, cause="the task set is deleted"))
        elif is_steady != task_set.is_steady:
            cause = "every task is healthy" if is_steady else "tasks are on their way"
            steps.append(SetTaskSetSteady(deployment_id=task_set.id, is_steady=is_steady, cause=cause))
    if are_steady != crowd.service.is_steady:
        steps.append(SetSteady(is_steady=are_steady, cause="of its task sets"))
    return steps


# When to look again ---------------------------------------------------------------------------------------------------


def _look_again_s(crowd: Crowd, steps: Iterable[Step]) -> float | None:
    service, now = crowd.service, crowd.now
    waits: list[float | None] = [waits_for_time(task, service, now) for task in service.tasks]
    if any(isinstance(step, StartTasks) for step in steps):
        waits.append(PLACEMENT_S)
    waits.append(_registrations_wait_s(crowd))
    moments = [again_at for deployment in service.deployments if (again_at := starts_again_at(deployment))]
    if process := service.process:
        if service.alarms:
            waits.append(ALARMS_S)
        bake_ends_at = (
            process.stage_at + timedelta(minutes=process.bake_minutes)
            if process.stage_at and process.strategy == ROLLING
            else stage_ends_at(process)
        )
        moments += [moment for moment in (bake_ends_at, next_look_at(process)) if moment]
    waits += [(moment - now).total_seconds() for moment in moments if moment > now]
    return min((wait for wait in waits if wait is not None), default=None)


def _registrations_wait_s(crowd: Crowd) -> float | None:
    """Load balancers are asked how targets are: often while they change, now and then when they do not."""
    registered = [each for task in crowd.service.tasks for each in task.registered if each.place.is_target_group]
    if not registered:
        return None
    is_changing = any(each.state is RegistrationState.DRAINING for each in registered) or bool(
        crowd.of(crowd.service.tasks, Standing.WAITING, Standing.UNHEALTHY)
    )
    return TARGETS_S if is_changing else HEALTHY_TARGETS_S
