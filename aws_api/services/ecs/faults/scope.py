"""Which faults are a task's."""

from datetime import datetime
from typing import Any

from aws_api.core.faults import EffectType, FaultRule, claim, is_chosen, task_faults, was_hit
from aws_api.services.ecs.interruptions import is_spot
from aws_api.services.ecs.models import Task


def rules_of(task: Task, *effect_types: EffectType) -> list[FaultRule]:
    """The rules in force whose scope a task is in; of one effect or another, or of any."""
    found = task_faults(task.account_id, *effect_types)
    return [rule for rule in found if is_about(rule, task)] if found else []


def suffered(task: Task, *effect_types: EffectType) -> list[FaultRule]:
    """Those of them that hit the task, for as long as they are in force. Decided when it is first asked."""
    return [rule for rule in rules_of(task, *effect_types) if hits(rule, task.arn)]


def hits(rule: FaultRule, subject: str) -> bool:
    """Whether a rule hits something; noted when it first does."""
    return is_chosen(rule, subject) and (was_hit(rule, subject) or claim(rule, subject))


def is_about(rule: FaultRule, task: Task) -> bool:
    """Whether a task is in a rule's scope."""
    match rule.effect_type:
        case EffectType.SPOT_INTERRUPTION if not is_spot(task):
            return False
        case EffectType.AVAILABILITY_ZONE_LOSS if task.document.get("availabilityZone") != rule.effect["zone"]:
            return False
        case EffectType.CONTAINER_INSTANCE_LOSS if not task.container_instance_arn:
            return False
    cluster: Any = task.document["clusterArn"].rpartition("/")[2]
    return rule.matches(task.region, cluster=cluster, service=task.service_name, task=task.task_id)


def window_of(now: datetime, every_s: float) -> int:
    """The number of the span of time in which one decision holds."""
    return int(now.timestamp() // every_s)
