"""The map of the network, and the answer to whether one thing reaches another."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from console.network.drawing import draw
from console.network.places import network_of
from console.scope import Scope
from tests.console.test_live import connected, received

PATH = "/_simfra/network/reachability"


@pytest.fixture
def vpc(aws: Callable[..., Any], account: Any) -> dict[str, str]:
    """Two interfaces: `web`, whose group is open to everybody on 80, and `database`, which web's group may ask."""
    ec2 = aws("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": "Name", "Value": "shop <b>"}])
    subnets = [
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"10.7.{number}.0/24")["Subnet"]["SubnetId"] for number in (1, 2)
    ]
    web, database = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)["GroupId"]
        for name in ("web", "database")
    )
    everybody = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[everybody])
    of_web = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": web}]}
    ec2.authorize_security_group_ingress(GroupId=database, IpPermissions=[of_web])
    ends = [
        ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
        for subnet, group in zip(subnets, (web, database), strict=True)
    ]
    return {"web": ends[0], "database": ends[1], "group": web, "vpc": vpc_id}


@pytest.fixture
def ask(account: Any) -> Callable[..., Any]:
    def get(source: str, target: str, **more: Any) -> Any:
        return Client().get(PATH, {"from": source, "to": target, "account": account.account_id, **more})

    return get


def test_the_rule_that_lets_one_reach_the_other_is_named(vpc: dict[str, str], ask: Callable[..., Any]) -> None:
    answer = ask(vpc["web"], vpc["database"], port=5432).json()
    assert answer["allowed"] is True
    assert answer["decidedBy"]["rule"].endswith(f"ingress of tcp 5432 from {vpc['group']}")
    assert answer["checks"][-1] == answer["decidedBy"]


def test_what_is_not_allowed_says_where_it_ends(vpc: dict[str, str], ask: Callable[..., Any]) -> None:
    answer = ask(vpc["web"], vpc["database"], port=22).json()
    assert answer["allowed"] is False
    assert answer["decidedBy"]["rule"] == "no rule allows tcp 22 from " + _address(vpc["web"])
    outside = ask("internet", vpc["web"], port=80).json()
    assert (outside["allowed"], outside["decidedBy"]["border"]) == (False, f"public address of {vpc['web']}")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"to": ""}, "Say both ends: from and to."),
        ({"to": "eni-0123456789abcdef0"}, "There is no network interface eni-0123456789abcdef0 in us-east-1."),
        ({"to": "somewhere"}, "somewhere is neither"),
        ({"port": "x"}, "port is a number from 1 to 65535."),
        ({"protocol": "carrier-pigeon"}, "protocol is one of tcp, udp, icmp."),
        ({"to": "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/a/b"}, "no load balancer"),
    ],
)
def test_a_question_without_sense_is_refused(
    vpc: dict[str, str], ask: Callable[..., Any], question: dict[str, str], reason: str
) -> None:
    asked = {"source": vpc["web"], "target": vpc["database"], "port": "80", **question}
    answer = ask(asked.pop("source"), asked.pop("to", asked.pop("target")), **asked)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_a_task_may_be_asked_about_by_its_id(
    aws: Callable[..., Any], vpc: dict[str, str], ask: Callable[..., Any]
) -> None:
    ecs, ec2 = aws("ecs"), aws("ec2")
    subnet = ec2.describe_network_interfaces(NetworkInterfaceIds=[vpc["web"]])["NetworkInterfaces"][0]["SubnetId"]
    ecs.register_task_definition(
        family="job", networkMode="awsvpc", containerDefinitions=[{"name": "app", "image": "busybox", "memory": 64}]
    )
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [vpc["group"]]}}
    task = ecs.run_task(taskDefinition="job", networkConfiguration=network)["tasks"][0]["taskArn"]
    for name in (task, task.rpartition("/")[2]):
        assert ask(name, vpc["database"], port=5432).json()["allowed"] is True


def test_the_map_draws_what_there_is_and_who_reaches_whom(browser: Client, vpc: dict[str, str]) -> None:
    page = browser.get("/network/").content.decode()
    assert "shop &lt;b&gt;" in page
    for end in ("internet", vpc["web"], vpc["database"]):
        assert f'data-end="{end}"' in page
    assert f'data-source="{vpc["web"]}" data-target="{vpc["database"]}"' in page
    assert page.count('role="button" aria-pressed="false"') == 3, "each can be chosen by the keyboard"
    assert "style=" not in page, "the page's policy allows no style in elements"


def test_the_page_answers_also_without_a_script(browser: Client, vpc: dict[str, str]) -> None:
    question = {"from": vpc["web"], "to": vpc["database"], "port": "5432"}
    assert "<strong>Yes.</strong>" in browser.get("/network/", question).content.decode()
    refused = browser.get("/network/", {**question, "port": "22"}, headers={"HX-Request": "true"}).content.decode()
    assert "<strong>No.</strong>" in refused
    assert "<html" not in refused
    assert "port is a number" in browser.get("/network/", {**question, "port": "no"}).content.decode()


def test_nothing_is_drawn_over_something_else(account: Any, vpc: dict[str, str]) -> None:
    drawing = draw(network_of(Scope(account.account_id, "us-east-1")))
    only, unused = drawing.vpcs
    assert only.y + only.height < unused.y
    boxes = [*only.subnets, *(card for subnet in only.subnets for card in subnet.cards)]
    assert len(boxes) == 4
    for box in boxes:
        assert only.x < box.x and box.x + box.width < only.x + only.width
        assert only.y < box.y and box.y + box.height < only.y + only.height
    one, other = only.subnets
    assert one.x + one.width < other.x
    assert only.y > drawing.internet.y + drawing.internet.height
    assert unused.y + unused.height < drawing.height


def _address(interface: str) -> str:
    from aws_api.services.ec2.models import NetworkInterface

    return NetworkInterface.objects.get(resource_id=interface).private_address


async def test_a_change_of_a_rule_is_drawn_while_somebody_looks(
    browser: Client, aws: Callable[..., Any], vpc: dict[str, str]
) -> None:
    line = f'data-source="{vpc["web"]}" data-target="{vpc["database"]}"'
    async with connected("/_simfra/live/network", browser) as socket:
        assert line in await received(socket, 'hx-target="#map"')
        ec2 = aws("ec2")
        (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["database"]}])[
            "SecurityGroups"
        ]
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
        assert line not in await received(socket, 'hx-target="#map"')
