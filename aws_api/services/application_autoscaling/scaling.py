"""Scaling a target: within its bounds, after its cooldown, and written down as an activity in AWS's words."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import QuerySet

from aws_api.core.errors import AwsError
from aws_api.core.ids import new_uuid
from aws_api.services.application_autoscaling.capacity import current_capacity, set_capacity
from aws_api.services.application_autoscaling.cooldowns import LastScaling, cooled_capacity
from aws_api.services.application_autoscaling.models import ScalableTarget, ScalingActivity

IN_PROGRESS = "InProgress"
#: Activities that one look at what is under way goes through.
MAX_FOLLOWED = 500


def scale(
    target: ScalableTarget,
    wanted_from: Callable[[int], int],
    cause: str,
    cooldown_s: Callable[[bool], int],
    now: datetime,
) -> None:
    """Set the capacity that is wanted, where it may be; ``cooldown_s(is_out)`` is how long that is waited out."""
    found = current_capacity(target)
    if found is None:
        return
    current, _ = found
    wanted = cooled_capacity(current, wanted_from, _last(target), now)
    bounded = min(max(wanted, target.min_capacity), target.max_capacity)
    if wanted == current:
        return
    if bounded == current or (bounded > current) != (wanted > current):
        _note_not_scaled(target, current, cause, now, is_out=wanted > current)
        return
    is_out = bounded > current
    suspension = "DynamicScalingOutSuspended" if is_out else "DynamicScalingInSuspended"
    if target.suspended.get(suspension):
        return
    if change_capacity(target, bounded, cause, now):
        ScalableTarget.objects.filter(pk=target.pk).update(
            last_scaled_at=now, last_scaled_out=is_out, last_scaled_from=current, last_cooldown_s=cooldown_s(is_out)
        )


def change_capacity(target: ScalableTarget, wanted: int, cause: str, now: datetime) -> bool:
    """Set a capacity and write the activity down; whether that worked."""
    _activities(target).filter(status=IN_PROGRESS).update(
        status="Overridden", status_message="A newer scaling activity took the place of this one.", ended_at=now
    )
    description = f"Setting desired count to {wanted}."
    try:
        set_capacity(target, wanted)
    except AwsError as error:
        message = f"Failed to set desired count to {wanted}. Reason: {error.message}"
        note(target, description, cause, ("Failed", message), now, ended_at=now)
        return False
    message = f"Successfully set desired count to {wanted}. Waiting for change to be fulfilled by ecs."
    note(target, description, cause, (IN_PROGRESS, message), now, wanted=wanted)
    return True


def follow_activities(account_id: str, region: str, now: datetime) -> None:
    """Write down which activities are fulfilled."""
    rows = ScalingActivity.objects.filter(account_id=account_id, region=region, status=IN_PROGRESS)
    for row in rows.order_by("pk")[:MAX_FOLLOWED]:
        target = ScalableTarget.objects.filter(
            account_id=account_id,
            region=region,
            namespace=row.namespace,
            resource_id=row.resource_id,
            dimension=row.dimension,
        ).first()
        found = current_capacity(target) if target else None
        if found is None:
            end, message = "Failed", "The resource is not there any more."
        elif found[0] != row.wanted:
            end, message = "Overridden", f"Desired count was set to {found[0]} by another request."
        elif found[1]:
            end = "Successful"
            message = f"Successfully set desired count to {row.wanted}. Change successfully fulfilled by ecs."
        else:
            continue
        ScalingActivity.objects.filter(pk=row.pk, status=IN_PROGRESS).update(
            status=end, status_message=message, ended_at=now
        )


def note(
    target: ScalableTarget,
    description: str,
    cause: str,
    status: tuple[str, str],
    now: datetime,
    *,
    wanted: int | None = None,
    ended_at: datetime | None = None,
    reasons: tuple[dict[str, object], ...] = (),
) -> None:
    """Write an activity of a target down; ``status`` is its code and its message."""
    ScalingActivity.objects.create(
        activity_id=new_uuid(),
        account_id=target.account_id,
        region=target.region,
        namespace=target.namespace,
        resource_id=target.resource_id,
        dimension=target.dimension,
        description=description,
        cause=cause,
        status=status[0],
        status_message=status[1],
        not_scaled_reasons=list(reasons),
        wanted=wanted,
        started_at=now,
        ended_at=ended_at,
    )


def _activities(target: ScalableTarget) -> QuerySet[ScalingActivity]:
    return ScalingActivity.objects.filter(
        account_id=target.account_id,
        region=target.region,
        namespace=target.namespace,
        resource_id=target.resource_id,
        dimension=target.dimension,
    )


def _last(target: ScalableTarget) -> LastScaling | None:
    if target.last_scaled_at is None:
        return None
    return LastScaling(
        at=target.last_scaled_at,
        from_capacity=target.last_scaled_from,
        was_out=target.last_scaled_out,
        cooldown_s=target.last_cooldown_s,
    )


def _note_not_scaled(target: ScalableTarget, current: int, cause: str, now: datetime, *, is_out: bool) -> None:
    """Write down that a bound is reached; once, for as long as nothing else happens."""
    reason: dict[str, object] = {"Code": "AlreadyAtMaxCapacity" if is_out else "AlreadyAtMinCapacity"}
    reason |= {"MaxCapacity": target.max_capacity} if is_out else {"MinCapacity": target.min_capacity}
    reason["CurrentCapacity"] = current
    last = _activities(target).order_by("-started_at", "-pk").first()
    if last is not None and last.not_scaled_reasons == [reason]:
        return
    description = "Attempting to scale due to alarm triggered"
    message = f"The capacity is at its {'maximum' if is_out else 'minimum'} already."
    note(target, description, cause, ("Unfulfilled", message), now, ended_at=now, reasons=(reason,))
