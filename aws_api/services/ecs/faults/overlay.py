"""A task as its reconciler is to see it while faults are in force: pulls that go wrong, health checks that fail."""

from collections.abc import Sequence
from dataclasses import replace

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import PullFault
from aws_api.core.faults import EffectType, FaultRule, seed_of_account
from aws_api.services.ecs.faults.scope import hits, rules_of, window_of
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.specification import ContainerPart, TaskSpec
from aws_api.services.ecs.specifications import is_starting

DEFAULT_DELAY_S = 30.0
DEFAULT_CHECK_S = 5.0
_PULLS = (EffectType.PULL_FAILURE, EffectType.PULL_DELAY)
_REFUSED = "pull access denied, repository does not exist or may require authorization: no basic auth credentials"


def with_faults(task: TaskSpec, row: Task) -> TaskSpec:
    """The task with what faults do to its containers; itself where there are none."""
    is_pulling = is_starting(row)
    if not (is_pulling or any(part.has_health_check for part in task.containers)):
        return task
    rules = rules_of(row, *_PULLS, EffectType.UNHEALTHY)
    pulls = [rule for rule in rules if rule.effect_type in _PULLS and is_pulling]
    checks = [rule for rule in rules if rule.effect_type not in _PULLS]
    if not rules:
        return task
    parts = (
        replace(part, pull_fault=_pull_fault(part, row, pulls), fails_checks=_fails_checks(part, row, checks))
        for part in task.containers
    )
    return replace(task, containers=tuple(parts))


def check_interval_s(rule: FaultRule) -> float:
    """How long a rule's decision on a container's health holds."""
    return float(rule.effect.get("every_s", DEFAULT_CHECK_S))


def fails_now(rule: FaultRule, row: Task, what: str) -> bool:
    """Whether the checks of a container, or of a target, fail at this moment: decided anew for each span of time."""
    window = window_of(SYSTEM_CLOCK.now(), check_interval_s(rule))
    share = rule.share(seed_of_account(row.account_id), f"{row.task_id}/{what}/{window}")
    # Noted once for each: how often a check fails is nobody's count.
    return share < rule.probability and hits(replace(rule, probability=1), f"{row.arn}/{what}")


def _pull_fault(part: ContainerPart, row: Task, rules: Sequence[FaultRule]) -> PullFault | None:
    for rule in rules:
        is_meant = rule.matches(row.region, container=part.name, image=part.spec.image)
        if part.record.started or not is_meant or not hits(rule, f"{row.arn}/{part.name}"):
            continue
        if rule.effect_type == EffectType.PULL_DELAY:
            return PullFault(fault_id=rule.fault_id, delay_s=rule.effect.get("delay_s", DEFAULT_DELAY_S))
        reason = rule.effect.get("reason", _REFUSED)
        return PullFault(
            fault_id=rule.fault_id,
            reason="CannotPullContainerError: pull image manifest has been retried 1 time(s): "
            f"failed to resolve ref {part.spec.image}: {reason}",
        )
    return None


def _fails_checks(part: ContainerPart, row: Task, rules: Sequence[FaultRule]) -> bool:
    return part.has_health_check and any(
        rule.matches(row.region, container=part.name) and fails_now(rule, row, part.name) for rule in rules
    )
