"""Runs scheduled actions when they are due, and follows scaling that is under way. The key is an account and region."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aws_api.core.clock import SHARED_CLOCK
from aws_api.core.containers import Observation, Plan, Scope
from aws_api.core.reconcile import Round, register_controller
from aws_api.services.application_autoscaling.capacity import can_scale, current_capacity
from aws_api.services.application_autoscaling.models import ScalableTarget, ScalingActivity, ScheduledAction
from aws_api.services.application_autoscaling.scaling import IN_PROGRESS, change_capacity, follow_activities, note
from aws_api.services.application_autoscaling.schedules import parse

KIND = "application-autoscaling"
MAX_KEYS = 1000
MAX_ACTIONS = 500


@dataclass(frozen=True, kw_only=True)
class DueScaling:
    """An account and region, and the actions whose time has come."""

    account_id: str
    region: str
    actions: tuple[ScheduledAction, ...]


class ScalingController:
    """The controller of what happens by itself."""

    kind = KIND

    def load(self, key: str) -> DueScaling | None:
        account_id, _, region = key.partition("/")
        rows = ScheduledAction.objects.filter(account_id=account_id, region=region, next_run_at__lte=SHARED_CLOCK.now())
        due = rows.select_related("target").order_by("next_run_at", "pk")[:MAX_ACTIONS]
        return DueScaling(account_id=account_id, region=region, actions=tuple(due))

    def scope(self, desired: DueScaling) -> Scope:
        return Scope()

    def decide(self, desired: DueScaling, observed: Observation, now: datetime) -> Plan:
        """Nothing of the engine is to be done."""
        return Plan()

    def record(self, desired: DueScaling, outcome: Round) -> None:
        now = SHARED_CLOCK.now()
        for action in desired.actions:
            _run(action, now)
        follow_activities(desired.account_id, desired.region, now)

    def unsettled(self, now: datetime) -> Iterable[str]:
        due = ScheduledAction.objects.filter(next_run_at__lte=SHARED_CLOCK.now())
        under_way = ScalingActivity.objects.filter(status=IN_PROGRESS)
        found = {
            place
            for rows in (due, under_way)
            for place in rows.order_by("account_id").values_list("account_id", "region").distinct()[:MAX_KEYS]
        }
        return sorted(f"{account_id}/{region}" for account_id, region in found)


def next_run(action: ScheduledAction, after: datetime) -> datetime | None:
    """When an action runs next, within its time."""
    told = action.document
    start = datetime.fromisoformat(told["StartTime"]) if told.get("StartTime") else None
    end = datetime.fromisoformat(told["EndTime"]) if told.get("EndTime") else None
    schedule = parse(told["Schedule"], told.get("Timezone", "UTC"), start or action.created_at)
    found = schedule.next_after(max(after, start) if start else after)
    return None if found is None or (end is not None and found > end) else found


def _run(action: ScheduledAction, now: datetime) -> None:
    """Set the target's bounds, and its capacity where it is outside of them. A run is claimed by its time."""
    rows = ScheduledAction.objects.filter(pk=action.pk, next_run_at=action.next_run_at)
    if not rows.update(next_run_at=next_run(action, now)):
        return
    target = action.target
    if target.suspended.get("ScheduledScalingSuspended"):
        return
    told = action.document.get("ScalableTargetAction", {})
    least, most = told.get("MinCapacity"), told.get("MaxCapacity")
    target.min_capacity = target.min_capacity if least is None else least
    target.max_capacity = target.max_capacity if most is None else most
    if target.min_capacity > target.max_capacity:
        # One bound alone was told: the other gives way.
        if most is None:
            target.max_capacity = target.min_capacity
        else:
            target.min_capacity = target.max_capacity
    ScalableTarget.objects.filter(pk=target.pk).update(
        min_capacity=target.min_capacity, max_capacity=target.max_capacity
    )
    cause = f"scheduled action name {action.name} was triggered"
    told_of = (("min", least), ("max", most))
    bounds = " and ".join(f"{word} capacity to {value}" for word, value in told_of if value is not None)
    note(target, f"Setting {bounds}", cause, ("Successful", f"Successfully set {bounds}"), now, ended_at=now)
    found = current_capacity(target) if can_scale(target) else None
    if found is None:
        return
    wanted = min(max(found[0], target.min_capacity), target.max_capacity)
    if wanted != found[0]:
        bound = f"{'minimum' if wanted > found[0] else 'maximum'} capacity was set to {wanted}"
        change_capacity(target, wanted, bound, now)


register_controller(ScalingController())
