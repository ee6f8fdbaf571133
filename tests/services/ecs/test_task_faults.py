"""What faults do to tasks, on a fake engine."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import ContainerSpec, ContainerState, Observation, ObservedContainer
from aws_api.core.faults import EffectType, FaultRule, make_fault, remove_faults
from aws_api.core.models import Fault
from aws_api.core.seeds import set_seed
from aws_api.services.ecs.faults.controller import KIND, TaskFaultController
from aws_api.services.ecs.faults.specification import Blow, TaskFaults, decide
from aws_api.services.elbv2.models import TargetGroup
from aws_api.services.elbv2.specification import targets_of
from tests.services.ecs.stage import Stage

CHECKED = {"name": "app", "healthCheck": {"command": ["CMD", "true"], "interval": 5}}
Put = Callable[..., Fault]


@pytest.fixture
def put(account: Any) -> Put:
    """Make a fault of the account's tasks."""

    def make(effect_type: str, scope: dict[str, str] | None = None, **members: Any) -> Fault:
        options = {name: members.pop(name) for name in ("probability", "times", "lifetime_s") if name in members}
        return make_fault(
            account_id=account.account_id,
            region="",
            effect_type=EffectType(effect_type),
            scope=scope or {},
            effect=members,
            **options,
        )

    return make


def remove(fault: Fault) -> None:
    remove_faults(Fault.objects.filter(pk=fault.pk))


@pytest.mark.parametrize(
    ("effect", "reason"), [("kill", None), ("out-of-memory", "OutOfMemoryError: Container killed due to memory usage")]
)
def test_a_container_is_killed(stage: Stage, register: Any, put: Put, effect: str, reason: str | None) -> None:
    register("web")
    spared = stage.run("web")
    fault = put(effect, {"task": spared})
    arn = stage.run("web")
    stage.settle()
    stage.wake(spared)
    task = stage.describe(spared)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    container = task["containers"][0]
    assert (container["exitCode"], container.get("reason")) == (137, reason)
    assert stage.describe(arn)["lastStatus"] == "RUNNING", "another task is not meant"
    fault.refresh_from_db()
    assert fault.hits == 1


def test_a_fault_hits_as_many_tasks_as_it_may(stage: Stage, register: Any, put: Put) -> None:
    register("web")
    arns = [stage.run("web") for _ in range(3)]
    fault = put("kill", times=2)
    stage.settle()
    assert sorted(stage.wake(arn)["lastStatus"] for arn in arns) == ["RUNNING", "STOPPED", "STOPPED"]
    fault.refresh_from_db()
    assert fault.hits == 2


def test_a_task_that_begins_later_is_hit_as_well_and_none_after_the_end(stage: Stage, register: Any, put: Put) -> None:
    register("web")
    fault = put("kill", {"cluster": "def*"})
    arn = stage.run("web")
    assert stage.wake(arn)["lastStatus"] == "STOPPED"
    remove(fault)
    assert stage.describe(stage.run("web"))["lastStatus"] == "RUNNING"


def test_a_seed_decides_which_tasks_are_hit(stage: Stage, register: Any, put: Put, account: Any) -> None:
    register("web")
    set_seed(account.account_id, "7")
    put("kill", probability=0.5)
    arns = [stage.run("web") for _ in range(8)]
    ended = [stage.wake(arn)["lastStatus"] == "STOPPED" for arn in arns]
    assert any(ended)
    assert not all(ended)


def test_a_kill_comes_at_some_time_within_its_interval() -> None:
    now = SYSTEM_CLOCK.now()
    blow = Blow(rule=rule(), subject="task", due_at=now + timedelta(seconds=7), containers=(("engine-app", "app"),))
    plan = decide(TaskFaults(arn="task", blows=(blow,)), Observation(), now)
    assert (str(plan), plan.look_again_s) == ("", 7.0)
    plan = decide(TaskFaults(arn="task", blows=(blow,)), Observation(), now + timedelta(seconds=8))
    assert str(plan) == "Strike task: fault-1: kill\nKillContainer app: fault-1: kill"


def test_a_network_is_disturbed_by_one_container_that_goes_with_the_fault() -> None:
    wanted = ContainerSpec(name="pause-fault-2", image="sidecar", labels={}, ready_within_s=30)
    old = ObservedContainer(
        id="1", name="pause-fault-1", image="sidecar", state=ContainerState.RUNNING, labels={"kind": KIND}
    )
    task = TaskFaults(arn="task", disturbance=wanted, fault_ids=("fault-2",))
    assert str(decide(task, Observation(containers=(old,)), SYSTEM_CLOCK.now())).splitlines() == [
        "RemoveContainer pause-fault-1: no fault wants the network disturbed like this",
        "CreateContainer pause-fault-2: fault-2 disturbs the network",
        "StartContainer pause-fault-2: fault-2 disturbs the network",
    ]
    there = ObservedContainer(id="2", name="pause-fault-2", image="", state=ContainerState.RUNNING, labels={})
    assert not decide(task, Observation(containers=(there,)), SYSTEM_CLOCK.now())
    assert str(decide(TaskFaults(arn="task"), Observation(containers=(there,)), SYSTEM_CLOCK.now())) == (
        "RemoveContainer pause-fault-2: no fault wants the network disturbed like this"
    )


def test_what_cannot_be_done_is_told_of_the_fault(stage: Stage, register: Any, put: Put) -> None:
    register("web")
    arn = stage.run("web")
    stage.runtime.fail("exhaust_memory", stage.container(arn, "app"), "no such thing here")
    fault = put("out-of-memory")
    stage.settle()
    fault.refresh_from_db()
    assert fault.last_failure == "no such thing here"


def test_an_image_cannot_be_pulled_though_the_engine_has_it(stage: Stage, register: Any, put: Put) -> None:
    register("web")
    fault = put("pull-failure", {"image": "busy*"}, reason="the registry is down")
    task = stage.describe(stage.run("web"))
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert task["stoppedReason"].endswith("the registry is down")
    remove(fault)
    assert stage.describe(stage.run("web"))["lastStatus"] == "RUNNING"


def test_checks_fail_while_the_fault_lasts(stage: Stage, register: Any, put: Put) -> None:
    register("web", CHECKED)
    arn = stage.run("web")
    stage.runtime.set_health(stage.container(arn, "app"), "healthy")
    assert stage.wake(arn)["healthStatus"] == "HEALTHY"
    fault = put("unhealthy", {"container": "app"})
    stage.settle_for(arn)
    assert stage.describe(arn)["healthStatus"] == "UNHEALTHY"
    remove(fault)
    stage.settle_for(arn)
    assert stage.describe(arn)["healthStatus"] == "HEALTHY"


def test_load_balancers_are_told_that_a_targets_checks_fail(
    stage: Stage, aws: Any, register: Any, put: Put, awsvpc: Any
) -> None:
    register("web", networkMode="awsvpc")
    arn = stage.run("web", networkConfiguration=awsvpc)
    address = stage.describe(arn)["attachments"][0]["details"]
    (place,) = [each["value"] for each in address if each["name"] == "privateIPv4Address"]
    vpc = aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    elbv2 = aws("elbv2")
    made = elbv2.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
    group = made["TargetGroups"][0]["TargetGroupArn"]
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": place, "Port": 80}, {"Id": "172.31.0.250"}])

    def failing() -> list[str]:
        rows = TargetGroup.objects.get(arn=group)
        return [each["address"] for each in targets_of(rows, SYSTEM_CLOCK.now()) if each["fails_checks"]]

    fault = put("unhealthy", {"cluster": "default"})
    stage.take(KIND, arn)
    assert failing() == [place]
    remove(fault)
    assert arn in list(TaskFaultController().unsettled(SYSTEM_CLOCK.now())), "what is over is undone by the sweep"
    stage.take(KIND, arn)
    assert failing() == []


@pytest.mark.parametrize("provider", ["FARGATE_SPOT", "FARGATE"])
def test_only_spot_capacity_is_interrupted(
    stage: Stage, ecs: Any, register: Any, put: Put, *, awsvpc: Any, provider: str
) -> None:
    register("web", cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"])
    strategy = [{"capacityProvider": provider, "weight": 1}]
    ecs.put_cluster_capacity_providers(
        cluster="default", capacityProviders=[provider], defaultCapacityProviderStrategy=[]
    )
    arn = stage.run("web", capacityProviderStrategy=strategy, networkConfiguration=awsvpc)
    put("spot-interruption")
    stage.settle()
    task = stage.wake(arn)
    if provider == "FARGATE":
        assert task["lastStatus"] == "RUNNING"
    else:
        assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "SpotInterruption")
        assert task["containers"][0]["exitCode"] == 143, "it was told to end"


def test_a_lost_zone_loses_its_tasks_and_takes_none(stage: Stage, aws: Any, ecs: Any, register: Any, put: Put) -> None:
    register("web", cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"])
    subnets = {each["AvailabilityZone"]: each["SubnetId"] for each in aws("ec2").describe_subnets()["Subnets"]}
    here, there = ({"awsvpcConfiguration": {"subnets": [subnets[zone]]}} for zone in ("us-east-1a", "us-east-1b"))
    lost, left = (stage.run("web", launchType="FARGATE", networkConfiguration=each) for each in (here, there))
    fault = put("availability-zone-loss", zone="us-east-1a")
    stage.settle()
    task = stage.wake(lost)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TerminationNotice")
    assert "us-east-1a" in task["stoppedReason"]
    assert task["containers"][0]["exitCode"] == 137
    assert stage.describe(left)["lastStatus"] == "RUNNING"
    with pytest.raises(ClientError, match="Capacity is unavailable at this time"):
        ecs.run_task(taskDefinition="web", launchType="FARGATE", networkConfiguration=here)
    both = {"awsvpcConfiguration": {"subnets": list(subnets.values())}}
    placed = [stage.run("web", launchType="FARGATE", networkConfiguration=both) for _ in range(4)]
    assert "us-east-1a" not in {stage.describe(arn)["availabilityZone"] for arn in placed}
    remove(fault)
    assert stage.describe(stage.run("web", launchType="FARGATE", networkConfiguration=here))["lastStatus"] == "RUNNING"


def test_a_lost_container_instance_is_disconnected_and_loses_its_tasks(
    stage: Stage, ecs: Any, register: Any, put: Put
) -> None:
    register("web")
    arn = stage.run("web")
    instance = ecs.list_container_instances()["containerInstanceArns"]

    def is_connected() -> bool:
        found = ecs.describe_container_instances(containerInstances=instance)["containerInstances"][0]
        return bool(found["agentConnected"])

    assert is_connected()
    fault = put("container-instance-loss", {"cluster": "default"})
    stage.settle()
    task = stage.wake(arn)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TerminationNotice")
    assert task["stoppedReason"].startswith("Host EC2 (instance i-")
    assert not is_connected()
    answer = ecs.run_task(taskDefinition="web")
    assert answer["tasks"] == []
    assert [failure["reason"] for failure in answer["failures"]] == ["AGENT"]
    remove(fault)
    assert is_connected()
    assert stage.describe(stage.run("web"))["lastStatus"] == "RUNNING"


def test_the_sweep_finds_whom_faults_are_about(stage: Stage, register: Any, put: Put) -> None:
    register("web")
    arn, other = stage.run("web"), stage.run("web")
    put("network-cut", {"task": arn})
    found = list(TaskFaultController().unsettled(SYSTEM_CLOCK.now()))
    assert arn in found
    assert other not in found


def rule() -> FaultRule:
    now = SYSTEM_CLOCK.now()
    return FaultRule(
        fault_id="fault-1",
        account_id="1",
        region="",
        effect_type="kill",
        scope={},
        effect={},
        probability=1,
        times=None,
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )
