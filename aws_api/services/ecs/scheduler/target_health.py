"""What load balancers say of a service's targets."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke
from aws_api.services.ecs.models import Registration
from aws_api.services.ecs.scheduler.specification import RegistrationState, TargetHealth

#: The longest deregistration delay that a target group can have, and some.
LONGEST_DRAIN = timedelta(seconds=3600 + 60)
_HEALTH = {
    "healthy": TargetHealth.HEALTHY,
    "unhealthy": TargetHealth.UNHEALTHY,
    "unavailable": TargetHealth.UNHEALTHY,
    "initial": TargetHealth.INITIAL,
    "unused": TargetHealth.UNUSED,
}
_DRAINING = "draining"
#: The reason of a target that a target group does not have.
_GONE = "Target.NotRegistered"


def refresh_health(context: Context, registrations: Sequence[Registration], now: datetime) -> None:
    """Write down what the load balancers say now; of what is draining, an empty health means that it is gone."""
    groups: dict[str, list[Registration]] = {}
    for each in registrations:
        if ":targetgroup/" in each.resource_arn and each.last_state != RegistrationState.REGISTERING:
            groups.setdefault(each.resource_arn, []).append(each)
    for arn, found in sorted(groups.items()):
        said = _ask(context, arn)
        for each in found:
            _write(each, said.get((each.target_id, each.port)), now)


def _ask(context: Context, target_group: str) -> Mapping[tuple[str, int], Mapping[str, Any]]:
    try:
        answer = invoke(context, "elbv2", "DescribeTargetHealth", {"TargetGroupArn": target_group})
    except AwsError:
        # A target group that was deleted has no targets.
        return {}
    descriptions: Iterable[Mapping[str, Any]] = answer["TargetHealthDescriptions"]
    return {
        (described["Target"]["Id"], described["Target"].get("Port", 0)): described["TargetHealth"]
        for described in descriptions
    }


def _write(registration: Registration, said: Mapping[str, Any] | None, now: datetime) -> None:
    state = said.get("State", "") if said else ""
    if registration.last_state == RegistrationState.DRAINING:
        is_over = now >= registration.last_changed_at + LONGEST_DRAIN
        health = _DRAINING if state == _DRAINING and not is_over else ""
    elif said is None or said.get("Reason") == _GONE:
        health = TargetHealth.INITIAL
    else:
        health = _HEALTH.get(state, TargetHealth.INITIAL)
    reason = said.get("Description", "") if said else ""
    if (health, reason) != (registration.last_health, registration.last_health_reason):
        registration.last_health, registration.last_health_reason = health, reason
        Registration.objects.filter(pk=registration.pk).update(last_health=health, last_health_reason=reason)
