"""The hooks of a deployment's stages: which to call, which to wait for, and what their outcome means. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html
"""

from dataclasses import dataclass
from datetime import datetime

from aws_api.core.containers import Step
from aws_api.services.ecs.scheduler.specification import HookRun, Process
from aws_api.services.ecs.scheduler.steps import EndHook, FailDeployment, RunHook

PAUSE = "PAUSE"
#: What a run can still change from.
OPEN = ("IN_PROGRESS", "AWAITING_ACTION")
#: How long a hook that is still at it is left alone, where it does not say.
CALL_AGAIN_S = 30


@dataclass(frozen=True, kw_only=True)
class HooksAt:
    """The hooks at a stage: whether they hold the deployment up, and what is to be done about them."""

    is_waiting: bool = False
    steps: tuple[Step, ...] = ()

    @property
    def failure(self) -> bool:
        return any(isinstance(step, FailDeployment) for step in self.steps)


def hooks_at(process: Process, stage: str, percent: float, now: datetime) -> HooksAt:
    """What is to be done about a stage's hooks."""
    runs = {run.index: run for run in process.hook_runs if (run.stage, run.percent) == (stage, percent)}
    steps: list[Step] = []
    is_waiting = False
    for index, hook in enumerate(process.hooks):
        if stage not in hook.stages:
            continue
        run = runs.get(index)
        if run is not None and run.status not in OPEN:
            if failure := _failure(process, run):
                return HooksAt(steps=(failure,))
            continue
        is_waiting = True
        if run is None or _is_due(run, now):
            cause = "the stage has a hook" if run is None else "it was still at it"
            steps.append(
                RunHook(deployment_id=process.target_id, index=index, stage=stage, percent=percent, cause=cause)
            )
        elif run.answer or now >= run.expires_at:
            steps.append(_end(process, run))
    return HooksAt(is_waiting=is_waiting, steps=tuple(steps))


def next_look_at(process: Process) -> datetime | None:
    """When the first of the open runs is to be looked at again."""
    moments = [
        moment
        for run in process.hook_runs
        if run.status in OPEN
        for moment in (run.next_call_at, run.expires_at)
        if moment is not None
    ]
    return min(moments, default=None)


def _is_due(run: HookRun, now: datetime) -> bool:
    return run.type != PAUSE and run.next_call_at is not None and run.next_call_at <= now < run.expires_at


def _end(process: Process, run: HookRun) -> Step:
    if run.answer:
        status, cause = ("SUCCEEDED" if run.answer == "CONTINUE" else "FAILED"), f"it was answered {run.answer}"
    else:
        status, cause = "TIMED_OUT", "nobody answered in time"
    return EndHook(deployment_id=process.target_id, hook_id=run.id, status=status, cause=cause)


def _failure(process: Process, run: HookRun) -> Step | None:
    if run.status == "SUCCEEDED" or (run.status == "TIMED_OUT" and run.timeout_action == "CONTINUE"):
        return None
    reason = (
        f"Service deployment rolled back because {run.stage} lifecycle hook(s) failed. Lifecycle hook target "
        f"{process.hooks[run.index].target or run.id} returned {run.status} status."
    )
    return FailDeployment(
        deployment_id=process.target_id,
        reason=reason,
        status_reason=reason,
        event=reason,
        monitor="hook",
        rollback_id=process.source_ids[0] if process.source_ids else "",
        cause=reason,
    )
