"""Services through the whole loop on a runtime whose programs and failures are data."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.clock import MovableClock
from aws_api.services.ecs.models import Task
from tests.services.ecs.service_stage import ServiceStage, advance, clock, service_stage, stage_of_tasks
from tests.support.fake_runtime import Program

__all__ = ["clock", "service_stage", "stage_of_tasks"]


@pytest.fixture
def stage(service_stage: ServiceStage) -> ServiceStage:
    return service_stage


def test_a_service_starts_its_tasks_and_reaches_a_steady_state(stage: ServiceStage, register: Any) -> None:
    register("web")
    service = stage.create("web", desiredCount=3)
    assert (service["status"], service["runningCount"], service["pendingCount"]) == ("ACTIVE", 3, 0)
    (deployment,) = service["deployments"]
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "COMPLETED")
    assert deployment["rolloutStateReason"] == f"ECS deployment {deployment['id']} completed."
    messages = stage.messages("web")
    assert messages[0] == "(service web) has reached a steady state."
    assert messages[1] == f"(service web) (deployment {deployment['id']}) deployment completed."
    assert messages[2].startswith("(service web) has started 3 tasks: (task ")
    task = stage.tasks("web")[0]
    assert (task["group"], task["startedBy"]) == ("service:web", deployment["id"])
    stage.ecs.get_waiter("services_stable").wait(services=["web"])
    stage.ecs.get_waiter("tasks_running").wait(tasks=[task["taskArn"]])


def test_an_ended_task_is_replaced(stage: ServiceStage, register: Any) -> None:
    register("web")
    stage.create("web", desiredCount=2)
    victim = stage.tasks("web")[0]
    stage.end(victim)
    service = stage.settle("web")
    assert (service["runningCount"], service["pendingCount"]) == (2, 0)
    assert victim["taskArn"] not in [task["taskArn"] for task in stage.tasks("web")]
    assert stage.messages("web")[0] == "(service web) has reached a steady state."


def test_a_task_that_a_user_stops_is_replaced(stage: ServiceStage, register: Any) -> None:
    register("web")
    stage.create("web")
    (task,) = stage.tasks("web")
    stage.ecs.stop_task(task=task["taskArn"])
    assert stage.settle("web")["runningCount"] == 1
    stopped = stage.stage.describe(task["taskArn"])
    assert (stopped["lastStatus"], stopped["stopCode"]) == ("STOPPED", "UserInitiated")
    stage.ecs.get_waiter("tasks_stopped").wait(tasks=[task["taskArn"]])


def test_a_service_scales_out_and_in_and_to_nothing(stage: ServiceStage, register: Any) -> None:
    register("web")
    stage.create("web", desiredCount=1)
    assert stage.update("web", desiredCount=4)["runningCount"] == 4
    service = stage.update("web", desiredCount=1)
    assert (service["runningCount"], len(service["deployments"])) == (1, 1)
    stopped = stage.tasks("web", "STOPPED")
    (reason,) = {task["stoppedReason"] for task in stopped}
    assert reason == f"Scaling activity initiated by (deployment {service['deployments'][0]['id']})"
    assert {task["stopCode"] for task in stopped} == {"ServiceSchedulerInitiated"}
    assert any(
        message.startswith("(service web) has stopped 3 running tasks: (task ") for message in stage.messages("web")
    )
    assert stage.update("web", desiredCount=0)["runningCount"] == 0


def test_a_new_definition_rolls_out_and_the_old_tasks_go(stage: ServiceStage, register: Any) -> None:
    register("web")
    before = stage.create("web", desiredCount=2)["deployments"][0]["id"]
    register("web")
    service = stage.update("web", taskDefinition="web")
    (deployment,) = service["deployments"]
    assert deployment["id"] != before
    assert deployment["rolloutState"] == "COMPLETED"
    assert service["taskDefinition"].endswith("web:2")
    assert {task["taskDefinitionArn"] for task in stage.tasks("web")} == {service["taskDefinition"]}
    assert stage.service_deployment("web")["status"] == "SUCCESSFUL"


def test_what_changes_no_task_starts_no_deployment(stage: ServiceStage, register: Any) -> None:
    register("web")
    first = stage.create("web")["deployments"][0]["id"]
    service = stage.update(
        "web",
        taskDefinition="web",
        propagateTags="SERVICE",
        enableExecuteCommand=True,
        deploymentConfiguration={"maximumPercent": 250},
    )
    assert service["deployments"][0]["id"] == first
    assert service["deploymentConfiguration"]["maximumPercent"] == 250
    assert service["deploymentConfiguration"]["minimumHealthyPercent"] == 100
    forced = stage.update("web", forceNewDeployment=True)
    assert [each["id"] == first for each in forced["deployments"]] == [False]


@pytest.mark.parametrize(
    ("change", "starts"),
    [
        ({"taskDefinition": "other"}, True),
        ({"networkConfiguration": "other"}, True),
        ({"platformVersion": "1.3.0"}, True),
        ({"serviceRegistries": "registry"}, True),
        ({"loadBalancers": "group"}, True),
        ({"desiredCount": 0}, False),
        ({"enableECSManagedTags": True}, False),
        ({"availabilityZoneRebalancing": "ENABLED"}, False),
        ({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}}, False),
    ],
)
def test_what_changes_a_services_tasks_starts_a_deployment(
    stage: ServiceStage, register: Any, aws: Callable[..., Any], change: dict[str, Any], starts: bool
) -> None:
    subnets = [each["SubnetId"] for each in aws("ec2").describe_subnets()["Subnets"]]
    vpc = aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    for family in ("web", "other"):
        register(
            family,
            {"name": "app", "portMappings": [{"containerPort": 80}]},
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
        )

    def made(wanted: Any) -> Any:
        if wanted == "registry":
            cloud_map = aws("servicediscovery")
            cloud_map.create_private_dns_namespace(Name="local", Vpc=vpc)
            namespace = cloud_map.list_namespaces()["Namespaces"][0]["Id"]
            dns = {"DnsRecords": [{"Type": "A", "TTL": 60}]}
            registry = cloud_map.create_service(Name="web", NamespaceId=namespace, DnsConfig=dns)["Service"]["Arn"]
            return [{"registryArn": registry}]
        if wanted == "group":
            (group,) = aws("elbv2").create_target_group(
                Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip"
            )["TargetGroups"]
            return [{"targetGroupArn": group["TargetGroupArn"], "containerName": "app", "containerPort": 80}]
        return {"awsvpcConfiguration": {"subnets": subnets[1:2]}}

    created = stage.create(
        "web", launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": {"subnets": subnets[:1]}}
    )
    (name,) = change
    value = change[name]
    wanted = {name: made(value) if value in ("registry", "group") or name == "networkConfiguration" else value}
    first = created["deployments"][0]["id"]
    assert (stage.update("web", **wanted)["deployments"][0]["id"] != first) is starts


def test_another_capacity_provider_strategy_needs_a_deployment_that_is_forced(
    stage: ServiceStage, register: Any
) -> None:
    register("web", requiresCompatibilities=["EC2"])
    stage.create("web")
    stage.ecs.create_capacity_provider(
        name="engines", autoScalingGroupProvider={"autoScalingGroupArn": "arn:aws:autoscaling:us-east-1:1:group"}
    )
    stage.ecs.put_cluster_capacity_providers(
        cluster="default", capacityProviders=["engines"], defaultCapacityProviderStrategy=[]
    )
    strategy = {"capacityProviderStrategy": [{"capacityProvider": "engines", "weight": 1}]}
    with pytest.raises(ClientError, match="you must force a new deployment"):
        stage.ecs.update_service(service="web", **strategy)
    forced = stage.update("web", **strategy, forceNewDeployment=True)
    assert forced["deployments"][0]["capacityProviderStrategy"][0]["capacityProvider"] == "engines"


def test_percentages_that_allow_nothing_are_told_of(stage: ServiceStage, register: Any) -> None:
    register("web")
    stage.create("web", deploymentConfiguration={"maximumPercent": 150})
    service = stage.update("web", forceNewDeployment=True)
    assert [each["runningCount"] for each in service["deployments"]] == [0, 1]
    assert stage.messages("web")[0].startswith("(service web) was unable to stop or start tasks during a deployment")


def test_old_tasks_stay_while_new_ones_do_not_start(stage: ServiceStage, register: Any) -> None:
    register("web")
    stage.create("web", desiredCount=2)
    register("web", {"name": "app", "command": ["nope"]})
    stage.runtime.programs[("nope",)] = Program(is_missing=True)
    service = stage.update("web", taskDefinition="web")
    primary, old = service["deployments"]
    assert (primary["status"], primary["runningCount"]) == ("PRIMARY", 0)
    assert primary["failedTasks"] > 3
    assert (old["status"], old["runningCount"]) == ("ACTIVE", 2)
    assert any("is unable to consistently start tasks successfully" in message for message in stage.messages("web"))
    failed = primary["failedTasks"]
    assert stage.wake("web")["deployments"][0]["failedTasks"] == failed, "it waits before the next one"


def test_the_circuit_breaker_trips_and_rolls_back(stage: ServiceStage, register: Any) -> None:
    register("web")
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    good = stage.create("web", desiredCount=2, deploymentConfiguration=breaker)["deployments"][0]["id"]
    register("web", {"name": "app", "command": ["nope"]})
    stage.runtime.programs[("nope",)] = Program(is_missing=True)
    service = stage.update("web", taskDefinition="web")
    (deployment,) = service["deployments"]
    assert (deployment["id"], deployment["rolloutState"]) == (good, "COMPLETED")
    assert service["taskDefinition"].endswith("web:1")
    assert service["runningCount"] == 2
    messages = stage.messages("web")
    assert f"(service web) rolling back to deployment {good}." in messages
    (failure,) = [message for message in messages if "deployment failed" in message]
    assert failure.endswith("deployment failed: tasks failed to start.")
    done = stage.service_deployment("web")
    assert done["status"] == "ROLLBACK_SUCCESSFUL"
    assert done["statusReason"] == (
        "Service deployment rolled back because the circuit breaker threshold was exceeded."
    )
    assert (done["deploymentCircuitBreaker"]["status"], done["deploymentCircuitBreaker"]["threshold"]) == (
        "TRIGGERED",
        3,
    )
    assert done["rollback"]["serviceRevisionArn"].endswith(good.partition("/")[2])


def test_without_rollback_a_failed_deployment_stops_starting_tasks(stage: ServiceStage, register: Any) -> None:
    register("web", {"name": "app", "command": ["nope"]})
    stage.runtime.programs[("nope",)] = Program(is_missing=True)
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    service = stage.create("web", deploymentConfiguration=breaker)
    (deployment,) = service["deployments"]
    assert (deployment["status"], deployment["rolloutState"], deployment["failedTasks"]) == ("PRIMARY", "FAILED", 3)
    assert deployment["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."
    assert stage.wake("web")["deployments"][0]["failedTasks"] == 3
    assert stage.service_deployment("web")["status"] == "STOPPED"


def test_an_unhealthy_task_is_replaced_after_the_grace_period_and_not_before(
    stage: ServiceStage, register: Any, clock: MovableClock
) -> None:
    register("web", {"name": "app", "healthCheck": {"command": ["CMD", "true"]}})
    stage.create("web", healthCheckGracePeriodSeconds=60)
    (task,) = stage.tasks("web")
    stage.set_health(task, "unhealthy")
    assert [each["taskArn"] for each in stage.tasks("web")] == [task["taskArn"]]
    advance(clock, 61)
    service = stage.wake("web")
    assert (service["runningCount"], len(stage.tasks("web"))) == (2, 2), "the new one starts before the old one stops"
    (new,) = [each for each in stage.tasks("web") if each["taskArn"] != task["taskArn"]]
    stage.set_health(new, "healthy")
    assert [each["taskArn"] for each in stage.tasks("web")] == [new["taskArn"]]
    stopped = stage.stage.describe(task["taskArn"])
    assert stopped["stoppedReason"] == "Task failed container health checks"
    messages = stage.messages("web")
    assert any(message.endswith("Amazon ECS replaced 1 tasks due to an unhealthy status.") for message in messages)
    assert f"(service web) (task {task['taskArn'].rpartition('/')[2]}) failed container health checks." in messages


def test_protected_tasks_are_not_scaled_in(stage: ServiceStage, register: Any) -> None:
    register("web")
    stage.create("web", desiredCount=2)
    tasks = [task["taskArn"] for task in stage.tasks("web")]
    stage.ecs.update_task_protection(cluster="default", tasks=tasks, protectionEnabled=True)
    assert stage.update("web", desiredCount=0)["runningCount"] == 2
    assert "(service web) was unable to scale in due to (reason 2 tasks under protection)" in stage.messages("web")
    stage.ecs.update_task_protection(cluster="default", tasks=tasks, protectionEnabled=False)
    assert stage.wake("web")["runningCount"] == 0


def test_a_daemon_runs_once_on_the_instance_and_leaves_it_when_it_drains(stage: ServiceStage, register: Any) -> None:
    register("agent")
    service = stage.create("agent", schedulingStrategy="DAEMON")
    assert (service["runningCount"], service["desiredCount"]) == (1, 1)
    instances = stage.ecs.list_container_instances()["containerInstanceArns"]
    assert stage.tasks("agent")[0]["containerInstanceArn"] == instances[0]
    stage.ecs.update_container_instances_state(containerInstances=instances, status="DRAINING")
    assert stage.wake("agent")["runningCount"] == 0
    stage.ecs.update_container_instances_state(containerInstances=instances, status="ACTIVE")
    assert stage.wake("agent")["runningCount"] == 1
    register("agent")
    service = stage.update("agent", taskDefinition="agent")
    assert (service["runningCount"], len(service["deployments"])) == (1, 1)


def test_tasks_leave_a_draining_instance_as_far_as_the_minimum_allows(stage: ServiceStage, register: Any) -> None:
    register("web")
    configuration = {"minimumHealthyPercent": 50, "maximumPercent": 200}
    stage.create("web", desiredCount=2, deploymentConfiguration=configuration)
    instances = stage.ecs.list_container_instances()["containerInstanceArns"]
    stage.ecs.update_container_instances_state(containerInstances=instances, status="DRAINING")
    assert stage.wake("web")["runningCount"] == 1
    assert any(
        message.startswith("(service web) was unable to place a task because no container instance met all of its")
        for message in stage.messages("web")
    )


def test_a_deleted_service_drains_and_ends(stage: ServiceStage, register: Any) -> None:
    register("web")
    stage.create("web", desiredCount=2)
    with pytest.raises(ClientError, match="The service cannot be stopped while it is scaled above 0"):
        stage.ecs.delete_service(service="web")
    with pytest.raises(ClientError) as refused:
        stage.ecs.delete_cluster(cluster="default")
    assert refused.value.response["Error"]["Code"] == "ClusterContainsServicesException"
    assert stage.ecs.describe_clusters()["clusters"][0]["activeServicesCount"] == 1
    assert stage.ecs.delete_service(service="web", force=True)["service"]["status"] == "DRAINING"
    with pytest.raises(ClientError, match="Draining"):
        stage.ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=1)
    assert stage.settle("web")["status"] == "INACTIVE"
    assert stage.tasks("web") == []
    stage.ecs.get_waiter("services_inactive").wait(services=["web"])
    assert stage.ecs.list_services()["serviceArns"] == []
    assert stage.create("web")["status"] == "ACTIVE"


def test_tags_are_propagated(stage: ServiceStage, register: Any) -> None:
    register("web")
    tags = [{"key": "team", "value": "blue"}]
    service = stage.create("web", tags=tags, propagateTags="SERVICE", enableECSManagedTags=True)
    arn = stage.tasks("web")[0]["taskArn"]
    (task,) = stage.ecs.describe_tasks(tasks=[arn], include=["TAGS"])["tasks"]
    assert {tag["key"]: tag["value"] for tag in task["tags"]} == {
        "team": "blue",
        "aws:ecs:clusterName": "default",
        "aws:ecs:serviceName": "web",
    }
    assert stage.ecs.list_tags_for_resource(resourceArn=service["serviceArn"])["tags"] == tags


def test_a_capacity_provider_strategy_divides_the_tasks(
    stage: ServiceStage, register: Any, awsvpc: dict[str, Any]
) -> None:
    register("web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512")
    strategy = [
        {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": 3},
    ]
    stage.create("web", desiredCount=5, capacityProviderStrategy=strategy, networkConfiguration=awsvpc)
    providers = sorted(task["capacityProviderName"] for task in stage.tasks("web"))
    assert providers == ["FARGATE"] * 2 + ["FARGATE_SPOT"] * 3


def test_tasks_spread_over_the_zones_of_their_subnets(
    stage: ServiceStage, register: Any, aws: Callable[..., Any]
) -> None:
    subnets = [subnet["SubnetId"] for subnet in aws("ec2").describe_subnets()["Subnets"]][:2]
    register("web", networkMode="awsvpc")
    network = {"awsvpcConfiguration": {"subnets": subnets}}
    stage.create("web", desiredCount=4, networkConfiguration=network)
    zones = sorted(task["availabilityZone"] for task in stage.tasks("web"))
    assert zones == [zones[0]] * 2 + [zones[3]] * 2
    assert zones[0] != zones[3]


def test_tasks_that_are_out_of_balance_move_to_the_other_zone(
    stage: ServiceStage, register: Any, aws: Callable[..., Any]
) -> None:
    subnets = [subnet["SubnetId"] for subnet in aws("ec2").describe_subnets()["Subnets"]][:2]
    register("web", networkMode="awsvpc")
    stage.create("web", desiredCount=2, networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}})
    first, second = sorted(task["availabilityZone"] for task in stage.tasks("web"))
    for row in Task.objects.filter(account_id=stage.stage.account_id):
        Task.objects.filter(pk=row.pk).update(document={**row.document, "availabilityZone": first})
    stage.wake("web")
    assert sorted(task["availabilityZone"] for task in stage.tasks("web")) == [first, second]
    told = [message for message in stage.messages("web") if "AZ" in message]
    counts = f"1 tasks in {first} and 1 tasks in {second}"
    assert told[0] == f"(service web) is AZ balanced with {counts}."
    assert told[1].startswith(f"(service web) has started 1 tasks in {second} to AZ Rebalance: (task ")
    counts = f"2 tasks in {first} and 0 tasks in {second}"
    assert told[2] == f"(service web) is not AZ balanced with {counts}. AZ Rebalancing in progress."


def test_a_user_stops_a_deployment_and_it_goes_back(stage: ServiceStage, register: Any) -> None:
    register("web")
    good = stage.create("web")["deployments"][0]["id"]
    register("web", {"name": "app", "healthCheck": {"command": ["CMD", "true"]}})
    stage.update("web", taskDefinition="web")
    under_way = stage.service_deployment("web")
    assert under_way["status"] == "IN_PROGRESS"
    arn = under_way["serviceDeploymentArn"]
    stage.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    service = stage.settle("web")
    assert [each["id"] for each in service["deployments"]] == [good]
    assert stage.service_deployment("web")["status"] == "ROLLBACK_SUCCESSFUL"
    with pytest.raises(ClientError) as refused:
        stage.ecs.stop_service_deployment(serviceDeploymentArn=arn)
    assert refused.value.response["Error"]["Code"] == "ConflictException"


def test_a_firing_alarm_rolls_a_deployment_back(
    stage: ServiceStage, register: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"errors": "OK"}
    monkeypatch.setattr("aws_api.core.alarms._states", lambda context, names: states)
    register("web")
    alarms = {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}, "bakeTimeInMinutes": 5}
    good = stage.create("web", deploymentConfiguration=alarms)["deployments"][0]["id"]
    stage.update("web", forceNewDeployment=True)
    assert stage.service_deployment("web")["lifecycleStage"] == "BAKE_TIME"
    states["errors"] = "ALARM"
    service = stage.wake("web")
    assert [each["id"] for each in service["deployments"]] == [good]
    done = stage.service_deployment("web")
    assert done["status"] == "ROLLBACK_SUCCESSFUL"
    assert done["alarms"] == {"status": "TRIGGERED", "alarmNames": ["errors"], "triggeredAlarmNames": ["errors"]}


def test_a_deployment_that_begins_while_an_alarm_fires_is_not_watched(
    stage: ServiceStage, register: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"errors": "OK"}
    monkeypatch.setattr("aws_api.core.alarms._states", lambda context, names: states)
    register("web")
    alarms = {"alarmNames": ["errors"], "enable": True, "rollback": True}
    stage.create("web", deploymentConfiguration={"alarms": alarms})
    states["errors"] = "ALARM"
    stage.update("web", forceNewDeployment=True)
    done = stage.service_deployment("web")
    assert (done["status"], done["alarms"]["status"]) == ("SUCCESSFUL", "DISABLED")


def test_service_revisions_say_what_ran(stage: ServiceStage, register: Any) -> None:
    register("web")
    service = stage.create("web")
    (current,) = service["currentServiceRevisions"]
    answer = stage.ecs.describe_service_revisions(serviceRevisionArns=[current["arn"]])
    (revision,) = answer["serviceRevisions"]
    assert (revision["taskDefinition"], revision["launchType"]) == (service["taskDefinition"], "EC2")
    assert revision["containerImages"][0]["image"] == "busybox"


def test_task_sets_run_their_shares(stage: ServiceStage, register: Any) -> None:
    definition = register("web")
    stage.ecs.create_service(serviceName="web", desiredCount=4, deploymentController={"type": "EXTERNAL"})
    cluster = {"cluster": "default", "service": "web"}
    made = stage.ecs.create_task_set(**cluster, taskDefinition=definition, scale={"value": 50, "unit": "PERCENT"})
    arn = made["taskSet"]["taskSetArn"]
    service = stage.settle("web")
    (task_set,) = service["taskSets"]
    assert (task_set["computedDesiredCount"], task_set["runningCount"]) == (2, 2)
    assert task_set["stabilityStatus"] == "STEADY_STATE"
    stage.ecs.update_service_primary_task_set(**cluster, primaryTaskSet=arn)
    stage.ecs.update_task_set(**cluster, taskSet=arn, scale={"value": 100, "unit": "PERCENT"})
    (task_set,) = stage.settle("web")["taskSets"]
    assert (task_set["status"], task_set["runningCount"]) == ("PRIMARY", 4)
    with pytest.raises(ClientError, match="force"):
        stage.ecs.delete_task_set(**cluster, taskSet=arn)
    stage.ecs.delete_task_set(**cluster, taskSet=arn, force=True)
    assert stage.settle("web")["taskSets"] == []
    with pytest.raises(ClientError, match="deployment controller"):
        stage.ecs.update_service(service="web", taskDefinition=definition)


def test_code_deploy_moves_a_service_to_another_task_set(stage: ServiceStage, register: Any) -> None:
    register("web")
    service = stage.create("web", desiredCount=2, deploymentController={"type": "CODE_DEPLOY"})
    (blue,) = service["taskSets"]
    assert (blue["status"], blue["runningCount"], blue["startedBy"]) == ("PRIMARY", 2, "CODE_DEPLOY")
    names = {"cluster": "default", "service": "web"}
    definition = register("web")
    made = stage.ecs.create_task_set(**names, taskDefinition=definition, scale={"value": 100, "unit": "PERCENT"})
    green = made["taskSet"]["taskSetArn"]
    stage.settle("web")
    assert len(stage.tasks("web")) == 4
    stage.ecs.update_service_primary_task_set(**names, primaryTaskSet=green)
    stage.ecs.delete_task_set(**names, taskSet=blue["taskSetArn"], force=True)
    (left,) = stage.settle("web")["taskSets"]
    assert (left["taskSetArn"], left["status"], left["taskDefinition"]) == (green, "PRIMARY", definition)
    assert len(stage.tasks("web")) == 2
    with pytest.raises(ClientError, match="deployment controller"):
        stage.ecs.update_service(service="web", taskDefinition=definition)
    assert stage.update("web", desiredCount=1)["runningCount"] == 1


def test_cloud_map_follows_the_tasks(
    stage: ServiceStage, register: Any, awsvpc: dict[str, Any], aws: Callable[..., Any]
) -> None:
    cloud_map = aws("servicediscovery")
    vpc = aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    cloud_map.create_private_dns_namespace(Name="local", Vpc=vpc)
    namespace = cloud_map.list_namespaces()["Namespaces"][0]["Id"]
    registry = cloud_map.create_service(
        Name="web",
        NamespaceId=namespace,
        DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}]},
        HealthCheckCustomConfig={"FailureThreshold": 1},
    )["Service"]
    register("web", networkMode="awsvpc")
    stage.create(
        "web", desiredCount=2, networkConfiguration=awsvpc, serviceRegistries=[{"registryArn": registry["Arn"]}]
    )

    def instances() -> dict[str, str]:
        found = cloud_map.list_instances(ServiceId=registry["Id"])["Instances"]
        return {each["Id"]: each["Attributes"]["AWS_INSTANCE_IPV4"] for each in found}

    def addresses() -> dict[str, str]:
        return {
            task["taskArn"].rpartition("/")[2]: task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
            for task in stage.tasks("web")
        }

    assert instances() == addresses()
    health = cloud_map.get_instances_health_status(ServiceId=registry["Id"])["Status"]
    assert set(health.values()) == {"HEALTHY"}
    stage.end(stage.tasks("web")[0])
    stage.settle("web")
    assert instances() == addresses()
    assert len(addresses()) == 2
    stage.update("web", desiredCount=0)
    assert instances() == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"desiredCount": -1}, "desiredCount must be between"),
        ({"schedulingStrategy": "DAEMON", "desiredCount": 1}, "does not support a desired count"),
        ({"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 100}}, "will block deployments"),
        (
            {"loadBalancers": [{"targetGroupArn": "arn:x", "containerName": "no", "containerPort": 1}]},
            "The container no does not exist in the task definition.",
        ),
        ({"serviceName": "a b"}, "Invalid service name"),
        ({"taskDefinition": "nothing"}, "TaskDefinition not found."),
        (
            {"vpcLatticeConfigurations": [{"roleArn": "arn:r", "targetGroupArn": "arn:t", "portName": "http"}]},
            "VPC Lattice is not emulated",
        ),
    ],
)
def test_what_cannot_be_is_refused(stage: ServiceStage, register: Any, change: dict[str, Any], message: str) -> None:
    register("web")
    request = {"serviceName": "web", "taskDefinition": "web", "desiredCount": 1, **change}
    with pytest.raises(ClientError, match=message):
        stage.ecs.create_service(**request)


def test_a_name_is_taken_once_and_a_token_answers_again(stage: ServiceStage, register: Any) -> None:
    register("web")
    request = {"serviceName": "web", "taskDefinition": "web", "desiredCount": 1}
    first = stage.ecs.create_service(**request, clientToken="once")["service"]
    assert stage.ecs.create_service(**request, clientToken="once")["service"]["serviceArn"] == first["serviceArn"]
    with pytest.raises(ClientError, match="Creation of service was not idempotent"):
        stage.ecs.create_service(**request)
