"""Port forwards to tasks: asked for by the admin API and by `manage.py connect`, without a relay that listens."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from aws_api.core.host_ports import Origin, published
from aws_api.core.models import HostPort
from console.api import port_forwards
from tests.services.ecs.stage import Stage

PATH = "/_simfra/port-forwards"


@pytest.fixture(autouse=True)
def nobody_waits_for_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_forwards, "_OPEN_WITHIN_S", 0)


@pytest.fixture
def task(stage: Stage, register: Any, awsvpc: Any) -> str:
    """A private task that runs."""
    register("web", {"name": "app", "portMappings": [{"containerPort": 80}]}, networkMode="awsvpc")
    return stage.run("web", networkConfiguration=awsvpc)


def post(**body: Any) -> Any:
    return Client().post(PATH, body, content_type="application/json")


def listen(forward: dict[str, Any], port: int) -> None:
    """What the relay writes down."""
    HostPort.objects.filter(owner=f"port-forward/{forward['id']}").update(last_port=port, last_status="OPEN")


def test_a_forward_leads_to_a_private_task_past_its_security_groups(stage: Stage, task: str) -> None:
    answer = post(targetArn=task)
    forward = answer.json()
    assert (answer.status_code, forward["targetPort"], forward["protocol"]) == (201, 80, "tcp")
    assert (forward["status"], forward["localPort"]) == ("PENDING", None)
    address = stage.describe(task)["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    assert (forward["targetArn"], forward["targetIp"]) == (task, address)
    assert forward["vpcNetwork"].startswith("simfra-")
    (port,) = published(f"port-forward/{forward['id']}")
    assert port.target.origin is Origin.ROUTER
    listen(forward, 11800)
    shown = Client().get(f"{PATH}/{forward['id']}").json()
    assert (shown["localPort"], shown["localAddress"], shown["status"]) == (11800, "127.0.0.1", "OPEN")
    assert Client().get(PATH, {"account": stage.account_id}).json() == [shown]


def test_another_port_may_be_asked_for(task: str) -> None:
    assert post(targetArn=task, targetPort=9000).json()["targetPort"] == 9000


def test_a_deleted_forward_is_off_the_host(task: str) -> None:
    forward = post(targetArn=task).json()
    assert Client().delete(f"{PATH}/{forward['id']}").status_code == 204
    assert published(f"port-forward/{forward['id']}") == []
    again = Client().get(f"{PATH}/{forward['id']}")
    assert (again.status_code, again.json()) == (404, {"error": f"There is no port forward {forward['id']}."})


def test_a_forward_whose_task_has_stopped_says_so(stage: Stage, task: str) -> None:
    forward = post(targetArn=task).json()
    stage.ecs.stop_task(task=task)
    stage.settle()
    shown = Client().get(f"{PATH}/{forward['id']}").json()
    assert (shown["status"], shown["localPort"]) == ("GONE", None)
    assert published(f"port-forward/{forward['id']}") == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "targetArn is the ARN of a task, a service or a load balancer."),
        ({"targetArn": "arn:aws:ecs:us-east-1:000000000000:task/default/none"}, "There is no task that runs"),
        ({"targetArn": "arn:aws:ecs:us-east-1:000000000000:task/a/b", "targetPort": "x"}, "targetPort is a number"),
    ],
)
def test_what_cannot_be_forwarded_is_refused(gateway: Any, body: dict[str, Any], reason: str) -> None:
    answer = post(**body)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_targets_are_listed_with_their_ports(stage: Stage, task: str) -> None:
    found = Client().get(f"{PATH}/targets", {"account": stage.account_id}).json()
    task_id = task.rpartition("/")[2]
    assert found == [
        {
            "targetArn": task,
            "type": "ecs-task",
            "name": f"web:1 {task_id}",
            "ports": [{"port": 80, "protocol": "tcp"}],
        }
    ]


def test_connect_lists_what_there_is_and_how_to_reach_it(stage: Stage, task: str) -> None:
    said = StringIO()
    call_command("connect", account=stage.account_id, stdout=said)
    assert f"manage.py connect {task}" in said.getvalue()
    listen(post(targetArn=task).json(), 11801)
    call_command("connect", account=stage.account_id, stdout=said)
    assert f"127.0.0.1:11801 -> {task}, port 80" in said.getvalue()
    with pytest.raises(CommandError, match="Nothing that runs is called nobody"):
        call_command("connect", "nobody", account=stage.account_id)


def test_a_task_s_addresses_are_shown_as_bindings(stage: Stage, register: Any, awsvpc: Any) -> None:
    definition = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
    register("web", {"name": "app", "portMappings": [{"containerPort": 80}]}, **definition)
    public = {"awsvpcConfiguration": {**awsvpc["awsvpcConfiguration"], "assignPublicIp": "ENABLED"}}
    arn = stage.run("web", networkConfiguration=public, launchType="FARGATE")
    HostPort.objects.filter(owner=arn).update(last_port=8080, last_status="OPEN")
    shown = Client().get(f"/_simfra/ecs/tasks/{arn.rpartition('/')[2]}/addresses").json()
    assert shown["networkBindings"] == [
        {"containerPort": 80, "hostPort": 8080, "bindIP": "127.0.0.1", "protocol": "tcp", "status": "OPEN", "error": ""}
    ]
    assert shown["publicIp"].startswith("198.18.")
