"""Services that are scaled: through boto3, with alarms that CloudWatch evaluates and a clock that the test moves."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.clock import SHARED_CLOCK, MovableClock
from aws_api.core.containers import Observation, Plan
from aws_api.core.metric_recording import Measurement, record_metrics
from aws_api.core.reconcile import Round, get_controller
from tests.services.ecs.conftest import ecs, register
from tests.services.ecs.service_stage import ServiceStage, advance, clock, service_stage, stage_of_tasks

__all__ = ["clock", "ecs", "register", "service_stage", "stage_of_tasks"]

PLACE = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/default/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
TRACKING: dict[str, Any] = {
    "TargetValue": 50.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    "ScaleOutCooldown": 180,
    "ScaleInCooldown": 60,
}


class Scaled:
    """A service ``web`` of two tasks that may be one to eight."""

    def __init__(self, stage: ServiceStage, aws: Callable[..., Any], account_id: str, clock: MovableClock) -> None:
        self.stage = stage
        self.client = aws("application-autoscaling")
        self.cloudwatch = aws("cloudwatch")
        self._account_id = account_id
        self._clock = clock

    def pass_minutes(self, minutes: int, cpu: float | None = None) -> None:
        """Let minutes pass in which the service needs so much CPU; alarms are evaluated after each."""
        for _ in range(minutes):
            if cpu is not None:
                self._measure(cpu)
            advance(self._clock, 60)
            for kind in ("cloudwatch.alarms", "application-autoscaling"):
                controller = get_controller(kind)
                desired = controller.load(f"{self._account_id}/us-east-1")
                if desired is not None:
                    now = SHARED_CLOCK.now()
                    controller.record(desired, Round(at=now, plan=Plan(), observed=Observation()))
            self.stage.settle("web")

    def pass_until_scaled(self, cpu: float) -> None:
        """Let at most five minutes pass, until the service is not what it was."""
        before = self.count()
        for _ in range(5):
            if self.count() == before:
                self.pass_minutes(1, cpu)

    def _measure(self, cpu: float) -> None:
        measurement = Measurement(
            account_id=self._account_id,
            region="us-east-1",
            namespace="AWS/ECS",
            name="CPUUtilization",
            dimensions={"ClusterName": "default", "ServiceName": "web"},
            unit="Percent",
            at=SHARED_CLOCK.now(),
            value=cpu,
        )
        record_metrics([measurement])

    def count(self) -> int:
        return int(self.stage.describe("web")["desiredCount"])

    def activities(self, **asked: Any) -> list[dict[str, Any]]:
        return list(self.client.describe_scaling_activities(ServiceNamespace="ecs", **asked)["ScalingActivities"])


@pytest.fixture
def scaled(
    service_stage: ServiceStage,
    aws: Callable[..., Any],
    account: Any,
    clock: MovableClock,
    register: Callable[..., str],
) -> Scaled:
    aws("ecs").create_cluster(clusterName="default")
    register("web", networkMode="bridge")
    service_stage.create("web", desiredCount=2)
    made = Scaled(service_stage, aws, account.account_id, clock)
    made.client.register_scalable_target(**PLACE, MinCapacity=1, MaxCapacity=8)
    return made


def put(scaled: Scaled, name: str = "cpu", **changes: Any) -> dict[str, Any]:
    configuration = {**TRACKING, **changes}
    return dict(
        scaled.client.put_scaling_policy(
            **PLACE,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=configuration,
        )
    )


def test_target_tracking_scales_out_and_in(scaled: Scaled) -> None:
    alarms = put(scaled)["Alarms"]
    assert [alarm["AlarmName"].split("-")[2] for alarm in alarms] == ["AlarmHigh", "AlarmLow"]
    scaled.pass_minutes(2, cpu=100)
    assert scaled.count() == 2
    scaled.pass_until_scaled(cpu=100)
    assert scaled.count() == 4
    scaled.pass_minutes(1)
    (activity,) = scaled.activities()
    assert activity["Description"] == "Setting desired count to 4."
    assert activity["StatusCode"] == "Successful"
    high = alarms[0]["AlarmName"]
    assert activity["Cause"] == f"monitor alarm {high} in state ALARM triggered policy cpu"
    scaled.pass_minutes(22, cpu=20)
    assert scaled.count() < 4
    assert scaled.activities()[0]["Cause"].startswith("monitor alarm TargetTracking-service/default/web-AlarmLow-")


def test_the_bounds_hold(scaled: Scaled) -> None:
    put(scaled)
    scaled.pass_minutes(12, cpu=400)
    assert scaled.count() == 8
    scaled.pass_minutes(3, cpu=400)
    assert all("NotScaledReasons" not in each for each in scaled.activities())
    (reason,) = scaled.activities(IncludeNotScaledActivities=True)[0]["NotScaledReasons"]
    assert (reason["Code"], reason["MaxCapacity"]) == ("AlreadyAtMaxCapacity", 8)


def test_scaling_in_can_be_ruled_out(scaled: Scaled) -> None:
    assert len(put(scaled, DisableScaleIn=True)["Alarms"]) == 1
    scaled.pass_minutes(20, cpu=0)
    assert scaled.count() == 2


def test_what_is_suspended_is_not_scaled(scaled: Scaled) -> None:
    scaled.client.register_scalable_target(**PLACE, SuspendedState={"DynamicScalingOutSuspended": True})
    put(scaled)
    scaled.pass_minutes(6, cpu=100)
    assert scaled.count() == 2
    (target,) = scaled.client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert target["SuspendedState"]["DynamicScalingOutSuspended"] is True


def test_step_scaling_goes_by_an_alarm_of_the_users(scaled: Scaled) -> None:
    arn = scaled.client.put_scaling_policy(
        **PLACE,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "Cooldown": 60,
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 3},
            ],
        },
    )["PolicyARN"]
    scaled.cloudwatch.put_metric_alarm(
        AlarmName="busy",
        Namespace="AWS/ECS",
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "ClusterName", "Value": "default"}, {"Name": "ServiceName", "Value": "web"}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=60,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[arn],
    )
    scaled.pass_until_scaled(cpu=90)
    assert scaled.count() == 5


def test_a_scheduled_action_sets_the_bounds_when_it_is_due(scaled: Scaled) -> None:
    at = (SHARED_CLOCK.now() + timedelta(minutes=2)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    action = {"MinCapacity": 4, "MaxCapacity": 6}
    scaled.client.put_scheduled_action(**PLACE, ScheduledActionName="noon", Schedule=at, ScalableTargetAction=action)
    scaled.pass_minutes(1)
    assert scaled.count() == 2
    scaled.pass_minutes(2)
    assert scaled.count() == 4
    (target,) = scaled.client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (4, 6)
    causes = [each["Cause"] for each in scaled.activities()]
    assert sorted(causes) == ["minimum capacity was set to 4", "scheduled action name noon was triggered"]


def test_a_target_that_is_deregistered_takes_its_alarms_along(scaled: Scaled) -> None:
    put(scaled)
    assert len(scaled.cloudwatch.describe_alarms()["MetricAlarms"]) == 2
    scaled.client.deregister_scalable_target(**PLACE)
    assert scaled.cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert scaled.client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []


def test_policies_schedules_and_tags_are_described(scaled: Scaled) -> None:
    put(scaled)
    put(scaled, TargetValue=60.0)
    (policy,) = scaled.client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 60.0
    assert [alarm["Threshold"] for alarm in scaled.cloudwatch.describe_alarms()["MetricAlarms"]] == [60.0, 54.0]
    scaled.client.put_scheduled_action(
        **PLACE,
        ScheduledActionName="nightly",
        Schedule="cron(0 2 * * ? *)",
        Timezone="Europe/Berlin",
        ScalableTargetAction={"MinCapacity": 1},
    )
    (action,) = scaled.client.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    assert (action["Schedule"], action["Timezone"]) == ("cron(0 2 * * ? *)", "Europe/Berlin")
    scaled.client.delete_scheduled_action(**PLACE, ScheduledActionName="nightly")
    (target,) = scaled.client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    arn = target["ScalableTargetARN"]
    scaled.client.tag_resource(ResourceARN=arn, Tags={"a": "1"})
    assert scaled.client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"a": "1"}
    scaled.client.delete_scaling_policy(**PLACE, PolicyName="cpu")
    assert scaled.cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_what_is_not_there_cannot_be_scaled(scaled: Scaled) -> None:
    with pytest.raises(ClientError, match="doesn't exist"):
        scaled.client.register_scalable_target(
            **{**PLACE, "ResourceId": "service/default/other"}, MinCapacity=1, MaxCapacity=2
        )
    with pytest.raises(ClientError) as failed:
        scaled.client.put_scaling_policy(**{**PLACE, "ResourceId": "service/default/other"}, PolicyName="p")
    assert failed.value.response["Error"]["Code"] == "ObjectNotFoundException"


def test_targets_of_other_services_are_kept(aws: Callable[..., Any]) -> None:
    client = aws("application-autoscaling")
    place = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/t",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }
    client.register_scalable_target(**place, MinCapacity=5, MaxCapacity=100)
    (target,) = client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert target["MaxCapacity"] == 100
    assert client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
