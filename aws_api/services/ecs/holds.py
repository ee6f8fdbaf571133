"""Keeping a task's containers when it has stopped, so that people can look at them."""

from collections.abc import Mapping

from django.db.models import F

from aws_api.core.reconcile import kick
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.specifications import KIND

#: A task that is run with this tag is held from the start: one that fails at once leaves no time to ask for it.
HOLD_TAG = "simfra:hold"
_YES = ("1", "true", "yes", "on")


def wants_hold(tags: Mapping[str, str]) -> bool:
    """Whether a task's tags ask for it to be held."""
    return tags.get(HOLD_TAG, "").lower() in _YES


def set_hold(task: Task, *, wanted: bool) -> None:
    """Hold a task, or let its containers go."""
    if (
        Task.objects.filter(pk=task.pk)
        .exclude(desired_hold=wanted)
        .update(desired_hold=wanted, version=F("version") + 1)
    ):
        kick(KIND, task.arn)
