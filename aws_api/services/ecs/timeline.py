"""The statuses that a task passes, with when and why: also those that a round went through at once. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aws_api.services.ecs.lifecycle import STATUS_ORDER, Assessment, TaskStatus

ASKED_FOR = "it was asked for"
_CAUSES = {
    TaskStatus.PENDING: "its network is there; images and containers come next",
    TaskStatus.ACTIVATING: "every container has started; load balancers and service discovery come next",
    TaskStatus.RUNNING: "every container has started",
}
#: What a task does at these is told beside its reason.
_ACTS = {
    TaskStatus.DEACTIVATING: "it leaves its load balancers and service discovery",
    TaskStatus.STOPPING: "its containers are told to stop",
    TaskStatus.DEPROVISIONING: "its containers have stopped and are removed",
}


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One change of lastStatus."""

    before: str
    after: str
    cause: str
    at: datetime


def passages(
    before: str, assessment: Assessment, times: Mapping[TaskStatus, datetime | None], now: datetime
) -> list[Passage]:
    """The changes from a status to the assessment's, in order; ``times`` says when one was reached, where known."""
    passed: list[Passage] = []
    for status in _path(TaskStatus(before), assessment):
        # Docker's clock may be read before ours was: what follows is never earlier.
        earliest = passed[-1].at if passed else None
        at = min(times.get(status) or now, now)
        at = max(at, earliest) if earliest else at
        passed.append(Passage(before=before, after=status.value, cause=_cause(status, assessment), at=at))
        before = status.value
    return passed


def _path(before: TaskStatus, assessment: Assessment) -> Iterable[TaskStatus]:
    first, last = STATUS_ORDER.index(before) + 1, STATUS_ORDER.index(assessment.status) + 1
    skipped = _skipped(before, assessment) if assessment.stop else set()
    return [status for status in STATUS_ORDER[first:last] if status not in skipped]


def _skipped(before: TaskStatus, assessment: Assessment) -> set[TaskStatus]:
    """What a task that stops never was: one that did not get to run has nothing to leave or to stop."""
    if before not in (TaskStatus.PROVISIONING, TaskStatus.PENDING):
        return set()
    started = [record.started for record in assessment.records.values()]
    if all(started):
        return set()
    skipped = {TaskStatus.ACTIVATING, TaskStatus.RUNNING, TaskStatus.DEACTIVATING}
    if not any(started) and assessment.status is not TaskStatus.STOPPING:
        skipped.add(TaskStatus.STOPPING)
        if not any(record.runtime_id for record in assessment.records.values()):
            skipped.add(TaskStatus.PENDING)
    return skipped


def _cause(status: TaskStatus, assessment: Assessment) -> str:
    if status in _CAUSES:
        return _CAUSES[status]
    reason = assessment.stop.reason if assessment.stop else ""
    return f"{reason}; {_ACTS[status]}" if status in _ACTS else reason
