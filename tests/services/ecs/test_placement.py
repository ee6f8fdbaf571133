"""Where tasks are put, and why on no instance."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aws_api.core.reconcile import get_controller
from aws_api.services.ecs.expressions import BadExpression, parse
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.placement import Instance, Need, Refusal, place, providers_of, with_task
from tests.services.ecs.stage import Stage

NEED = Need(family="web", cpu=256, memory_mib=512)
SUBJECTS = {"attribute:ecs.instance-type": ["t3.micro"], "attribute:stack": ["prod"], "runningTasksCount": ["3"]}


def instance(name: str, **members: Any) -> Instance:
    given = {"subjects": SUBJECTS, "cpu_left": 1024, "memory_left_mib": 2048, **members}
    return Instance(arn=name, **given)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("attribute:ecs.instance-type == t3.micro", True),
        ("attribute:ecs.instance-type != t3.micro", False),
        ("attribute:ecs.instance-type =~ t3.*", True),
        ("attribute:ecs.instance-type !~ t3.*", False),
        ("attribute:stack in [dev, prod]", True),
        ("attribute:stack not_in [dev, prod]", False),
        ("attribute:stack exists", True),
        ("attribute:none exists", False),
        ("attribute:none !exists", True),
        ("runningTasksCount >= 3 and runningTasksCount < 10", True),
        ("not (attribute:stack == prod) or attribute:stack == prod", True),
        ("!(attribute:stack == prod) && attribute:stack == prod", False),
        ("attribute:stack equals prod", True),
    ],
)
def test_expressions_say_what_an_instance_is(expression: str, holds: bool) -> None:
    assert parse(expression)(SUBJECTS) is holds


@pytest.mark.parametrize(
    "text",
    ["", "stack == prod", "attribute:a ==", "attribute:a == b)", "((((", "attribute:a =~ (", "(" * 200, "a" * 3000],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(BadExpression):
        parse(text)


def test_an_instance_without_room_says_of_what() -> None:
    cases = {
        "RESOURCE:CPU": (NEED, instance("a", cpu_left=100)),
        "RESOURCE:MEMORY": (NEED, instance("a", memory_left_mib=100)),
        "RESOURCE:PORTS": (replace(NEED, ports=frozenset({80})), instance("a", ports_taken=frozenset({80}))),
        "RESOURCE:GPU": (replace(NEED, gpus=1), instance("a")),
    }
    for reason, (need, where) in cases.items():
        assert place(need, [where], (), ()) == [Refusal(arn="a", reason=reason)]
    constraint = {"type": "memberOf", "expression": "attribute:stack == dev"}
    assert place(NEED, [instance("a")], [constraint], ()) == [
        Refusal(arn="a", reason="MemberOf placement constraint unsatisfied.")
    ]
    distinct = {"type": "distinctInstance"}
    assert place(NEED, [instance("a", families=("web",)), instance("b")], [distinct], ()) == instance("b")


def test_strategies_choose_among_those_with_room() -> None:
    empty, full = instance("empty", memory_left_mib=2000), instance("full", memory_left_mib=600, task_count=3)
    assert place(NEED, [empty, full], (), [{"type": "binpack", "field": "memory"}]) == full
    assert place(NEED, [full, empty], (), [{"type": "spread", "field": "instanceId"}]) == empty
    other = instance("other", subjects={"attribute:zone": ["b"]}, task_count=2)
    assert place(NEED, [other, full], (), [{"type": "spread", "field": "attribute:zone"}]) == other
    assert place(NEED, [empty, full], (), [{"type": "random"}]) in (empty, full)
    after = with_task(empty, NEED)
    assert (after.cpu_left, after.memory_left_mib, after.families) == (768, 1488, ("web",))


def test_a_strategys_base_is_filled_before_its_weights() -> None:
    strategy = [
        {"capacityProvider": "a", "base": 2, "weight": 1},
        {"capacityProvider": "b", "weight": 3},
    ]
    assert providers_of(strategy, 2) == ["a", "a"]
    assert sorted(providers_of(strategy, 10)) == ["a"] * 4 + ["b"] * 6


def test_the_engine_is_every_clusters_instance(ecs: Any, stage: Stage) -> None:
    (arn,) = ecs.list_container_instances()["containerInstanceArns"]
    assert ("ecs.container-instance", arn) in stage.kicks
    assert (
        ecs.describe_container_instances(containerInstances=[arn])["containerInstances"][0]["agentConnected"] is False
    )
    assert arn in get_controller("ecs.container-instance").unsettled(datetime.now(UTC))
    stage.settle()
    described = ecs.describe_container_instances(containerInstances=[arn.rpartition("/")[2], "none"])
    (shape,) = described["containerInstances"]
    sizes = {resource["name"]: resource.get("integerValue") for resource in shape["registeredResources"]}
    assert shape["agentConnected"] is True
    assert (sizes["CPU"], sizes["MEMORY"]) == (4 * 1024 * 4, 8 * 1024 * 4)
    assert {"name": "ecs.cpu-architecture", "value": "x86_64"} in shape["attributes"]
    assert [failure["reason"] for failure in described["failures"]] == ["MISSING"]
    assert ecs.describe_clusters()["clusters"][0]["registeredContainerInstancesCount"] == 1
    assert ecs.list_container_instances(filter="attribute:ecs.os-type == windows")["containerInstanceArns"] == []


def test_tasks_take_what_an_instance_has_and_those_without_room_are_failures(
    ecs: Any, register: Any, stage: Stage
) -> None:
    (arn,) = ecs.list_container_instances()["containerInstanceArns"]
    stage.settle()
    register("big", {"name": "app", "memory": 12 * 1024, "cpu": 1024})
    answer = ecs.run_task(taskDefinition="big", count=3)
    assert len(answer["tasks"]) == 2
    assert answer["failures"] == [{"arn": arn, "reason": "RESOURCE:MEMORY"}]
    assert {task["containerInstanceArn"] for task in answer["tasks"]} == {arn}
    assert len(ecs.list_tasks(containerInstance=arn.rpartition("/")[2])["taskArns"]) == 2
    (shape,) = ecs.describe_container_instances(containerInstances=[arn])["containerInstances"]
    left = {resource["name"]: resource.get("integerValue") for resource in shape["remainingResources"]}
    assert (left["MEMORY"], shape["pendingTasksCount"]) == (8 * 1024, 2)
    gpu = {"resourceRequirements": [{"type": "GPU", "value": "1"}]}
    register("gpu", {"name": "app", **gpu})
    assert ecs.run_task(taskDefinition="gpu")["failures"] == [{"arn": arn, "reason": "RESOURCE:GPU"}]
    register("small")
    constraint = {"type": "memberOf", "expression": "attribute:stack == prod"}
    refused = ecs.run_task(taskDefinition="small", placementConstraints=[constraint])
    assert refused["failures"][0]["reason"] == "MemberOf placement constraint unsatisfied."
    ecs.put_attributes(attributes=[{"name": "stack", "value": "prod", "targetId": arn}])
    assert len(ecs.run_task(taskDefinition="small", placementConstraints=[constraint])["tasks"]) == 1
    started = ecs.start_task(taskDefinition="small", containerInstances=[arn])
    assert [task["containerInstanceArn"] for task in started["tasks"]] == [arn]


def test_a_draining_instance_takes_no_new_tasks(ecs: Any, register: Any) -> None:
    register("web")
    (arn,) = ecs.list_container_instances()["containerInstanceArns"]
    updated = ecs.update_container_instances_state(containerInstances=[arn], status="DRAINING")
    assert updated["containerInstances"][0]["status"] == "DRAINING"
    assert ecs.list_container_instances(status="ACTIVE")["containerInstanceArns"] == []
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="No Container Instances were found"):
        ecs.run_task(taskDefinition="web")
    assert ecs.start_task(taskDefinition="web", containerInstances=[arn])["failures"][0]["reason"] == "INACTIVE"


def test_the_services_of_an_instance_are_woken_when_it_drains(ecs: Any, register: Any, kicks: Any) -> None:
    register("web")
    service = ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=1)["service"]["serviceArn"]
    (arn,) = ecs.list_container_instances()["containerInstanceArns"]
    kicks.clear()
    ecs.update_container_instances_state(containerInstances=[arn], status="DRAINING")
    assert ("ecs.service", service) in kicks


def test_an_instance_is_deregistered_and_registered_again(ecs: Any, register: Any) -> None:
    register("web")
    (arn,) = ecs.list_container_instances()["containerInstanceArns"]
    task = ecs.run_task(taskDefinition="web")["tasks"][0]
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="Found running tasks on the instance"):
        ecs.deregister_container_instance(containerInstance=arn)
    gone = ecs.deregister_container_instance(containerInstance=arn, force=True)["containerInstance"]
    assert (gone["status"], gone["containerInstanceArn"], gone["pendingTasksCount"]) == ("INACTIVE", arn, 1)
    assert ecs.describe_tasks(tasks=[task["taskArn"]])["tasks"][0]["desiredStatus"] == "RUNNING"
    assert ecs.list_container_instances()["containerInstanceArns"] == []
    assert ecs.describe_container_instances(containerInstances=[arn])["containerInstances"][0]["status"] == "INACTIVE"
    assert ecs.describe_clusters()["clusters"][0]["registeredContainerInstancesCount"] == 0
    drained = ecs.update_container_instances_state(containerInstances=[arn], status="DRAINING")
    assert drained["failures"] == [{"arn": arn, "reason": "INACTIVE"}]
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="No Container Instances were found"):
        ecs.run_task(taskDefinition="web")
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="Referenced container instance not found"):
        ecs.deregister_container_instance(containerInstance=arn)
    back = ecs.register_container_instance(attributes=[{"name": "stack", "value": "new"}])["containerInstance"]
    assert (back["status"], back["containerInstanceArn"] != arn) == ("ACTIVE", True)
    assert {"name": "stack", "value": "new"} in back["attributes"]
    assert (
        ecs.register_container_instance()["containerInstance"]["containerInstanceArn"] == back["containerInstanceArn"]
    )
    assert len(ecs.run_task(taskDefinition="web")["tasks"]) == 1


def test_an_agent_that_asks_is_told_where_ecs_is_and_that_it_is_new(ecs: Any) -> None:
    (arn,) = ecs.list_container_instances()["containerInstanceArns"]
    assert ecs.discover_poll_endpoint(containerInstance=arn)["endpoint"].startswith("http")
    with pytest.raises(ecs.exceptions.NoUpdateAvailableException):
        ecs.update_container_agent(containerInstance=arn)


def test_attributes_are_put_listed_and_deleted(ecs: Any) -> None:
    (arn,) = ecs.list_container_instances()["containerInstanceArns"]
    put = {"name": "stack", "value": "prod", "targetType": "container-instance", "targetId": arn}
    assert ecs.put_attributes(attributes=[put])["attributes"] == [put]
    listed = ecs.list_attributes(targetType="container-instance", attributeName="stack")["attributes"]
    assert listed == [put]
    assert ecs.delete_attributes(attributes=[{"name": "stack", "targetId": arn}])["attributes"] == [put]
    assert ecs.list_attributes(targetType="container-instance", attributeName="stack")["attributes"] == []
    with pytest.raises(ecs.exceptions.TargetNotFoundException):
        ecs.put_attributes(attributes=[{"name": "stack", "targetId": "none"}])


def test_capacity_providers_are_made_used_and_deleted(ecs: Any, register: Any, account: Any) -> None:
    register("web")
    group = {"autoScalingGroupArn": f"arn:aws:autoscaling:us-east-1:{account.account_id}:autoScalingGroup:1:a/b"}
    made = ecs.create_capacity_provider(name="mine", autoScalingGroupProvider=group)["capacityProvider"]
    assert (made["name"], made["status"]) == ("mine", "ACTIVE")
    names = [one["name"] for one in ecs.describe_capacity_providers()["capacityProviders"]]
    assert names == ["FARGATE", "FARGATE_SPOT", "mine"]
    assert ecs.describe_capacity_providers(capacityProviders=["none"])["failures"][0]["reason"] == "MISSING"
    strategy = [{"capacityProvider": "mine", "weight": 1}]
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="not associated with the cluster"):
        ecs.run_task(taskDefinition="web", capacityProviderStrategy=strategy)
    ecs.put_cluster_capacity_providers(
        cluster="default", capacityProviders=["mine"], defaultCapacityProviderStrategy=strategy
    )
    task = ecs.run_task(taskDefinition="web")["tasks"][0]
    assert (task["capacityProviderName"], task["launchType"]) == ("mine", "EC2")
    with pytest.raises(ecs.exceptions.ResourceInUseException):
        ecs.delete_capacity_provider(capacityProvider="mine")
    ecs.put_cluster_capacity_providers(cluster="default", capacityProviders=[], defaultCapacityProviderStrategy=[])
    assert ecs.delete_capacity_provider(capacityProvider="mine")["capacityProvider"]["status"] == "INACTIVE"


def test_only_tasks_of_services_are_protected(ecs: Any, register: Any) -> None:
    register("web")
    arn = ecs.run_task(taskDefinition="web")["tasks"][0]["taskArn"]
    refused = ecs.update_task_protection(cluster="default", tasks=[arn], protectionEnabled=True)
    assert refused["failures"] == [{"arn": arn, "reason": "TASK_NOT_VALID"}]
    assert ecs.get_task_protection(cluster="default", tasks=[arn])["protectedTasks"] == [
        {"taskArn": arn, "protectionEnabled": False}
    ]
    Task.objects.filter(arn=arn).update(service_name="web")
    protected = ecs.update_task_protection(cluster="default", tasks=[arn], protectionEnabled=True)["protectedTasks"]
    assert protected[0]["protectionEnabled"] is True
    assert protected[0]["expirationDate"]
    assert len(ecs.get_task_protection(cluster="default")["protectedTasks"]) == 1


def test_an_instance_that_lacks_what_a_definition_requires_answers_attribute() -> None:
    need = replace(NEED, attributes=frozenset({"ecs.capability.task-eni", "ecs.capability.docker-plugin.rexray"}))
    able = instance("able", attributes=need.attributes)
    assert place(need, [instance("lacks", attributes=frozenset({"ecs.capability.task-eni"})), able], (), ()) == able
    assert place(need, [instance("lacks")], (), ()) == [Refusal(arn="lacks", reason="ATTRIBUTE")]


def test_a_task_whose_volume_driver_no_instance_has_is_a_failure(stage: Stage) -> None:
    for driver, reasons in (("local", []), ("rexray", ["ATTRIBUTE"])):
        volume = {"name": "data", "dockerVolumeConfiguration": {"scope": "task", "driver": driver}}
        container = {"name": "app", "image": "busybox", "memory": 64}
        stage.ecs.register_task_definition(family="disk", containerDefinitions=[container], volumes=[volume])
        answer = stage.ecs.run_task(taskDefinition="disk")
        assert [failure["reason"] for failure in answer["failures"]] == reasons
