"""Managed prefix lists and their versions."""

from typing import Any

import pytest

from tests.services.ec2.conftest import Refused

FIRST = {"Cidr": "192.0.2.0/24", "Description": "first"}
SECOND = {"Cidr": "198.51.100.0/24"}


@pytest.fixture
def list_id(ec2: Any) -> str:
    """A list of two blocks that may have three."""
    made: str = ec2.create_managed_prefix_list(
        PrefixListName="offices", AddressFamily="IPv4", MaxEntries=3, Entries=[FIRST, SECOND]
    )["PrefixList"]["PrefixListId"]
    return made


def entries(ec2: Any, list_id: str, **options: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = ec2.get_managed_prefix_list_entries(PrefixListId=list_id, **options)["Entries"]
    return found


def test_each_change_of_entries_is_a_version(ec2: Any, list_id: str, refused: Refused) -> None:
    third = {"Cidr": "203.0.113.0/24"}
    changed = ec2.modify_managed_prefix_list(
        PrefixListId=list_id, CurrentVersion=1, AddEntries=[third], RemoveEntries=[{"Cidr": FIRST["Cidr"]}]
    )["PrefixList"]
    assert (changed["Version"], changed["State"]) == (2, "modify-in-progress")
    assert entries(ec2, list_id) == [SECOND, third]
    assert entries(ec2, list_id, TargetVersion=1) == [FIRST, SECOND]
    with refused("PrefixListVersionMismatch"):
        ec2.modify_managed_prefix_list(PrefixListId=list_id, CurrentVersion=1, AddEntries=[third])
    ec2.restore_managed_prefix_list_version(PrefixListId=list_id, PreviousVersion=1, CurrentVersion=2)
    (found,) = ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])["PrefixLists"]
    assert (found["Version"], found["State"]) == (3, "restore-complete")
    assert entries(ec2, list_id) == [FIRST, SECOND]
    page = ec2.get_managed_prefix_list_entries(PrefixListId=list_id, MaxResults=1)
    assert page["Entries"] == [FIRST]
    assert entries(ec2, list_id, MaxResults=1, NextToken=page["NextToken"]) == [SECOND]


def test_what_does_not_fit_is_refused(ec2: Any, list_id: str, refused: Refused) -> None:
    more = [{"Cidr": "10.0.0.0/24"}, {"Cidr": "10.0.1.0/24"}]
    with refused("PrefixListMaxEntriesExceeded"):
        ec2.modify_managed_prefix_list(PrefixListId=list_id, CurrentVersion=1, AddEntries=more)
    with refused("PrefixListMaxEntriesExceeded"):
        ec2.modify_managed_prefix_list(PrefixListId=list_id, MaxEntries=1)
    with refused("InvalidParameterValue"):
        ec2.modify_managed_prefix_list(PrefixListId=list_id, CurrentVersion=1, AddEntries=[{"Cidr": "10.0.0.1/24"}])
    with refused("InvalidPrefixListModification"):
        ec2.modify_managed_prefix_list(PrefixListId=list_id, CurrentVersion=1, RemoveEntries=[{"Cidr": "10.0.0.0/8"}])
    with refused("InvalidPrefixListID.NotFound"):
        ec2.get_managed_prefix_list_entries(PrefixListId="pl-0")


def test_rules_and_routes_name_a_list(
    ec2: Any, vpc_id: str, list_id: str, refused: Refused, kicks: list[tuple[str, str]]
) -> None:
    group_id = ec2.create_security_group(GroupName="web", Description="x", VpcId=vpc_id)["GroupId"]
    permissions = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": list_id}]}]
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=permissions)
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    assert group["IpPermissions"][0]["PrefixListIds"] == [{"PrefixListId": list_id}]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group_id]}])
    assert list_id in {rule.get("PrefixListId") for rule in rules["SecurityGroupRules"]}
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    nat_id = ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table_id, DestinationPrefixListId=list_id, NatGatewayId=nat_id)
    named = ec2.get_managed_prefix_list_associations(PrefixListId=list_id)["PrefixListAssociations"]
    assert {each["ResourceId"] for each in named} == {group_id, table_id}
    with refused("DependencyViolation"):
        ec2.delete_managed_prefix_list(PrefixListId=list_id)
    kicks.clear()
    ec2.modify_managed_prefix_list(PrefixListId=list_id, CurrentVersion=1, RemoveEntries=[{"Cidr": FIRST["Cidr"]}])
    assert {key.rpartition("/")[2] for _, key in kicks} == {vpc_id}
    ec2.delete_route(RouteTableId=table_id, DestinationPrefixListId=list_id)
    ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=permissions)
    ec2.delete_managed_prefix_list(PrefixListId=list_id)


def test_awss_own_lists_are_there_and_nobodys_to_change(ec2: Any, refused: Refused) -> None:
    (found,) = ec2.describe_managed_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": ["com.amazonaws.us-east-1.s3"]}]
    )["PrefixLists"]
    assert (found["PrefixListId"], found["OwnerId"]) == ("pl-63a5400a", "AWS")
    (old,) = ec2.describe_prefix_lists(PrefixListIds=["pl-63a5400a"])["PrefixLists"]
    assert old["Cidrs"]
    with refused("OperationNotPermitted"):
        ec2.delete_managed_prefix_list(PrefixListId="pl-63a5400a")
