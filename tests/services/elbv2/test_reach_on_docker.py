"""Who reaches a load balancer, what it reaches, and what it writes down, on a real engine."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from aws_api.core.network import network_provider
from tests.services.elbv2.world import World, open_world
from tests.support.docker_engine import docker_settings
from tests.support.waiting import wait_for

__all__ = ["docker_settings"]
pytestmark = pytest.mark.docker

QUIET = ("--max-time", "2")
ASK_BY_DATAGRAM = (
    "import socket,sys\n"
    "s=socket.socket(2,2); s.settimeout(2); s.sendto(b'hi',(sys.argv[1],7001))\n"
    "try: print(s.recv(100).decode())\n"
    "except TimeoutError: print('nothing')\n"
)


@pytest.fixture(scope="module")
def world(docker_settings: None, gateway: Any) -> Iterator[World]:
    with open_world(gateway) as opened:
        yield opened


@pytest.fixture(scope="module")
def application(world: World) -> dict[str, Any]:
    """An application load balancer with one target, and a security group of its own. Further targets start slowly."""
    made = world.load_balancer("web", SecurityGroups=[closed_group(world, "web")])
    target_group = world.group("web", (8001,))
    slow = [{"Key": "slow_start.duration_seconds", "Value": "120"}]
    world.aws("elbv2").modify_target_group_attributes(TargetGroupArn=target_group, Attributes=slow)
    listener = listen(world, made, target_group, Protocol="HTTP", Port=80)
    world.wait_health(target_group, 8001, "healthy")
    return {**made, "Listener": listener, "Group": target_group, "Url": f"http://{made['Address']}/hello"}


def closed_group(world: World, name: str) -> str:
    """A security group that lets nothing in; the targets let in what comes from it."""
    ec2 = world.aws("ec2")
    vpc = world.attachment.vpc_id
    made = str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"])
    of_targets = world.attachment.security_group_ids[0]
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": made}]}
    ec2.authorize_security_group_ingress(GroupId=of_targets, IpPermissions=[permission])
    return made


def let_in(world: World, group: str, protocol: str, port: int) -> None:
    block = [{"CidrIp": f"{world.target_address}/32"}]
    permission = {"IpProtocol": protocol, "FromPort": port, "ToPort": port, "IpRanges": block}
    world.aws("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])


def listen(world: World, balancer: dict[str, Any], group: str, **members: Any) -> str:
    action = {"Type": "forward", "TargetGroupArn": group}
    (made,) = world.aws("elbv2").create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], DefaultActions=[action], **members
    )["Listeners"]
    return str(made["ListenerArn"])


def test_its_security_groups_decide_who_reaches_it(world: World, application: dict[str, Any]) -> None:
    assert world.get(application["Url"], *QUIET).status == 0
    (group,) = application["SecurityGroups"]
    let_in(world, group, "tcp", 80)
    wait_for(lambda: world.get(application["Url"], *QUIET).status == 200, timeout_s=20, what="the rule")


def test_requests_are_written_down_as_aws_writes_them(world: World, application: dict[str, Any]) -> None:
    wanted = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": "logs", "access_logs.s3.prefix": "web"}
    attributes = [{"Key": key, "Value": value} for key, value in wanted.items()]
    arn = application["LoadBalancerArn"]
    world.aws("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)
    folder = Path(settings.SIMFRA_DATA_DIR, "access-logs", "logs", "web", "AWSLogs", world.account.account_id)

    def written() -> str | None:
        world.get(f"{application['Url']}?a=1", "-A", 'a "browser"')
        lines = [line for file in folder.rglob("*.log") for line in file.read_text().splitlines()]
        return next((line for line in lines if "?a=1 " in line), None)

    entry = wait_for(written, timeout_s=40, every_s=1, what="an entry") or ""
    fields = entry.split(" ")
    assert fields[0] == "http"
    assert fields[2] == arn.rpartition(":loadbalancer/")[2]
    assert fields[3].startswith(f"{world.target_address}:")
    assert fields[4] == f"{world.target_address}:8001"
    assert all(0 <= float(seconds) < 20 for seconds in fields[5:8])
    assert fields[8:10] == ["200", "200"]
    assert f'"GET http://{application["Address"]}:80/hello?a=1 HTTP/1.1"' in entry
    assert 'a \\"browser\\"' in entry
    assert f" {application['Group']} " in entry
    assert '"Root=1-' in entry
    assert '"forward" "-" "-"' in entry
    assert entry.endswith(f'"{world.target_address}:8001" "200" "-" "-"')


def test_a_new_target_starts_slowly_beside_others(world: World, application: dict[str, Any]) -> None:
    world.register(application["Group"], 8002)
    world.wait_health(application["Group"], 8002, "healthy")
    found = world.ports_of(world.many(application["Url"], 60))
    assert found[8001] > 3 * found.get(8002, 0)
    world.deregister(application["Group"], 8002)


def test_a_network_load_balancers_groups_hold_for_datagrams(world: World) -> None:
    group = closed_group(world, "datagrams")
    made = world.load_balancer("datagrams", Type="network", Scheme="internal", SecurityGroups=[group])
    targets = world.group("datagrams", (9101,), Protocol="UDP", HealthCheckPort="9001")
    listen(world, made, targets, Protocol="UDP", Port=7001)
    world.wait_health(targets, 9101, "healthy")
    assert world.python(ASK_BY_DATAGRAM, made["Address"]).strip() == "nothing"
    let_in(world, group, "udp", 7001)
    wait_for(lambda: world.python(ASK_BY_DATAGRAM, made["Address"]).strip() == "9101 hi", timeout_s=20, what="the rule")


def test_an_application_load_balancer_is_a_target_wherever_it_moves(world: World) -> None:
    elbv2 = world.aws("elbv2")
    behind = world.load_balancer("behind", Scheme="internal")
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "from behind"}}
    elbv2.create_listener(LoadBalancerArn=behind["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[answer])
    front = world.load_balancer("front", Type="network", Scheme="internal")
    targets = world.group("front", Protocol="TCP", TargetType="alb", HealthCheckPath="/")
    elbv2.register_targets(TargetGroupArn=targets, Targets=[{"Id": behind["LoadBalancerArn"]}])
    listen(world, front, targets, Protocol="TCP", Port=80)
    url = f"http://{front['Address']}/"
    world.wait_health(targets, 80, "healthy")
    assert world.get(url).body == "from behind"
    others = network_provider().default_subnet_ids(world.context)[2:4]
    elbv2.set_subnets(LoadBalancerArn=behind["LoadBalancerArn"], Subnets=others)
    moved_at = time.monotonic()
    wait_for(
        lambda: world.address_of(behind) != behind["Address"] and world.get(url, *QUIET).body == "from behind",
        timeout_s=60,
        what="traffic to its new address",
    )
    assert time.monotonic() - moved_at < 60
