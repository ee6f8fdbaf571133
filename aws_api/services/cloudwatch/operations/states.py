"""SetAlarmState. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html"""

import orjson

from aws_api.core.context import Context
from aws_api.core.reconcile import kick
from aws_api.services.cloudwatch.controller import KIND, key_of
from aws_api.services.cloudwatch.models import StateValue
from aws_api.services.cloudwatch.operations.alarms import find_alarm
from aws_api.services.cloudwatch.service import cloudwatch
from aws_api.services.cloudwatch.shapes import InvalidFormatFault, SetAlarmStateInput
from aws_api.services.cloudwatch.states import act, enter_state


@cloudwatch.operation
def set_alarm_state(context: Context, request: SetAlarmStateInput) -> None:
    """Put an alarm into a state until it is evaluated next, and do what it does in that state."""
    alarm = find_alarm(context, request["AlarmName"])
    data = request.get("StateReasonData", "")
    if data:
        try:
            orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise InvalidFormatFault("StateReasonData was not a valid JSON object") from error
    now = context.clock.now()
    if enter_state(alarm, StateValue(request["StateValue"]), request["StateReason"], data, now):
        act(alarm, (), now, is_change=True)
        # Composite alarms on it may change with it.
        kick(KIND, key_of(context.account_id, context.region))
