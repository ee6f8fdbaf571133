"""What a gateway is told of a VPC in which everything is allowed: for tests that are about something else."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from aws_api.services.ec2.filtering.policies import (
    EVERYWHERE,
    AclEntry,
    Group,
    GroupRule,
    Interface,
    NetworkAcl,
    Policies,
    RouteLine,
    RouteTable,
    Subnet,
    Vpc,
    Way,
)
from aws_api.services.ec2.filtering.rendering import gateway_policies
from aws_api.services.ec2.filtering.traffic import Match

_VPC, _GROUP, _TABLE, _ACL = "vpc-1", "sg-1", "rtb-1", "acl-1"


def open_policies(
    cidr: str, subnet_cidrs: Iterable[str] = (), interfaces: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Of a VPC with an internet gateway. ``interfaces`` are addresses by their ids; each has its id for a token."""
    subnets = {
        f"subnet-{number}": Subnet(
            subnet_id=f"subnet-{number}", vpc_id=_VPC, block=IPv4Network(each), table_id=_TABLE, acl_id=_ACL
        )
        for number, each in enumerate(subnet_cidrs)
    }
    found = {
        name: Interface(
            interface_id=name,
            subnet_id=next(each for each in subnets if IPv4Address(address) in subnets[each].block),
            addresses=(IPv4Address(address),),
            group_ids=(_GROUP,),
            public_address=IPv4Address("198.18.0.1"),
        )
        for name, address in (interfaces or {}).items()
    }
    both = (True, False)
    policies = Policies(
        vpcs={_VPC: Vpc(vpc_id=_VPC, key=_VPC, blocks=(IPv4Network(cidr),))},
        subnets=subnets,
        tables={
            _TABLE: RouteTable(
                table_id=_TABLE,
                lines=(
                    RouteLine(destination=cidr, blocks=(IPv4Network(cidr),), way=Way.LOCAL, target="local"),
                    RouteLine(destination="0.0.0.0/0", blocks=(EVERYWHERE,), way=Way.INTERNET, target="igw-1"),
                ),
            )
        },
        acls={
            _ACL: NetworkAcl(
                acl_id=_ACL,
                entries=tuple(
                    AclEntry(number=100, is_egress=is_egress, is_allowed=True, match=Match(), block=EVERYWHERE)
                    for is_egress in both
                ),
            )
        },
        groups={
            _GROUP: Group(
                group_id=_GROUP,
                vpc_id=_VPC,
                rules=tuple(
                    GroupRule(rule_id="sgr-1", is_egress=is_egress, match=Match(), blocks=(EVERYWHERE,))
                    for is_egress in both
                ),
            )
        },
        interfaces=found,
    )
    return gateway_policies(policies, _VPC, peer_gateways={}, tokens={name: name for name in found})
