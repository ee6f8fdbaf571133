"""What services use is measured on a real engine, and scales them."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from aws_api.core.clock import SHARED_CLOCK, SYSTEM_CLOCK, ClockSetting
from aws_api.core.containers import Observation, Plan
from aws_api.core.reconcile import Round, get_controller
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.utilization import measure_services
from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage
from tests.support.waiting import wait_for

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker

#: A minute in less than a second: an alarm waits for fifteen of them before a service is scaled in.
SPEED = 100
#: A burning program on a machine that does much else gets little of what it reserves, and an idle one next to nothing.
TARGET_PERCENT = 10.0
PLACE = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/default/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
#: Busy for as long as nobody says otherwise.
BURN = "while [ ! -e /tmp/rest ]; do :; done; exec sleep 600"


def test_a_busy_service_scales_out_and_an_idle_one_in(docker_stage: DockerStage, aws: Callable[..., Any]) -> None:
    # What services of earlier tests had on scripted engines would be looked at first.
    Task.objects.exclude(account_id=docker_stage.account_id).filter(last_status="RUNNING").update(last_status="STOPPED")
    ecs, scaling = docker_stage.ecs, aws("application-autoscaling")
    container = {"name": "app", "image": docker_stage.image, "cpu": 256, "memory": 64, "stopTimeout": 2}
    ecs.create_cluster(clusterName="default")
    ecs.register_task_definition(
        family="test", cpu="256", containerDefinitions=[{**container, "command": ["sh", "-c", BURN]}]
    )
    ecs.create_service(serviceName="web", taskDefinition="test", desiredCount=1)
    scaling.register_scalable_target(**PLACE, MinCapacity=1, MaxCapacity=2)
    scaling.put_scaling_policy(
        **PLACE,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": TARGET_PERCENT,
            "ScaleInCooldown": 60,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    )
    wait_for(lambda: _running(ecs) == 1, timeout_s=PATIENCE_S, what="the service to run")
    before = SHARED_CLOCK.setting
    now_s = time.time()
    SHARED_CLOCK.set(ClockSetting(real_s=now_s, shown_s=now_s, speed=SPEED))
    try:
        wait_for(
            lambda: _look(docker_stage) == 2,
            timeout_s=PATIENCE_S,
            every_s=1,
            what="two tasks",
        )
        for arn in ecs.list_tasks(serviceName="web")["taskArns"]:
            task = ecs.describe_tasks(tasks=[arn])["tasks"][0]
            docker_stage.inside(task, "app", "touch /tmp/rest")
        wait_for(
            lambda: _look(docker_stage) == 1,
            timeout_s=PATIENCE_S,
            every_s=1,
            what="one task",
        )
        points = aws("cloudwatch").get_metric_statistics(
            Namespace="AWS/ECS",
            MetricName="MemoryUtilization",
            Dimensions=[{"Name": "ClusterName", "Value": "default"}, {"Name": "ServiceName", "Value": "web"}],
            StartTime=SHARED_CLOCK.now() - timedelta(hours=1),
            EndTime=SHARED_CLOCK.now(),
            Period=60,
            Statistics=["Average"],
        )["Datapoints"]
        assert all(0 < point["Average"] < 100 for point in points)
        assert points
    finally:
        SHARED_CLOCK.set(before)
    causes = [
        each["Cause"] for each in scaling.describe_scaling_activities(ServiceNamespace="ecs")["ScalingActivities"]
    ]
    assert ["-AlarmLow-" in cause for cause in causes] == [True, False]


def _running(ecs: Any) -> int:
    return int(ecs.describe_services(services=["web"])["services"][0]["runningCount"])


def _look(stage: DockerStage) -> int:
    """What the sweep and the chores do; answers how many tasks run then."""
    measure_services(SYSTEM_CLOCK.now())
    for kind in ("cloudwatch.alarms", "application-autoscaling"):
        controller = get_controller(kind)
        desired = controller.load(f"{stage.account_id}/us-east-1")
        if desired is not None:
            controller.record(desired, Round(at=SYSTEM_CLOCK.now(), plan=Plan(), observed=Observation()))
    return _running(stage.ecs)
