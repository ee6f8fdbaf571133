"""Services behind load balancers: registration before a task counts, draining before it stops, traffic that shifts.

The load balancers' reports are written by the tests; that they carry real traffic is proven on Docker.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from aws_api.core.clock import MovableClock
from aws_api.services.elbv2.models import Target
from tests.services.ecs.service_stage import ServiceStage, advance, clock, service_stage, stage_of_tasks

__all__ = ["clock", "service_stage", "stage_of_tasks"]


@dataclass
class Balanced:
    """A load balancer with a production and a test listener and two target groups, and a service behind it."""

    stage: ServiceStage
    elbv2: Any
    blue: str
    green: str
    rule: str
    test_rule: str
    network: dict[str, Any]

    def create(self, **request: Any) -> dict[str, Any]:
        advanced = {
            "alternateTargetGroupArn": self.green,
            "productionListenerRule": self.rule,
            "testListenerRule": self.test_rule,
            "roleArn": "arn:aws:iam::000000000000:role/ecs",
        }
        balancer: dict[str, Any] = {"targetGroupArn": self.blue, "containerName": "app", "containerPort": 80}
        if request.get("deploymentConfiguration", {}).get("strategy"):
            balancer["advancedConfiguration"] = advanced
        self.stage.create("web", networkConfiguration=self.network, loadBalancers=[balancer], **request)
        return self.report("healthy")

    def report(self, state: str, group: str = "", reason: str = "") -> dict[str, Any]:
        """What the load balancer finds out about its targets; those that drain are drained."""
        rows = Target.objects.filter(group__account_id=self.stage.stage.account_id)
        rows.filter(draining_since__isnull=False).delete()
        for row in rows.select_related("group"):
            if not group or row.group.arn == group:
                Target.objects.filter(pk=row.pk).update(last_state=state, last_description=reason)
        return self.stage.wake("web")

    def targets(self, group: str) -> dict[str, str]:
        found = self.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in found}

    def weights(self, rule: str = "") -> tuple[int, int]:
        (found,) = self.elbv2.describe_rules(RuleArns=[rule or self.rule])["Rules"]
        groups = found["Actions"][0]["ForwardConfig"]["TargetGroups"]
        weights = {each["TargetGroupArn"]: each["Weight"] for each in groups}
        return weights.get(self.blue, 0), weights.get(self.green, 0)

    def addresses(self, status: str = "RUNNING") -> set[str]:
        return {
            task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
            for task in self.stage.tasks("web", status)
        }

    @property
    def stage_name(self) -> str:
        return str(self.stage.service_deployment("web").get("lifecycleStage", ""))


@pytest.fixture
def balanced(service_stage: ServiceStage, register: Any, awsvpc: dict[str, Any], aws: Callable[..., Any]) -> Balanced:
    elbv2, ec2 = aws("elbv2"), aws("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    register("web", {"name": "app", "portMappings": [{"containerPort": 80}]}, networkMode="awsvpc")
    balancer = elbv2.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]

    def group(name: str) -> str:
        made = elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    blue, green = group("blue"), group("green")

    def rule(port: int) -> str:
        pair = [{"TargetGroupArn": blue, "Weight": 100}, {"TargetGroupArn": green, "Weight": 0}]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": pair}}
        listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[action])[
            "Listeners"
        ][0]["ListenerArn"]
        made = elbv2.create_rule(
            ListenerArn=listener,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
            Actions=[action],
        )
        return str(made["Rules"][0]["RuleArn"])

    return Balanced(
        stage=service_stage,
        elbv2=elbv2,
        blue=blue,
        green=green,
        rule=rule(80),
        test_rule=rule(8080),
        network=awsvpc,
    )


def test_a_task_counts_once_its_target_is_healthy(balanced: Balanced) -> None:
    service = balanced.create(desiredCount=0)
    service = balanced.stage.update("web", desiredCount=2)
    assert service["runningCount"] == 2
    assert set(balanced.targets(balanced.blue)) == balanced.addresses()
    assert balanced.stage.messages("web")[0] == f"(service web) registered 2 targets in (target-group {balanced.blue})"
    balanced.report("healthy")
    assert balanced.stage.messages("web")[0] == "(service web) has reached a steady state."


def test_an_old_task_is_drained_before_it_stops(balanced: Balanced) -> None:
    balanced.create(desiredCount=1)
    (old,) = balanced.stage.tasks("web")
    balanced.stage.update("web", forceNewDeployment=True)
    assert len(balanced.stage.tasks("web")) == 2, "the old one serves until the new one is healthy"
    Target.objects.filter(group__account_id=balanced.stage.stage.account_id).update(last_state="healthy")
    balanced.stage.wake("web")
    leaving = balanced.stage.stage.describe(old["taskArn"])
    assert (leaving["lastStatus"], leaving["desiredStatus"]) == ("DEACTIVATING", "STOPPED")
    assert leaving["containers"][0]["lastStatus"] == "RUNNING"
    assert "draining" in balanced.targets(balanced.blue).values()
    service = balanced.report("healthy")
    assert balanced.stage.stage.describe(old["taskArn"])["lastStatus"] == "STOPPED"
    assert set(balanced.targets(balanced.blue)) == balanced.addresses()
    assert [each["rolloutState"] for each in service["deployments"]] == ["COMPLETED"]
    assert any("has begun draining connections on 1 tasks." in each for each in balanced.stage.messages("web"))


def test_a_task_that_died_is_taken_out_at_once(balanced: Balanced) -> None:
    balanced.create(desiredCount=1)
    (dead,) = balanced.addresses()
    balanced.stage.end(balanced.stage.tasks("web")[0])
    balanced.stage.settle("web")
    targets = balanced.targets(balanced.blue)
    assert targets.get(dead, "draining") == "draining"
    assert set(targets) - {dead} == balanced.addresses()


def test_an_unhealthy_target_is_replaced_after_the_grace_period(balanced: Balanced, clock: MovableClock) -> None:
    balanced.create(desiredCount=1, healthCheckGracePeriodSeconds=30)
    (bad,) = balanced.stage.tasks("web")
    balanced.report("unhealthy", reason="Health checks failed with these codes: [500]")
    assert len(balanced.stage.tasks("web")) == 1
    advance(clock, 31)
    balanced.stage.wake("web")
    assert len(balanced.stage.tasks("web")) == 2
    row = Target.objects.filter(group__account_id=balanced.stage.stage.account_id).latest("pk")
    Target.objects.filter(pk=row.pk).update(last_state="healthy")
    balanced.stage.wake("web")
    balanced.report("healthy")
    assert balanced.stage.stage.describe(bad["taskArn"])["stoppedReason"] == (
        f"Task failed ELB health checks in (target-group {balanced.blue})"
    )
    task_id = bad["taskArn"].rpartition("/")[2]
    assert (
        f"(service web) (task {task_id}) (port 80) is unhealthy in (target-group {balanced.blue}) due to (reason "
        "Health checks failed with these codes: [500])"
    ) in balanced.stage.messages("web")


def shifting(strategy: str, **members: Any) -> dict[str, Any]:
    return {"strategy": strategy, "bakeTimeInMinutes": 10, **members}


def test_blue_green_shifts_all_traffic_bakes_and_cleans_up(balanced: Balanced, clock: MovableClock) -> None:
    balanced.create(desiredCount=2, deploymentConfiguration=shifting("BLUE_GREEN"))
    assert balanced.weights() == (100, 0)
    old = balanced.addresses()
    balanced.stage.update("web", forceNewDeployment=True)
    assert balanced.stage_name == "SCALE_UP"
    assert set(balanced.targets(balanced.green)) == balanced.addresses() - old
    assert balanced.weights() == (100, 0)
    balanced.report("healthy")
    assert balanced.stage_name == "BAKE_TIME"
    assert (balanced.weights(), balanced.weights(balanced.test_rule)) == ((0, 100), (0, 100))
    assert len(balanced.stage.tasks("web")) == 4
    advance(clock, 601)
    balanced.report("healthy")
    service = balanced.report("healthy")
    assert balanced.stage.service_deployment("web")["status"] == "SUCCESSFUL"
    assert (service["runningCount"], len(service["deployments"])) == (2, 1)
    assert balanced.addresses().isdisjoint(old)
    balanced.stage.update("web", forceNewDeployment=True)
    assert len(balanced.targets(balanced.blue)) == 2, "the next one uses the other group again"


def test_blue_green_goes_back_when_it_is_stopped_in_its_bake_time(balanced: Balanced) -> None:
    first = balanced.create(desiredCount=1, deploymentConfiguration=shifting("BLUE_GREEN"))["deployments"][0]["id"]
    balanced.stage.update("web", forceNewDeployment=True)
    balanced.report("healthy")
    under_way = balanced.stage.service_deployment("web")
    assert under_way["targetServiceRevision"]["requestedProductionTrafficWeight"] == 100
    balanced.stage.ecs.stop_service_deployment(serviceDeploymentArn=under_way["serviceDeploymentArn"])
    balanced.stage.settle("web")
    assert balanced.weights() == (100, 0)
    service = balanced.report("healthy")
    assert [each["id"] for each in service["deployments"]] == [first]
    assert balanced.stage.service_deployment("web")["status"] == "ROLLBACK_SUCCESSFUL"


def test_linear_goes_over_in_equal_steps(balanced: Balanced, clock: MovableClock) -> None:
    steps = {"linearConfiguration": {"stepPercent": 40.0, "stepBakeTimeInMinutes": 2}}
    balanced.create(desiredCount=1, deploymentConfiguration=shifting("LINEAR", **steps))
    balanced.stage.update("web", forceNewDeployment=True)
    balanced.report("healthy")
    seen = [balanced.weights()]
    for _ in range(2):
        advance(clock, 121)
        balanced.stage.wake("web")
        seen.append(balanced.weights())
    assert seen == [(60, 40), (20, 80), (0, 100)]
    assert balanced.stage_name == "BAKE_TIME"


def test_canary_waits_with_a_small_share(balanced: Balanced, clock: MovableClock) -> None:
    canary = {"canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 5}}
    balanced.create(desiredCount=1, deploymentConfiguration=shifting("CANARY", **canary))
    balanced.stage.update("web", forceNewDeployment=True)
    balanced.report("healthy")
    assert balanced.weights() == (975, 25)
    advance(clock, 301)
    balanced.stage.wake("web")
    assert balanced.weights() == (0, 100)


@pytest.mark.parametrize(("action", "status"), [("CONTINUE", "IN_PROGRESS"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL")])
def test_a_pause_waits_for_an_answer(balanced: Balanced, action: str, status: str) -> None:
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}
    configuration = shifting("BLUE_GREEN", lifecycleHooks=[hook])
    balanced.create(desiredCount=1, deploymentConfiguration=configuration)
    answer(balanced, "CONTINUE")
    balanced.stage.update("web", forceNewDeployment=True)
    balanced.report("healthy")
    assert balanced.stage_name == "POST_SCALE_UP"
    answer(balanced, action)
    balanced.report("healthy")
    assert balanced.stage.service_deployment("web")["status"] == status


def answer(balanced: Balanced, action: str) -> None:
    under_way = balanced.stage.service_deployment("web")
    (hook,) = [each for each in under_way["lifecycleHookDetails"] if each["status"] == "AWAITING_ACTION"]
    balanced.stage.ecs.continue_service_deployment(
        serviceDeploymentArn=under_way["serviceDeploymentArn"], hookId=hook["hookId"], action=action
    )
    balanced.report("healthy")


@dataclass
class Webhook:
    """What a lifecycle hook calls, and what it answers in turn; the last answer stays."""

    url: str = ""
    answers: list[dict[str, Any]] = field(default_factory=list)
    called: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.called.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            answer = hook.answers.pop(0) if len(hook.answers) > 1 else hook.answers[0]
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Keep the test's output to itself."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hook.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield hook
        server.shutdown()


def test_a_webhook_is_asked_again_until_it_has_decided(
    balanced: Balanced, webhook: Webhook, clock: MovableClock
) -> None:
    hook = {
        "hookTargetArn": webhook.url,
        "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
        "roleArn": "arn:aws:iam::1:role/x",
    }
    webhook.answers = [{"hookStatus": "SUCCEEDED"}]
    first = balanced.create(desiredCount=1, deploymentConfiguration=shifting("BLUE_GREEN", lifecycleHooks=[hook]))[
        "deployments"
    ][0]["id"]
    webhook.answers = [{"hookStatus": "IN_PROGRESS", "callBackDelay": 30}, {"hookStatus": "FAILED"}]
    balanced.stage.update("web", forceNewDeployment=True)
    balanced.report("healthy")
    assert balanced.stage_name == "POST_TEST_TRAFFIC_SHIFT"
    assert balanced.weights() == (100, 0)
    calls = len(webhook.called)
    assert webhook.called[-1]["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
    balanced.stage.wake("web")
    assert len(webhook.called) == calls
    advance(clock, 31)
    balanced.stage.wake("web")
    service = balanced.report("healthy")
    assert len(webhook.called) == calls + 1
    assert [each["id"] for each in service["deployments"]] == [first]
    assert balanced.stage.service_deployment("web")["status"] == "ROLLBACK_SUCCESSFUL"
