"""Blue/green, linear and canary deployments: a second set of tasks, and traffic that goes over to it. Pure.

The stages follow each other; at each the hooks are run, then its own work is done, and when that is, the next begins.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
"""

from datetime import datetime, timedelta
from enum import StrEnum

from aws_api.core.containers import Step
from aws_api.services.ecs.scheduler.lifecycle_hooks import HooksAt, hooks_at
from aws_api.services.ecs.scheduler.specification import DeploymentState, Process, ServiceSpec
from aws_api.services.ecs.scheduler.steps import CompleteDeployment, EnterStage, ShiftTraffic
from aws_api.services.ecs.scheduler.upkeep import Crowd, is_complete, keep


class Stage(StrEnum):
    """The stages in order."""

    RECONCILE_SERVICE = "RECONCILE_SERVICE"
    PRE_SCALE_UP = "PRE_SCALE_UP"
    SCALE_UP = "SCALE_UP"
    POST_SCALE_UP = "POST_SCALE_UP"
    TEST_TRAFFIC_SHIFT = "TEST_TRAFFIC_SHIFT"
    POST_TEST_TRAFFIC_SHIFT = "POST_TEST_TRAFFIC_SHIFT"
    PRE_PRODUCTION_TRAFFIC_SHIFT = "PRE_PRODUCTION_TRAFFIC_SHIFT"
    PRODUCTION_TRAFFIC_SHIFT = "PRODUCTION_TRAFFIC_SHIFT"
    POST_PRODUCTION_TRAFFIC_SHIFT = "POST_PRODUCTION_TRAFFIC_SHIFT"
    BAKE_TIME = "BAKE_TIME"
    CLEAN_UP = "CLEAN_UP"


STAGES = tuple(Stage)
#: Stages at which no hook can be.
_WITHOUT_HOOKS = (Stage.SCALE_UP, Stage.BAKE_TIME, Stage.CLEAN_UP)
WHOLE = 100.0


def shift(crowd: Crowd, process: Process, green: DeploymentState) -> list[Step]:
    """The next steps of a deployment that shifts traffic; ``green`` is the service's primary deployment."""
    if not process.stage:
        first = Stage.RECONCILE_SERVICE if len(process.source_ids) > 1 else Stage.PRE_SCALE_UP
        return [EnterStage(deployment_id=green.id, stage=first, cause="the deployment begins")]
    stage = Stage(process.stage)
    steps = _task_steps(crowd, process, green, stage)
    hooks = _hooks(process, stage, crowd.now)
    if hooks.failure or hooks.is_waiting:
        return [*steps, *hooks.steps]
    is_done, work = _work(crowd, process, green, stage)
    return [*steps, *work, *([_next_stage(process, green, stage)] if is_done else [])]


def shift_back(crowd: Crowd, process: Process, blue: DeploymentState) -> list[Step]:
    """The next steps of a rollback: the traffic first, then the tasks. ``blue`` is the primary deployment again."""
    cause = "the deployment is rolled back"
    for is_test, percent in ((False, process.production_percent), (True, process.test_percent)):
        if percent:
            return [ShiftTraffic(deployment_id=process.target_id, percent=0, is_test=is_test, cause=cause)]
    steps = keep(crowd, blue, blue.desired_count)
    for deployment in _others(crowd.service, blue):
        steps += keep(crowd, deployment, 0)
    if not steps and is_complete(crowd, blue, blue.desired_count) and not _still_there(crowd, blue):
        return [CompleteDeployment(deployment_id=blue.id, cause="every task is healthy, and no other is left")]
    return steps


def stage_ends_at(process: Process) -> datetime | None:
    """When the pause that the deployment makes is over; None where it makes none."""
    if process.stage_at is None:
        return None
    match process.stage:
        case Stage.BAKE_TIME:
            return process.stage_at + timedelta(minutes=process.bake_minutes)
        case Stage.PRODUCTION_TRAFFIC_SHIFT if 0 < process.production_percent < WHOLE:
            return process.stage_at + timedelta(minutes=process.shift.step_bake_minutes)
    return None


def _task_steps(crowd: Crowd, process: Process, green: DeploymentState, stage: Stage) -> list[Step]:
    """Old tasks stay until the end, new ones come when the stage is there."""
    has_scaled_up = STAGES.index(stage) >= STAGES.index(Stage.SCALE_UP)
    steps = keep(crowd, green, green.desired_count) if has_scaled_up else []
    for deployment in _others(crowd.service, green):
        steps += keep(crowd, deployment, 0 if stage is Stage.CLEAN_UP else deployment.desired_count)
    return steps


def _hooks(process: Process, stage: Stage, now: datetime) -> HooksAt:
    if stage in _WITHOUT_HOOKS or (stage is Stage.PRODUCTION_TRAFFIC_SHIFT and not _has_shifted(process)):
        # The hook of a shift is told of the share that was reached.
        return HooksAt()
    return hooks_at(process, stage, process.production_percent if stage in _AT_EVERY_STEP else 0, now)


_AT_EVERY_STEP = (Stage.PRE_PRODUCTION_TRAFFIC_SHIFT, Stage.PRODUCTION_TRAFFIC_SHIFT)


def _work(crowd: Crowd, process: Process, green: DeploymentState, stage: Stage) -> tuple[bool, list[Step]]:
    """Whether a stage is over, and what is to be done at it."""
    match stage:
        case Stage.SCALE_UP:
            return is_complete(crowd, green, green.desired_count), []
        case Stage.TEST_TRAFFIC_SHIFT if process.has_test_traffic and process.test_percent < WHOLE:
            cause = "its tasks are healthy"
            return False, [ShiftTraffic(deployment_id=green.id, percent=WHOLE, is_test=True, cause=cause)]
        case Stage.PRODUCTION_TRAFFIC_SHIFT if not _has_shifted(process):
            percent = _next_percent(process)
            cause = "its tasks are healthy" if percent == WHOLE else "a share of the traffic is to prove it"
            return False, [ShiftTraffic(deployment_id=green.id, percent=percent, cause=cause)]
        case Stage.PRODUCTION_TRAFFIC_SHIFT | Stage.BAKE_TIME:
            ends_at = stage_ends_at(process)
            return not process.source_ids or ends_at is None or crowd.now >= ends_at, []
        case Stage.CLEAN_UP:
            return not _still_there(crowd, green) and is_complete(crowd, green, green.desired_count), []
    return True, []


def _has_shifted(process: Process) -> bool:
    """Whether this visit of the stage has moved traffic."""
    return process.production_percent > process.stage_percent or process.production_percent >= WHOLE


def _next_percent(process: Process) -> float:
    reached = process.production_percent
    if not process.source_ids or (process.shift.is_canary and reached):
        return WHOLE
    return min(round(reached + process.shift.step_percent, 1), WHOLE)


def _next_stage(process: Process, green: DeploymentState, stage: Stage) -> Step:
    if stage is Stage.CLEAN_UP:
        return CompleteDeployment(deployment_id=green.id, cause="every task is healthy, and no other is left")
    if stage is Stage.PRODUCTION_TRAFFIC_SHIFT and process.production_percent < WHOLE:
        following = Stage.PRE_PRODUCTION_TRAFFIC_SHIFT
    else:
        following = STAGES[STAGES.index(stage) + 1]
    return EnterStage(deployment_id=green.id, stage=following, cause=f"{stage} is done")


def _others(service: ServiceSpec, kept: DeploymentState) -> list[DeploymentState]:
    return [deployment for deployment in service.deployments if deployment.id != kept.id]


def _still_there(crowd: Crowd, kept: DeploymentState) -> bool:
    return any(crowd.staying(deployment.id) for deployment in _others(crowd.service, kept))
