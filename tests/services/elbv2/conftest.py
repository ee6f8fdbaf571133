"""What tests of Elastic Load Balancing start from: clients, and a load balancer in the default VPC."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def elbv2(aws: Callable[..., Any]) -> Any:
    return aws("elbv2")


@pytest.fixture
def acm(aws: Callable[..., Any]) -> Any:
    return aws("acm")


@pytest.fixture
def subnets(aws: Callable[..., Any]) -> list[str]:
    """Two subnets of the default VPC, in two zones."""
    found = aws("ec2").describe_subnets()["Subnets"]
    return [subnet["SubnetId"] for subnet in found[:2]]


@pytest.fixture
def vpc_id(aws: Callable[..., Any]) -> str:
    return str(aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])


@pytest.fixture
def load_balancer(elbv2: Any, subnets: list[str]) -> dict[str, Any]:
    """An application load balancer."""
    (made,) = elbv2.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"]
    return dict(made)


@pytest.fixture
def group(elbv2: Any, vpc_id: str) -> dict[str, Any]:
    """A target group of addresses."""
    (made,) = elbv2.create_target_group(Name="app", Protocol="HTTP", Port=80, VpcId=vpc_id, TargetType="ip")[
        "TargetGroups"
    ]
    return dict(made)


@pytest.fixture
def listener(elbv2: Any, load_balancer: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    """A listener on port 80 that forwards to the group."""
    (made,) = elbv2.create_listener(
        LoadBalancerArn=load_balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )["Listeners"]
    return dict(made)
