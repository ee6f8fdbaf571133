"""Load balancers in the browser: rules in words, target health, host addresses, figures."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.test import Client

from aws_api.core.changes import StateChange, publish
from aws_api.services.elbv2.figures import add_traffic
from aws_api.services.elbv2.models import LoadBalancer, Target
from console.rules_in_words import actions_in_words, conditions_in_words
from tests.console.test_live import connected, received
from tests.console.test_pages import page
from tests.support.threads import in_thread


@pytest.fixture
def shop(aws: Callable[..., Any]) -> str:
    """A load balancer ``shop`` with a listener and a target; its target group's ARN."""
    elbv2, ec2 = aws("elbv2"), aws("ec2")
    subnets = ec2.describe_subnets()["Subnets"][:2]
    group = elbv2.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"], TargetType="ip")[
        "TargetGroups"
    ][0]["TargetGroupArn"]
    balancer = elbv2.create_load_balancer(Name="shop", Subnets=[each["SubnetId"] for each in subnets])
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )["Listeners"][0]["ListenerArn"]
    elbv2.create_rule(
        ListenerArn=listener,
        Priority=5,
        Conditions=[{"Field": "path-pattern", "Values": ["/old/*"]}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "410"}}],
    )
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": subnets[0]["CidrBlock"].replace("0/20", "9")}])
    return str(group)


def shown(browser: Client, path: str = "/load-balancers/shop/") -> str:
    return unescape(page(browser, path))


def test_a_load_balancer_is_listed_and_shown(browser: Client, shop: str) -> None:
    assert "/load-balancers/shop/" in shown(browser, "/load-balancers/")
    text = shown(browser)
    assert "the path is /old/*" in text
    assert "answer 410" in text
    assert "forward to web" in text
    assert "shop.elb.us-east-1.simfra.dev" in text


def test_health_has_its_reason(browser: Client, shop: str) -> None:
    Target.objects.filter(group__arn=shop).update(
        last_state="unhealthy", last_reason="Target.Timeout", last_description="Request timed out"
    )
    text = shown(browser)
    assert "Request timed out" in text
    assert "Target.Timeout" in text


def test_figures_are_points_of_plots(browser: Client, shop: str, account: Any) -> None:
    row = LoadBalancer.objects.get(account_id=account.account_id, name="shop")
    minute = int(datetime.now(UTC).timestamp() // 60)
    add_traffic(row, minute, {"": {"RequestCount": 4, "HTTPCode_Target_2XX_Count": 4, "TargetResponseTime": 2}})
    text = shown(browser)
    assert f"[{minute * 60.0},4]" in text
    assert f"[{minute * 60.0},0.5]" in text


def test_another_accounts_load_balancers_are_not_shown(browser: Client, shop: str) -> None:
    assert Client().get("/load-balancers/shop/").status_code == 404
    assert "/load-balancers/shop/" not in page(Client(), "/load-balancers/")


async def test_health_goes_live(browser: Client, shop: str, account: Any) -> None:
    def turn(state: str) -> None:
        Target.objects.filter(group__arn=shop).update(last_state=state, last_description=f"it is {state}")
        told = {"account_id": account.account_id, "region": "us-east-1", "before": "", "after": state, "cause": "told"}
        publish(StateChange(kind="elbv2.target", key=f"{shop}/10.0.0.9:80", at=datetime.now(UTC), **told))

    async with connected("/_simfra/live/load-balancers/shop", browser) as socket:
        await received(socket, 'hx-target="#targets"')
        await in_thread(turn, "healthy")
        await received(socket, ">healthy<")


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example", "b.example"]}},
            "the host is a.example or b.example",
        ),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}, "it comes from 10.0.0.0/8"),
        (
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["1"]}},
            "the header X-A is 1",
        ),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}]}}, "the query has v=2"),
    ],
)
def test_conditions_are_sentences(condition: dict[str, Any], words: str) -> None:
    assert conditions_in_words([condition]) == [words]


def test_actions_are_sentences() -> None:
    groups = [{"TargetGroupArn": "a", "Weight": 3}, {"TargetGroupArn": "b", "Weight": 1}]
    sticky = {"Enabled": True, "DurationSeconds": 60}
    forward = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky}}
    redirect = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443"}}
    assert actions_in_words([forward, redirect], {"a": "blue", "b": "green"}) == [
        "forward to blue (75 %) and green (25 %), the same group for 60 s",
        "redirect to https://#{host}:443/#{path}?#{query} (301)",
    ]
