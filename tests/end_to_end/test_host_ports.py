"""Tasks reached from the host, by real programs over real sockets: public, private, and those that may not be."""

import hashlib
import json
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from tests.end_to_end.stack import Stack
from tests.support.images import busybox_image, sidecar_image
from tests.support.waiting import wait_for

pytestmark = pytest.mark.docker

PORT = 18085
BYTES = 200 * 1024 * 1024
#: A web server with a large file.
COMMAND = (
    f"mkdir -p /tmp/web; echo hello > /tmp/web/index.html; httpd -f -p {PORT} -h /tmp/web &"
    f" head -c {BYTES} /dev/urandom > /tmp/web/part; mv /tmp/web/part /tmp/web/large; wait"
)
#: Sends datagrams back.
ECHO = f"""
import socket
opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
opened.bind(("0.0.0.0", {PORT}))
while True:
    data, sender = opened.recvfrom(65535)
    opened.sendto(data, sender)
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An instance of its own, beside others."""
    instance = Stack(tmp_path_factory.mktemp("stack"), port=4680, console_port=4681)
    try:
        instance.up()
        yield instance
    finally:
        instance.down()


@pytest.fixture(scope="module")
def client(stack: Stack) -> Callable[[str], Any]:
    def make(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=stack.endpoint,
            region_name="us-east-1",
            aws_access_key_id=stack.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=stack.environment["AWS_SECRET_ACCESS_KEY"],
        )

    return make


@pytest.fixture(scope="module")
def groups(client: Callable[[str], Any]) -> dict[str, str]:
    """Security groups of the default VPC: `open` lets everybody in, `host` this host's people, `closed` nobody."""
    ec2 = client("ec2")
    vpc_id = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = {}
    for name, block in (("open", "0.0.0.0/0"), ("host", "203.0.113.1/32"), ("closed", None)):
        made[name] = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)["GroupId"]
        for protocol in ("tcp", "udp") if block else ():
            rule = {"IpProtocol": protocol, "FromPort": PORT, "ToPort": PORT, "IpRanges": [{"CidrIp": block}]}
            ec2.authorize_security_group_ingress(GroupId=made[name], IpPermissions=[rule])
    return made


@pytest.fixture(scope="module")
def run(client: Callable[[str], Any], groups: dict[str, str]) -> Callable[..., str]:
    """``run("open")``: a task of that group with a public address that runs; its id."""
    ecs, subnets = client("ecs"), client("ec2").describe_subnets()["Subnets"]
    ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="1024",
        containerDefinitions=[
            {
                "name": "app",
                "image": busybox_image(),
                "command": ["sh", "-c", COMMAND],
                "portMappings": [{"containerPort": PORT}],
            },
            {
                "name": "echo",
                "image": sidecar_image(),
                "entryPoint": ["python3", "-c", ECHO],
                "portMappings": [{"containerPort": PORT, "protocol": "udp"}],
            },
        ],
    )

    def start(group: str, public: str = "ENABLED") -> str:
        network = {
            "subnets": [subnets[0]["SubnetId"]],
            "securityGroups": [groups[group]],
            "assignPublicIp": public,
        }
        answer = ecs.run_task(
            taskDefinition="web", launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": network}
        )
        arn = answer["tasks"][0]["taskArn"]
        wait_for(
            lambda: ecs.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] == "RUNNING",
            timeout_s=60,
            every_s=0.2,
            what="the task to run",
        )
        return str(arn.rpartition("/")[2])

    return start


@pytest.fixture(scope="module")
def web(run: Callable[..., str]) -> str:
    """A task that everybody may reach."""
    return run("open")


def host_port(stack: Stack, task_id: str, protocol: str = "tcp") -> int:
    """The host's port of a public task."""

    def found() -> int | None:
        bindings = stack.admin(f"ecs/tasks/{task_id}/addresses")["networkBindings"]
        return next((each["hostPort"] for each in bindings if each["protocol"] == protocol), None)

    return wait_for(found, what="the port to be open") or 0


def get(port: int, path: str = "") -> bytes:
    with urllib.request.urlopen(f"http://localhost:{port}/{path}", timeout=60) as response:
        body: bytes = response.read()
        return body


def answers(port: int) -> bool:
    try:
        return get(port) == b"hello\n"
    except OSError:
        return False


def test_a_public_task_is_on_its_own_port_of_the_host_and_the_next_on_another(
    stack: Stack, web: str, run: Callable[..., str]
) -> None:
    assert host_port(stack, web) == PORT
    wait_for(lambda: answers(PORT), what="the program to listen")
    other = run("host")
    port = host_port(stack, other)
    assert 11700 <= port <= 11799
    wait_for(lambda: answers(port), what="the program of who lets this host's people in")


def test_a_hundred_connections_and_a_large_transfer_are_whole(stack: Stack, web: str) -> None:
    port = host_port(stack, web)
    wait_for(lambda: answers(port), what="the program to listen")
    with ThreadPoolExecutor(100) as threads:
        assert set(threads.map(lambda _: get(port), range(100))) == {b"hello\n"}
    name = next(name for name in stack.containers() if web[:12] in name and "-app-" in name)
    is_whole = f"docker exec {name} sh -c 'while [ ! -f /tmp/web/large ]; do sleep 0.1; done; md5sum /tmp/web/large'"
    expected = stack.shell(is_whole, timeout_s=120).split()[0]
    body = get(port, "large")
    assert (len(body), hashlib.md5(body, usedforsecurity=False).hexdigest()) == (BYTES, expected)


def test_datagrams_reach_a_public_task(stack: Stack, web: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(1)
        sender.connect(("127.0.0.1", host_port(stack, web, "udp")))

        def echoed() -> bytes:
            sender.send(b"are you there?")
            try:
                return sender.recv(100)
            except OSError:
                return b""

        assert wait_for(echoed, what="an answer") == b"are you there?"


def test_what_the_security_group_does_not_allow_gets_no_answer(
    stack: Stack, client: Callable[[str], Any], groups: dict[str, str], run: Callable[..., str]
) -> None:
    port = host_port(stack, run("closed"))
    with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(100)
    rule = {"IpProtocol": "tcp", "FromPort": PORT, "ToPort": PORT, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    client("ec2").authorize_security_group_ingress(GroupId=groups["closed"], IpPermissions=[rule])
    wait_for(lambda: answers(port), what="the new rule")
    client("ec2").revoke_security_group_ingress(GroupId=groups["closed"], IpPermissions=[rule])


def test_a_private_task_is_reached_by_a_port_forward_alone(stack: Stack, run: Callable[..., str]) -> None:
    private = run("closed", "DISABLED")
    assert stack.admin(f"ecs/tasks/{private}/addresses")["networkBindings"] == []
    said = stack.manage("connect", private)
    port = int(said.partition(" leads to ")[0].rpartition(":")[2])
    assert 11800 <= port <= 11899
    wait_for(lambda: answers(port), what="the task behind the forward")
    forwards = stack.admin("port-forwards")
    (forward,) = [each for each in forwards if each["targetArn"].endswith(private)]
    assert (forward["localPort"], forward["status"]) == (port, "OPEN")
    request = urllib.request.Request(f"{stack.endpoint}/_simfra/port-forwards/{forward['id']}", method="DELETE")
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 204
    wait_for(lambda: not answers(port), what="the port to be closed")


def test_a_stopped_task_is_off_the_host_before_it_is_gone(
    stack: Stack, client: Callable[[str], Any], run: Callable[..., str]
) -> None:
    task_id = run("open")
    port = host_port(stack, task_id)
    wait_for(lambda: answers(port), what="the program to listen")
    client("ecs").stop_task(task=task_id)

    def refuses() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    wait_for(refuses, what="the port to be closed")
    assert client("ecs").describe_tasks(tasks=[task_id])["tasks"][0]["lastStatus"] != "STOPPED"


def test_after_a_restart_of_simfra_the_same_ports_lead_to_the_same_tasks(stack: Stack, web: str) -> None:
    before = host_port(stack, web)
    stack.interrupt()
    assert not answers(before)
    stack.up()
    assert host_port(stack, web) == before
    wait_for(lambda: answers(before), what="the port after the restart")


def test_the_names_of_a_vpc_are_answered_on_the_host(stack: Stack, web: str) -> None:
    address = stack.admin(f"ecs/tasks/{web}/addresses")["privateIp"]
    (resolver,) = stack.admin("network/dns")
    assert 10000 <= resolver["port"] <= 10099
    name = f"ip-{address.replace('.', '-')}.ec2.internal"
    command = ["dig", "+short", f"@{resolver['address']}", "-p", str(resolver["port"]), name]
    assert subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip() == address


def test_the_answer_about_reaching_agrees_with_what_happens(stack: Stack, web: str, run: Callable[..., str]) -> None:
    for task_id, is_open in ((web, True), (run("closed"), False)):
        said = stack.admin("network/reachability", **{"from": "internet", "to": task_id, "port": str(PORT)})
        assert said["allowed"] is is_open, json.dumps(said)
        with socket.create_connection(("127.0.0.1", host_port(stack, task_id)), timeout=2) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            try:
                happened = connection.recv(100) != b""
            except TimeoutError:
                happened = False
        assert happened is is_open
