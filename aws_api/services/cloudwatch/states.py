"""Changes of alarms' states: written, told, and acted upon. The one writer of alarms' ``last_`` columns."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from aws_api.core.alarms import AlarmNotice, alarm_action
from aws_api.core.changes import StateChange, publish
from aws_api.core.context import Context, internal_context
from aws_api.core.errors import AwsError
from aws_api.services.cloudwatch.alarm_history import note
from aws_api.services.cloudwatch.models import Alarm, StateValue

#: The kind of the changes of alarms' states; keys are their ARNs.
ALARM_KIND = "cloudwatch.alarm"
#: What alarms of AWS do only once, while scaling goes on as long as the alarm lasts.
_REPEATED = ":autoscaling:"
_ACTIONS = {
    StateValue.OK: "OKActions",
    StateValue.ALARM: "AlarmActions",
    StateValue.INSUFFICIENT_DATA: "InsufficientDataActions",
}


def enter_state(alarm: Alarm, state: StateValue, reason: str, data: Mapping[str, Any] | str, now: datetime) -> bool:
    """Write a state down, and tell of it where it is another; whether it is."""
    before = StateValue(alarm.last_state)
    text = data if isinstance(data, str) else orjson.dumps(data).decode()
    is_change = before is not state
    changes: dict[str, Any] = {"last_reason": reason, "last_reason_data": text, "last_updated_at": now}
    if is_change:
        changes |= {"last_state": state, "last_transitioned_at": now}
    if not Alarm.objects.filter(pk=alarm.pk, last_state=before).update(**changes):
        # Somebody else was quicker; the next evaluation goes on from there.
        return False
    for name, value in changes.items():
        setattr(alarm, name, value)
    if not is_change:
        return False
    summary = f"Alarm updated from {before} to {state}"
    history = {
        "version": "1.0",
        "oldState": {"stateValue": before.value},
        "newState": {"stateValue": state.value, "stateReason": reason},
    }
    note(alarm, "StateUpdate", summary, history, now)
    Alarm.objects.filter(account_id=alarm.account_id, region=alarm.region, is_composite=True).exclude(
        pk=alarm.pk
    ).update(next_evaluation_at=now)
    publish(
        StateChange(
            kind=ALARM_KIND,
            key=alarm.arn,
            account_id=alarm.account_id,
            region=alarm.region,
            before=before,
            after=state,
            cause=reason,
            at=now,
        )
    )
    return True


def act(alarm: Alarm, values: tuple[float, ...], now: datetime, *, is_change: bool) -> None:
    """Carry out what the alarm is told to do in its state: once, but scaling for as long as it lasts."""
    if not alarm.actions_enabled:
        return
    context = internal_context(alarm.account_id, alarm.region)
    notice = AlarmNotice(
        name=alarm.name,
        arn=alarm.arn,
        state=alarm.last_state,
        threshold=alarm.document.get("Threshold"),
        values=values,
        at=now,
    )
    for action_arn in alarm.document.get(_ACTIONS[StateValue(alarm.last_state)], ()):
        if is_change or (_REPEATED in action_arn and alarm.last_state == StateValue.ALARM):
            _carry_out(context, alarm, action_arn, notice, now, is_change=is_change)


def _carry_out(
    context: Context, alarm: Alarm, action_arn: str, notice: AlarmNotice, now: datetime, *, is_change: bool
) -> None:
    action, failure = alarm_action(action_arn), ""
    if action is not None:
        try:
            action(context, action_arn, notice)
        except AwsError as error:
            failure = f"{error.code}: {error.message}"
    elif is_change:
        failure = "Simfra carries out the actions of scaling policies only"
    if is_change or failure:
        word = "Failed to execute action" if failure else "Successfully executed action"
        data = {"actionState": "Failed" if failure else "Succeeded", "notificationResource": action_arn}
        note(alarm, "Action", f"{word} {action_arn}", {**data, "error": failure or None}, now)
