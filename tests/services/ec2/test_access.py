"""Which permissions calls of EC2's networking need."""

import asyncio
from typing import Any

import pytest

from aws_api.core.context import Context
from aws_api.core.invoke import find_operation
from aws_api.core.service import get_service


@pytest.mark.parametrize(
    ("operation", "request_", "resources"),
    [
        ("DescribeNatGateways", {"NatGatewayIds": ["nat-1"]}, ["*"]),
        ("GetManagedPrefixListEntries", {"PrefixListId": "pl-1"}, ["*"]),
        ("AllocateAddress", {}, ["elastic-ip/*"]),
        ("ReleaseAddress", {"AllocationId": "eipalloc-1"}, ["elastic-ip/eipalloc-1"]),
        (
            "CreateNatGateway",
            {"SubnetId": "subnet-1", "AllocationId": "eipalloc-1"},
            ["subnet/subnet-1", "elastic-ip/eipalloc-1", "natgateway/*"],
        ),
        (
            "CreateVpcEndpoint",
            {"VpcId": "vpc-1", "RouteTableIds": ["rtb-1"], "SecurityGroupIds": ["sg-1"]},
            ["vpc/vpc-1", "route-table/rtb-1", "security-group/sg-1", "vpc-endpoint/*"],
        ),
        (
            "DeleteVpcEndpoints",
            {"VpcEndpointIds": ["vpce-1", "vpce-2"]},
            ["vpc-endpoint/vpce-1", "vpc-endpoint/vpce-2"],
        ),
        (
            "CreateVpcPeeringConnection",
            {"VpcId": "vpc-1", "PeerVpcId": "vpc-2"},
            ["vpc/vpc-1", "vpc-peering-connection/*"],
        ),
        (
            "DeleteNetworkInterfacePermission",
            {"NetworkInterfacePermissionId": "eni-perm-1"},
            ["network-interface-permission/eni-perm-1"],
        ),
        ("DeleteFlowLogs", {"FlowLogIds": ["fl-1"]}, ["vpc-flow-log/fl-1"]),
        ("ModifyManagedPrefixList", {"PrefixListId": "pl-1"}, ["prefix-list/pl-1"]),
        ("DeleteNetworkAclEntry", {"NetworkAclId": "acl-1"}, ["network-acl/acl-1"]),
    ],
)
def test_a_call_needs_its_action_on_what_it_names_and_makes(
    context: Context, operation: str, request_: dict[str, Any], resources: list[str]
) -> None:
    service = get_service("ec2")
    assert service is not None
    needed = asyncio.run(service.needed_access(find_operation("ec2", operation), context, request_))
    assert [(access[0], access[1].rpartition(":")[2]) for access in needed] == [
        (f"ec2:{operation}", resource) for resource in resources
    ]
