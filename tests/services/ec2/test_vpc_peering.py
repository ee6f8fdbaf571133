"""Peering of VPCs, between accounts and regions too."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aws_api.core.ids import new_account_id
from aws_api.core.models import Account
from aws_api.services.ec2.endings import forget_ended
from tests.services.ec2.conftest import Refused


@pytest.fixture
def other_vpc_id(ec2: Any) -> str:
    """A VPC 10.9.0.0/16."""
    made: str = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return made


@pytest.fixture
def peering_id(ec2: Any, vpc_id: str, other_vpc_id: str) -> str:
    """A connection of the two that is active."""
    made: str = ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=other_vpc_id)["VpcPeeringConnection"][
        "VpcPeeringConnectionId"
    ]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)
    return made


def status_of(ec2: Any, peering_id: str) -> str:
    (found,) = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering_id])["VpcPeeringConnections"]
    code: str = found["Status"]["Code"]
    return code


def test_a_connection_is_asked_for_accepted_and_deleted(
    ec2: Any, vpc_id: str, other_vpc_id: str, refused: Refused, kicks: list[tuple[str, str]]
) -> None:
    made = ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=other_vpc_id)["VpcPeeringConnection"]
    peering_id = made["VpcPeeringConnectionId"]
    assert made["Status"]["Code"] == "initiating-request"
    assert status_of(ec2, peering_id) == "pending-acceptance"
    with refused("VpcPeeringConnectionAlreadyExists"):
        ec2.create_vpc_peering_connection(VpcId=other_vpc_id, PeerVpcId=vpc_id)
    kicks.clear()
    accepted = ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)["VpcPeeringConnection"]
    assert accepted["Status"]["Code"] == "active"
    assert accepted["AccepterVpcInfo"]["CidrBlock"] == "10.9.0.0/16"
    assert {key.rpartition("/")[2] for _, key in kicks} == {vpc_id, other_vpc_id}
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    assert status_of(ec2, peering_id) == "deleted"
    with refused(
        "InvalidStateTransition",
        f"Invalid state transition for {peering_id}, attempted to transition from deleted to deleting",
    ):
        ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    forget_ended(datetime.now(UTC) + timedelta(hours=3))
    with refused("InvalidVpcPeeringConnectionID.NotFound"):
        status_of(ec2, peering_id)


def test_overlapping_blocks_fail(ec2: Any, vpc_id: str, refused: Refused) -> None:
    same_id = ec2.create_vpc(CidrBlock="10.0.128.0/17")["Vpc"]["VpcId"]
    made = ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=same_id)["VpcPeeringConnection"]
    assert status_of(ec2, made["VpcPeeringConnectionId"]) == "failed"
    with refused("InvalidStateTransition"):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made["VpcPeeringConnectionId"])


def test_a_request_may_be_rejected_and_expires(ec2: Any, vpc_id: str, other_vpc_id: str) -> None:
    rejected, late = (
        ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=peer)["VpcPeeringConnection"][
            "VpcPeeringConnectionId"
        ]
        for peer in (other_vpc_id, ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"])
    )
    ec2.reject_vpc_peering_connection(VpcPeeringConnectionId=rejected)
    assert status_of(ec2, rejected) == "rejected"
    forget_ended(datetime.now(UTC) + timedelta(days=7, minutes=1))
    assert status_of(ec2, late) == "expired"


def test_only_the_other_account_accepts(ec2: Any, aws: Callable[..., Any], vpc_id: str, refused: Refused) -> None:
    other = Account.objects.create(account_id=new_account_id())
    theirs = aws(
        "ec2",
        region_name="eu-west-1",
        key=other.root_access_key_id,
        secret=other.root_secret_access_key,
    )
    peer_id = theirs.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    request = {"VpcId": vpc_id, "PeerVpcId": peer_id, "PeerOwnerId": other.account_id, "PeerRegion": "eu-west-1"}
    peering_id = ec2.create_vpc_peering_connection(**request)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    with refused("OperationNotPermitted"):
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    theirs.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    assert status_of(ec2, peering_id) == "active"
    theirs.create_tags(Resources=[peering_id], Tags=[{"Key": "side", "Value": "theirs"}])
    (mine,) = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
    (seen,) = theirs.describe_vpc_peering_connections()["VpcPeeringConnections"]
    assert (mine["Tags"], seen["Tags"]) == ([], [{"Key": "side", "Value": "theirs"}])
    with refused("OperationNotPermitted"):
        ec2.modify_vpc_peering_connection_options(
            VpcPeeringConnectionId=peering_id,
            AccepterPeeringConnectionOptions={"AllowDnsResolutionFromRemoteVpc": True},
        )


def test_a_vpc_that_is_not_there_fails_elsewhere_and_is_refused_here(ec2: Any, vpc_id: str, refused: Refused) -> None:
    with refused("InvalidVpcID.NotFound"):
        ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId="vpc-0")
    made = ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId="vpc-0", PeerOwnerId="123456789012")
    assert status_of(ec2, made["VpcPeeringConnection"]["VpcPeeringConnectionId"]) == "failed"


def test_routes_lead_over_active_connections_only(ec2: Any, vpc_id: str, peering_id: str, refused: Refused) -> None:
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    request = {"RouteTableId": table_id, "DestinationCidrBlock": "10.9.0.0/16", "VpcPeeringConnectionId": peering_id}
    ec2.create_route(**request)
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    assert table["Routes"][1]["State"] == "blackhole"
    with refused("InvalidVpcPeeringConnectionID.NotFound"):
        ec2.create_route(**{**request, "DestinationCidrBlock": "10.8.0.0/16", "VpcPeeringConnectionId": "pcx-0"})


def test_options_need_an_active_connection(ec2: Any, peering_id: str, refused: Refused) -> None:
    options = {"RequesterPeeringConnectionOptions": {"AllowDnsResolutionFromRemoteVpc": True}}
    ec2.modify_vpc_peering_connection_options(VpcPeeringConnectionId=peering_id, **options)
    (found,) = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering_id])["VpcPeeringConnections"]
    assert found["RequesterVpcInfo"]["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"]
    assert not found["AccepterVpcInfo"]["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"]
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    with refused("OperationNotPermitted"):
        ec2.modify_vpc_peering_connection_options(VpcPeeringConnectionId=peering_id, **options)


def test_groups_of_peered_vpcs_are_named_and_become_stale(
    ec2: Any, vpc_id: str, other_vpc_id: str, peering_id: str, refused: Refused
) -> None:
    mine = ec2.create_security_group(GroupName="mine", Description="x", VpcId=vpc_id)["GroupId"]
    theirs = ec2.create_security_group(GroupName="theirs", Description="x", VpcId=other_vpc_id)["GroupId"]
    permissions = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": theirs}]}]
    ec2.authorize_security_group_ingress(GroupId=mine, IpPermissions=permissions)
    (reference,) = ec2.describe_security_group_references(GroupId=[theirs])["SecurityGroupReferenceSet"]
    assert (reference["ReferencingVpcId"], reference["VpcPeeringConnectionId"]) == (vpc_id, peering_id)
    assert ec2.describe_stale_security_groups(VpcId=vpc_id)["StaleSecurityGroupSet"] == []
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=theirs)
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    (stale,) = ec2.describe_stale_security_groups(VpcId=vpc_id)["StaleSecurityGroupSet"]
    assert stale["StaleIpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == theirs
    other = ec2.create_security_group(GroupName="other", Description="x", VpcId=vpc_id)["GroupId"]
    with refused("InvalidGroup.NotFound", "You have specified two resources that belong to different networks."):
        ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=permissions)


def test_a_deleted_vpc_takes_its_connections_with_it(ec2: Any, other_vpc_id: str, peering_id: str) -> None:
    ec2.delete_vpc(VpcId=other_vpc_id)
    assert status_of(ec2, peering_id) == "deleted"
