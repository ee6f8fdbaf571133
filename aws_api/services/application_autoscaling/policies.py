"""What policies do when one of their alarms fires, and the alarms that they make for that."""

from datetime import datetime

from aws_api.core.alarms import ALARM, AlarmNotice, alarm_states
from aws_api.core.context import Context, internal_context
from aws_api.core.ids import new_uuid
from aws_api.core.invoke import invoke
from aws_api.services.application_autoscaling import step_scaling, target_tracking
from aws_api.services.application_autoscaling.capacity import can_scale
from aws_api.services.application_autoscaling.models import ScalableTarget, ScalingPolicy
from aws_api.services.application_autoscaling.scaling import scale
from aws_api.services.application_autoscaling.shapes import ObjectNotFoundException

STEP = "StepScaling"
TARGET_TRACKING = "TargetTrackingScaling"
PREDICTIVE = "PredictiveScaling"
#: How long AWS waits after scaling services, where nothing else is said.
DEFAULT_COOLDOWN_S = 300


def act_on_alarm(context: Context, action_arn: str, notice: AlarmNotice) -> None:
    """Scale as the policy of an ARN says. Raises ObjectNotFoundException."""
    rows = ScalingPolicy.objects.filter(account_id=context.account_id, region=context.region, arn=action_arn)
    policy = rows.select_related("target").first()
    if policy is None:
        raise ObjectNotFoundException(f"No scaling policy found for {action_arn}")
    if not can_scale(policy.target) or not notice.values:
        return
    cause = f"monitor alarm {notice.name} in state {notice.state} triggered policy {policy.name}"
    if policy.type == TARGET_TRACKING:
        _track(policy, notice, cause, context.clock.now())
    elif policy.type == STEP:
        _step(policy, notice, cause, context.clock.now())


def put_alarms(policy: ScalingPolicy) -> None:
    """Make the alarms of a target tracking policy anew; those from before are replaced."""
    old = {each["AlarmName"] for each in policy.alarms}
    context = internal_context(policy.account_id, policy.region)
    requests = target_tracking.alarms_of(
        policy.arn, policy.document, policy.target.resource_id, (new_uuid(), new_uuid())
    )
    for request in requests:
        invoke(context, "cloudwatch", "PutMetricAlarm", request)
    names = [request["AlarmName"] for request in requests]
    found = invoke(context, "cloudwatch", "DescribeAlarms", {"AlarmNames": names})["MetricAlarms"]
    arns = {alarm["AlarmName"]: alarm["AlarmArn"] for alarm in found}
    policy.alarms = [{"AlarmName": name, "AlarmARN": arns[name]} for name in names]
    policy.save(update_fields=["alarms"])
    if old:
        invoke(context, "cloudwatch", "DeleteAlarms", {"AlarmNames": sorted(old)})


def delete_alarms(policy: ScalingPolicy) -> None:
    """Delete the alarms that a policy made."""
    if policy.alarms:
        names = [each["AlarmName"] for each in policy.alarms]
        invoke(internal_context(policy.account_id, policy.region), "cloudwatch", "DeleteAlarms", {"AlarmNames": names})


def _track(policy: ScalingPolicy, notice: AlarmNotice, cause: str, now: datetime) -> None:
    is_high = not target_tracking.is_low(notice.name)
    configuration = policy.document
    if not is_high and (configuration.get("DisableScaleIn") or not _all_are_low(policy.target)):
        return

    def wanted_from(capacity: int) -> int:
        return target_tracking.wanted_capacity(capacity, notice.values, configuration["TargetValue"], is_high=is_high)

    def cooldown_s(is_out: bool) -> int:
        return int(configuration.get("ScaleOutCooldown" if is_out else "ScaleInCooldown", DEFAULT_COOLDOWN_S))

    scale(policy.target, wanted_from, cause, cooldown_s, now)


def _all_are_low(target: ScalableTarget) -> bool:
    """Whether every policy that may take something away would: one that needs what there is keeps it."""
    names = [
        alarm["AlarmName"]
        for policy in target.policies.filter(type=TARGET_TRACKING)
        for alarm in policy.alarms
        if target_tracking.is_low(alarm["AlarmName"])
    ]
    states = alarm_states(internal_context(target.account_id, target.region), names)
    return all(states.get(name) == ALARM for name in names)


def _step(policy: ScalingPolicy, notice: AlarmNotice, cause: str, now: datetime) -> None:
    configuration, threshold = policy.document, notice.threshold
    if threshold is None:
        return
    values = notice.values
    aggregated = {"Minimum": min(values), "Maximum": max(values)}.get(
        configuration.get("MetricAggregationType", "Average"), sum(values) / len(values)
    )

    def wanted_from(capacity: int) -> int:
        return step_scaling.wanted_capacity(capacity, configuration, aggregated - threshold)

    scale(policy.target, wanted_from, cause, lambda _: int(configuration.get("Cooldown", 0)), now)
